"""Learn from held-out images the probability from which a label is a tag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.results import DECIMALS
from tagger.rules import Rules, choose
from tagger_training.folds import held_out

Array = npt.NDArray[Any]

#: The share of right tags relative to that of found ones in what the default thresholds maximise
#: (F-beta): precision weighs 1 / beta² = 1.4 times as much as recall.
BETA = 0.85

#: A label's tags are right at least this often; less probable ones are not emitted.
LEAST_PRECISION = 1 / 3

#: The shares of right tags for which a card has thresholds.
PRECISIONS = tuple(round(0.5 + 0.05 * step, 2) for step in range(9))

_GRID = np.round(np.arange(0.05, 0.951, 0.01), 2)

# Candidates for the strength of shrinking, in images with the label; infinite: one threshold for
# all labels.
_SHRINKAGES = (10.0, 30.0, 100.0, float("inf"))

# A label's share of right tags is counted as if this many images more were tagged, of which as many
# are right as the probabilities predict. On posters never seen, the share is then within three
# points of the wanted one (without: nine points below it, at 90 %).
_PREDICTED_IMAGES = 100

# Likewise, to find out whether a label's tags are right at least one time in three.
_DOUBTED_IMAGES = 10

# With fewer tags, a label is not known to reach a precision.
_FEWEST_TAGS = 5


def learn_rules(
    targets: Array,
    scores: Array,
    labels: Sequence[str],
    never: Sequence[str],
    max_tags: int,
    target_precision: float | None = None,
) -> Rules:
    """Choose thresholds and limits from held-out images.

    Each label's threshold is the one with the highest F-beta, shrunk towards the best common
    threshold; the rarer the label, the more it is shrunk (Lipton et al., "Optimal Thresholding of
    Classifiers to Maximize F1 Measure", ECML 2014, explain why rare labels need this). The strength
    is chosen by the F-beta of all tags on images that the thresholds were not learned from.

    Then the threshold of a label whose tags are right less than one time in three is raised to
    where they are, or to 1. Such a label is only emitted as an image's most probable one.

    At least one tag is emitted if nearly every image of the set has a label, but no label that is
    less probable than one in three, unless such labels turn out to be right more often.

    Args:
        targets: 0/1, shape ``(images, labels)``.
        scores: calibrated probabilities, the same shape; of images that the network was not trained
            on.
        labels: label names.
        never: labels that are not emitted.
        max_tags: largest number of tags of an image in the labelled set.
        target_precision: instead, the lowest thresholds with this precision, see
            :func:`learn_thresholds_of_precision`; then images may have no tag.
    """
    rules = Rules(
        labels=tuple(labels),
        thresholds=(0.5,) * len(labels),
        min_tags=1 if bool(targets.any(axis=1).mean() > 0.95) else 0,
        max_tags=max(1, max_tags),
        ignored=frozenset(never),
    )
    if target_precision is not None:
        return _of_precision(targets, scores, rules, target_precision)
    judged = {
        shrinkage: _held_out_f_beta(targets, scores, rules, shrinkage) for shrinkage in _SHRINKAGES
    }
    best = max(judged, key=lambda shrinkage: judged[shrinkage])
    rules = _for_f_beta(targets, scores, rules, best)
    return replace(rules, unsure=_unsure(targets, scores, rules)) if rules.min_tags else rules


def learn_thresholds_of_precision(
    targets: Array, scores: Array, precision: float
) -> tuple[float | None, ...]:
    """Find each label's lowest threshold with a precision; None for a label that never reaches it.

    Args:
        targets: 0/1, shape ``(images, labels)``.
        scores: calibrated probabilities, the same shape; of images that the network was not trained
            on.
        precision: share of a label's tags that are right.
    """
    thresholds: list[float | None] = []
    for truth, given in zip(targets.T, scores.T, strict=True):
        values, counts, shares = _shares(truth, given, _PREDICTED_IMAGES)
        reached = np.flatnonzero((counts >= _FEWEST_TAGS) & (shares >= precision))
        thresholds.append(float(values[reached[-1]]) if len(reached) else None)
    return tuple(thresholds)


def precision_figures(targets: Array, scores: Array, rules: Rules) -> list[dict[str, float | None]]:
    """Measure the tags of each precision on images that its thresholds were not learned from.

    Args:
        targets: 0/1, shape ``(images, labels)``.
        scores: calibrated probabilities, the same shape.
        rules: limits and ignored labels.

    Returns:
        For each precision of :data:`PRECISIONS` the share of right tags (None without tags), the
        share of true labels that are tags, the share of images without a tag, and the number of
        labels that reach the precision, as learned from all images.
    """
    emittable = np.array([label not in rules.ignored for label in rules.labels])
    figures: list[dict[str, float | None]] = []
    for share in PRECISIONS:

        def learn(truth: Array, given: Array, share: float = share) -> Callable[[Array], Array]:
            learned = _of_precision(truth, given, rules, share)
            return lambda others: choose(others, learned)

        tags = held_out(targets, scores, learn)[:, emittable] > 0
        hits, count = int(targets[:, emittable][tags].sum()), int(tags.sum())
        reached = learn_thresholds_of_precision(targets[:, emittable], scores[:, emittable], share)
        figures.append(
            {
                "asked_for": share,
                "precision": round(hits / count, 4) if count else None,
                "recall": round(hits / max(1, int(targets[:, emittable].sum())), 4),
                "untagged": round(float((~tags.any(axis=1)).mean()), 4),
                "labels": sum(value is not None for value in reached),
            }
        )
    return figures


def _of_precision(targets: Array, scores: Array, rules: Rules, precision: float) -> Rules:
    reached = learn_thresholds_of_precision(targets, scores, precision)
    thresholds = tuple(1.0 if value is None else value for value in reached)
    return replace(rules, thresholds=thresholds, min_tags=0, unsure=0.0)


def _shares(truth: Array, given: Array, predicted: int) -> tuple[Array, Array, Array]:
    """Count what a label's tags would be for each threshold that makes a difference.

    Args:
        truth: 0/1, shape ``(images,)``.
        given: the label's probabilities, the same shape.
        predicted: number of additional images of which as many are right as the probabilities of
            those counted predict.

    Returns:
        Thresholds in descending order, the number of tags, and the share of right ones.
    """
    rounded = np.round(np.asarray(given, dtype=np.float64), DECIMALS)  # as tagging compares them
    order = np.argsort(-rounded, kind="stable")
    values, counts = rounded[order], np.arange(1, len(order) + 1)
    right = np.cumsum(truth[order]) + predicted * np.cumsum(values) / counts
    # A threshold includes all images with a score or none.
    differs = np.append(np.diff(values) < 0, True)
    return values[differs], counts[differs], (right / (counts + predicted))[differs]


def _held_out_f_beta(targets: Array, scores: Array, rules: Rules, shrinkage: float) -> float:
    def learn(truth: Array, given: Array) -> Callable[[Array], Array]:
        learned = _for_f_beta(truth, given, rules, shrinkage)
        return lambda others: choose(others, learned)

    tags = held_out(targets, scores, learn).astype(np.uint8)
    return _f_beta(targets, tags, rules)


def _for_f_beta(targets: Array, scores: Array, rules: Rules, shrinkage: float) -> Rules:
    count = len(rules.labels)
    common = max(
        _GRID.tolist(),
        key=lambda value: _f_beta(
            targets, choose(scores, replace(rules, thresholds=(value,) * count)), rules
        ),
    )
    positives = targets.sum(axis=0)
    above = scores[np.newaxis] >= _GRID[:, np.newaxis, np.newaxis]
    hits = (above & (targets > 0)).sum(axis=1)
    own = _GRID[np.argmax(_f_beta_of(hits, above.sum(axis=1), positives), axis=0)]
    weight = positives / (positives + shrinkage)
    thresholds = np.round(weight * own + (1 - weight) * common, 3)
    return replace(rules, thresholds=_tolerable(targets, scores, thresholds))


def _tolerable(targets: Array, scores: Array, thresholds: Array) -> tuple[float, ...]:
    """Raise thresholds with which a label's tags would be right less than one time in three.

    A label that would be so with any threshold gets 1. One that no image would get keeps its own.
    """
    raised = thresholds.tolist()
    for label, threshold in enumerate(raised):
        truth, given = targets[:, label], scores[:, label]
        values, counts, shares = _shares(truth, given, _DOUBTED_IMAGES)
        above = values >= threshold
        if above.any() and shares[above][-1] < LEAST_PRECISION:
            counted = _shares(truth, given, 0)[2]
            right_enough = above & (counted >= LEAST_PRECISION) & (counts >= _FEWEST_TAGS)
            enough = np.flatnonzero(right_enough)
            raised[label] = float(values[enough[-1]]) if len(enough) else 1.0
    return tuple(raised)


def _unsure(targets: Array, scores: Array, rules: Rules) -> float:
    """Return the probability below which no label is emitted just because it is the best one.

    It is :data:`LEAST_PRECISION`, or as much lower as held-out images require: such tags must not
    be right more often than that.
    """
    emitted = choose(scores, rules).astype(bool)
    filling = emitted & (scores < np.asarray(rules.thresholds))
    for value in np.arange(LEAST_PRECISION, 0, -0.01):
        dropped = filling & (scores < value)
        if targets[dropped].sum() + 1 <= LEAST_PRECISION * (dropped.sum() + 3):
            return float(np.round(value, DECIMALS))
    return 0.0


def _f_beta(targets: Array, tags: Array, rules: Rules) -> float:
    """Return the F-beta of all tags together."""
    emittable = np.array([label not in rules.ignored for label in rules.labels])
    truth, tags = targets[:, emittable], tags[:, emittable]
    return float(_f_beta_of((truth & tags).sum(), tags.sum(), truth.sum()))


def _f_beta_of(hits: Any, tags: Any, positives: Any) -> Any:
    weight = BETA**2
    return (1 + weight) * hits / np.maximum(tags + weight * positives, 1e-9)
