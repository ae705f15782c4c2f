"""A run that can be resumed: what is done is kept, however the run ends."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tagger.errors import OutputError, os_reason
from tagger.files.write import beside, remove_left_by, take_place
from tagger.results import Failed, Result, Stamp
from tagger.runs import journal as notes
from tagger.runs.done import Done, Entries, finished, latest, read_journal
from tagger.runs.former import keep_copy, sha256_of
from tagger.runs.growing import GrowingFile
from tagger.runs.journal import Entry, Journal, key_of
from tagger.runs.plan import Plan
from tagger.runs.previous import Previous, carried
from tagger.table.assembly import assemble
from tagger.table.table import ImageRows, Table
from tagger.text import printable

# Journals of sidecars grow with every update; dead entries are few before this is reached.
_COMPACT_FROM: Final = 4096

# Of each image where no table is written.
_NO_ROWS: Final = itertools.repeat(ImageRows("", b"", 0, failed=False))


class Run:
    """Writes the rows of a table, and notes each image as done, in the order in which they come.

    What is there stays as it is until there is a result. The table takes its name at the end, so
    that whatever bears it is finished.

    Attributes:
        plan: what is to be done.
        manifest: what the run is; once it has begun also what it continues.
        has_begun: whether there was a result.
        left: whether the table that was there stays, since nothing came to take its place.
        copies: files that keep what was there and that this run has replaced.
        notes_lost: whether a run without a table continues though nothing can be noted any more;
            ``notice`` was called with a sentence then.

    Raises:
        OutputError: the output cannot be written.
    """

    def __init__(self, plan: Plan, notice: Callable[[str], None]) -> None:
        self.plan = plan
        self.notes_lost = False
        self._notice = notice
        self.manifest = plan.manifest
        self.has_begun = False
        self.left = False
        self.copies: list[str] = []
        self._paths = plan.paths
        self._table = plan.table
        self._left_by = plan.before.processes if plan.before is not None else ()  # were killed
        self._tidied: deque[str] = deque(maxlen=8)
        self._announced = False
        self._journal: Journal | None = None
        self._row_count = plan.done.rows
        if plan.nothing_to_lose:
            with self._errors():
                self._announce()

    def prepare(self, image: str, sidecars: Callable[[str], Iterable[str]]) -> None:
        """Make ready for files that are about to be written for an image.

        What processes that were killed left half-written beside them is removed: it is the turn of
        the same image, since nothing says that it was done.

        Raises:
            OutputError: the disk is full, or gone.
        """
        if not self.has_begun:
            self._begin()
        if not self._left_by:
            return
        for file in (image, *sidecars(image)):
            folder = os.path.dirname(os.path.realpath(file))
            if folder not in self._tidied:
                self._tidied.append(folder)
                remove_left_by(self._left_by, folder)

    def begin(self, path: str) -> None:
        """Note that sidecars of an image are about to be written, and could be taken for whole."""
        if self.notes_lost:
            return
        assert self._journal is not None
        with self._errors():
            entry = Entry(self.plan.key(path), None, 0, notes.BEGUN)
            self._journal.append([(entry, b"")], at_once=True)

    def add(
        self,
        results: Sequence[Result],
        *,
        unwritten: bool = False,
        stamp: Stamp | None = None,
        at_once: bool = False,
    ) -> None:
        """Take results, all of whose sidecars are there.

        Args:
            results: of images.
            unwritten: whether a sidecar of them could not be written after all.
            stamp: of their file; None takes those of the results.
            at_once: whether they are handed over to the system now, with all that is pending.

        Raises:
            OutputError: the disk is full, or gone; or the format can hold no more.
        """
        if not self.has_begun:
            self._begin()
        if self.notes_lost:
            return
        table, flags = self.plan.table, notes.UNWRITTEN if unwritten else 0
        of_images = _NO_ROWS if table is None else table.image_rows(results)
        pending = []
        try:
            for result, rows in zip(results, of_images, strict=False):
                key = self._key(result.path, rows)
                if table is not None and table.book is not None:  # which may be full
                    former = self.plan.done.find(key)
                    self._row_count += rows.count - (former.rows if former else 0)
                    table.check_size(self._row_count)
                known = stamp or result.facts.stamp or self._stamp_before(key)
                failed = isinstance(result, Failed)
                entry = Entry(key, known, rows.count, notes.FAILED if failed else flags)
                pending.append((entry, rows.text))
        finally:  # what did fit is kept
            self._append(pending, at_once=at_once)

    def _append(self, images: Iterable[tuple[Entry, bytes]], *, at_once: bool) -> None:
        assert self._journal is not None
        try:
            self._journal.append(images, at_once=at_once)
        except (OSError, OutputError) as error:
            self._give_up(error)

    def _key(self, path: str, rows: ImageRows) -> bytes:
        if self.plan.table is None or self.plan.spellings is not None:
            return self.plan.key(path)
        return key_of(rows.path)

    def _stamp_before(self, key: bytes) -> Stamp | None:
        known = None if self.plan.stamps is None else self.plan.stamps.find(key)
        return known.stamp if known else None

    def finish(self, *, found: bool = True, input: Mapping[str, int] | None = None) -> None:
        """Give the table its name, unless that would replace a former one by nothing.

        Args:
            found: whether there were any images, even if nothing was to be done for them.
            input: how many images a run with ``--shard`` found, see :class:`Manifest`.

        Raises:
            OutputError: that does not go; the rows so far stay where they are.
        """
        if self.notes_lost:
            return
        if not self.has_begun and self._would_empty(found=found):
            self.left = self.plan.has_table
            self.discard()
            return
        if self.plan.is_finished and not self.has_begun:
            self._finish_without_news(input)
            return
        if not self.has_begun:
            self._begin()
        with self._errors():
            if self._journal is not None:
                self._journal.sync()
            self._let_go()
            entries = finished(read_journal(self._paths.journal, self.manifest.run))
            done = Done(entries)
            if self._would_lose_all(done):
                self.left = True
                self.discard()
                return
            digest = None
            if self._table is not None:
                digest = self._replace_table(self._make_table(self._table, entries), done)
            self.manifest.ending(done.counts, digest, input).write(self._paths.manifest)
            self._paths.remove_rows()

    def close(self) -> None:
        """Keep what is done.

        Raises:
            OutputError: the disk is full, or gone; whole rows are kept.
        """
        try:
            with self._errors():
                if self._journal is not None:
                    self._journal.flush()
        finally:
            self._let_go()

    def discard(self) -> None:
        """Forget this run, if it started over: what it was to replace counts again."""
        self._let_go()
        if not self._announced:
            return
        with self._errors():
            self._paths.remove_rows()
            if self.has_begun:
                Path(self._paths.journal).unlink(missing_ok=True)
            if self.manifest.former is not None:
                self.manifest.former.write(self._paths.manifest)
            else:
                Path(self._paths.manifest).unlink(missing_ok=True)

    def _begin(self) -> None:
        """Begin as planned; what comes next is the first result."""
        self.has_begun = True
        if self.notes_lost:
            return
        with self._errors():
            previous = self.plan.previous
            if previous is None:
                self._journal = self._begin_anew()
            elif previous.source is None:
                self._journal = self._reopen(previous)
            else:
                self._journal = self._copy(previous, previous.source)

    def _begin_anew(self) -> Journal:
        if not self._announced:
            self._announce()
        journal = Journal(self._paths, self.manifest.run, rows=0, entries=None)
        if self._table is not None:
            journal.append([(notes.header_entry(), self._table.head)])
        journal.flush()
        return journal

    def _would_empty(self, *, found: bool) -> bool:
        """Return whether the end of a run without a result would replace what was there."""
        if self.plan.previous is None:
            return self.plan.has_table or bool(self.plan.replaced)
        return not found

    def _would_lose_all(self, done: Done) -> bool:
        """Return whether every image failed where a finished table has images that did not.

        So it is where a drive is gone whose images were given by a list.
        """
        former = self.manifest.former
        return (
            self.plan.previous is None
            and self.plan.has_table
            and former is not None
            and bool((former.images or {}).get("tagged"))
            and len(done) == done.failures
        )

    def _replace_table(self, made: str, done: Done) -> str:
        """Let a file that is made take the table's name; return its digest.

        Of a table that is not as a run wrote it, or that had more tagged images, a copy is kept.
        """
        assert self._paths.table is not None
        digest = sha256_of(made)
        before = self.plan.before and self.plan.before.finished()
        if self.plan.has_table and (there := sha256_of(self._paths.table)) != digest:
            has_more = before is not None and (before.images or {}).get("tagged", 0) > done.tagged
            others = before is not None and before.shard != self.manifest.shard
            if has_more or others or before is None or there != before.sha256:
                self.copies.append(keep_copy(self._paths.table, made=self._paths.half_copy))
        # Should the run be killed now, the next one knows either table.
        dataclasses.replace(self.manifest, sha256=digest).write(self._paths.manifest)
        take_place(made, self._paths.table)
        return digest

    def _announce(self) -> None:
        """Note what this run is; rows of another one go before their notes do."""
        for rows in self.plan.replaced:
            self.copies.append(keep_copy(rows, made=self._paths.half_copy))
        self._paths.remove_rows()
        self.manifest = self.manifest.replacing(self.plan.before)
        self.manifest.write(self._paths.manifest)
        self._announced = True

    def _reopen(self, previous: Previous) -> Journal:
        """Continue where rows and journal fit together; what is behind that place is cut."""
        entries = previous.entries
        self.manifest = self.manifest.resuming(previous.manifest)
        self.manifest.write(self._paths.manifest)
        if self._table is None and len(entries) > _COMPACT_FROM + 2 * len(self.plan.done):
            entries = entries[latest(entries)[1]]
            self._replace_journal([entries.tobytes()])
        rows = int(entries["length"].sum(dtype="u8"))
        count = len(entries) or None  # a run may be killed before it has a journal
        return Journal(self._paths, self.manifest.run, rows=rows, entries=count)

    def _copy(self, previous: Previous, source: str) -> Journal:
        """Begin rows and journal with those of a table; they are whole before they have a name."""
        assert self._table is not None
        assert self._paths.rows is not None
        run, unfinished = previous.manifest.run, source != self._paths.table
        entries = []
        with GrowingFile(beside(self._paths.rows)) as rows:
            place = 0
            kept = carried(self._paths, self._table, source, run, unfinished=unfinished)
            for text, entry in kept:
                place = rows.write_at(place, text)
                entries.append(entry)
            rows.sync()
        take_place(beside(self._paths.rows), self._paths.rows)
        self.manifest = self.manifest.resuming(previous.manifest)
        self._replace_journal(entries)
        # Until here the finished table counted; from here on the rows do.
        self.manifest.write(self._paths.manifest)
        return Journal(self._paths, run, rows=place, entries=len(entries))

    def _replace_journal(self, entries: Iterable[bytes]) -> None:
        with GrowingFile(beside(self._paths.journal)) as journal:
            journal.write_at(0, notes.head(self.manifest.run) + b"".join(entries))
            journal.sync()
        take_place(beside(self._paths.journal), self._paths.journal)

    def _finish_without_news(self, input: Mapping[str, int] | None) -> None:
        assert self.plan.previous is not None
        previous = self.plan.previous.manifest
        with self._errors():
            if not previous.ended:
                table = self._paths.table
                digest = None if table is None else sha256_of(table)
                self.manifest = self.manifest.resuming(previous)
                counts = self.plan.done.counts
                self.manifest.ending(counts, digest, input).write(self._paths.manifest)
            elif previous.input != input:  # other shards have news
                dataclasses.replace(previous, input=input).write(self._paths.manifest)
            self._paths.remove_rows()

    def _make_table(self, table: Table, entries: Entries) -> str:
        """Return a file that is the table: its rows, or one that is made of them."""
        assert self._paths.table is not None
        assert self._paths.rows is not None
        first, last = latest(entries)
        if table.book is None and len(first) == len(entries):
            return self._paths.rows
        starts = entries["length"].cumsum(dtype="u8") - entries["length"]
        places = zip(starts[last].tolist(), entries["length"][last].tolist(), strict=True)
        made = beside(self._paths.table)
        assemble(table, _pieces(self._paths.rows, places), made)
        return made

    def _let_go(self) -> None:
        if self._journal is not None:
            self._journal.close()
        self._journal = None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, OutputError) as error:
            self._give_up(error)

    def _give_up(self, error: OSError | OutputError) -> None:
        """Say in a sentence what the system refuses; nothing more is written then.

        Where only notes would be written, the run continues without them.
        """
        self._let_go()
        if self._table is None:
            self._continue_without_notes(error)
            return
        if isinstance(error, OutputError):
            raise error
        message = f"{self._paths.what} cannot be written: {os_reason(error)}."
        raise OutputError(message) from None

    def _continue_without_notes(self, error: OSError | OutputError) -> None:
        if self.notes_lost:
            return
        self.notes_lost = True
        cause = error if isinstance(error, OSError) else error.__context__
        reason = os_reason(cause) if isinstance(cause, OSError) else "unknown error"
        folder = printable(os.path.dirname(self._paths.prefix))
        self._notice(f"{folder} is not writable ({reason}), so this run cannot be resumed.")


def _pieces(file: str, places: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """Yield pieces of a file by place and length."""
    with open(file, "rb") as stream:
        for place, length in places:
            stream.seek(place)
            yield stream.read(length)
