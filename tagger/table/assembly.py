"""A table that becomes a file: rows lie there as text until they are put together at the end."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator

from tagger.errors import OutputError, TableError, os_reason
from tagger.files.write import beside, opener, take_place
from tagger.table.book import BookWriter
from tagger.table.columns import Cell, Column, Kind
from tagger.table.formats import Format
from tagger.table.open import open_rows
from tagger.table.rows import TableRows
from tagger.table.sink import Sink
from tagger.table.table import ImageRows, Table
from tagger.text import printable

_COPIED_TOGETHER = 1 << 20
_START_BYTES = max(len(one.start) for one in Format)

# Columns in which nothing is written as an empty text, in formats that know the difference.
_NEVER_NONE = frozenset({"path", "tags", "tag"})

_NAMES = {Kind.TEXT: "text", Kind.PROBABILITY: "probability", Kind.INTEGER: "whole number"}


def kept_rows(table: Table, file: str, *, unfinished: bool) -> Iterator[ImageRows]:
    """Read the rows of a previous run, an image at a time.

    A last row that is torn is left out. In the layout ``long`` nobody knows whether the last
    image of such a file has all its rows, so it is left out too.

    Args:
        table: that is to be made.
        file: a table, or the rows of one.
        unfinished: whether the run that wrote it did not come to an end.

    Raises:
        TableError: it is damaged, or another table.
        UsageError: it cannot be read.
    """
    is_text = table.book is None or unfinished
    whole = not unfinished and _ends_whole(file)
    with open_rows(file, torn=is_text) as rows:
        if rows.header and sorted(rows.header) != sorted(table.header):
            raise TableError(
                f"The columns of {rows.name} differ from those of this run: start over with "
                "--overwrite."
            )
        images = _images(table, rows)
        if not is_text or whole or not table.a_row_a_tag:
            yield from images
        else:
            for image, _ in itertools.pairwise(images):
                yield image


def _images(table: Table, rows: TableRows) -> Iterator[ImageRows]:
    error = table.header.index("error")
    # A format may have them in another order.
    places = [rows.header.index(name) for name in table.header] if rows.header else []
    typed = (
        [
            _typed(column, cells[place], rows.name, number)
            for column, place in zip(table.columns, places, strict=True)
        ]
        for number, cells in rows
    )
    for _, group in itertools.groupby(typed, key=lambda row: row[0]):
        of_image = list(group)
        failed = any(row[error] for row in of_image)
        if table.book is not None:  # a table in another format may hold what this one cannot
            table.book.fit(of_image)
        text = b"".join(table.text(of_image))
        yield ImageRows(str(of_image[0][0]), text, len(of_image), failed)


def assemble(table: Table, texts: Iterator[bytes], target: str) -> None:
    """Write a table from its head and the rows of each image, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    if table.book is None:
        _join(texts, target)
        return
    with BookWriter(Sink(target, needs_end=True), table.book) as writer:
        for text in texts:
            records = [json.loads(line) for line in text.split(b"\n")[:-1]]
            writer.take([[record[name] for name in table.header] for record in records])


def _ends_whole(file: str) -> bool:
    """Return whether the last line of a file has its end; a file that is not text has none."""
    with open(file, "rb") as stream:
        start = stream.read(_START_BYTES)
        if any(one.start and start.startswith(one.start) for one in Format):
            return True
        if stream.seek(0, os.SEEK_END) == 0:
            return True
        stream.seek(-1, os.SEEK_END)
        return stream.read() == b"\n"


def _typed(column: Column, cell: object, name: str, number: int) -> Cell:
    """Return a cell that was read as the value that was written."""
    if cell is None or (cell == "" and column.name not in _NEVER_NONE):
        return None
    try:
        if column.kind is Kind.TEXT:
            str(cell).encode("utf-8")  # half a character, as JSON can spell it, has no UTF-8
            return str(cell)
        return float(cell) if column.kind is Kind.PROBABILITY else int(cell)  # type: ignore[call-overload, arg-type]
    except (TypeError, ValueError, OverflowError):
        raise TableError(
            f"{name} is damaged: in row {number:,}, {column.name} is not a {_NAMES[column.kind]}."
        ) from None


def _join(texts: Iterator[bytes], target: str) -> None:
    try:
        with open(beside(target), "wb", buffering=_COPIED_TOGETHER, opener=opener) as stream:
            stream.writelines(texts)
            stream.flush()
            os.fsync(stream.fileno())
        take_place(beside(target), target)
    except OSError as error:
        raise OutputError(f"{printable(target)} cannot be written: {os_reason(error)}.") from None
