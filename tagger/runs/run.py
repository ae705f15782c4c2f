"""A run that can be taken up again: what is done is kept, whatever ends it."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from tagger.errors import OutputError, UsageError, os_reason
from tagger.files import beside, remove_left_by, take_place
from tagger.results import Failed, Result, Stamp
from tagger.runs import journal as notes
from tagger.runs.done import Done
from tagger.runs.earlier import EarlierRun, carried, find_earlier, header_entry
from tagger.runs.files import GrowingFile, RunFiles
from tagger.runs.journal import Entries, Entry
from tagger.runs.manifest import Manifest
from tagger.runs.record import Record
from tagger.runs.table import ImageRows, RunTable

# Journals of sidecars grow with every update; dead entries are few before this is reached.
_COMPACT_FROM: Final = 4096


class Run:
    """Writes the rows of a table, and notes each image as done, in the order in which they come.

    The table takes its name at the end, so that whatever bears it is finished.

    Args:
        files: where all that lies; locked by whoever makes a run.
        manifest: what the run is.
        table: None where the run writes none.
        spell: an image's path → the text that stands for it where there is no table.

    Attributes:
        done: what an earlier run has done; nothing where there was none.
        manifest: what the run is; once it has begun also what it goes on with.
        taken_up: the manifest of the run that this one goes on with; None for none.
        replaced: where rows of an interrupted run are that this one will not go on with.
    """

    def __init__(
        self,
        files: RunFiles,
        manifest: Manifest,
        table: RunTable | None,
        spell: Callable[[str], str],
    ) -> None:
        self._files = files
        self._table = table
        self._spell = table.spell if table is not None else spell
        self.manifest = manifest
        self.done = Done(notes.joined(()))
        self.taken_up: Manifest | None = None
        self.replaced: str | None = None
        self._stamps = self.done  # of images whose results come from a table
        self._left_by: tuple[str, ...] = ()  # processes that were killed
        self._tidied: deque[str] = deque(maxlen=8)
        self._announced = False
        self._start: Callable[[], None] | None = None  # what is to be done before the first result
        self._finished: EarlierRun | None = None
        self._record: Record | None = None
        self._row_count = 0

    def open(self, *, resume: bool, same_images: bool = False) -> None:
        """Find out how far an earlier run came; it stays as it is until there is a result.

        Args:
            resume: go on with an earlier run where there is one; else begin anew.
            same_images: whether results come from the very table that is replaced, so that what is
                known of its images' files stays true.

        Raises:
            UsageError: the earlier run had another model, or other options.
            TableError: what it left is damaged.
            OutputError: the output cannot be written.
        """
        with self._errors():
            self._files.remove_half_made()
            before = None
            with contextlib.suppress(UsageError):  # one that nobody can read is replaced as well
                before = Manifest.read(self._files.manifest)
            self._left_by = before.processes if before is not None else ()
            earlier = find_earlier(self._files, self.manifest, self._table) if resume else None
            if same_images and before is not None and (finished := before.finished()):
                self._stamps = Done(notes.read_journal(self._files.journal, finished.run))
            if earlier is None:
                self._open_anew(before, nothing_to_lose=resume)
                return
        self.taken_up = earlier.manifest
        self.done = Done(earlier.entries)
        self._row_count = self.done.rows
        if earlier.source is None:
            self._start = partial(self._reopen, earlier)
        else:
            self._start = partial(self._copy, earlier, earlier.source)
        if earlier.source is not None and earlier.source == self._files.table:
            self._finished = earlier

    def key(self, path: str) -> bytes:
        """Return what stands for an image's path in the journal."""
        return notes.key_of(self._spell(path))

    @property
    def has_begun(self) -> bool:
        """Whether there was a result."""
        return self._start is None

    @property
    def kept_at(self) -> str | None:
        """Where the rows of a run that is cut short are; None where there are none."""
        rows = self._files.rows
        return rows if rows is not None and os.path.exists(rows) else None

    def prepare(self, image: str, sidecars: Iterable[str]) -> None:
        """Make ready for files that are about to be written for an image.

        What processes that were killed left half-written beside them is removed: it is the turn of
        the same image, since nothing says that it was done.

        Args:
            image: its path.
            sidecars: those that it may have.

        Raises:
            OutputError: the disk is full, or gone.
        """
        self._ensure_started()
        if not self._left_by:
            return
        for file in (image, *sidecars):
            folder = os.path.dirname(os.path.realpath(file))
            if folder not in self._tidied:
                self._tidied.append(folder)
                remove_left_by(self._left_by, folder)

    def begin(self, path: str) -> None:
        """Note that sidecars of an image are about to be written, and could be taken for whole.

        Raises:
            OutputError: the disk is full, or gone.
        """
        self._append(b"", Entry(self.key(path), None, 0, notes.BEGUN))
        self.flush()

    def add(self, result: Result, *, unwritten: bool = False, stamp: Stamp | None = None) -> None:
        """Take a result, all of whose sidecars are there.

        Args:
            result: of an image.
            unwritten: whether a sidecar of it could not be written after all.
            stamp: of its file; None takes the one of the result.

        Raises:
            OutputError: the disk is full, or gone; or the format can hold no more.
        """
        self._ensure_started()
        rows = self._rows_of(result)
        flags = notes.FAILED if rows.failed else notes.UNWRITTEN if unwritten else 0
        key = notes.key_of(rows.path)
        known = self._stamps.find(key) if len(self._stamps) else None
        stamp = stamp or result.facts.stamp or (known.stamp if known else None)
        self._append(rows.text, Entry(key, stamp, rows.count, flags))

    def flush(self) -> None:
        """Hand over what is pending.

        Raises:
            OutputError: the disk is full, or gone; whole rows are kept.
        """
        with self._errors():
            if self._record is not None:
                self._record.flush()

    def finish(self) -> None:
        """Give the table its name.

        Raises:
            OutputError: that does not go; the rows so far stay where they are.
        """
        if self._finished is not None and not self.has_begun:  # nothing is new
            if not self._finished.manifest.ended:
                self.manifest = self.manifest.resuming(self._finished.manifest)
                self._write_ending(self.done)
            with self._errors():
                self._files.remove_rows()
            return
        self._ensure_started()
        with self._errors():
            if self._record is not None:
                self._record.sync()
            self._let_go()
            entries = notes.read_journal(self._files.journal, self.manifest.run)
            entries = entries[(entries["flags"] & notes.BEGUN) == 0]
            if self._table is not None:
                self._make_table(self._table, entries)
            self._write_ending(Done(entries))
            self._files.remove_rows()

    def close(self) -> None:
        """Keep what is done; errors as in :meth:`flush`."""
        try:
            self.flush()
        finally:
            self._let_go()

    def discard(self) -> None:
        """Forget this run, if it began anew: what it was to replace stands again.

        Raises:
            OutputError: that cannot be noted.
        """
        self._let_go()
        if not self._announced:
            return
        with self._errors():
            self._files.remove_rows()
            if self.has_begun:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._files.journal)
            if self.manifest.former is not None:
                self.manifest.former.write(self._files.manifest)
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._files.manifest)

    def _ensure_started(self) -> None:
        if self._start is None:
            return
        with self._errors():
            self._start()
        self._start = None

    def _append(self, text: bytes, entry: Entry) -> None:
        assert self._record is not None
        with self._errors():
            self._record.append(text, entry)

    def _rows_of(self, result: Result) -> ImageRows:
        failed = isinstance(result, Failed)
        if self._table is None:
            return ImageRows(self._spell(result.path), b"", 0, failed)
        rows = self._table.image_rows(result, failed=failed)
        former = self.done.find(notes.key_of(rows.path)) if len(self.done) else None
        self._row_count += rows.count - (former.rows if former else 0)
        self._table.check_size(self._row_count)
        return rows

    def _open_anew(self, before: Manifest | None, *, nothing_to_lose: bool) -> None:
        self._start = partial(self._begin, before)
        has_rows = self._table is None or self.kept_at is not None
        if nothing_to_lose or before is None or before.ended or not has_rows:
            self._announce(before)
        else:
            # Another run could go on with what is there: it stays until there is something new.
            self.replaced = self.kept_at

    def _announce(self, before: Manifest | None) -> None:
        """Note what this run is; rows of another one go before their notes do."""
        self._files.remove_rows()
        self.manifest = self.manifest.replacing(before)
        self.manifest.write(self._files.manifest)
        self._announced = True

    def _begin(self, before: Manifest | None) -> None:
        """Start with nothing."""
        if not self._announced:
            self._announce(before)
        self._record = Record(self._files, self.manifest.run, rows=0, entries=None)
        if self._table is not None:
            self._record.append(self._table.encode.head, header_entry())
        self._record.flush()

    def _reopen(self, earlier: EarlierRun) -> None:
        """Go on where rows and journal fit together; what is behind that place is cut."""
        entries = earlier.entries
        self.manifest = self.manifest.resuming(earlier.manifest)
        self.manifest.write(self._files.manifest)
        if self._table is None and len(entries) > _COMPACT_FROM + 2 * len(self.done):
            entries = entries[notes.latest(entries)[1]]
            self._replace_journal([entries.tobytes()])
        rows = int(entries["length"].sum(dtype="u8"))
        count = len(entries) or None  # a run may be killed before it has a journal
        self._record = Record(self._files, self.manifest.run, rows=rows, entries=count)

    def _copy(self, earlier: EarlierRun, source: str) -> None:
        """Begin rows and journal with those of a table; they are whole before they have a name."""
        assert self._table is not None
        assert self._files.rows is not None
        run, unfinished = earlier.manifest.run, source != self._files.table
        entries = []
        with GrowingFile(beside(self._files.rows)) as rows:
            place = 0
            for text, entry in carried(
                self._files, self._table, source, run, unfinished=unfinished
            ):
                place = rows.write_at(place, text)
                entries.append(entry)
            rows.sync()
        take_place(beside(self._files.rows), self._files.rows)
        self.manifest = self.manifest.resuming(earlier.manifest)
        self._replace_journal(entries)
        # Until here the finished table counted; from here on the rows do.
        self.manifest.write(self._files.manifest)
        self._record = Record(self._files, run, rows=place, entries=len(entries))

    def _replace_journal(self, entries: Iterable[bytes]) -> None:
        with GrowingFile(beside(self._files.journal)) as journal:
            journal.write_at(0, notes.head(self.manifest.run) + b"".join(entries))
            journal.sync()
        take_place(beside(self._files.journal), self._files.journal)

    def _make_table(self, table: RunTable, entries: Entries) -> None:
        assert self._files.table is not None
        assert self._files.rows is not None
        first, last = notes.latest(entries)
        if table.assembler is None and len(first) == len(entries):
            take_place(self._files.rows, self._files.table)
            return
        starts = entries["length"].cumsum(dtype="u8") - entries["length"]
        places = zip(starts[last].tolist(), entries["length"][last].tolist(), strict=True)
        table.assemble(_pieces(self._files.rows, places), self._files.table)

    def _write_ending(self, done: Done) -> None:
        failed = done.failures
        images = {"tagged": len(done) - failed, "failed": failed}
        self.manifest.ending(images).write(self._files.manifest)

    def _let_go(self) -> None:
        if self._record is not None:
            self._record.close()
        self._record = None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Say what the system refuses in a sentence; nothing more is written then."""
        try:
            yield
        except OSError as error:
            self._let_go()
            raise OutputError(
                f"{self._files.what} cannot be written: {os_reason(error)}."
            ) from None


def _pieces(file: str, places: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """Yield pieces of a file by place and length."""
    with open(file, "rb") as stream:
        for place, length in places:
            stream.seek(place)
            yield stream.read(length)
