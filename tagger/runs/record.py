"""Rows and journal of a run, growing side by side."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from tagger.runs import journal as notes
from tagger.runs.files import GrowingFile, RunFiles
from tagger.runs.journal import Entry

_FLUSH_BYTES: Final = 64 * 1024
_FLUSH_SECONDS: Final = 0.5


@dataclass(frozen=True)
class _Written:
    """How far rows and journal are written, in bytes, and what comes next: rows and their entry.

    All three change together, so that an interrupt between any two steps leaves them as they were
    before or as they are after: what was half written is written again, in the same place.
    """

    rows: int
    journal: int
    pending: list[tuple[bytes, bytes]] = field(default_factory=list)


class Record:
    """Appends rows and their entries; at least twice a second they are handed to the system.

    Rows go first: an entry without its rows would be a lie, rows without an entry are cut off.

    Args:
        files: of the run.
        run: names it in the journal.
        rows: bytes of the rows that stay.
        entries: of the journal that stay; None makes a new one.

    Raises:
        OSError: a file cannot be opened.
    """

    def __init__(self, files: RunFiles, run: str, *, rows: int, entries: int | None) -> None:
        place = notes.place_of(entries or 0)
        self._run = run
        self._journal = GrowingFile(files.journal, 0 if entries is None else place)
        if entries is None:
            self._journal.write_at(0, notes.head(run))
        self._rows = None if files.rows is None else GrowingFile(files.rows, rows)
        self._written = _Written(rows, place)
        self._flushed_at = time.monotonic()
        self._pending_bytes = 0

    def append(self, text: bytes, entry: Entry) -> None:
        """Take the rows of an image and its entry; errors as in :meth:`flush`."""
        packed = entry.packed(self._run, text)
        self._written.pending.append((text, packed))
        self._pending_bytes += len(text) + len(packed)
        late = time.monotonic() - self._flushed_at > _FLUSH_SECONDS
        if late or self._pending_bytes >= _FLUSH_BYTES:
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
        for file in (self._rows, self._journal):
            if file is not None:
                file.sync()

    def close(self) -> None:
        """Let go of the files; what is pending is lost."""
        for file in (self._rows, self._journal):
            if file is not None:
                file.close()
