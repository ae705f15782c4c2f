"""Tables in formats that libraries write: rows gather to groups, which one thread writes."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from tagger.results import Result
from tagger.table.columns import Row
from tagger.table.layouts import Layout
from tagger.table.sink import Sink, SinkFile


class GroupedWriter(ABC):
    """Writes results as rows of a table; holds one group of them at most.

    Ctrl-C stops a program between any two of its steps, and a library that is stopped in the middle
    of a row leaves a file that nothing reads. Only the main thread is stopped: so the library, and
    all that says how far it got, live in another one, where what is begun comes to its end.

    Args:
        sink: where the bytes go; one that needs an end.
        layout: columns and rows.
        group: rows that are written together.
    """

    def __init__(self, sink: Sink, layout: Layout, *, group: int) -> None:
        self.sink = sink
        self.layout = layout
        self._group = group
        self._rows: list[Row] = []
        self._torn = False
        self._ended = False

    @abstractmethod
    def start(self, file: SinkFile) -> None:
        """Write what comes before the rows."""

    @abstractmethod
    def write_rows(self, rows: list[Row]) -> None:
        """Write a group of rows."""

    @abstractmethod
    def finish(self) -> None:
        """Write what makes the rows so far a whole file."""

    def release(self) -> None:  # noqa: B027 (not every format holds something)
        """Let go of what is held outside the sink, after whatever end."""

    def rows(self, result: Result) -> list[Row]:
        """Return the rows of a result."""
        return list(self.layout.rows(result))

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

    def write(self, result: Result) -> None:
        """Take the rows of one result; errors as in :meth:`Sink.write`."""
        self.take(self.rows(result))

    def take(self, rows: list[Row]) -> None:
        """Take rows that belong together; errors as in :meth:`Sink.write`."""
        self._rows += rows
        if len(self._rows) >= self._group:
            self._in_thread(self._write_gathered)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file, unless it broke, and close the sink."""
        try:
            self._in_thread(self._end)
        except BaseException:
            # An interrupt may have come before the step was begun; a step that was is not repeated.
            self._thread.submit(self._guarded, self._end)
            self._close(*sys.exc_info())
            raise
        self._close(kind, error, trace)

    def _close(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown(wait=True)
        try:
            self.release()
        finally:
            self.sink.__exit__(kind, error, trace)

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
        self.start(SinkFile(self.sink))

    def _write_gathered(self) -> None:
        rows = self._rows[:]
        self.write_rows(rows)
        del self._rows[: len(rows)]

    def _end(self) -> None:
        if self._ended:
            return
        if self._rows:
            self._write_gathered()
        self.finish()
        self.sink.end()
        self._ended = True
