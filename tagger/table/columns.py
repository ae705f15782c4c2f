"""What a table's columns hold, and the extra ones that it has on wish."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from tagger.find.titles import title_and_year
from tagger.results import Failed, Result
from tagger.text import escape

#: A text, a probability, a whole number, or nothing.
Cell: TypeAlias = str | float | int | None
Row: TypeAlias = list[Cell]


class Kind(Enum):
    """What the cells of a column are; each may be empty."""

    TEXT = auto()
    PROBABILITY = auto()
    INTEGER = auto()


@dataclass(frozen=True)
class Column:
    """A column's name, and what its cells are."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class ExtraColumn:
    """A column that a table has on wish.

    Attributes:
        column: its name and kind.
        cell: a result and its path as the table spells it → the cell.
    """

    column: Column
    cell: Callable[[Result, str], Cell]


def _folder(result: Result, path: str) -> Cell:
    return escape(os.path.dirname(path) or os.curdir)


def _name(result: Result, path: str) -> Cell:
    return escape(os.path.basename(path))


def _title(result: Result, path: str) -> Cell:
    title = title_and_year(result.path)[0]
    return None if title is None else escape(title)


def _year(result: Result, path: str) -> Cell:
    return title_and_year(result.path)[1]


def _width(result: Result, path: str) -> Cell:
    return None if isinstance(result, Failed) else result.facts.width


def _height(result: Result, path: str) -> Cell:
    return None if isinstance(result, Failed) else result.facts.height


def _bytes(result: Result, path: str) -> Cell:
    return result.facts.bytes


def _sha256(result: Result, path: str) -> Cell:
    return result.facts.sha256


#: Name → extra column, in the order in which help and messages list them.
EXTRA_COLUMNS = {
    name: ExtraColumn(Column(name, kind), cell)
    for name, kind, cell in (
        ("folder", Kind.TEXT, _folder),
        ("name", Kind.TEXT, _name),
        ("title", Kind.TEXT, _title),
        ("year", Kind.INTEGER, _year),
        ("width", Kind.INTEGER, _width),
        ("height", Kind.INTEGER, _height),
        ("bytes", Kind.INTEGER, _bytes),
        ("sha256", Kind.TEXT, _sha256),
    )
}
