"""Tables as XLSX: rows stream to disk; texts are texts whatever they begin with."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from tagger.errors import OutputError
from tagger.results import DECIMALS, Result
from tagger.table.columns import Cell, Kind, Row
from tagger.table.grouped import GroupedWriter
from tagger.table.layouts import Layout
from tagger.table.sink import Sink, SinkFile

#: What a sheet holds, in any program.
MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
#: Of a cell, counted in UTF-16 as Excel does.
MOST_CHARACTERS = 32_767

_GROUP = 256

# What a sheet must say of the time when it was made; its ZIP says the same of its members.
_CREATED = datetime(1980, 1, 1, tzinfo=UTC)

# XML cannot hold these, or makes others of them; programs differ on whether `_x0041_` stands for a
# character; and XlsxWriter takes a text from <r> to </r> for markup. As in paths, their bytes are
# spelled out.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9a-fA-F]{4}_)|\\A<(?=r>.*</r>\\Z)", re.DOTALL
)

_MOST_BYTES = 2 * MOST_CHARACTERS

_WIDTHS = {"path": 44, "tags": 32, "tag": 16, "error": 24, "folder": 32, "name": 24, "title": 24}

# A fixed scale: the same colour means the same probability in every table.
_COLOURS = {
    "type": "2_color_scale",
    "min_type": "num",
    "min_value": 0,
    "min_color": "#FFFFFF",
    "max_type": "num",
    "max_value": 1,
    "max_color": "#63BE7B",
}


class XlsxWriter(GroupedWriter):
    """Writes results as rows of a sheet.

    Args:
        sink: where the bytes go; one that needs an end.
        layout: columns and rows.
        cut: called with an image whose text was cut to what a cell holds, and a sentence about it.
        most_rows: of the sheet, with its header.

    Raises:
        OutputError: a sheet has not so many columns.
    """

    def __init__(
        self,
        sink: Sink,
        layout: Layout,
        *,
        cut: Callable[[str, str], None],
        most_rows: int = MOST_ROWS,
    ) -> None:
        super().__init__(sink, layout, group=_GROUP)
        check_columns(layout)
        self._cut = cut
        self._most_rows = most_rows
        self._taken = 0
        self._written = 1
        self._beside: str | None = None

    def rows(self, result: Result) -> list[Row]:
        """Return the rows of a result as a sheet can hold them.

        Raises:
            OutputError: the sheet is full; it keeps the results before this one.
        """
        rows = fitting_rows(self.layout, result, self._cut)
        self._taken += len(rows)
        check_rows(self.sink.name, self._taken, self._most_rows)
        return rows

    def start(self, file: SinkFile) -> None:
        """Open the workbook; its rows lie in a file beside the target until the end."""
        if self.sink.beside is None:
            self._beside = tempfile.mkdtemp(prefix="xlsx-")
        else:  # by a name that a later run knows, should this one be killed
            self._beside = f"{self.sink.beside}.rows"
            os.makedirs(self._beside, exist_ok=True)
        # In constant memory a row goes to disk when the next one begins.
        self._book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": self._beside})
        # The same table is the same file, whenever it is written.
        self._book.set_properties({"created": _CREATED})
        self._book.use_zip64()
        self._sheet = self._book.add_worksheet("tags")
        number = self._book.add_format({"num_format": "0." + DECIMALS * "0"})
        for place, column in enumerate(self.layout.columns):
            self._sheet.set_column(
                place,
                place,
                _WIDTHS.get(column.name),
                number if column.kind is Kind.PROBABILITY else None,
            )
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for place, name in enumerate(self.layout.header):
            self._sheet.write_string(0, place, str(_fit(name)), bold)

    def write_rows(self, rows: list[Row]) -> None:
        """Write a group of rows."""
        for row in rows:
            for place, cell in enumerate(row):
                if isinstance(cell, str):
                    # Never Worksheet.write: it takes `=cmd` for a formula and links for links.
                    self._sheet.write_string(self._written, place, cell)
                elif cell is not None:
                    self._sheet.write_number(self._written, place, cell)
            self._written += 1

    def finish(self) -> None:
        """Put the workbook together: filter, colours, and the rows from beside."""
        last = self._written - 1
        self._sheet.autofilter(0, 0, last, len(self.layout.columns) - 1)
        scores = [
            place
            for place, column in enumerate(self.layout.columns)
            if column.kind is Kind.PROBABILITY
        ]
        if scores and last:  # they stand side by side in every layout
            self._sheet.conditional_format(1, scores[0], last, scores[-1], _COLOURS)
        try:
            self._book.close()
        except FileCreateError as error:
            raise error.args[0] from None  # the system's own, which says why

    def release(self) -> None:
        """Remove what lies beside."""
        if self._beside is not None:
            shutil.rmtree(self._beside, ignore_errors=True)


def check_rows(name: str, rows: int, most_rows: int = MOST_ROWS) -> None:
    """Refuse more rows than a sheet can hold.

    Args:
        name: of the table.
        rows: how many it has, without its header.
        most_rows: of a sheet, with its header.

    Raises:
        OutputError: it has too many.
    """
    if rows >= most_rows:
        raise OutputError(
            f"{name} is full: a sheet of XLSX holds {most_rows:,} rows. Use csv, tsv, jsonl or "
            "parquet."
        )


def fitting_rows(layout: Layout, result: Result, cut: Callable[[str, str], None]) -> list[Row]:
    """Return the rows of a result as a sheet can hold them.

    Args:
        layout: of the table.
        result: of an image.
        cut: called with an image whose text was cut to what a cell holds, and a sentence about it.
    """
    rows = [[_fit(cell) for cell in row] for row in layout.rows(result)]
    for row in rows:
        for place, cell in enumerate(row):
            if isinstance(cell, str) and (short := _shortened(cell)) != cell:
                row[place] = short
                cut(
                    result.path,
                    f"its {layout.columns[place].name} is cut to the {MOST_CHARACTERS:,} "
                    "characters that a cell of XLSX holds",
                )
    return rows


def fitting_text(text: str) -> str:
    """Return a text as a cell holds it: what a sheet cannot hold is spelled out, the rest cut."""
    return _shortened(_UNSAFE.sub(_spelled_out, text))


def check_columns(layout: Layout) -> None:
    """Refuse a table that no sheet can hold.

    Raises:
        OutputError: it has too many columns.
    """
    if len(layout.columns) > MOST_COLUMNS:
        raise OutputError(
            f"The table has {len(layout.columns):,} columns and a sheet of XLSX holds "
            f"{MOST_COLUMNS:,}: use --layout list or long, or another format."
        )


def _shortened(text: str) -> str:
    if 4 * len(text) <= _MOST_BYTES:  # no character takes more than four bytes
        return text
    units = text.encode("utf-16-le")
    if len(units) <= _MOST_BYTES:
        return text
    return units[: _MOST_BYTES - 2].decode("utf-16-le", "ignore") + "…"


def _fit(cell: Cell) -> Cell:
    """Spell out what a sheet cannot hold; nothing is nothing, not an empty text."""
    return _UNSAFE.sub(_spelled_out, cell) or None if isinstance(cell, str) else cell


def _spelled_out(match: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in match[0].encode("utf-8"))
