"""Rows of a table that a person has been at."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tagger.errors import TableError
from tagger.table.rows import Cells, TableRows
from tagger.table.text import without_apostrophe
from tagger.text import unescape

#: The column in which a gallery notes what a person changed; a label may have the same name.
CORRECTED = "corrected"

_OWN = frozenset({"path", "tags", "tag", "score", "error"})
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # JSON can spell it
# What a spreadsheet shows for a formula that it cannot reckon, such as a typed "-Drama".
_NO_VALUE = re.compile(r"#NAME\?|#REF!|#VALUE!|#N/A|#DIV/0!|#NULL!|#NUM!|Err:\d{3}")
_UNKNOWN = math.nan
# What people call our columns.
_ALIKE = {
    "path": frozenset({"file", "filename", "image", "id", "name"}),
    "tags": frozenset({"label", "labels", "category", "categories", "genre", "genres", "keywords"}),
}


@dataclass(slots=True)
class EditedRow:
    """A row.

    Attributes:
        cell: the image's tags as they stand there, or one of them.
        reason: why the image had failed; empty if it had not.
        values: probabilities, 0 to 1; no number where the table says none.
        corrected: what a person changed, as a gallery notes it; empty for nothing.
    """

    path: str
    cell: str
    reason: str
    values: array[float]
    corrected: str = ""

    @property
    def failed(self) -> bool:
        """Whether the image had failed."""
        return bool(self.reason)


class EditedTable:
    """A table of any layout of ``tagger tag``, as a person and a spreadsheet program left it.

    Attributes:
        a_row_a_tag: whether its layout is ``long``.
        names: what the values of each row are the probabilities of.
        no_labels: names of columns that are not of a label, known when all rows were read.

    Raises:
        TableError: it lacks a column, or has one twice.
    """

    def __init__(self, table: TableRows) -> None:
        self._rows = table
        self._name = table.name
        names = own_names(table.header)
        twice = [name for name, count in Counter(names).items() if count > 1 and name in _OWN]
        if twice:
            raise TableError(f"{table.name} has the column '{twice[0]}' twice.")
        self._places = {name: place for place, name in enumerate(names) if name}
        self.a_row_a_tag = "tags" not in self._places
        tags = "tag" if self.a_row_a_tag else "tags"
        for name in ("path", tags):
            if name not in self._places and table.header:
                raise TableError(_lack(table.name, "path" if name == "path" else "tags", names))
        self._tags = tags
        others = [name for name in self._places if name not in _OWN]
        self.names = ["score"] if self.a_row_a_tag else others
        self.no_labels: set[str] = set()

    def __iter__(self) -> Iterator[EditedRow]:
        """Yield the rows that are not empty.

        Raises:
            TableError: a row is damaged.
        """
        for number, cells in self._rows:
            if any(cell not in (None, "") for cell in cells):
                yield self._row(number, cells)

    def _row(self, number: int, cells: Cells) -> EditedRow:
        path = self._text(number, "path", cells)
        cell = without_apostrophe(self._text(number, self._tags, cells))
        if not path:
            raise TableError(f"{self._name}: row {number + 1:,} ('{cell}') has no path.")
        if "\0" in (path := unescape(path)):
            raise TableError(
                f"{self._name}: the path in row {number + 1:,} is not a valid file name."
            )
        reason = self._text(number, "error", cells).strip()
        corrected = self._cell(CORRECTED, cells)
        return EditedRow(
            path,
            cell,
            reason,
            array("d", self._values(cells)),
            corrected.strip() if isinstance(corrected, str) else "",
        )

    def _values(self, cells: Cells) -> Iterator[float]:
        for name in self.names:
            value = probability(self._cell(name, cells))
            if value is None:
                self.no_labels.add(name)
            yield _UNKNOWN if value is None else value

    def _cell(self, column: str, cells: Cells) -> object:
        place = self._places.get(column)
        return None if place is None else cells[place]

    def _text(self, number: int, column: str, cells: Cells) -> str:
        cell = self._cell(column, cells)
        if cell is None:
            return ""
        text = cell_text(cell)
        if text is not None:
            return text
        raise TableError(f"{self._name}: in row {number + 1:,}, {column} is not text: {cell!r}.")


def cell_text(cell: object) -> str | None:
    """Return a cell that a person may have typed as text; None if it is something else."""
    # A spreadsheet takes the tag 1984 for a number.
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, str | int):
        text = str(cell)
        if not _NO_VALUE.fullmatch(text) and not _HALF_CHARACTER.search(text):
            return text
    return None


def _lack(table: str, column: str, names: Sequence[str]) -> str:
    """Say which column is missing, and which one may be meant."""
    alike = next((name for name in names if name.casefold() in _ALIKE[column]), None)
    if alike is None:
        return f"{table} has no column '{column}': it is not a table written by 'tagger tag'."
    return f"{table} has no column '{column}', but '{alike}': rename that to '{column}'."


def probability(cell: object) -> float | None:
    """Read a cell: no number where it is empty, None if it is anything else than 0 to 1.

    Many countries write a comma, and spreadsheets can show per cent.
    """
    if cell is None or cell == "":
        return _UNKNOWN
    try:
        if isinstance(cell, str):
            number, is_percent, _ = cell.replace(",", ".").partition("%")
            value = float(number) / (100 if is_percent else 1)
        else:
            value = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return value if 0 <= value <= 1 else None


def own_names(header: Sequence[str]) -> list[str]:
    """Return the names of columns as we spell our own ones, which people write in capitals."""
    names = [name.strip() for name in header]
    for place, name in enumerate(names):
        if name.casefold() in _OWN and name.casefold() not in names:
            names[place] = name.casefold()
    return names
