"""A table's rows → the images of a gallery: their tags, probabilities and failures."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable

from tagger.errors import TableError, UsageError
from tagger.gallery.entries import UNKNOWN, Entries, Entry
from tagger.results import DECIMALS
from tagger.table.edited import EditedTable
from tagger.table.open import open_rows
from tagger.table.rows import TableRows
from tagger.text import printable, split_tags

_ONE = 10**DECIMALS


def read_entries(table: TableRows) -> Entries:
    """Read a table of any layout of ``tagger tag``, also one that a person corrected.

    Raises:
        OutputError: there is no room for a temporary file.
        TableError: it is no such table, a row is damaged, or an image has two rows.
    """
    edited = EditedTable(table)
    entries = Entries()
    try:
        if edited.a_row_a_tag:
            _read_tags(edited, entries)
        else:
            _read_images(edited, entries, table.name)
    except BaseException:
        entries.close()
        raise
    return entries


def read_known(table: str, entries: Entries) -> None:
    """Note the tags that a table knows to be right.

    Raises:
        UsageError: the table cannot be opened, or has none of the images.
        TableError: it lacks the paths or the tags.
    """
    found = False
    with open_rows(table, edited=True) as rows:
        for row in EditedTable(rows):
            found |= entries.know(row.path, split_tags(row.cell))
        name = rows.name
    if not found:
        raise UsageError(
            f"--truth: {name} has none of the images, whose paths must be spelled as in the table.",
            "truth",
        )


def probabilities(entry: Entry) -> list[float]:
    """Return an image's scores as probabilities; no number where unknown."""
    return [math.nan if one == UNKNOWN else one / _ONE for one in entry.scores]


def _read_images(edited: EditedTable, entries: Entries, name: str) -> None:
    """Read a table with one row per image; columns without a probability are no labels."""
    empty = set(range(len(edited.names)))
    for row in edited:
        entry = Entry(row.path, _tags(row.cell), row.reason, _whole(row.values), row.corrected)
        if not entries.add(entry):
            raise TableError(f"{name} has two rows for {printable(row.path)}: keep only one.")
        empty -= {place for place in empty if entry.scores[place] != UNKNOWN}
    kept = [
        place
        for place, label in enumerate(edited.names)
        if label not in edited.no_labels and place not in empty
    ]
    entries.label([edited.names[place] for place in kept], kept)


def _read_tags(edited: EditedTable, entries: Entries) -> None:
    """Read a table with one row per tag; every tag is a label, and most scores are unknown."""
    labels: set[str] = set()
    for row in edited:
        tags, scores = _tags(row.cell), _whole(row.values)
        labels.update(tags)
        entry = entries.find(row.path)
        if entry is None:
            entries.add(Entry(row.path, tags, row.reason, scores * len(tags), row.corrected))
            continue
        entry.reason = entry.reason or row.reason
        for tag in tags:
            if tag not in entry.tags:
                entry.tags.append(tag)
                entry.scores += scores
        entries.replace(entry)
    entries.label(sorted(labels), None)


def _tags(cell: str) -> list[str]:
    return list(dict.fromkeys(split_tags(cell)))


def _whole(values: Iterable[float]) -> array[int]:
    """Return probabilities in ten-thousandths."""
    return array("H", [UNKNOWN if math.isnan(one) else round(one * _ONE) for one in values])
