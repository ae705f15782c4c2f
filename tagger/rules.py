"""Scores → tags: thresholds, limits, ignored and renamed labels. Pure functions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tagger.errors import UsageError
from tagger.results import Scores, Tag
from tagger.text import TAG_SEPARATOR

# The threshold of a label that no probability shall make a tag.
_ABOVE_ALL = 2.0


class _Card(Protocol):
    """The part of a model's card about tags; see :class:`tagger.network.card.ModelCard`."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def thresholds(self) -> tuple[float, ...]: ...
    @property
    def min_tags(self) -> int: ...
    @property
    def max_tags(self) -> int: ...
    @property
    def never(self) -> tuple[str, ...]: ...
    @property
    def precision_thresholds(self) -> Mapping[float, tuple[float | None, ...]]: ...
    @property
    def unsure(self) -> float: ...


@dataclass(frozen=True)
class Rules:
    """Which scores become tags.

    Attributes:
        labels: label names, in the order of the scores.
        thresholds: probability from which a label becomes a tag, one per label.
        min_tags: at least this many tags, even if improbable.
        max_tags: at most this many tags.
        ignored: labels that never become tags.
        renamed: label → the name of its tag; two labels may share one.
        unsure: less probable labels are not used to reach ``min_tags``, so an image may have no
            tag; 0 where that cannot be.
        precision: share of right tags that was asked for, if the thresholds come from that.
        out_of_reach: labels that cannot reach it, and are only used to reach ``min_tags``.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    min_tags: int = 1
    max_tags: int = 3
    ignored: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    unsure: float = 0.0
    precision: float | None = None
    out_of_reach: tuple[str, ...] = ()

    @classmethod
    def of_card(cls, card: _Card) -> Rules:
        """Return a model's own rules."""
        return adjusted_rules(card)


def adjusted_rules(
    card: _Card,
    *,
    threshold: float | None = None,
    thresholds: Mapping[str, float] | None = None,
    precision: float | None = None,
    min_tags: int | None = None,
    max_tags: int | None = None,
    ignored: Iterable[str] = (),
    renamed: Mapping[str, str] | None = None,
) -> Rules:
    """Override the card's rules; labels may be written in any case.

    A threshold holds for all labels that have none of their own in ``thresholds``; ignored labels
    add to the card's. For a ``precision``, thresholds are those of the card with which at least
    that share of a label's tags are right, and images may have no tag. See :class:`Rules` for the
    others.

    Raises:
        UsageError: a label is unknown, a number is out of range, the limits contradict each
            other, or the model has no thresholds for the precision.
    """
    values = dict(zip(card.labels, card.thresholds, strict=True))
    barred: set[str] = set()
    if precision is not None:
        if threshold is not None:
            raise UsageError(
                "--precision chooses the thresholds of all labels, and so does --threshold: "
                "choose one.",
                "precision",
                "threshold",
            )
        reached = dict(zip(card.labels, _thresholds_for(precision, card), strict=True))
        barred = {label for label, value in reached.items() if value is None}
        values = {label: value or 0.0 for label, value in reached.items()}
    if threshold is not None:
        values = dict.fromkeys(values, threshold)
    own = {known_label(label, card): value for label, value in (thresholds or {}).items()}
    values |= own
    for label, value in values.items():
        if not 0 <= value <= 1:
            raise UsageError(f"The threshold {value} of '{label}' is not between 0 and 1.")
    barred -= {*own}
    values |= dict.fromkeys(barred, _ABOVE_ALL)
    names = {known_label(label, card): name.strip() for label, name in (renamed or {}).items()}
    for label, name in names.items():
        if not is_tag_name(name):
            raise UsageError(
                f"The new name {name!r} of '{label}' must be printable text without "
                f"'{TAG_SEPARATOR}'."
            )
    own_lowest = 0 if precision is not None else card.min_tags
    lowest = own_lowest if min_tags is None else min_tags
    highest = card.max_tags if max_tags is None else max_tags
    if lowest < 0 or highest < 0 or (lowest > highest and None not in (min_tags, max_tags)):
        raise UsageError(f"The minimum of {lowest} tags is above the maximum of {highest}.")
    # A given limit also moves the card's other one if necessary.
    least = lowest if min_tags is not None else min(lowest, highest)
    never = frozenset(card.never) | {known_label(label, card) for label in ignored}
    return Rules(
        labels=card.labels,
        thresholds=tuple(values[label] for label in card.labels),
        min_tags=least,
        max_tags=highest if max_tags is not None else max(lowest, highest),
        ignored=never,
        renamed=names,
        # A person who asks for a number of tags gets it.
        unsure=card.unsure if least and min_tags is None else 0.0,
        precision=precision,
        out_of_reach=tuple(label for label in card.labels if label in barred - never),
    )


