"""The rows of a table of labels: which column names the file, and which contains joined tags."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tagger.errors import DataError, TableError, UsageError
from tagger.table.open import open_rows

#: Column written by ``tagger tag``: why an image failed.
ERROR_COLUMN = "error"

_ID_COLUMNS = ("id", "path", "file", "filename", "image", "name")
_TAG_COLUMNS = ("tags", "labels")
#: What is read as tags where no column holds 0 and 1: one label in each row, as a rule.
_LABEL_COLUMNS = ("tag", "label", "category", "categories", "genre", "genres", "class")
#: The columns of the layout ``long``, with one row per tag.
_LONG_COLUMNS = frozenset({"path", "tag", ERROR_COLUMN})


@dataclass(frozen=True)
class LabelTable:
    """A table of labels.

    Attributes:
        id_column: names the file.
        tags_column: contains joined tags; None in a table of 0/1 columns.
        others: names of all other columns that are read.
        rows: column → cell.
    """

    id_column: str
    tags_column: str | None
    others: tuple[str, ...]
    rows: list[dict[str, str]]


def read_label_table(
    table: Path,
    *,
    id_column: str | None,
    tags_column: str | None,
    separator: str,
    more_columns: Sequence[str] = (),
) -> LabelTable:
    """Read a table in any format that ``tagger tag`` writes, even after a spreadsheet saved it.

    In a table with joined tags other columns are not read, so probabilities are never mistaken for
    labels. The rows of the layout ``long`` are joined, image by image.

    Args:
        table: CSV, TSV, JSON Lines, Parquet or XLSX.
        id_column: column that names the file; None finds it (``id``, ``path``, …, or the first).
        tags_column: column of joined tags; None means ``tags`` or ``labels`` if there is one, and
            ``label``, ``category`` or the like where no column holds 0 and 1.
        separator: separates the tags in a cell.
        more_columns: columns that are read, too, and are no labels.

    Raises:
        DataError: it cannot be read, or lacks a column.
        MissingExtraError: the format's library is not installed.
    """
    try:
        with open_rows(os.fspath(table), edited=True) as rows:
            header = rows.header
            named = [name for name in header if name]
            if len(header) < 2 or len(set(named)) != len(named):
                raise DataError(
                    f"{table} needs a header of at least two columns with different names."
                )
            is_long = tags_column is None and _is_long(header)
            id_name = _find(header, id_column, table) or _named_as(header, _ID_COLUMNS) or header[0]
            tags_name = _find(header, tags_column, table) or _named_as(header, _TAG_COLUMNS)
            if is_long:
                tags_name = "tag"
            more = [_find(header, name, table) for name in more_columns]
            others = [name for name in header if name not in (id_name, tags_name, *more)]
            if tags_name is not None:
                others = [name for name in others if name == ERROR_COLUMN]
            read = [name for name in (id_name, tags_name, *others, *more) if name is not None]
            places = {name: header.index(name) for name in read}
            records = [
                {name: _text(cells[place]) for name, place in places.items()} for _, cells in rows
            ]
    except (TableError, UsageError) as error:
        raise DataError(str(error)) from None
    if tags_name is None and (found := _label_column(records, others)) is not None:
        tags_name, others = found, [name for name in others if name == ERROR_COLUMN]
        records = list(_joined(records, id_name, tags_name, separator))
    if is_long:
        records = list(_joined(records, id_name, "tag", separator))
    return LabelTable(id_name, tags_name, tuple(others), records)


def _find(header: Sequence[str], wanted: str | None, table: Path) -> str | None:
    if wanted is not None and wanted not in header:
        raise DataError(f"{table} has no column {wanted!r}; it has {', '.join(header)}.")
    return wanted


def _named_as(header: Sequence[str], names: Iterable[str]) -> str | None:
    by_name = {column.strip().lower(): column for column in reversed(header)}
    return next((by_name[name] for name in names if name in by_name), None)


def truth(cell: str) -> bool | None:
    """Return what a 0/1 cell says, as programs of any country spell it; None if it is no such."""
    text = cell.strip().lower().replace(",", ".")
    with suppress(ValueError):
        number = float(text)
        return bool(number) if number in (0, 1) else None
    return {"true": True, "false": False}.get(text)


def _label_column(records: Sequence[dict[str, str]], others: Sequence[str]) -> str | None:
    """Return the column that names each row's label, if no column is one of 0 and 1."""
    name = _named_as(others, _LABEL_COLUMNS)
    columns = [other for other in others if other != ERROR_COLUMN]
    if name is None or any(
        all(truth(record[column]) is not None for record in records) for column in columns
    ):
        return None
    return name


def _is_long(header: Sequence[str]) -> bool:
    return set(header) >= _LONG_COLUMNS and _named_as(header, _TAG_COLUMNS) is None


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():  # spreadsheets store all numbers as floats
        return str(int(cell))
    return str(cell)


def _joined(
    records: Iterable[dict[str, str]], id_name: str, tag_name: str, separator: str
) -> Iterator[dict[str, str]]:
    """Yield one row per image: sorting in a spreadsheet may have separated the rows of its tags."""
    images: dict[str, dict[str, str]] = {}
    for record in records:
        former = images.setdefault(record[id_name], record)
        if former is not record:
            former[tag_name] += separator + record[tag_name]
            if ERROR_COLUMN in former:
                former[ERROR_COLUMN] = former[ERROR_COLUMN] or record[ERROR_COLUMN]
    yield from images.values()
