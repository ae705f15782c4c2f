"""A table that goes to standard output, a pipe or a device, as results come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self, TypeAlias

from tagger.errors import UsageError
from tagger.results import Failed, Result
from tagger.table.book import BookWriter
from tagger.table.plan import TablePlan
from tagger.table.sink import Sink
from tagger.table.table import Table
from tagger.text import printable


def table_sink(plan: TablePlan) -> Sink | None:
    """Return the stream that a table goes to, or None if it becomes a file.

    Raises:
        UsageError: a format that is not text would go to a terminal.
    """
    if plan.is_file:
        return None
    sink = Sink(None if plan.output == "-" else plan.output, needs_end=not plan.is_text)
    if not plan.is_text and sink.is_terminal():
        raise UsageError(
            f"A table in {plan.format} cannot be shown on a terminal: pass -o FILE, or use a pipe.",
            "format",
        )
    return sink


def table_stream(table: Table, sink: Sink, *, no_tags: str = "no tags") -> TableStream:
    """Return what writes results to a sink: as lines for a person where that is a terminal.

    There, an image without tags has the words ``no_tags``.
    """
    if table.book is not None:
        return BookStream(sink, table)
    if table.plan.format is None and sink.is_terminal():
        return TextStream(sink, readable_lines(table.plan.spelling(), no_tags), at_once=True)
    return TextStream(sink, table.lines, table.head)


class TextStream:
    """Writes results as text.

    Args:
        sink: where the bytes go.
        text: results → their lines.
        head: what comes before them.
        at_once: whether a reader waits for each.
    """

    def __init__(
        self,
        sink: Sink,
        text: Callable[[Sequence[Result]], bytes],
        head: bytes = b"",
        *,
        at_once: bool = False,
    ) -> None:
        self._sink = sink
        self._text = text
        self._head = head
        self._at_once = at_once

    def __enter__(self) -> Self:
        """Open the sink and write what comes before the lines."""
        self._sink.__enter__()
        self._sink.write(self._head)
        return self

    def write(self, results: Sequence[Result]) -> None:
        """Write the lines of results; errors as in :meth:`Sink.write`."""
        self._sink.write(self._text(results))
        if self._at_once:
            self._sink.flush()

    def __exit__(self, *raised: object) -> None:
        """Close the sink."""
        self._sink.__exit__(*raised)


class BookStream(BookWriter):
    """Writes results to the book of a table, whose format is not text."""

    def __init__(self, sink: Sink, table: Table) -> None:
        assert table.book is not None
        super().__init__(sink, table.book)
        self._table = table
        self._taken = 0

    def write(self, results: Sequence[Result]) -> None:
        """Take the rows of results, or raise OutputError if the book is full of those before."""
        for result in results:
            rows = self._table.rows(result)
            self._taken += len(rows)
            self.book.check_rows(self.sink.name, self._taken)
            self.take(rows)


#: Takes results; left by an exception it keeps every whole result that it was given.
TableStream: TypeAlias = TextStream | BookStream


def readable_lines(
    spell: Callable[[str], str], no_tags: str
) -> Callable[[Sequence[Result]], bytes]:
    """Return a function: results → lines ``path: Drama 62 %, Comedy 41 %``, for a person.

    In place of tags, an image without any has ``no_tags``.
    """

    def line(result: Result) -> str:
        if isinstance(result, Failed):
            text = f"failed: {result.reason}"
        else:
            text = ", ".join(f"{tag.name} {tag.score:.0%}" for tag in result.tags) or no_tags
        return f"{printable(spell(result.path))}: {text}\n"

    return lambda results: "".join(map(line, results)).encode()
