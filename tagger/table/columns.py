"""What a table's columns hold, and the extra ones that it has on wish."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from tagger.find.titles import title_and_year
from tagger.results import Failed, FileFacts, Result
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


def _title(result: Result) -> Cell:
    title = title_and_year(result.path)[0]
    return None if title is None else escape(title)


def _text(result: Result) -> Cell:
    if isinstance(result, Failed) or result.text is None:
        return None
    return escape(str(result.text))


def _shown(result: Result) -> FileFacts:
    """Of an image that could not be read nobody knows the size in pixels."""
    return FileFacts() if isinstance(result, Failed) else result.facts


#: Name → kind, and a result and its path as the table spells it → the cell; in the order in which
#: help and messages list them.
EXTRA_COLUMNS: dict[str, tuple[Kind, Callable[[Result, str], Cell]]] = {
    "folder": (Kind.TEXT, lambda _, path: escape(os.path.dirname(path) or os.curdir)),
    "name": (Kind.TEXT, lambda _, path: escape(os.path.basename(path))),
    "title": (Kind.TEXT, lambda result, _: _title(result)),
    "year": (Kind.INTEGER, lambda result, _: title_and_year(result.path)[1]),
    "text": (Kind.TEXT, lambda result, _: _text(result)),
    "width": (Kind.INTEGER, lambda result, _: _shown(result).width),
    "height": (Kind.INTEGER, lambda result, _: _shown(result).height),
    "bytes": (Kind.INTEGER, lambda result, _: result.facts.bytes),
    "sha256": (Kind.TEXT, lambda result, _: result.facts.sha256),
}
