"""A table's header and rows, read as a stream; its first bytes tell the format."""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import BinaryIO, Self, TypeAlias

from tagger.errors import MissingExtraError, TableError, UsageError, first_line, os_reason
from tagger.paths import printable
from tagger.writers.tables import without_apostrophe

STDIN = "-"

_BOM = b"\xef\xbb\xbf"
# Excel saves with a semicolon where a comma is the decimal mark.
_DELIMITERS = {".tsv": "\t,;"}
_USUAL_DELIMITERS = ",;\t"
_OURS = re.compile(rb'"?path"?[,;\t]')
# A line that tells Excel the delimiter.
_SEPARATOR_LINE = re.compile(rb'"?sep=')
_OTHER_FORMATS = {
    b"\xff\xfe": "in UTF-16",
    b"\xfe\xff": "in UTF-16",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}

# Longer than any line that a table of ours has; a file without line ends shall not fill the memory.
_LONGEST_LINE = 1 << 26

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
        return _text_rows(file, name, first, lines, close, torn=torn, edited=edited)
    except BaseException:
        close()
        raise


def _leave_open() -> None:
    """Standard input is not ours to close."""


def _open_binary(file: str, name: str, module: str, *, edited: bool) -> TableRows:
    try:
        if module == "parquet":
            from tagger.readers.parquet import open_parquet

            return open_parquet(file, name)
        from tagger.readers.xlsx import open_xlsx

        return open_xlsx(file, name, edited=edited)
    except ModuleNotFoundError as error:
        raise MissingExtraError(name, module, error.name) from None


def _text_rows(
    file: str,
    name: str,
    first: bytes,
    lines: Iterator[bytes],
    close: Callable[[], None],
    *,
    torn: bool,
    edited: bool,
) -> TableRows:
    has_mark = first.startswith(_BOM)
    first = first.removeprefix(_BOM)
    if first.startswith(b"{"):
        record, everything = _record(name, 1, first), itertools.chain([first], lines)
        return TableRows(name, tuple(record), _json_rows(name, tuple(record), everything), close)
    # JSON Lines have no header, so a run that found no image writes nothing.
    if not first and (torn or edited or os.path.splitext(file)[1].lower() not in (".csv", ".tsv")):
        return TableRows(name, (), iter(()), close)
    if not edited and not _OURS.match(first):
        raise TableError(f"{name} is no table that 'tagger tag' wrote.")
    for start, what in _OTHER_FORMATS.items():
        if first.startswith(start):
            raise TableError(f"{name} is {what}: save it as .xlsx, or as CSV in UTF-8.")
    if _SEPARATOR_LINE.match(first):
        first = next(lines, b"")
    # Cells may be longer than what the module takes by default.
    csv.field_size_limit(_LONGEST_LINE)
    header = _decoded(name, 1, first)
    delimiters = _DELIMITERS.get(os.path.splitext(file)[1].lower(), _USUAL_DELIMITERS)
    delimiter = max(delimiters, key=lambda one: len(next(csv.reader([header], delimiter=one), [])))
    everything = itertools.chain([first], lines)
    rows = _delimited(name, everything, delimiter, excel=has_mark, edited=edited)
    return TableRows(name, next(rows, ()), rows, close, edited=edited)


def _lines(stream: BinaryIO, name: str, *, torn: bool) -> Iterator[bytes]:
    try:
        while line := stream.readline(_LONGEST_LINE):
            if torn and not line.endswith(b"\n"):
                return
            if len(line) == _LONGEST_LINE:
                raise TableError(f"{name} is no table that 'tagger tag' wrote: a line has no end.")
            yield line
    except OSError as error:
        raise TableError(f"{name} cannot be read: {os_reason(error)}.") from None


def _delimited(
    name: str, lines: Iterator[bytes], delimiter: str, *, excel: bool, edited: bool
) -> Iterator[Cells]:
    number = itertools.count(1)  # of lines; a cell may hold several
    is_whole = True
    columns = 0

    def texts() -> Iterator[str]:
        nonlocal is_whole
        for line in lines:
            is_whole = line.endswith(b"\n")
            yield _decoded(name, next(number), line)

    try:
        for cells in csv.reader(texts(), delimiter=delimiter, strict=True):
            columns = columns or len(cells)
            # Every program ends the last line; only one that is torn lacks cells and its end too.
            if edited and not is_whole and len(cells) < columns:
                raise TableError(f"{name} is damaged: its last line is cut off.")
            if cells:
                yield [without_apostrophe(cell) for cell in cells] if excel else cells
    except csv.Error as error:
        reached = next(number) - 1
        raise TableError(f"{name} is damaged: line {reached:,}: {first_line(error)}.") from None


def _decoded(name: str, number: int, line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise TableError(
            f"{name} is damaged: line {number:,} is not UTF-8; a spreadsheet program has to save "
            "it as CSV in UTF-8."
        ) from None


def _json_rows(name: str, header: tuple[str, ...], lines: Iterator[bytes]) -> Iterator[Cells]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _record(name, number, line)
        if record.keys() != set(header):
            raise TableError(
                f"{name} is damaged: line {number:,} has other columns than the first one."
            )
        yield [record[column] for column in header]


def _record(name: str, number: int, line: bytes) -> dict[str, object]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise TableError(f"{name} is damaged: line {number:,} is no JSON object.")
    return record
