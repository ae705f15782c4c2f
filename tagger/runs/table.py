"""A run's table: results and earlier tables → rows as text, and at the end rows → the table."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tagger.errors import OutputError, TableError, os_reason
from tagger.files import beside, take_place
from tagger.results import Result
from tagger.table.columns import Cell, Column, Kind, Row
from tagger.table.grouped import GroupedWriter
from tagger.table.layouts import Layout
from tagger.table.rows import Cells, open_rows
from tagger.table.sink import Sink
from tagger.table.text import TextEncoding
from tagger.text import printable

_COPIED_TOGETHER = 1 << 20

_NAMES = {Kind.TEXT: "text", Kind.PROBABILITY: "probability", Kind.INTEGER: "whole number"}


@dataclass(frozen=True)
class ImageRows:
    """The rows of one image.

    Attributes:
        path: the image's path as the table spells it.
        text: the rows as they stand in the file of rows.
        count: how many.
        failed: whether they tell of a failure.
    """

    path: str
    text: bytes
    count: int
    failed: bool


@dataclass(frozen=True)
class RunTable:
    """What a run must know of its table.

    Attributes:
        layout: columns and rows.
        encode: a row → a line of the file of rows.
        rows: a result → its rows, as the format can hold them.
        spell: an image's path → the text in its column ``path``.
        assembler: makes the writer of a format that is no text; None where rows are the table.
        check_size: refuses a number of rows that the format cannot hold.
    """

    layout: Layout
    encode: TextEncoding
    rows: Callable[[Result], list[Row]]
    spell: Callable[[str], str]
    assembler: Callable[[Sink], GroupedWriter] | None = None
    check_size: Callable[[int], None] = lambda rows: None

    def image_rows(self, result: Result, *, failed: bool) -> ImageRows:
        """Return a result's rows."""
        rows = self.rows(result)
        return ImageRows(str(rows[0][0]), b"".join(map(self.encode, rows)), len(rows), failed)

    def kept(self, file: str, *, unfinished: bool) -> Iterator[ImageRows]:
        """Read the rows of an earlier run, an image at a time.

        A last row that is torn is left out. In the layout ``long`` nobody knows whether the last
        image of such a file has all its rows, so it is left out too.

        Args:
            file: the table, or the rows of one.
            unfinished: whether the run that wrote it did not come to an end.

        Raises:
            TableError: it is damaged, or another table.
            UsageError: it cannot be read.
        """
        is_text = self.assembler is None or unfinished
        whole = not unfinished and _ends_whole(file)
        with open_rows(file, torn=is_text) as table:
            if table.header not in ((), self.layout.header):
                raise TableError(
                    f"{table.name} has other columns than this run would write: leave out --resume "
                    "to start over."
                )
            images = self._images(table.name, table)
            if not is_text or whole or self.layout.columns[1].name != "tag":
                yield from images
            else:
                for image, _ in itertools.pairwise(images):
                    yield image

    def _images(self, name: str, rows: Iterable[tuple[int, Cells]]) -> Iterator[ImageRows]:
        columns = self.layout.columns
        error = self.layout.header.index("error")
        typed = (
            [
                _typed(column, cell, name, number)
                for column, cell in zip(columns, cells, strict=True)
            ]
            for number, cells in rows
        )
        for path, group in itertools.groupby(typed, key=lambda row: row[0]):
            of_image = list(group)
            yield ImageRows(
                str(path),
                b"".join(map(self.encode, of_image)),
                len(of_image),
                failed=any(row[error] for row in of_image),
            )

    def assemble(self, texts: Iterator[bytes], target: str) -> None:
        """Write the table, whole or not at all.

        Args:
            texts: the header and the rows of each image, as they stand in the file of rows.
            target: the table.

        Raises:
            OutputError: it cannot be written.
        """
        if self.assembler is None:
            _join(texts, target)
            return
        with self.assembler(Sink(target, needs_end=True)) as writer:
            for text in texts:
                records = [json.loads(line) for line in text.split(b"\n")[:-1]]
                writer.take([[record[c] for c in self.layout.header] for record in records])


def _ends_whole(file: str) -> bool:
    """Say whether the last line of a file has its end."""
    with open(file, "rb") as stream:
        if stream.seek(0, os.SEEK_END) == 0:
            return True
        stream.seek(-1, os.SEEK_END)
        return stream.read() == b"\n"


def _typed(column: Column, cell: object, name: str, number: int) -> Cell:
    """Return a cell that was read as the value that was written."""
    if cell is None or (cell == "" and column.kind is not Kind.TEXT):
        return None
    try:
        if column.kind is Kind.TEXT:
            str(cell).encode("utf-8")  # half a character, as JSON can spell it, has no UTF-8
            return str(cell)
        return float(cell) if column.kind is Kind.PROBABILITY else int(cell)  # type: ignore[call-overload, arg-type]
    except (TypeError, ValueError, OverflowError):
        raise TableError(
            f"{name} is damaged: row {number:,} has no {_NAMES[column.kind]} as its {column.name}."
        ) from None


def _join(texts: Iterator[bytes], target: str) -> None:
    try:
        with open(beside(target), "wb", buffering=_COPIED_TOGETHER) as stream:
            stream.writelines(texts)
            stream.flush()
            os.fsync(stream.fileno())
        take_place(beside(target), target)
    except OSError as error:
        raise OutputError(f"{printable(target)} cannot be written: {os_reason(error)}.") from None
