"""A table's rows → the images of a gallery: their tags, probabilities and failures."""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tagger.errors import TableError
from tagger.results import DECIMALS
from tagger.table.edited import EditedRow, EditedTable
from tagger.table.rows import TableRows
from tagger.text import printable, split_tags

_ONE = 10**DECIMALS
#: In place of a probability that the table does not have.
UNKNOWN = 0xFFFF


@dataclass(slots=True)
class Entry:
    """An image of a gallery.

    Attributes:
        path: as the table has it.
        tags: in the order of the table, each once.
        reason: why it could not be tagged; empty if it could.
        scores: of the labels, in ten-thousandths, or :data:`UNKNOWN`.
        corrected: what a person changed, as an earlier gallery noted it; empty for nothing.
    """

    path: str
    tags: list[str]
    reason: str
    scores: array[int]
    corrected: str


@dataclass(frozen=True)
class Entries:
    """The images of a table, sorted bytewise by path.

    Attributes:
        labels: what the scores are of; none if the table has no probabilities.
    """

    labels: tuple[str, ...]
    entries: list[Entry]

    def scores(self) -> npt.NDArray[np.float64]:
        """Return the probabilities, shape ``(images, labels)``; no number where unknown."""
        rows = [np.frombuffer(entry.scores, dtype=np.uint16) for entry in self.entries]
        whole = np.array(rows, dtype=np.float64).reshape(len(rows), len(self.labels))
        return np.where(whole == UNKNOWN, np.nan, whole / _ONE)


def read_entries(table: TableRows) -> Entries:
    """Read a table of any layout of ``tagger tag``, also one that a person corrected.

    Raises:
        TableError: it is no such table, a row is damaged, or an image has two rows.
    """
    edited = EditedTable(table)
    found: dict[str, Entry] = {}
    for row in edited:
        entry = found.get(row.path)
        if entry is not None and not edited.a_row_a_tag:
            raise TableError(f"{table.name} has two rows for {printable(row.path)}: keep only one.")
        if entry is None:
            found[row.path] = Entry(
                row.path, _tags(row.cell), row.reason, _whole(row.values), row.corrected
            )
        else:
            _add(entry, row)
    entries = sorted(found.values(), key=lambda entry: os.fsencode(entry.path))
    if edited.a_row_a_tag:
        return _labelled_by_tags(entries)
    return _of_labels(entries, edited)


def _tags(cell: str) -> list[str]:
    return list(dict.fromkeys(split_tags(cell)))


def _whole(values: Iterable[float]) -> array[int]:
    """Return probabilities in ten-thousandths."""
    return array("H", [UNKNOWN if math.isnan(one) else round(one * _ONE) for one in values])


def _add(entry: Entry, row: EditedRow) -> None:
    """Take one more row of the layout ``long``, of one more tag."""
    entry.reason = entry.reason or row.reason
    if row.cell.strip() and row.cell.strip() not in entry.tags:
        entry.tags.append(row.cell.strip())
        entry.scores += _whole(row.values)


def _labelled_by_tags(entries: Sequence[Entry]) -> Entries:
    """Give the images of a ``long`` table a score for every tag; most are unknown."""
    labels = tuple(sorted({tag for entry in entries for tag in entry.tags}))
    places = {label: place for place, label in enumerate(labels)}
    for entry in entries:
        scores = array("H", [UNKNOWN]) * len(labels)
        for tag, score in zip(entry.tags, entry.scores, strict=False):
            scores[places[tag]] = score
        entry.scores = scores
    return Entries(labels, list(entries))


def _of_labels(entries: Sequence[Entry], edited: EditedTable) -> Entries:
    """Keep the columns that hold probabilities."""
    names = edited.names
    kept = [
        place
        for place, name in enumerate(names)
        if name not in edited.no_labels and any(entry.scores[place] != UNKNOWN for entry in entries)
    ]
    if len(kept) < len(names):
        for entry in entries:
            entry.scores = array("H", [entry.scores[place] for place in kept])
    return Entries(tuple(names[place] for place in kept), list(entries))
