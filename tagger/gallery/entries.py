"""The images of a gallery, kept in a temporary file: there may be any number of them."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.errors import OutputError

#: In place of a probability that the table does not have.
UNKNOWN = 0xFFFF

# Images that are in memory at a time while all are gone through.
_AT_A_TIME = 1000

# What is written is never needed again, so nothing is kept to take it back.
_SETTINGS = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000;"
_TABLES = """
CREATE TABLE image (
    path BLOB PRIMARY KEY, tags TEXT, reason TEXT, scores BLOB, corrected TEXT, known TEXT
) WITHOUT ROWID;
CREATE TABLE shown (place INTEGER PRIMARY KEY, path BLOB);
CREATE TABLE doubt (path BLOB, doubt REAL);
CREATE TABLE thumbnail (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Entry:
    """An image of a gallery.

    Attributes:
        path: as the table has it.
        tags: in the order of the table, each once.
        reason: why it could not be tagged; empty if it could.
        scores: of the labels, in ten-thousandths, or :data:`UNKNOWN`.
        corrected: what a person changed, as an earlier gallery noted it; empty for nothing.
        known: tags that are known to be right; None if that is not known.
    """

    path: str
    tags: list[str]
    reason: str
    scores: array[int]
    corrected: str
    known: list[str] | None = None


class Entries:
    """The images of a table, and which of them are shown, in which order.

    They lie in a database that SQLite keeps in a temporary file, which is gone when it is closed.

    Attributes:
        labels: what the scores are of; none if the table has no probabilities.

    Raises:
        OutputError: by all methods: there is no room for the file.
    """

    def __init__(self) -> None:
        self.labels: tuple[str, ...] = ()
        self._kept: Sequence[int] | None = None
        self._file = sqlite3.connect("", isolation_level=None)
        with _storing():
            self._file.executescript(f"{_SETTINGS}{_TABLES}BEGIN")

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def add(self, entry: Entry) -> bool:
        """Add an image; return whether there was none of its path.

        Its scores need not be those of the labels, see :meth:`label`.
        """
        return self._put("INSERT OR IGNORE", entry)

    def replace(self, entry: Entry) -> None:
        """Put an image in place of the one that has its path."""
        self._put("INSERT OR REPLACE", entry)

    def find(self, path: str) -> Entry | None:
        """Return the image of a path, as it was added."""
        found = self._all("SELECT * FROM image WHERE path = ?", (os.fsencode(path),))
        return next((_as_entry(one) for one in found), None)

    def label(self, labels: Sequence[str], kept: Sequence[int] | None) -> None:
        """Say what the scores are of.

        Args:
            labels: their names.
            kept: which of the scores of each image they are; None if those are of its tags.
        """
        self.labels = tuple(labels)
        self._kept = kept

    def know(self, path: str, tags: Sequence[str]) -> bool:
        """Note further tags of an image that are known to be right; return whether it is here."""
        entry = self.find(path)
        if entry is None:
            return False
        entry.known = [*(entry.known or ()), *tags]
        self.replace(entry)
        return True

    def show_first(self, count: int | None) -> None:
        """Show so many images, or all, in the order of their paths, bytewise."""
        some = -1 if count is None else count
        self._all("INSERT INTO shown (path) SELECT path FROM image ORDER BY path LIMIT ?", (some,))

    def show_least_sure(
        self, count: int, doubts: Callable[[Sequence[Entry]], npt.NDArray[np.float64]]
    ) -> None:
        """Show so many images, those with the greatest doubt; none without any."""
        for some in self._parts("SELECT * FROM image WHERE path > ? ORDER BY path LIMIT ?", b""):
            found = zip(some, doubts(some).tolist(), strict=True)
            with _storing():
                self._file.executemany(
                    "INSERT INTO doubt VALUES (?, ?)",
                    [(os.fsencode(entry.path), doubt) for entry, doubt in found if doubt > 0],
                )
        self._all(
            "INSERT INTO shown (path) SELECT path FROM doubt ORDER BY doubt DESC, path LIMIT ?",
            (count,),
        )

    def __len__(self) -> int:
        """Return how many are shown."""
        ((count,),) = self._all("SELECT count(*) FROM shown")
        return int(count)

    def shown(self, start: int, count: int) -> list[Entry]:
        """Return so many of those that are shown, from one on."""
        found = self._all(
            "SELECT image.* FROM shown CROSS JOIN image USING (path) WHERE place > ? "
            "ORDER BY place LIMIT ?",
            (start, count),
        )
        return [self._labelled(_as_entry(one)) for one in found]

    def use(self, thumbnails: Iterable[str]) -> None:
        """Note names of thumbnails that a page shows."""
        with _storing():
            self._file.executemany(
                "INSERT OR IGNORE INTO thumbnail VALUES (?)", ((name,) for name in thumbnails)
            )

    def uses(self, thumbnail: str) -> bool:
        """Return whether a page shows a thumbnail."""
        return bool(self._all("SELECT 1 FROM thumbnail WHERE name = ?", (thumbnail,)))

    def _put(self, how: str, entry: Entry) -> bool:
        row = (
            os.fsencode(entry.path),
            json.dumps(entry.tags),
            entry.reason,
            entry.scores.tobytes(),
            entry.corrected,
            None if entry.known is None else json.dumps(entry.known),
        )
        with _storing():
            done = self._file.execute(f"{how} INTO image VALUES (?, ?, ?, ?, ?, ?)", row)
            return done.rowcount > 0

    def _all(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with _storing():
            return self._file.execute(query, values).fetchall()

    def _parts(self, query: str, after: bytes) -> Iterator[list[Entry]]:
        """Yield all images, some at a time, in the order of their paths."""
        while found := self._all(query, (after, _AT_A_TIME)):
            entries = [self._labelled(_as_entry(one)) for one in found]
            yield entries
            after = os.fsencode(entries[-1].path)

    def _labelled(self, entry: Entry) -> Entry:
        """Give an image its scores of the labels."""
        given = entry.scores
        if self._kept is not None:
            entry.scores = array("H", [given[place] for place in self._kept])
            return entry
        of_tags = dict(zip(entry.tags, given, strict=False))
        entry.scores = array("H", [of_tags.get(label, UNKNOWN) for label in self.labels])
        return entry


def _as_entry(row: Sequence[Any]) -> Entry:
    path, tags, reason, raw, corrected, known = row
    scores = array("H")
    scores.frombytes(raw)
    known_tags = None if known is None else json.loads(known)
    return Entry(os.fsdecode(path), json.loads(tags), reason, scores, corrected, known_tags)


@contextlib.contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise OutputError(
            f"The images cannot be kept in a temporary file: {error}: set TMPDIR to a folder with "
            "more space."
        ) from None
