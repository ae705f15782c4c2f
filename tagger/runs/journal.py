"""The journal: one entry an image that is done, of fixed size, appended as results are written.

An entry is kept with a checksum of itself, and of its image's rows in the table. So nothing has to
be waited for: whatever a kill or a power cut leaves of journal and rows, the entries that can be
believed are those before the first that does not fit.

Layout: ``tagger journal 1``, a line end, 16 hexadecimal digits that name the run, a line end; then
entries of 52 bytes, little-endian, as :data:`_PACKED` says.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tagger.results import Stamp

_MAGIC: Final = b"tagger journal 1\n"
_HEAD_BYTES: Final = len(_MAGIC) + 17

#: key, size and time of the image's file, length and CRC-32 of the rows, number of rows, flags.
_PACKED: Final = struct.Struct("<16sqqIIII")
_CHECK: Final = struct.Struct("<I")
_ENTRY_BYTES: Final = _PACKED.size + _CHECK.size

#: The same for numpy.
ENTRY: Final = np.dtype(
    [
        ("low", "<u8"),
        ("high", "<u8"),
        ("size", "<i8"),
        ("modified", "<i8"),
        ("length", "<u4"),
        ("crc", "<u4"),
        ("rows", "<u4"),
        ("flags", "<u4"),
        ("check", "<u4"),
    ]
)

#: Entries as :data:`ENTRY`, one dimension.
Entries: TypeAlias = npt.NDArray[np.void]

#: The image could not be tagged.
FAILED: Final = 1
#: It was tagged, but a sidecar of it could not be written.
UNWRITTEN: Final = 2
#: No image: the header of the table.
HEADER: Final = 4
#: Sidecars of the image were begun; whether they were finished, a later entry says.
BEGUN: Final = 8

_UNKNOWN: Final = Stamp(-1, -1)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is noted of an image.

    Attributes:
        key: of its path, see :func:`key_of`.
        stamp: of its file just before it was read; None where nobody knows.
        rows: how many rows it has in the table.
        flags: :data:`FAILED`, :data:`UNWRITTEN` or :data:`BEGUN`, or 0.
    """

    key: bytes
    stamp: Stamp | None
    rows: int
    flags: int

    def packed(self, run: str, text: bytes) -> bytes:
        """Return the entry as it stands in a journal.

        Args:
            run: the run's name; entries of another run's journal are none.
            text: the rows, as they stand in the table.
        """
        stamp = self.stamp or _UNKNOWN
        data = _PACKED.pack(
            self.key,
            stamp.size,
            stamp.modified_ns,
            len(text),
            zlib.crc32(text),
            self.rows,
            self.flags,
        )
        return data + _CHECK.pack(zlib.crc32(data, _seed(run)))


def key_of(text: str) -> bytes:
    """Return 16 bytes that stand for a path: 128 bits, so that no two of any library share them."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def head(run: str) -> bytes:
    """Return what a journal starts with."""
    return _MAGIC + run.encode("ascii") + b"\n"


def place_of(entries: int) -> int:
    """Return where in a journal an entry begins, in bytes."""
    return _HEAD_BYTES + entries * _ENTRY_BYTES


def read_journal(file: str, run: str | None = None) -> Entries:
    """Return the entries that can be believed.

    Args:
        file: the journal.
        run: whose it must be; None takes any.

    Returns:
        None of them where there is no such journal.

    Raises:
        OSError: it is there and cannot be read.
    """
    nothing: Entries = np.empty(0, dtype=ENTRY)
    try:
        with open(file, "rb") as stream:
            start = stream.read(_HEAD_BYTES)
            if len(start) < _HEAD_BYTES or not start.startswith(_MAGIC):
                return nothing
            whose = start[len(_MAGIC) : -1].decode("ascii", "replace")
            if run not in (None, whose):
                return nothing
            data = stream.read()
    except FileNotFoundError:
        return nothing
    entries = np.frombuffer(data, dtype=ENTRY, count=len(data) // _ENTRY_BYTES)
    return entries[: _believed(data, entries["check"].tolist(), _seed(whose))]


def count_whole(entries: Entries, rows: str) -> int:
    """Return how many entries, from the first on, have their rows in a file as they were written.

    Args:
        entries: of a journal.
        rows: the file.

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


def latest(entries: Entries) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Tell which entries stand, where images have several: the last, in the place of the first.

    Returns:
        The place of each image's first entry, in order; and for each of these the place of its
        last one.
    """
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


def _seed(run: str) -> int:
    return zlib.crc32(run.encode("ascii", "replace"))


def _believed(data: bytes, checks: list[int], seed: int) -> int:
    view = memoryview(data)
    for count, check in enumerate(checks):
        start = count * _ENTRY_BYTES
        if zlib.crc32(view[start : start + _PACKED.size], seed) != check:
            return count
    return len(checks)
