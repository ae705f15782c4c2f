"""Scores → tags: thresholds, limits, ignored and renamed labels. Pure; the only such rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from tagger.card import ModelCard
from tagger.results import Scores, Tag


@dataclass(frozen=True)
class Rules:
    """Which scores become tags.

    Attributes:
        labels: label names, in the order of the scores.
        thresholds: probability from which a label becomes a tag, one a label.
        min_tags: at least this many tags, however improbable.
        max_tags: at most this many tags.
        ignored: labels that never become tags.
        renamed: label → the name it is emitted under; two labels may share one.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    min_tags: int = 1
    max_tags: int = 3
    ignored: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of_card(cls, card: ModelCard) -> Rules:
        """Return the rules that a model brings along."""
        return cls(
            labels=card.labels,
            thresholds=card.thresholds,
            min_tags=card.min_tags,
            max_tags=card.max_tags,
            ignored=frozenset(card.never),
        )


def choose(scores: npt.NDArray[np.floating], rules: Rules) -> npt.NDArray[np.uint8]:
    """Mark the labels that become tags.

    Args:
        scores: probabilities, shape ``(images, labels)``.
        rules: thresholds and limits.

    Returns:
        0/1 array of the same shape.
    """
    allowed = np.array([label not in rules.ignored for label in rules.labels])
    # Python floats of a card against float32 scores: compare in float64, so that a threshold
    # means the number that was written down.
    exact = np.asarray(scores, dtype=np.float64)
    above = allowed & (exact >= np.asarray(rules.thresholds))
    # Labels that reach their thresholds come first: a likelier one that misses its own takes no
    # place from them, and fills up only where there are fewer than the least number.
    order = np.lexsort((-exact, ~above, np.broadcast_to(~allowed, exact.shape)), axis=1)
    ranks = np.argsort(order, axis=1)
    chosen = ((above & (ranks < rules.max_tags)) | (ranks < rules.min_tags)) & allowed
    return np.asarray(chosen, dtype=np.uint8)


def select(scores: Scores, rules: Rules) -> tuple[Tag, ...]:
    """Return the tags of one image, most probable first; equals keep the order of the labels.

    Args:
        scores: probabilities, shape ``(labels,)``.
        rules: thresholds, limits and names.
    """
    chosen = np.flatnonzero(choose(scores[np.newaxis], rules)[0])
    ordered = chosen[np.argsort(-scores[chosen], kind="stable")]
    tags: dict[str, Tag] = {}
    for place in ordered:
        label = rules.labels[place]
        name = rules.renamed.get(label, label)
        # Of labels renamed to one name the most probable speaks for it: it comes first.
        tags.setdefault(name, Tag(name, float(scores[place])))
    return tuple(tags.values())
