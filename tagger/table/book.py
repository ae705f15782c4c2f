"""Tables in formats that libraries write: rows gather to groups, which one thread writes."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

from tagger.table.columns import Column, Row
from tagger.table.plan import TablePlan
from tagger.table.sink import Sink, SinkFile

if TYPE_CHECKING:
    from tagger.table.rows import TableRows


class Book(ABC):
    """A table in a format that is not text: what it can hold, how it is written and read.

    Attributes:
        group: rows that are written together.

    Args:
        columns: of the table.
        plan: what was asked for.
        facts: names and values that tell a person what the run was, for formats that show them.

    Raises:
        OutputError: it cannot hold this many columns.
    """

    group: int

    def __init__(
        self, columns: Sequence[Column], plan: TablePlan, facts: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.columns = columns
        self.plan = plan
        self.facts = facts

    def fitting(self, text: str) -> str:
        """Return a text as a cell holds it."""
        return text

    def fit(self, rows: list[Row]) -> list[str]:
        """Make rows such that cells hold them; return a sentence on each text that was cut."""
        return []

    def check_rows(self, name: str, rows: int) -> None:  # noqa: B027 (not every format has limits)
        """Raise OutputError if the table ``name`` cannot hold these rows and a header."""

    @abstractmethod
    def start(self, file: SinkFile, beside: str | None) -> None:
        """Write what comes before the rows; ``beside``: its name, if it gets another at the end."""

    @abstractmethod
    def write_rows(self, rows: list[Row]) -> None:
        """Write a group of rows."""

    @abstractmethod
    def finish(self) -> None:
        """Write what makes the rows so far a whole file."""

    def release(self) -> None:  # noqa: B027 (not every format holds something)
        """Let go of what is held outside the file, after whatever end."""

    @staticmethod
    @abstractmethod
    def read(file: str, name: str, *, edited: bool) -> TableRows:
        """Open a file, called ``name`` in messages; see :func:`tagger.table.open.open_rows`.

        Raises:
            UsageError: it cannot be opened.
            TableError: it is damaged.
        """


class BookWriter:
    """Writes rows to a book; holds one group of them at most.

    Ctrl-C stops a program between any two of its steps, and a library that is stopped in the middle
    of a row leaves a file that nothing reads. Only the main thread is stopped: so the library, and
    all that says how far it got, live in another one, where what is begun comes to its end.
    """

    def __init__(self, sink: Sink, book: Book) -> None:
        self.sink = sink
        self.book = book
        self._rows: list[Row] = []
        self._torn = False
        self._ended = False

    def __enter__(self) -> Self:
        """Open the sink and write what comes before the rows."""
        self.sink.__enter__()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="table")
        try:
            self._in_thread(self._start)
        except BaseException:
            self._close(*sys.exc_info())
            raise
        return self

    def take(self, rows: list[Row]) -> None:
        """Take rows that belong together; errors as in :meth:`Sink.write`."""
        self._rows += rows
        if len(self._rows) >= self.book.group:
            self._in_thread(self._write_gathered)

    def __exit__(self, *raised: Any) -> None:
        """Finish the file, unless it broke, and close the sink."""
        try:
            self._in_thread(self._end)
        except BaseException:
            # An interrupt may have come before the step was begun; a step that was is not repeated.
            self._thread.submit(self._guarded, self._end)
            self._close(*sys.exc_info())
            raise
        self._close(*raised)

    def _close(self, *raised: Any) -> None:
        self._thread.shutdown(wait=True)
        try:
            self.book.release()
        finally:
            self.sink.__exit__(*raised)

    def _in_thread(self, step: Callable[[], None]) -> None:
        """Do a step in the library's thread; the wait can be interrupted, the step cannot."""
        self._thread.submit(self._guarded, step).result()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Do a step unless an earlier one failed half-way: its file is past saving."""
        if self._torn:
            return
        self._torn = True
        try:
            step()
        except OSError as error:
            self.sink.broken = True
            raise self.sink.failure(error) from None
        except BaseException:
            self.sink.broken = True
            raise
        self._torn = False

    def _start(self) -> None:
        self.book.start(SinkFile(self.sink), self.sink.beside)

    def _write_gathered(self) -> None:
        rows = self._rows[:]
        self.book.write_rows(rows)
        del self._rows[: len(rows)]

    def _end(self) -> None:
        if self._ended:
            return
        if self._rows:
            self._write_gathered()
        self.book.finish()
        self.sink.end()
        self._ended = True
