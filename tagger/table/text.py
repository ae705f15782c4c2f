"""Tables of text: CSV, TSV (RFC 4180 quoting) and JSON Lines, in any layout."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from types import TracebackType

from tagger.results import DECIMALS, Result
from tagger.table.columns import Cell, Row
from tagger.table.layouts import Layout
from tagger.table.sink import Sink

# A spreadsheet runs a cell that starts with one of these as a formula (OWASP, CSV injection). What
# only looks as if it had been neutralised gets an apostrophe too: so it can be told apart.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def without_apostrophe(cell: str) -> str:
    """Take back what ``excel`` puts before a cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class TextEncoding:
    """Turns rows into lines.

    Args:
        format: ``csv``, ``tsv`` or ``jsonl``.
        header: the columns' names.
        excel: for CSV and TSV: start with a byte order mark, so that Excel reads UTF-8, and put
            an apostrophe before cells that a spreadsheet would run.

    Attributes:
        head: what a table starts with.
    """

    def __init__(self, format: str, header: tuple[str, ...], *, excel: bool = False) -> None:
        self._header = header
        self._excel = excel
        self._encode: Callable[[Row], bytes] = {
            "csv": self._delimited(","),
            "tsv": self._delimited("\t"),
            "jsonl": self._json_line,
        }[format]
        mark = b"\xef\xbb\xbf" if excel else b""
        self.head = b"" if format == "jsonl" else mark + self._encode(list(header))

    def __call__(self, row: Row) -> bytes:
        """Return a row as one line, with its end."""
        return self._encode(row)

    def _delimited(self, delimiter: str) -> Callable[[Row], bytes]:
        text = io.StringIO()
        # With "\n" as its own end of line, csv leaves a lone carriage return unquoted before 3.13.
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")

        def encode(row: Row) -> bytes:
            writer.writerow([self._cell(cell) for cell in row])
            line = text.getvalue()
            text.seek(0)
            text.truncate()
            return (line.removesuffix("\r\n") + "\n").encode("utf-8")

        return encode

    def _cell(self, cell: Cell) -> str:
        if isinstance(cell, float):
            return f"{cell:.{DECIMALS}f}"
        if isinstance(cell, int):
            return str(cell)
        if cell is None:
            return ""
        return f"'{cell}" if self._excel and _FORMULA.match(cell) else cell

    def _json_line(self, row: Row) -> bytes:
        record = dict(zip(self._header, row, strict=True))
        return (json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8")


class TableWriter:
    """Writes results as rows of a table.

    Args:
        sink: where the bytes go.
        layout: columns and rows.
        format: ``csv``, ``tsv`` or ``jsonl``.
        excel: see :class:`TextEncoding`.
    """

    def __init__(self, sink: Sink, layout: Layout, format: str, *, excel: bool = False) -> None:
        self._sink = sink
        self._layout = layout
        self._encoding = TextEncoding(format, layout.header, excel=excel)

    def __enter__(self) -> TableWriter:
        """Open the sink and write the header."""
        self._sink.__enter__()
        self._sink.write(self._encoding.head)
        return self

    def write(self, result: Result) -> None:
        """Write the rows of one result; errors as in :meth:`Sink.write`."""
        for row in self._layout.rows(result):
            self._sink.write(self._encoding(row))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the sink."""
        self._sink.__exit__(kind, error, trace)
