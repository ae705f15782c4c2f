"""Tags that a person corrected in a table: what its rows say of each image."""

from __future__ import annotations

import math
import os
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tagger.errors import TableError
from tagger.rules import is_tag_name
from tagger.table.edited import EditedRow, EditedTable
from tagger.table.rows import TableRows
from tagger.table.text import without_apostrophe
from tagger.text import (
    TAG_SEPARATOR,
    pieces_of,
    printable,
    same_keyword,
    seems_joined,
    split_tags,
    undivided,
)


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says of an image.

    Attributes:
        tags: in the order of the table, each once; none says that it has none.
        names: what ``values`` are the probabilities of; empty names count for nothing.
        values: 0 to 1, or no number where the table says none.
    """

    path: str
    tags: tuple[str, ...]
    names: tuple[str, ...]
    values: array[float]

    @property
    def scores(self) -> dict[str, float]:
        """Label → probability, as far as the table has them."""
        pairs = zip(self.names, self.values, strict=True)
        return {name: value for name, value in pairs if name and not math.isnan(value)}


@dataclass(frozen=True)
class Corrections:
    """What a table says.

    Attributes:
        rows: one an image, sorted bytewise by path.
        left_out: how many images had failed, and have no tags.
        labels: names of the columns that hold probabilities.
    """

    rows: tuple[Correction, ...]
    left_out: int
    labels: frozenset[str]

    def uses(self) -> Counter[str]:
        """Return tag → how many images have it."""
        return Counter(tag for row in self.rows for tag in row.tags)


def read_corrections(
    table: TableRows, on_disk: Callable[[str], str | None], identity: Callable[[str], str]
) -> Corrections:
    """Read a table of any layout of ``tagger tag``, as a person and a spreadsheet left it.

    Columns may be gone, new, or in another order; rows may be gone, or in another order. An image
    may have several rows, by several spellings of its path, if they say the same.

    Args:
        table: as it was left. Spreadsheets take apostrophes off paths and leave them on.
        on_disk: says how the disk spells a path, and None if there is no such file.
        identity: a path → a text that is equal for the same image.

    Raises:
        TableError: it is not such a table, an image's tags are ambiguous, or a tag is none
            that could be written.
    """
    edited = EditedTable(table)
    images: dict[str, _Image] = {}
    for row in edited:
        path = as_on_disk(row.path, on_disk)
        key = identity(path)
        former = images.get(key)
        if former is None:
            images[key] = _Image(path, row)
        elif edited.a_row_a_tag:
            former.add(row)
        elif row.cell == former.cells[0] and row.path != former.path:
            former.failed = former.failed and row.failed
        else:
            raise TableError(
                f"{table.name} has two rows for {printable(path)}, with the tags "
                f"'{former.cells[0]}' and '{row.cell}': keep only one."
            )
    return _gathered(table.name, edited, list(images.values()))


class _Image:
    """The rows of an image; in all layouts but ``long`` it has one."""

    __slots__ = ("cells", "failed", "path", "values")

    def __init__(self, path: str, row: EditedRow) -> None:
        self.path = path
        self.cells = [row.cell]
        self.failed = row.failed
        self.values = row.values

    def add(self, row: EditedRow) -> None:
        """Take one more row, of one more tag."""
        self.cells.append(row.cell)
        self.values += row.values
        self.failed = self.failed or row.failed

    @property
    def has_tags(self) -> bool:
        """Whether any row has a tag."""
        return any(cell.strip() for cell in self.cells)


def as_on_disk(path: str, on_disk: Callable[[str], str | None]) -> str:
    """Return a path without, or with, the apostrophe that keeps a spreadsheet from running it."""
    spellings = [path, without_apostrophe(path)]
    if without_apostrophe(f"'{path}") == path:
        spellings.append(f"'{path}")
    return next(filter(None, map(on_disk, spellings)), path)


def _gathered(name: str, edited: EditedTable, images: Sequence[_Image]) -> Corrections:
    failed = [image for image in images if image.failed and not image.has_tags]
    told = [image for image in images if not image.failed or image.has_tags]
    labels = _labels(edited, told)
    names = tuple(label if label in labels else "" for label in edited.names)
    rows = [_correction(name, image, names, edited) for image in told]
    known = labels | {tag for row in rows for tag in row.tags}
    joined = seems_joined([cell for image in told for cell in image.cells])
    for image in told:
        _refuse_undivided(name, image, labels, known, joined)
    rows.sort(key=lambda row: os.fsencode(row.path))
    return Corrections(tuple(rows), len(failed), labels)


def _labels(edited: EditedTable, images: Sequence[_Image]) -> frozenset[str]:
    if edited.a_row_a_tag:
        return frozenset()
    return frozenset(
        label
        for place, label in enumerate(edited.names)
        if label not in edited.no_labels
        and any(not math.isnan(image.values[place]) for image in images)
    )


def _correction(
    name: str, image: _Image, labels: tuple[str, ...], edited: EditedTable
) -> Correction:
    tags: dict[str, str] = {}
    values: list[float] = []
    for place, cell in enumerate(image.cells):
        for tag in split_tags(cell):
            if not is_tag_name(tag):
                raise TableError(
                    f"{name}: a tag of {printable(image.path)} contains unprintable characters: "
                    f"{tag!r}."
                )
            if same_keyword(tag) not in tags:
                tags[same_keyword(tag)] = tag
                values += image.values[place : place + 1] if edited.a_row_a_tag else ()
    given = tuple(tags.values())
    if edited.a_row_a_tag:
        return Correction(image.path, given, given, array("d", values))
    return Correction(image.path, given, labels, image.values)


def _refuse_undivided(
    name: str,
    image: _Image,
    labels: frozenset[str],
    known: frozenset[str],
    joined: str | None,
) -> None:
    """Raise TableError for tags that seem to be joined as the table does not join them."""
    for cell in map(str.strip, image.cells):
        pieces = [] if cell in labels else undivided(cell, known)
        if cell == joined and cell not in labels:
            pieces = pieces_of(cell)
        if pieces:
            raise TableError(
                f"{name}: tags are joined by '{TAG_SEPARATOR}', so for {printable(image.path)} "
                f"write {TAG_SEPARATOR.join(pieces)}, or {cell}{TAG_SEPARATOR} if that is one tag."
            )
