"""The shapes of a table: which columns it has, and which rows a result becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tagger.errors import UsageError
from tagger.results import Failed, Result
from tagger.table.columns import EXTRA_COLUMNS, Cell, Column, Kind, Row
from tagger.text import TAG_SEPARATOR, as_given, escape

_PATH = Column("path", Kind.TEXT)
_ERROR = Column("error", Kind.TEXT)


@dataclass(frozen=True)
class Layout:
    """A table's columns, and the rows that a result becomes."""

    columns: tuple[Column, ...]
    rows: Callable[[Result], Iterator[Row]]

    @property
    def header(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)


def layout(
    name: str,
    labels: Sequence[str],
    *,
    extras: Sequence[str] = (),
    spell: Callable[[str], str] = as_given,
) -> Layout:
    """Return the layout ``wide``, ``list`` or ``long`` for a model's labels.

    Args:
        name: of the layout.
        labels: of the model, in the order of its scores.
        extras: names from :data:`EXTRA_COLUMNS`; they stand behind ``error``, before the labels.
        spell: a result's path → the path that the table shows.

    Raises:
        UsageError: a label of a wide table has the name of an extra column.
    """
    wanted = [EXTRA_COLUMNS[extra] for extra in extras]
    first: tuple[Column, ...] = (Column("tags", Kind.TEXT),)
    if name == "long":
        first = (Column("tag", Kind.TEXT), Column("score", Kind.PROBABILITY))
    shown = tuple(labels) if name == "wide" else ()
    for extra in extras:
        if extra in shown:
            raise UsageError(
                f"The model has a label '{extra}', so a wide table cannot have the column "
                f"'{extra}' too: use --layout list or long."
            )
    tagged = _a_row_a_tag if name == "long" else _one_row

    def rows(result: Result) -> Iterator[Row]:
        path = spell(result.path)
        behind: Row = [extra.cell(result, path) for extra in wanted]
        if shown:
            behind += _scores(result, len(shown))
        for cells in tagged(result):
            yield [escape(path), *cells, *behind]

    columns = (_PATH, *first, _ERROR, *(extra.column for extra in wanted))
    return Layout((*columns, *(Column(label, Kind.PROBABILITY) for label in shown)), rows)


def _one_row(result: Result) -> Iterator[Row]:
    if isinstance(result, Failed):
        yield ["", result.reason]
    else:
        yield [TAG_SEPARATOR.join(tag.name for tag in result.tags), None]


def _a_row_a_tag(result: Result) -> Iterator[Row]:
    if isinstance(result, Failed):
        yield ["", None, result.reason]
    elif not result.tags:
        yield ["", None, None]  # the image is accounted for all the same
    else:
        for tag in result.tags:
            yield [tag.name, tag.score, None]


def _scores(result: Result, labels: int) -> Sequence[Cell]:
    return [None] * labels if isinstance(result, Failed) else result.scores.tolist()
