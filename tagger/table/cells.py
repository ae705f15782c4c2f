"""A table's cell of joined tags → tags."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from tagger.network.card import TAG_SEPARATOR

_OTHER_SEPARATORS = re.compile("[,;]")


def split_tags(cell: str, separator: str = TAG_SEPARATOR) -> list[str]:
    """Return the tags of a cell, without the blanks around them."""
    return [tag for tag in map(str.strip, cell.split(separator)) if tag]


def undivided(cell: str, known: AbstractSet[str]) -> list[str]:
    """Return the tags of a cell that joins them by commas or semicolons; none where it does not.

    A tag may hold a comma, so only a cell whose pieces are all tags by themselves is one. Whoever
    means one tag writes the separator behind it.

    Args:
        cell: as it stands in the table.
        known: labels, and the tags of all cells.
    """
    pieces = [piece for piece in map(str.strip, _OTHER_SEPARATORS.split(cell)) if piece]
    if TAG_SEPARATOR in cell or pieces in ([], [cell.strip()]) or not set(pieces) <= known:
        return []
    return pieces
