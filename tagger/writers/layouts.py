"""The shapes of a table: which columns it has, and which rows a result becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tagger.card import TAG_SEPARATOR
from tagger.paths import escape
from tagger.results import Failed, Result

#: A text, a probability, or nothing.
Cell: TypeAlias = str | float | None
Row: TypeAlias = list[Cell]


@dataclass(frozen=True)
class Layout:
    """A table's columns, and the rows that a result becomes."""

    header: tuple[str, ...]
    rows: Callable[[Result], Iterator[Row]]


def layout(name: str, labels: Sequence[str]) -> Layout:
    """Return the layout ``wide``, ``list`` or ``long`` for a model's labels."""
    if name == "long":
        return Layout(("path", "tag", "score", "error"), _long_rows)
    if name == "list":
        return Layout(("path", "tags", "error"), _list_rows)
    return Layout(
        ("path", "tags", "error", *labels), lambda result: _wide_rows(result, len(labels))
    )


def _list_rows(result: Result) -> Iterator[Row]:
    if isinstance(result, Failed):
        yield [escape(result.path), "", result.reason]
    else:
        tags = TAG_SEPARATOR.join(tag.name for tag in result.tags)
        yield [escape(result.path), tags, None]


def _wide_rows(result: Result, labels: int) -> Iterator[Row]:
    for row in _list_rows(result):
        scores: Row = [None] * labels if isinstance(result, Failed) else result.scores.tolist()
        yield row + scores


def _long_rows(result: Result) -> Iterator[Row]:
    path = escape(result.path)
    if isinstance(result, Failed):
        yield [path, "", None, result.reason]
    elif not result.tags:
        yield [path, "", None, None]  # the image is accounted for all the same
    else:
        for tag in result.tags:
            yield [path, tag.name, tag.score, None]