def _thresholds_for(precision: float, card: _Card) -> tuple[float | None, ...]:
    """Return a card's thresholds for a precision, or for the next higher one that it has.

    Raises:
        UsageError: it has none, or no label reaches it.
    """
    table, model = card.precision_thresholds, f"the model {card.name} {card.version}"
    problem: str | None = None
    chosen: tuple[float | None, ...] = ()
    if not table:
        problem = f"{model} has no thresholds for a precision: use --threshold instead."
    elif not min(table) <= precision <= max(table):
        problem = f"{model} has thresholds for precisions from {min(table):g} to {max(table):g}."
    else:
        chosen = table[min(share for share in table if share >= precision)]
        tags = [
            value
            for label, value in zip(card.labels, chosen, strict=True)
            if label not in card.never
        ]
        if all(value is None for value in tags):
            problem = f"no label of {model} can reach it: choose a lower one."
    if problem:
        raise UsageError(f"--precision {precision:g}: {problem}", "precision")
    return chosen


def known_label(label: str, card: _Card) -> str:
    """Return a label in the model's spelling, ignoring case, or raise UsageError."""
    if label in card.labels:
        return label
    folded = {name.casefold(): name for name in card.labels}
    if label.casefold() in folded:
        return folded[label.casefold()]
    close = difflib.get_close_matches(label.casefold(), folded, n=1)
    hint = f"did you mean {folded[close[0]]}?" if close else f"it has {', '.join(card.labels)}."
    raise UsageError(f"The model has no label '{label}': {hint}")


def is_tag_name(name: str) -> bool:
    """Return whether a name is valid for a tag."""
    return bool(name) and name.isprintable() and TAG_SEPARATOR not in name


def choose(scores: npt.NDArray[np.floating], rules: Rules) -> npt.NDArray[np.uint8]:
    """Mark the labels that become tags.

    Args:
        scores: probabilities, shape ``(images, labels)``.
        rules: thresholds and limits.

    Returns:
        0/1 array of the same shape.
    """
    marks = np.zeros(scores.shape, dtype=np.uint8)
    images, labels, _ = _chosen(np.asarray(scores, dtype=np.float64), rules)
    marks[images, labels] = 1
    return marks


def select(scores: Scores, rules: Rules) -> tuple[Tag, ...]:
    """Return the tags of one image, as :func:`select_all` does; scores of shape ``(labels,)``."""
    return select_all(scores[np.newaxis], rules)[0]


def select_all(scores: Scores, rules: Rules) -> list[tuple[Tag, ...]]:
    """Return the tags of each image, most probable first; ties keep the order of the labels.

    Args:
        scores: probabilities, shape ``(images, labels)``.
        rules: thresholds, limits and names.
    """
    names = [rules.renamed.get(label, label) for label in rules.labels]
    images, labels, own = _chosen(scores, rules)
    tags = map(Tag, map(names.__getitem__, labels.tolist()), own.tolist())
    counts = np.bincount(images, minlength=len(scores)).tolist()
    each = [tuple(islice(tags, count)) for count in counts]
    return each if len({*names}) == len(names) else [*map(_of_each_name, each)]


def _of_each_name(tags: tuple[Tag, ...]) -> tuple[Tag, ...]:
    """Return the first tag of each name: labels may be renamed to one."""
    first: dict[str, Tag] = {}
    for tag in tags:
        first.setdefault(tag.name, tag)
    return tuple(first.values())


def _chosen(
    scores: Scores, rules: Rules
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Scores]:
    """Return the places of the labels that become tags, and their scores.

    They are in float64, so that a threshold means exactly the number in the card.

    Returns:
        Images, labels and scores, one element a tag: image by image, most probable first.
    """
    allowed = np.array([label not in rules.ignored for label in rules.labels])
    above = allowed & (scores >= np.asarray(rules.thresholds))
    # Labels that reach their thresholds come first: a more probable one that misses its own does
    # not displace them, and is only used to reach the minimum number.
    group = np.where(above, 0, np.where(allowed, 1, 2))
    first = np.lexsort((-scores, group), axis=1)[:, : max(rules.min_tags, rules.max_tags)]
    rows, ranks = np.arange(len(scores))[:, np.newaxis], np.arange(first.shape[1])
    own, group = scores[rows, first], group[rows, first]
    filling = (group < 2) & (ranks < rules.min_tags) & (own >= rules.unsure)
    chosen = ((group == 0) & (ranks < rules.max_tags)) | filling
    by_score = np.lexsort((first, -own), axis=1)
    images, places = np.nonzero(chosen[rows, by_score])
    columns = by_score[images, places]
    return images, first[images, columns], own[images, columns]
