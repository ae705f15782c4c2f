"""A table's header and rows, read as a stream; its first bytes tell the format."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import BinaryIO, Self, TypeAlias

from tagger.errors import MissingExtraError, TableError, UsageError, os_reason
from tagger.text import printable

STDIN = "-"

# Longer than any line that a table of ours has; a file without line ends shall not fill the memory.
LONGEST_LINE = 1 << 26

#: The cells of a row, whatever the format makes of them.
Cells: TypeAlias = Sequence[object]


class TableRows:
    """The rows of a table; a context that lets go of the file, as the end of the rows does.

    Args:
        name: the file, for messages.
        header: the columns' names.
        rows: the rows; each as long as the header.
        close: lets go of the file.
        edited: whether rows may be shorter, or have empty cells more.
    """

    def __init__(
        self,
        name: str,
        header: Cells,
        rows: Iterator[Cells],
        close: Callable[[], None],
        *,
        edited: bool = False,
    ) -> None:
        self.name = name
        self.header = tuple("" if cell is None else str(cell) for cell in header)
        self._rows = rows
        self._close = close
        self._edited = edited

    def __enter__(self) -> Self:
        """Do nothing: the file is open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the file."""
        self._close()

    def __iter__(self) -> Iterator[tuple[int, Cells]]:
        """Yield number and cells of each row; then the file is closed, so it can be replaced.

        Raises:
            TableError: a row is damaged.
        """
        for number, given in enumerate(self._rows, start=1):
            cells = self._fitted(given) if self._edited else given
            if len(cells) != len(self.header):
                raise TableError(
                    f"{self.name} is damaged: row {number:,} has {len(cells)} cells instead of "
                    f"{len(self.header)}."
                )
            yield number, cells
        self._close()

    def _fitted(self, cells: Cells) -> Cells:
        """Excel leaves out empty cells at the end of rows, others add some."""
        width = len(self.header)
        if any(cell not in (None, "") for cell in cells[width:]):
            return cells
        return [*cells[:width], *[None] * (width - len(cells))]


def open_rows(file: str, *, torn: bool = False, edited: bool = False) -> TableRows:
    """Open a table.

    Args:
        file: its name; ``-`` for standard input.
        torn: whether a last row of text that has no end is passed over; else it is damage.
        edited: whether another program may have saved it: whatever its columns are called, and
            where cells are missing at the end of rows.

    Raises:
        UsageError: it cannot be opened.
        TableError: it is none.
        MissingExtraError: the format's library is not installed.
    """
    name = "The table on stdin" if file == STDIN else printable(file)
    try:
        stream: BinaryIO = sys.stdin.buffer if file == STDIN else open(file, "rb")  # noqa: SIM115
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {os_reason(error)}.") from None
    close: Callable[[], None] = _leave_open if file == STDIN else stream.close
    try:
        lines = _lines(stream, name, torn=torn)
        first = next(lines, b"")
        for start, module in ((b"PAR1", "parquet"), (b"PK\x03\x04", "xlsx")):
            if first.startswith(start):
                if file == STDIN:
                    raise UsageError(f"A table in {module} cannot come from a pipe: name the file.")
                close()
                return _open_binary(file, name, module, edited=edited)
        from tagger.table.read_text import text_rows

        return text_rows(file, name, first, lines, close, torn=torn, edited=edited)
    except BaseException:
        close()
        raise


def _leave_open() -> None:
    """Standard input is not ours to close."""


def _open_binary(file: str, name: str, module: str, *, edited: bool) -> TableRows:
    try:
        if module == "parquet":
            from tagger.table.read_parquet import open_parquet

            return open_parquet(file, name)
        from tagger.table.read_xlsx import open_xlsx

        return open_xlsx(file, name, edited=edited)
    except ModuleNotFoundError as error:
        raise MissingExtraError(name, module, error.name) from None


def _lines(stream: BinaryIO, name: str, *, torn: bool) -> Iterator[bytes]:
    try:
        while line := stream.readline(LONGEST_LINE):
            if torn and not line.endswith(b"\n"):
                return
            if len(line) == LONGEST_LINE:
                raise TableError(f"{name} is no table that 'tagger tag' wrote: a line has no end.")
            yield line
    except OSError as error:
        raise TableError(f"{name} cannot be read: {os_reason(error)}.") from None
