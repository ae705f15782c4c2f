"""A table: its columns, the rows that a result becomes, and these rows as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from tagger.errors import UsageError
from tagger.results import Failed, Result
from tagger.table.columns import EXTRA_COLUMNS, Column, Kind, Row
from tagger.table.formats import Format, LayoutName
from tagger.table.plan import TablePlan
from tagger.table.text import encoding, head
from tagger.text import TAG_SEPARATOR, escape, printable

_PATH = Column("path", Kind.TEXT)
_TAGS = Column("tags", Kind.TEXT)
_TAG = Column("tag", Kind.TEXT)
_SCORE = Column("score", Kind.PROBABILITY)
_ERROR = Column("error", Kind.TEXT)


@dataclass(slots=True)
class ImageRows:
    """The rows of one image as text, how many they are, and its path as the table spells it."""

    path: str
    text: bytes
    count: int
    failed: bool


class Table:
    """Turns results into rows, and rows into text.

    The rows of a format that is not text are JSON Lines as text, from which
    :func:`tagger.table.assembly.assemble` makes the table.

    Args:
        labels: of the model, in the order of its scores.
        cut: called with an image whose text was cut to what a cell holds, and a sentence about it.
        facts: names and values that tell a person what the run was, for formats that show them.

    Attributes:
        columns: those of the layout, extra ones, labels.
        a_row_a_tag: whether an image may have several rows.
        text: rows → their text, one by one.
        head: what the text begins with.
        book: what writes the format; None for text.

    Raises:
        UsageError: a label of a wide table has the name of an extra column.
        OutputError: the format cannot hold this many columns.
    """

    def __init__(
        self,
        plan: TablePlan,
        labels: Sequence[str],
        cut: Callable[[str, str], None],
        facts: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.plan = plan
        self.a_row_a_tag = plan.layout is LayoutName.LONG
        self._labels = tuple(labels) if plan.layout is LayoutName.WIDE else ()
        for extra in plan.columns:
            if extra in self._labels:
                raise UsageError(
                    f"The model has a label '{extra}', so a wide table cannot also have a column "
                    f"'{extra}': use --layout list or long."
                )
        self._extras = [EXTRA_COLUMNS[extra][1] for extra in plan.columns]
        self.columns = (
            *((_PATH, _TAG, _SCORE, _ERROR) if self.a_row_a_tag else (_PATH, _TAGS, _ERROR)),
            *(Column(extra, EXTRA_COLUMNS[extra][0]) for extra in plan.columns),
            *(Column(label, Kind.PROBABILITY) for label in self._labels),
        )
        self.header = tuple(column.name for column in self.columns)
        self._spell = plan.spelling()
        self._tag_cells = _of_each_tag if self.a_row_a_tag else _of_all_tags
        self._cut = cut
        wanted = plan.format or Format.CSV
        self.book = None
        if not wanted.is_text:
            self.book = wanted.book(f"The format {wanted}")(self.columns, plan, facts)
        text = wanted if wanted.is_text else Format.JSONL
        self.text = encoding(text, self.header, scores=len(self._labels), excel=plan.excel)
        self.head = head(text, self.header, excel=plan.excel)

    def spell(self, path: str) -> str:
        """Return what the column ``path`` shows for an image's path."""
        text = escape(self._spell(path))
        return text if self.book is None else self.book.fitting(text)

    def rows(self, result: Result) -> list[Row]:
        """Return the rows of a result, as the format can hold them."""
        shown = self._spell(result.path)
        # Most paths need no escaping: nobody is asked for them.
        path = shown if shown.isascii() and "\\" not in shown else escape(shown)
        behind: Row = [cell(result, shown) for cell in self._extras]
        if isinstance(result, Failed):
            behind += [None] * len(self._labels)
        elif self._labels:
            behind += result.scores.tolist()
        rows = [[path, *cells, *behind] for cells in self._tag_cells(result)]
        if self.book is not None:
            for sentence in self.book.fit(rows):
                self._cut(result.path, sentence)
        return rows

    def image_rows(self, results: Sequence[Result]) -> Iterator[ImageRows]:
        """Return the rows of each result as text."""
        of_images = [*map(self.rows, results)]
        texts = iter(self.text([row for rows in of_images for row in rows]))
        for result, rows in zip(results, of_images, strict=True):
            count = len(rows)
            text = next(texts) if count == 1 else b"".join(islice(texts, count))
            yield ImageRows(str(rows[0][0]), text, count, isinstance(result, Failed))

    def lines(self, results: Sequence[Result]) -> bytes:
        """Return the rows of results as one text."""
        return b"".join(self.text([row for result in results for row in self.rows(result)]))

    def check_size(self, rows: int) -> None:
        """Raise OutputError for a number of rows that the format cannot hold."""
        if self.book is not None:
            self.book.check_rows(printable(str(self.plan.output)), rows)


def _of_all_tags(result: Result) -> list[Row]:
    if isinstance(result, Failed):
        return [["", result.reason]]
    return [[TAG_SEPARATOR.join([tag.name for tag in result.tags]), None]]


def _of_each_tag(result: Result) -> list[Row]:
    if isinstance(result, Failed):
        return [["", None, result.reason]]
    # An image without tags is accounted for all the same.
    return [[tag.name, tag.score, None] for tag in result.tags] or [["", None, None]]
