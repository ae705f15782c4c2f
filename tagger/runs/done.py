"""What a journal says is done: entries that can be trusted, looked up by the keys of paths."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tagger.results import Stamp
from tagger.runs import journal as notes

_KEY = struct.Struct("<QQ")
_READ_TOGETHER: Final = 4096

#: An entry of a journal, as :class:`tagger.runs.journal.Entry` packs it.
ENTRY: Final = np.dtype(
    [(name, "<u8") for name in ("low", "high")]
    + [(name, "<i8") for name in ("size", "modified")]
    + [(name, "<u4") for name in ("length", "crc", "rows", "flags", "check")]
)

#: Entries as :data:`ENTRY`, one dimension.
Entries: TypeAlias = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class DoneImage:
    """What became of an image: its attributes are those of :class:`tagger.runs.journal.Entry`."""

    stamp: Stamp | None
    rows: int
    flags: int

    @property
    def is_done(self) -> bool:
        """Whether the run finished with it."""
        return not self.flags & notes.BEGUN

    @property
    def failed(self) -> bool:
        """Whether the image could not be tagged."""
        return bool(self.flags & notes.FAILED)


class Done:
    """The images of a journal; about 60 bytes each, however long their paths are."""

    def __init__(self, entries: Entries) -> None:
        places = latest(entries)[1]
        places = places[(entries["flags"][places] & notes.HEADER) == 0]
        places = places[np.argsort(entries["high"][places], kind="stable")]
        self._images = entries[places]  # the only copy: there may be millions
        self._high = np.ascontiguousarray(self._images["high"])

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self._images)

    @property
    def failures(self) -> int:
        """How many of them could not be tagged."""
        return int(np.count_nonzero(self._images["flags"] & notes.FAILED))

    @property
    def tagged(self) -> int:
        """How many of them were tagged."""
        return len(self) - self.failures

    @property
    def counts(self) -> dict[str, int]:
        """How many images there are, by what became of them, as a manifest notes it."""
        return {"tagged": self.tagged, "failed": self.failures}

    @property
    def rows(self) -> int:
        """How many rows they have together."""
        return int(self._images["rows"].sum())

    def find(self, key: bytes) -> DoneImage | None:
        """Return what became of an image, or None if it is new."""
        low, high = _KEY.unpack(key)
        place = int(np.searchsorted(self._high, np.uint64(high)))
        while place < len(self._high) and int(self._high[place]) == high:
            image = self._images[place]
            if int(image["low"]) == low:
                size, modified = int(image["size"]), int(image["modified"])
                stamp = Stamp(size, modified) if size >= 0 else None
                return DoneImage(stamp, int(image["rows"]), int(image["flags"]))
            place += 1
        return None


def read_journal(file: str, run: str | None = None) -> Entries:
    """Return the entries that can be trusted; none if there is no such journal.

    Args:
        file: the journal.
        run: whose it must be; None takes any.

    Raises:
        OSError: it is there and cannot be read.
    """
    nothing: Entries = np.empty(0, dtype=ENTRY)
    try:
        with open(file, "rb") as stream:
            start = stream.read(notes.HEAD_BYTES)
            if len(start) < notes.HEAD_BYTES or not start.startswith(notes.MAGIC):
                return nothing
            whose = start[len(notes.MAGIC) : -1].decode("ascii", "replace")
            if run not in (None, whose):
                return nothing
            data = stream.read()
    except FileNotFoundError:
        return nothing
    entries = np.frombuffer(data, dtype=ENTRY, count=len(data) // notes.ENTRY_BYTES)
    return entries[: _trusted(data, entries, notes.seed_of(whose))]


def in_order(file: str, run: str) -> Iterator[tuple[bytes, int, Stamp | None]]:
    """Yield key, flags and stamp of each image as its entry comes, without holding the journal.

    Nothing comes behind an entry that cannot be trusted.

    Raises:
        OSError: it is there and cannot be read.
    """
    seed = notes.seed_of(run)
    try:
        stream = open(file, "rb")  # noqa: SIM115 (see below)
    except FileNotFoundError:
        return
    with stream:
        if stream.read(notes.HEAD_BYTES) != notes.head(run):
            return
        while data := stream.read(_READ_TOGETHER * notes.ENTRY_BYTES):
            entries = np.frombuffer(data, dtype=ENTRY, count=len(data) // notes.ENTRY_BYTES)
            whole = _trusted(data, entries, seed)
            for entry in entries[:whole]:
                low, high, size, modified, _, _, _, flags, _ = entry.item()
                if not flags & (notes.HEADER | notes.BEGUN):
                    stamp = Stamp(size, modified) if size >= 0 else None
                    yield _KEY.pack(low, high), flags, stamp
            if whole < _READ_TOGETHER:
                return


def count_whole(entries: Entries, rows: str) -> int:
    """Return how many entries, from the first on, have their rows in a file as they were written.

    Raises:
        OSError: the file cannot be read.
    """
    pieces = zip(entries["length"].tolist(), entries["crc"].tolist(), strict=True)
    with open(rows, "rb") as stream:
        for count, (length, crc) in enumerate(pieces):
            data = stream.read(length)
            if len(data) < length or zlib.crc32(data) != crc:
                return count
    return len(entries)


def as_written(journal: str, run: str, table: str) -> Done | None:
    """Return what a run has done, if a table of text holds just what its journal says; else None.

    Raises:
        OSError: one of them cannot be read.
    """
    entries = read_journal(journal, run)
    entries = finished(entries)
    pieces = entries[latest(entries)[1]]
    if not len(pieces) or os.path.getsize(table) != int(pieces["length"].sum(dtype="u8")):
        return None
    return Done(entries) if count_whole(pieces, table) == len(pieces) else None


def latest(entries: Entries) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Find the entries that count, where images have several: the last, in the place of the first.

    Returns:
        The place of each image's first entry, in order; and for each of these the place of its
        last one.
    """
    sorted_high = np.sort(entries["high"])
    if (sorted_high[1:] != sorted_high[:-1]).all():  # no image has several
        places = np.arange(len(entries))
        return places, places
    del sorted_high
    order = np.lexsort((entries["low"], entries["high"]))  # stable: equals stay in order
    low, high = entries["low"][order], entries["high"][order]
    changes = np.ones(len(order) + 1, dtype=bool)  # before each, and behind the last
    changes[1:-1] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    starts, ends = np.flatnonzero(changes[:-1]), np.flatnonzero(changes[1:])
    first, last = order[starts], order[ends]
    by_place = np.argsort(first)
    return first[by_place], last[by_place]


def joined(packed: Iterable[bytes]) -> Entries:
    """Return packed entries as an array."""
    return np.frombuffer(b"".join(packed), dtype=ENTRY)


def finished(entries: Entries) -> Entries:
    """Return the entries without those of images whose sidecars were only begun."""
    begun = (entries["flags"] & notes.BEGUN) != 0
    return entries[~begun] if begun.any() else entries


def _trusted(data: bytes, entries: Entries, seed: int) -> int:
    view = memoryview(data)
    for first in range(0, len(entries), _READ_TOGETHER):
        checks = entries["check"][first : first + _READ_TOGETHER].tolist()
        for count, check in enumerate(checks, first):
            start = count * notes.ENTRY_BYTES
            if zlib.crc32(view[start : start + notes.CHECKED_BYTES], seed) != check:
                return count
    return len(entries)
