"""Tables as XLSX: rows stream to disk; texts are texts whatever they begin with."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tagger.errors import OutputError
from tagger.results import DECIMALS
from tagger.table.book import Book
from tagger.table.columns import Column, Kind, Row
from tagger.table.plan import TablePlan
from tagger.table.sink import SinkFile
from tagger.table.xlsx_pictures import ROW_HEIGHT, SHOWN_COLUMNS, Pictures
from tagger.table.xlsx_reading import MOST_ROWS, SHEET, read_xlsx
from tagger.table.xlsx_summary import write_summary
from tagger.text import split_tags

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

# What stays in view.
_FRONT = (Column("path", Kind.TEXT), Column("title", Kind.TEXT))

# Of columns, in characters.
_WIDTHS = {"path": 36, "tags": 26, "tag": 16, "error": 30, "folder": 32, "name": 24, "title": 24}
_PROBABILITY_WIDTH = 7.5

# Points. Headings of probabilities are upright, so that many of them fit onto a page.
_POINTS_A_LETTER = 6
_HEADINGS = (30, 150)

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

# All decimals that the table has: whoever saves what is shown as CSV loses none.
_PER_CENT = f"0.{'0' * (DECIMALS - 2)}%"


class XlsxBook(Book):
    """A workbook, written row by row: the sheet ``tags``, and one with counts and facts.

    Path and title come first and stay in view, reasons of failures come last. Where images are
    files, each has a thumbnail beside its path, and the path is a link.
    """

    group = 256

    def __init__(
        self, columns: Sequence[Column], plan: TablePlan, facts: Sequence[tuple[str, str]] = ()
    ) -> None:
        if len(columns) > MOST_COLUMNS:
            raise OutputError(
                f"The table has {len(columns):,} columns, but an XLSX sheet can only have "
                f"{MOST_COLUMNS:,}: use --layout list or long, or another format."
            )
        super().__init__(columns, plan, facts)
        names = [column.name for column in columns]
        self._tags = names.index("tags" if "tags" in names else "tag")
        self._error = names.index("error")
        front = [place for place, column in enumerate(columns) if column in _FRONT]
        behind = [place for place in range(len(columns)) if place not in (*front, self._error)]
        self._order = [*front, *behind, self._error]
        self._frozen = len(front)
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
        self._path: object = None
        self._images: Counter[str] = Counter()
        self._uses: Counter[str] = Counter()
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
        self._sheet = self._book.add_worksheet(SHEET)
        self._pictures = Pictures(self._book, self._sheet, self.plan, self._beside)
        self._set_columns()
        self._set_page()

    def _set_columns(self) -> None:
        """Set widths, formats and headings."""
        book, sheet = self._book, self._sheet
        plain = book.add_format({"valign": "vcenter"})
        text = book.add_format({"valign": "vcenter", "text_wrap": True})
        number = book.add_format({"valign": "vcenter", "num_format": _PER_CENT})
        heading = {"bold": True, "bottom": 1, "bg_color": "#EDEFF2"}
        level = book.add_format({**heading, "valign": "bottom", "text_wrap": True})
        upright = book.add_format({**heading, "rotation": 90, "align": "left"})
        letters = [0]
        for place, source in enumerate(self._order):
            column = self.columns[source]
            is_number = column.kind is Kind.PROBABILITY
            width: float | None = _WIDTHS.get(column.name)
            style = number if is_number else plain
            if column.kind is Kind.TEXT:
                style = self._pictures.path_format if column.name == "path" else text
            if is_number:
                width = _PROBABILITY_WIDTH
                letters.append(len(column.name))
            if column.name == "path":
                width = _WIDTHS["path"] + (SHOWN_COLUMNS if self._pictures.shown else 0)
            sheet.set_column(place, place, width, style)
            if source == self._error:
                self._error_column = (place, place, width, style)
            sheet.write_string(0, place, _spelled(column.name), upright if is_number else level)
        least, most = _HEADINGS
        sheet.set_row(0, min(most, max(least, _POINTS_A_LETTER * max(letters) + 18)))

    def _set_page(self) -> None:
        """Set what stays in view and how the sheet is printed."""
        self._sheet.freeze_panes(1, self._frozen)
        self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)
        self._sheet.repeat_rows(0)
        self._sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        self._sheet.set_footer("&C&P / &N")

    def write_rows(self, rows: list[Row]) -> None:
        """Write a group of rows."""
        begin = [self._begins_image(row) for row in rows]
        self._pictures.prepare([row[0] for row, begins in zip(rows, begin, strict=True) if begins])
        for row, begins in zip(rows, begin, strict=True):
            if begins and self._pictures.add(self._written, str(row[0])):
                self._sheet.set_row(self._written, ROW_HEIGHT)
            for place, source in enumerate(self._order):
                cell = row[source]
                if isinstance(cell, str):
                    # Never Worksheet.write: it takes `=cmd` for a formula and links for links.
                    if place == 0 and begins and self._pictures.link(self._written, cell):
                        continue
                    self._sheet.write_string(self._written, place, cell)
                elif cell is not None:
                    self._sheet.write_number(self._written, place, cell)
            self._written += 1

    def _begins_image(self, row: Row) -> bool:
        """Count a row; return whether it is the first one of its image."""
        begins = row[0] != self._path
        self._path = row[0]
        self._uses.update(split_tags(str(row[self._tags] or "")))
        if begins:
            self._images["failed" if row[self._error] else "tagged"] += 1
        return begins

    def finish(self) -> None:
        """Put the workbook together: filter, colours, counts, and the rows from beside."""
        from xlsxwriter.exceptions import FileCreateError

        last = self._written - 1
        self._sheet.autofilter(0, 0, last, len(self.columns) - 1)
        scores = [
            place
            for place, source in enumerate(self._order)
            if self.columns[source].kind is Kind.PROBABILITY
        ]
        if scores and last:  # they stand side by side in every layout
            self._sheet.conditional_format(1, scores[0], last, scores[-1], _COLOURS)
        if not self._images["failed"]:
            self._sheet.set_column(*self._error_column, {"hidden": True})
        known = [(name, self.fitting(value)) for name, value in self.facts]
        facts = [*self._counts(), *known, *self._pictures.facts()]
        write_summary(self._book, self._uses, self._images.total(), facts)
        try:
            self._book.close()
        except FileCreateError as error:
            raise error.args[0] from None  # the system's own, which says why

    def _counts(self) -> list[tuple[str, Any]]:
        tagged, failed = self._images["tagged"], self._images["failed"]
        return [("images", tagged + failed), ("tagged", tagged), ("failed", failed)]

    def release(self) -> None:
        """Remove what lies beside."""
        if hasattr(self, "_pictures"):
            self._pictures.close()
        if self._beside is not None:
            shutil.rmtree(self._beside, ignore_errors=True)

    read = staticmethod(read_xlsx)


FORMAT = XlsxBook


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
