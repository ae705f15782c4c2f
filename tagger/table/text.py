"""Tables of text: CSV, TSV (RFC 4180 quoting) and JSON Lines, ours or as others saved them."""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

from tagger.errors import TableError, first_line
from tagger.results import DECIMALS
from tagger.table.columns import Cell, Row
from tagger.table.formats import Format
from tagger.table.rows import LONGEST_LINE, Cells, TableRows

_BOM = b"\xef\xbb\xbf"
_SHOWN = f"%.{DECIMALS}f"
# Rows whose probabilities are shown together, at least; and what rounding leaves of a double.
_TOGETHER = 8
_NO_DIFFERENCE = 1e-12

# Excel saves with a semicolon where a comma is the decimal mark.
_DELIMITERS = {".tsv": "\t,;"}
_USUAL_DELIMITERS = ",;\t"
_OURS = re.compile(rb'"?path"?[,;\t]')
# A line that tells Excel the delimiter.
_SEPARATOR_LINE = re.compile(rb'"?sep=')
_OTHER_FORMATS = {
    b"\xff\xfe\0\0": "in UTF-32",
    b"\0\0\xfe\xff": "in UTF-32",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}

# A spreadsheet runs a cell that starts with one of these as a formula (OWASP, CSV injection). What
# only looks as if it had been neutralised gets an apostrophe too: so it can be told apart.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def without_apostrophe(cell: str) -> str:
    """Take back what ``excel`` puts before a cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def encoding(
    format: Format, header: Sequence[str], *, scores: int = 0, excel: bool = False
) -> Callable[[Sequence[Row]], list[bytes]]:
    """Return a function: rows → lines, each with its end, for a format of text.

    Args:
        format: of the table.
        header: the columns' names.
        scores: number of the last columns, which are probabilities.
        excel: whether cells of CSV and TSV that a spreadsheet would run get an apostrophe.
    """
    if format is Format.JSONL:
        return _json_lines(header)
    return _delimited_lines("\t" if format is Format.TSV else ",", scores, excel=excel)


def head(format: Format, header: Sequence[str], *, excel: bool = False) -> bytes:
    """Return what a table starts with; ``excel`` needs a byte order mark to read UTF-8."""
    if format is Format.JSONL:
        return b""
    return (_BOM if excel else b"") + encoding(format, header, excel=excel)([list(header)])[0]


def _delimited_lines(
    delimiter: str, scores: int, *, excel: bool
) -> Callable[[Sequence[Row]], list[bytes]]:
    # Probabilities are most of a table and need no quotes.
    all_shown = f"{delimiter}{_SHOWN}" * scores

    def encode(rows: Sequence[Row]) -> list[bytes]:
        front = len(rows[0]) - scores if rows else 0
        starts: list[str] = []
        # With "\n" as its own end of line, csv leaves a lone carriage return unquoted before 3.13.
        taker: Any = SimpleNamespace(write=starts.append)
        writer = csv.writer(taker, delimiter=delimiter, lineterminator="\r\n")
        cells = ([_shown(cell, excel=excel) for cell in row[:front]] for row in rows)
        writer.writerows((row[:front] for row in rows) if scores and not excel else cells)
        if not scores:
            return [f"{start[:-2]}\n".encode() for start in starts]
        probabilities = [row[front:] for row in rows]
        # Of an image that failed there is none.
        known = [row for row in probabilities if row[0] is not None]
        together = iter(_shown_together(known, delimiter) or ())
        shown = [
            (row[0] is not None and next(together, None)) or _shown_alone(row, all_shown, delimiter)
            for row in probabilities
        ]
        pairs = zip(starts, shown, strict=True)
        return [b"%b%b\n" % (start[:-2].encode(), ends) for start, ends in pairs]

    return encode


def _shown(cell: Cell, *, excel: bool) -> Cell:
    if isinstance(cell, float):
        return _SHOWN % cell
    return _harmless(cell) if excel else cell


def _shown_alone(row: Row, all_shown: str, delimiter: str) -> bytes:
    try:
        return (all_shown % tuple(row)).encode()
    except TypeError:  # there is none, or somebody has emptied one
        cells = ["" if cell is None else _SHOWN % cell for cell in row]
        return delimiter.join(["", *cells]).encode()


def _shown_together(rows: list[Row], delimiter: str) -> list[bytes] | None:
    """Return the probabilities of several rows as text, each behind a delimiter.

    Each is looked up, which takes a tenth of the time of formatting it. None if one is missing, or
    has more decimals than are shown.
    """
    if len(rows) < _TOGETHER:
        return None
    import numpy as np

    try:
        values = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    places = np.rint(values * 10**DECIMALS)
    # Not so for one that is not a number, as for one that is missing.
    if not (np.abs(places / 10**DECIMALS - values) < _NO_DIFFERENCE).all():
        return None
    if not ((places >= 0) & (places <= 10**DECIMALS)).all():
        return None
    texts = _all_shown(delimiter)[places.astype(np.intp)]
    found: list[bytes] = texts.view(f"S{texts.itemsize * texts.shape[1]}")[:, 0].tolist()
    return found


@cache
def _all_shown(delimiter: str) -> Any:
    """Return the text of every probability, all of one length."""
    import numpy as np

    most = 10**DECIMALS
    return np.array([f"{delimiter}{_SHOWN % (one / most)}".encode() for one in range(most + 1)])


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _json_lines(header: Sequence[str]) -> Callable[[Sequence[Row]], list[bytes]]:
    spell = json.JSONEncoder(ensure_ascii=False).encode

    def encode(rows: Sequence[Row]) -> list[bytes]:
        return [f"{spell(dict(zip(header, row, strict=True)))}\n".encode() for row in rows]

    return encode


def text_rows(
    file: str,
    name: str,
    first: bytes,
    lines: Iterator[bytes],
    close: Callable[[], None],
    *,
    torn: bool,
    edited: bool,
) -> TableRows:
    """Read the header of a table of text; see :func:`tagger.table.open.open_rows`.

    The file's ending may tell what its first line does not; the lines are all others.

    Raises:
        TableError: it is none, or damaged.
    """
    has_mark = first.startswith(_BOM)
    first = first.removeprefix(_BOM)
    if first.startswith(b"{"):
        record, everything = _record(name, 1, first), itertools.chain([first], lines)
        return TableRows(name, tuple(record), _json_rows(name, tuple(record), everything), close)
    # JSON Lines have no header, so a run that found no image writes nothing.
    if not first and (torn or edited or os.path.splitext(file)[1].lower() not in (".csv", ".tsv")):
        return TableRows(name, (), iter(()), close)
    for start, what in _OTHER_FORMATS.items():
        if first.startswith(start):
            raise TableError(f"{name} is {what}: save it as .xlsx, or as CSV in UTF-8.")
    if first[:2].count(b"\0") == 1:
        raise TableError(
            f"{name} is in UTF-16 without a byte order mark: save it as .xlsx, or as CSV in UTF-8."
        )
    if not edited and not _OURS.match(first):
        raise TableError(f"{name} is not a table written by 'tagger tag'.")
    if _SEPARATOR_LINE.match(first):
        first = next(lines, b"")
    delimiters = _DELIMITERS.get(os.path.splitext(file)[1].lower(), _USUAL_DELIMITERS)
    delimiter = _delimiter(name, _decoded(name, 1, first), delimiters)
    everything = itertools.chain([first], lines)
    rows = _delimited(name, everything, delimiter, excel=has_mark, torn=torn, edited=edited)
    return TableRows(name, next(rows, ()), rows, close, edited=edited)


def _delimiter(name: str, header: str, delimiters: str) -> str:
    """Return what divides a header into most cells."""
    try:
        return max(delimiters, key=lambda one: len(next(_parsed([header], one), [])))
    except csv.Error:
        raise TableError(
            f"{name} has no header in its first line: save it as .xlsx, or as CSV in UTF-8."
        ) from None


def _delimited(
    name: str, lines: Iterator[bytes], delimiter: str, *, excel: bool, torn: bool, edited: bool
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
        for cells in _parsed(texts(), delimiter, strict=True):
            columns = columns or len(cells)
            # Every program ends the last line; only one that is torn lacks cells and its end too.
            if edited and not is_whole and len(cells) < columns:
                raise TableError(f"{name} is damaged: its last line is cut off.")
            if cells:
                yield [without_apostrophe(cell) for cell in cells] if excel else cells
    except csv.Error as error:
        # A cell may hold line ends, so that a row torn inside it ends in a whole line.
        if torn and next(lines, None) is None:
            return
        reached = next(number) - 1
        raise TableError(f"{name} is damaged: line {reached:,}: {first_line(error)}.") from None


def _parsed(lines: Iterable[str], delimiter: str, *, strict: bool = False) -> Iterator[list[str]]:
    """Yield rows; cells may be longer than what the module takes from others in this process."""
    rows = csv.reader(lines, delimiter=delimiter, strict=strict)
    while True:
        former = csv.field_size_limit(LONGEST_LINE)
        try:
            cells = next(rows, None)
        finally:
            csv.field_size_limit(former)
        if cells is None:
            return
        yield cells


def _decoded(name: str, number: int, line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise TableError(
            f"{name} is damaged: line {number:,} is not UTF-8; in a spreadsheet program, save it "
            "as CSV in UTF-8."
        ) from None


def _json_rows(name: str, header: tuple[str, ...], lines: Iterator[bytes]) -> Iterator[Cells]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _record(name, number, line)
        if record.keys() != set(header):
            raise TableError(
                f"{name} is damaged: the columns in line {number:,} differ from the first one."
            )
        yield [record[column] for column in header]


def _record(name: str, number: int, line: bytes) -> dict[str, object]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise TableError(f"{name} is damaged: line {number:,} is not a JSON object.")
    return record
