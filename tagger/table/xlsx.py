"""Tables as XLSX: rows stream to disk; texts are texts whatever they begin with."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

from tagger.errors import OutputError, TableError, UsageError, first_line, os_reason
from tagger.results import DECIMALS
from tagger.table.book import Book
from tagger.table.columns import Column, Kind, Row
from tagger.table.rows import Cells, TableRows
from tagger.table.sink import SinkFile

#: What a sheet holds, in any program.
MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
#: Of a cell, counted in UTF-16 as Excel does.
MOST_CHARACTERS = 32_767

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

_SHEET = "tags"

# Bytes of a member that are never too many, and how many times its size in the archive are.
_SMALL = 16 * 1024 * 1024
_MOST_TIMES = 100

# How every OpenDocument file begins, behind 30 bytes of the first entry's head.
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument"


class XlsxBook(Book):
    """A workbook, written row by row; read is the sheet ``tags``, or the first one."""

    group = 256

    def __init__(self, columns: Sequence[Column]) -> None:
        if len(columns) > MOST_COLUMNS:
            raise OutputError(
                f"The table has {len(columns):,} columns, but an XLSX sheet can only have "
                f"{MOST_COLUMNS:,}: use --layout list or long, or another format."
            )
        super().__init__(columns)
        self._beside: str | None = None

    def fitting(self, text: str) -> str:
        """Return a text as a cell holds it: what it cannot hold is spelled out, the rest cut."""
        return _shortened(_spelled(text))

    def fit(self, rows: list[Row]) -> list[str]:
        """Make rows such that cells hold them; nothing is nothing, not an empty text."""
        cut = []
        for row in rows:
            for place, cell in enumerate(row):
                if not isinstance(cell, str):
                    continue
                text = _spelled(cell)
                row[place] = short = _shortened(text) or None
                if text and short != text:
                    cut.append(
                        f"its {self.columns[place].name} is truncated to {MOST_CHARACTERS:,} "
                        "characters, the limit of an XLSX cell"
                    )
        return cut

    def check_rows(self, name: str, rows: int) -> None:
        """Refuse more rows than a sheet holds."""
        if rows >= MOST_ROWS:
            raise OutputError(
                f"{name} is full: an XLSX sheet can have {MOST_ROWS:,} rows. Use csv, tsv, jsonl "
                "or parquet."
            )

    def start(self, file: SinkFile, beside: str | None) -> None:
        """Open the workbook; its rows lie in a file beside the target until the end."""
        import xlsxwriter

        self._written = 1
        if beside is None:
            self._beside = tempfile.mkdtemp(prefix="xlsx-")
        else:  # by a name that a later run knows, should this one be killed
            self._beside = f"{beside}.rows"
            os.makedirs(self._beside, exist_ok=True)
        # In constant memory a row goes to disk when the next one begins.
        self._book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": self._beside})
        # The same table is the same file, whenever it is written.
        self._book.set_properties({"created": _CREATED})
        self._book.use_zip64()
        self._sheet = self._book.add_worksheet(_SHEET)
        number = self._book.add_format({"num_format": "0." + DECIMALS * "0"})
        for place, column in enumerate(self.columns):
            style = number if column.kind is Kind.PROBABILITY else None
            self._sheet.set_column(place, place, _WIDTHS.get(column.name), style)
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for place, column in enumerate(self.columns):
            self._sheet.write_string(0, place, _spelled(column.name), bold)

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
        from xlsxwriter.exceptions import FileCreateError

        last = self._written - 1
        self._sheet.autofilter(0, 0, last, len(self.columns) - 1)
        scores = [
            place for place, column in enumerate(self.columns) if column.kind is Kind.PROBABILITY
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

    @staticmethod
    def read(file: str, name: str, *, edited: bool) -> TableRows:
        """Open a file; with ``edited``, cells where no column has a name are not read."""
        import openpyxl

        try:
            stream = open(file, "rb")  # noqa: SIM115 (openpyxl asks files for their endings)
        except OSError as error:
            raise UsageError(f"{name} cannot be read: {os_reason(error)}.") from None
        if stream.read(30 + len(_OPEN_DOCUMENT)).endswith(_OPEN_DOCUMENT):
            stream.close()
            raise TableError(
                f"{name} is an OpenDocument file: save it as .xlsx, or as CSV in UTF-8."
            )
        stream.seek(0)
        try:
            _refuse_bomb(stream, name)
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            sheet = book[_SHEET] if _SHEET in book.sheetnames else book.worksheets[0]
            # What a sheet says of its size would be believed, row by row.
            sheet.reset_dimensions()
            header = _without_empty_end(next(sheet.iter_rows(max_row=1, values_only=True), ()))
            rows = sheet.iter_rows(min_row=2, max_col=len(header) + 1, values_only=True)
        except TableError:
            stream.close()
            raise
        except Exception as error:  # openpyxl raises whatever comes of a damaged file
            stream.close()
            raise TableError(f"{name} is damaged: {first_line(error)}.") from None

        def close() -> None:
            book.close()
            stream.close()

        if not header:
            close()
            raise TableError(f"{name} has no header in the first row of its sheet.")
        if edited:
            rows = (row[: len(header)] for row in rows)
        return TableRows(name, header, _rows(rows, len(header), name), close)


FORMAT = XlsxBook


def _rows(rows: Iterator[tuple[Any, ...]], columns: int, name: str) -> Iterator[Cells]:
    try:
        for number, row in enumerate(rows, start=2):
            if number > MOST_ROWS:
                raise TableError(
                    f"{name} is damaged: it has more rows than an XLSX sheet can have."
                )
            cells = _without_empty_end(row)
            if cells:  # a spreadsheet may leave empty rows behind
                yield [*cells, *[None] * (columns - len(cells))]
    except TableError:
        raise
    except Exception as error:  # as above
        raise TableError(f"{name} is damaged: {first_line(error)}.") from None


def _refuse_bomb(stream: BinaryIO, name: str) -> None:
    """Refuse a file that would unpack to far more than a table can.

    The measure is that of Apache POI (``ZipSecureFile``); sheets shrink to a twentieth. No more
    is ever unpacked of a member than it says.
    """
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            if member.file_size > max(_SMALL, _MOST_TIMES * member.compress_size):
                raise TableError(
                    f"{name} would unpack to {member.file_size / 1e6:,.0f} MB: too large."
                )
    stream.seek(0)


def _without_empty_end(row: tuple[Any, ...]) -> tuple[Any, ...]:
    length = len(row)
    while length and row[length - 1] is None:
        length -= 1
    return row[:length]


def _shortened(text: str) -> str:
    if 4 * len(text) <= _MOST_BYTES:  # no character takes more than four bytes
        return text
    units = text.encode("utf-16-le")
    if len(units) <= _MOST_BYTES:
        return text
    return units[: _MOST_BYTES - 2].decode("utf-16-le", "ignore") + "…"


def _spelled(text: str) -> str:
    """Spell out what a sheet cannot hold."""
    return _UNSAFE.sub(lambda match: "".join(f"\\x{byte:02x}" for byte in match[0].encode()), text)
