"""Tags that look like a slip of the pen."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from tagger.table.corrections import Corrections

# How alike two names are, 0 to 1 (difflib). Among names that a table merely uses, Music and
# Musical (0.83) must not be taken for one; what is no label at all may be further off.
_LIKE_A_LABEL = 0.8
_LIKE_ANOTHER_TAG = 0.85

# More names than that are compared with none: each with each would take minutes.
_MOST_COMPARED = 500


@dataclass(frozen=True)
class Suggestion:
    """A tag of so many images that may be meant for another: a label, or a more common tag."""

    tag: str
    images: int
    instead: str


def suggestions(corrections: Corrections) -> list[Suggestion]:
    """Return the tags that look like another one, which is a label, or else more common.

    A table with probabilities tells what the labels are; of any other only its own tags are known.
    """
    uses = corrections.uses()
    labels = corrections.labels
    common = [name for name, _ in uses.most_common(_MOST_COMPARED)]
    doubtful = [tag for tag in uses if tag not in labels]
    found = []
    for tag in sorted(doubtful)[:_MOST_COMPARED]:
        pool = sorted(labels) or [name for name in common if uses[name] > uses[tag]]
        likeness = _LIKE_A_LABEL if labels else _LIKE_ANOTHER_TAG
        by_folded = {name.casefold(): name for name in reversed(pool)}
        close = difflib.get_close_matches(tag.casefold(), by_folded, n=1, cutoff=likeness)
        if close:
            found.append(Suggestion(tag, uses[tag], by_folded[close[0]]))
    return found
