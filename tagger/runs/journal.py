"""The journal: one entry of fixed size per image that is done, appended as results are written.

An entry carries a checksum of itself, and one of its image's rows in the table. So nothing has to
be synced in between: whatever a kill or a power cut leaves of journal and rows, the entries before
the first that does not fit can be trusted. :mod:`tagger.runs.done` reads them.

Layout: ``tagger journal 1``, a newline, 16 hexadecimal digits that name the run, a newline; then
entries of 52 bytes, little-endian, as :data:`_PACKED` defines.
"""

from __future__ import annotations

import hashlib
import struct
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tagger.results import Stamp
from tagger.runs.growing import GrowingFile
from tagger.runs.paths import RunPaths

MAGIC: Final = b"tagger journal 1\n"
HEAD_BYTES: Final = len(MAGIC) + 17

#: key, size and time of the image's file, length and CRC-32 of the rows, number of rows, flags.
_PACKED: Final = struct.Struct("<16sqqIIII")
_CHECK: Final = struct.Struct("<I")
CHECKED_BYTES: Final = _PACKED.size
ENTRY_BYTES: Final = _PACKED.size + _CHECK.size

#: The image could not be tagged.
FAILED: Final = 1
#: It was tagged, but one of its sidecars could not be written.
UNWRITTEN: Final = 2
#: Not an image: the header of the table.
HEADER: Final = 4
#: Sidecars of the image were begun; a later entry says whether they were finished.
BEGUN: Final = 8

_UNKNOWN: Final = Stamp(-1, -1)
_FLUSH_BYTES: Final = 64 * 1024
_FLUSH_SECONDS: Final = 0.5


class Entry(NamedTuple):
    """What is noted of an image.

    Attributes:
        key: of its path, see :func:`key_of`.
        stamp: of its file just before it was read; None if it is not known.
        rows: how many rows it has in the table.
        flags: :data:`FAILED`, :data:`UNWRITTEN` or :data:`BEGUN`, or 0.
    """

    key: bytes
    stamp: Stamp | None
    rows: int
    flags: int

    def packed(self, seed: int, text: bytes) -> bytes:
        """Return the entry as a journal stores it; ``text`` is the rows as the table stores them.

        The seed is the run's, see :func:`seed_of`.
        """
        stamp = self.stamp or _UNKNOWN
        rows = (len(text), zlib.crc32(text), self.rows)
        data = _PACKED.pack(self.key, stamp.size, stamp.modified_ns, *rows, self.flags)
        return data + _CHECK.pack(zlib.crc32(data, seed))


def header_entry() -> Entry:
    """Return the entry for the header of a table."""
    return Entry(bytes(16), None, 0, HEADER)


def key_of(text: str) -> bytes:
    """Return 16 bytes that stand for a path: 128 bits, so that no two of any library share them."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def seed_of(run: str) -> int:
    """Return what makes checksums a run's own: entries of another run's journal do not fit."""
    return zlib.crc32(run.encode("ascii", "replace"))


def head(run: str) -> bytes:
    """Return what a journal starts with."""
    return MAGIC + run.encode("ascii") + b"\n"


@dataclass(frozen=True)
class _Written:
    """How far rows and journal are written, in bytes, and what comes next: rows and their entry.

    All three change together, so that an interrupt between any two steps leaves them as they were
    before or as they are after: what was half written is written again, in the same place.
    """

    rows: int
    journal: int
    pending: list[tuple[bytes, bytes]] = field(default_factory=list)


class Journal:
    """Appends rows and their entries; at least twice a second they are handed to the system.

    Rows go first: an entry without its rows would be wrong, rows without an entry are cut off.

    Args:
        paths: of the run.
        run: its name in the journal.
        rows: bytes of the rows that stay.
        entries: number of entries that stay; None makes a new journal.

    Raises:
        OSError: a file cannot be opened.
    """

    def __init__(self, paths: RunPaths, run: str, *, rows: int, entries: int | None) -> None:
        place = HEAD_BYTES + (entries or 0) * ENTRY_BYTES
        self._seed = seed_of(run)
        self._journal = GrowingFile(paths.journal, 0 if entries is None else place)
        if entries is None:
            self._journal.write_at(0, head(run))
        self._rows = None if paths.rows is None else GrowingFile(paths.rows, rows)
        self._files = [file for file in (self._rows, self._journal) if file is not None]
        self._written = _Written(rows, place)
        self._flushed_at = time.monotonic()
        self._pending_bytes = 0

    def append(self, images: Iterable[tuple[Entry, bytes]], *, at_once: bool = False) -> None:
        """Take images' entries and rows, and hand them over ``at_once`` or in time."""
        seed = self._seed
        packed = [(text, entry.packed(seed, text)) for entry, text in images]
        self._written.pending.extend(packed)
        self._pending_bytes += sum([len(text) + ENTRY_BYTES for text, _ in packed])
        late = time.monotonic() - self._flushed_at > _FLUSH_SECONDS
        if at_once or late or self._pending_bytes >= _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand over what is pending.

        Raises:
            OSError: the disk is full, or gone; what was handed over before is whole.
        """
        written = self._written
        self._flushed_at = time.monotonic()
        if not written.pending:
            return
        rows = written.rows
        if self._rows is not None:
            rows = self._rows.write_at(rows, b"".join(text for text, _ in written.pending))
        entries = b"".join(entry for _, entry in written.pending)
        journal = self._journal.write_at(written.journal, entries)
        self._written = _Written(rows, journal)
        self._pending_bytes = 0

    def sync(self) -> None:
        """See all of it on the disk; errors as in :meth:`flush`."""
        self.flush()
        for file in self._files:
            file.sync()

    def close(self) -> None:
        """Close the files; what is pending is lost."""
        for file in self._files:
            file.close()
