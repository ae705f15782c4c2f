"""The images of several tables, sorted by path, however many there are."""

from __future__ import annotations

import heapq
import os
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, NamedTuple, Self

from tagger.errors import TableError
from tagger.results import Stamp
from tagger.runs import journal as notes
from tagger.runs.done import Done, in_order, read_journal
from tagger.runs.parts import Part
from tagger.runs.paths import RunPaths
from tagger.table.assembly import kept_rows
from tagger.table.table import Table
from tagger.text import printable, unescape

# More open files than that are not allowed everywhere.
_MOST_OPEN: Final = 200
# Images that are sorted in memory where a table is not in order.
_SORTED_TOGETHER: Final = 20_000


class PartImage(NamedTuple):
    """An image's rows, in the order in which a table has them."""

    place: bytes
    part: int
    path: str
    text: bytes
    rows: int
    failed: bool
    flags: int
    stamp: tuple[int, int] | None


class OutOfOrderError(Exception):
    """A part is not sorted by path."""


class PartImages:
    """Reads the images of parts side by side. A context that removes what it needs on the disk.

    Args:
        parts: that were checked.
        table: to be written, in whose form rows are given.
        folder: where files without a name may lie in between.
    """

    def __init__(self, parts: Sequence[Part], table: Table, folder: str) -> None:
        self._parts = parts
        self._table = table
        self._folder = folder
        self._scratch = ExitStack()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Free the disk."""
        self._scratch.close()

    def in_order(self, *, all_sorted: bool) -> Iterator[PartImage]:
        """Yield the images of all parts, sorted by path, each once.

        Args:
            all_sorted: whether each part is sorted first, also where it should be in order.

        Raises:
            OutOfOrderError: a part is not in order, and they are not sorted.
            TableError: an image is there twice, or a table is damaged.
        """
        streams = [
            self._read(number, part, in_memory=all_sorted or bool(part.manifest.resumed))
            for number, part in enumerate(self._parts)
        ]
        while len(streams) > _MOST_OPEN:
            groups = range(0, len(streams), _MOST_OPEN)
            streams = [
                self._spilled(heapq.merge(*streams[start : start + _MOST_OPEN])) for start in groups
            ]
        former = None
        for image in heapq.merge(*streams):
            if former is not None and former.place == image.place:
                raise TableError(self._said_double(former.part, image.part, image.path))
            former = image
            yield image

    def _read(self, number: int, part: Part, *, in_memory: bool) -> Iterator[PartImage]:
        """Yield the images of a part, sorted; ``in_memory``: whether they may be out of order.

        Raises:
            OutOfOrderError: they are, and may not be.
        """
        images = self._images_of(number, part)
        if in_memory:
            yield from self._sorted(images)
            return
        former = b""
        for image in images:
            if image.place < former:
                raise OutOfOrderError
            former = image.place
            yield image

    def _images_of(self, number: int, part: Part) -> Iterator[PartImage]:
        known, order = _known(part), self._table.plan.order() or str
        for rows in kept_rows(self._table, part.file, unfinished=False):
            if rows.count > 1 and not self._table.a_row_a_tag:
                raise TableError(self._said_double(number, number, rows.path))
            found = known(notes.key_of(rows.path))
            flags, stamp = (0, None) if found is None else found
            flags = notes.FAILED if rows.failed else flags & notes.UNWRITTEN
            yield PartImage(
                os.fsencode(order(unescape(rows.path))),
                number,
                rows.path,
                rows.text,
                rows.count,
                rows.failed,
                flags,
                None if stamp is None else (stamp.size, stamp.modified_ns),
            )

    def _sorted(self, images: Iterator[PartImage]) -> Iterator[PartImage]:
        """Sort any number of images, of which some thousand are in memory."""
        runs = []
        while piece := [image for image, _ in zip(images, range(_SORTED_TOGETHER), strict=False)]:
            runs.append(self._spilled(iter(sorted(piece))))
        return heapq.merge(*runs)

    def _spilled(self, images: Iterable[PartImage]) -> Iterator[PartImage]:
        """Put images into a file without a name, from which they are read again."""
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 (closed with all others)
        self._scratch.callback(file.close)
        for image in images:
            pickle.dump(tuple(image), file, pickle.HIGHEST_PROTOCOL)
        file.seek(0)

        def read() -> Iterator[PartImage]:
            while True:
                try:
                    yield PartImage(*pickle.load(file))  # noqa: S301 (nobody else has the file)
                except EOFError:
                    return

        return read()

    def _said_double(self, former: int, number: int, path: str) -> str:
        one, other = self._parts[former].name, self._parts[number].name
        where = f"twice in {one}" if former == number else f"in {one} and in {other}"
        return (
            f"{printable(unescape(path))} is {where}: remove one of its rows, or tag that "
            "part again with --overwrite."
        )


def _known(part: Part) -> Callable[[bytes], tuple[int, Stamp | None] | None]:
    """Return a function: key → flags and stamp of an image, as the part's journal has them.

    A run that was not resumed noted its images in the order of its rows: of these, none is held.
    """
    file, run = RunPaths.of_table(part.file, as_text=True).journal, part.manifest.run
    entries = iter(()) if part.manifest.resumed else in_order(file, run)
    done: Done | None = None

    def find(key: bytes) -> tuple[int, Stamp | None] | None:
        nonlocal done
        if done is None:
            entry = next(entries, None)
            if entry is not None and entry[0] == key:
                return entry[1:]
            done = Done(read_journal(file, run))
        image = done.find(key)
        return None if image is None else (image.flags, image.stamp)

    return find
