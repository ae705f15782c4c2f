"""Finds images in a previous run's rows that this command spells otherwise: ``./p`` after ``p``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.find.identity import Identity
from tagger.find.scan import Scan
from tagger.runs.done import Done
from tagger.runs.journal import key_of
from tagger.table.open import open_rows
from tagger.table.table import Table
from tagger.text import unescape

#: What is kept of a row: two short hashes of its path, and its key in the journal.
_ROW: Final = np.dtype([("form", "<u8"), ("exact", "<u8"), ("key", "V16")])


class Spellings:
    """Looks images up by where they really are, if the rows spell their paths in another way.

    Rows that this command could have spelled itself are not looked at: whoever asks has looked for
    them by their key. So nothing is read twice where a run is continued as it was begun, and of an
    image behind two links both rows stay.

    Args:
        table: that is continued.
        rows: the file with the rows.
        done: what the journal says of them.
        found: what this command names.
    """

    def __init__(self, table: Table, rows: str, done: Done, found: Scan) -> None:
        self._table = table
        self._file = rows
        self._done = done
        self._own = _spelled_by(found, table)
        self._identity = Identity()
        self._rows: npt.NDArray[np.void] | None = None

    def find(self, path: str) -> bytes | None:
        """Return the key of an image's row; None if there is none.

        Raises:
            TableError: the rows are damaged.
        """
        if self._rows is None:
            rows = np.frombuffer(b"".join(self._read()), dtype=_ROW)
            self._rows = rows[np.argsort(rows["form"], kind="stable")]
        rows, one = self._rows, self._identity
        if not len(rows):
            return None
        form, exact = np.uint64(_short(one.form(path))), np.uint64(_short(one.real(path)))
        start = np.searchsorted(rows["form"], form)
        alike = rows[start : np.searchsorted(rows["form"], form, side="right")]
        same = alike[alike["exact"] == exact]
        if len(same):
            return bytes(same[0]["key"])
        return bytes(alike[0]["key"]) if len(alike) and not one.has_twin(path) else None

    def _read(self) -> Iterator[bytes]:
        base = self._table.plan.relative_to or os.curdir
        with open_rows(self._file, torn=True) as rows:
            place = rows.header.index("path") if rows.header else 0
            for _, cells in rows:
                text = str(cells[place])
                key = key_of(text)
                if self._own(text) or self._done.find(key) is None:
                    continue
                path = os.path.join(base, unescape(text))
                hashes = (_short(self._identity.form(path)), _short(self._identity.real(path)))
                yield b"".join(part.to_bytes(8, "little") for part in hashes) + key


def _spelled_by(found: Scan, table: Table) -> Callable[[str], bool]:
    """Return a function: whether a command spells an image's path so."""
    starts = tuple(_with_slash(table.spell(folder)) for folder in found.folders)
    files = {table.spell(file) for file in found.files}
    return lambda text: text in files or text.startswith(starts)


def _with_slash(folder: str) -> str:
    return folder if folder.endswith(("/", os.sep)) else folder + os.sep


def _short(text: str) -> int:
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
