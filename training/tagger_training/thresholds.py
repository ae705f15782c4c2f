"""Learn from held-out images the probability from which a label is a tag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.rules import Rules, choose
from tagger_training.folds import held_out
from tagger_training.metrics import f1_score

Array = npt.NDArray[Any]

_GRID = np.round(np.arange(0.05, 0.951, 0.01), 2)

# Candidates for the strength of shrinking, in images with the label; infinite: one threshold for
# all labels.
_SHRINKAGES = (10.0, 30.0, 100.0, float("inf"))


def learn_rules(
    targets: Array,
    scores: Array,
    labels: Sequence[str],
    never: Sequence[str],
    max_tags: int,
    target_precision: float | None = None,
) -> Rules:
    """Choose thresholds and limits from held-out images.

    Each label's threshold is the one with the highest F1, shrunk towards the best common threshold;
    the rarer the label, the more it is shrunk (Lipton et al., "Optimal Thresholding of Classifiers
    to Maximize F1 Measure", ECML 2014, explain why rare labels need this). The strength is chosen
    by sample-F1 on images that the thresholds were not learned from.

    At least one tag is emitted if nearly every image of the set has a label.

    Args:
        targets: 0/1, shape ``(images, labels)``.
        scores: probabilities, the same shape; of images that the network was not trained on.
        labels: label names.
        never: labels that are not emitted.
        max_tags: largest number of tags of an image in the labelled set.
        target_precision: instead of the highest F1, the lowest threshold with this precision; then
            images may have no tag.
    """
    rules = Rules(
        labels=tuple(labels),
        thresholds=(0.5,) * len(labels),
        min_tags=1 if bool(targets.any(axis=1).mean() > 0.95) else 0,
        max_tags=max(1, max_tags),
        ignored=frozenset(never),
    )
    if target_precision is not None:
        thresholds = _for_precision(targets, scores, target_precision)
        return replace(rules, thresholds=tuple(thresholds.tolist()), min_tags=0)
    judged = {
        shrinkage: _held_out_f1(targets, scores, rules, shrinkage) for shrinkage in _SHRINKAGES
    }
    best = max(judged, key=lambda shrinkage: judged[shrinkage])
    return _for_f1(targets, scores, rules, best)


def _held_out_f1(targets: Array, scores: Array, rules: Rules, shrinkage: float) -> float:
    def learn(truth: Array, given: Array) -> Callable[[Array], Array]:
        learned = _for_f1(truth, given, rules, shrinkage)
        return lambda others: choose(others, learned)

    tags = held_out(targets, scores, learn).astype(np.uint8)
    return _sample_f1(targets, tags, rules)


def _for_f1(targets: Array, scores: Array, rules: Rules, shrinkage: float) -> Rules:
    count = len(rules.labels)
    common = max(
        _GRID.tolist(),
        key=lambda value: _sample_f1(
            targets, choose(scores, replace(rules, thresholds=(value,) * count)), rules
        ),
    )
    if shrinkage == float("inf"):
        return replace(rules, thresholds=(common,) * count)
    above = scores[np.newaxis] >= _GRID[:, np.newaxis, np.newaxis]
    hits = (above & (targets > 0)).sum(axis=1)
    f1 = 2 * hits / np.maximum(above.sum(axis=1) + targets.sum(axis=0), 1)
    own = _GRID[np.argmax(f1, axis=0)]
    positives = targets.sum(axis=0)
    weight = positives / (positives + shrinkage)
    thresholds = np.round(weight * own + (1 - weight) * common, 3)
    return replace(rules, thresholds=tuple(thresholds.tolist()))


def _for_precision(targets: Array, scores: Array, precision: float) -> Array:
    """Find each label's lowest threshold with the wanted precision.

    Each precision is computed with one additional false tag, so that a few lucky images do not
    determine a threshold; a label that never reaches the precision gets 1.
    """
    thresholds = np.ones(targets.shape[1])
    # Tagging compares four decimals.
    rounded = np.round(np.asarray(scores, dtype=np.float64), 4)
    for label, (truth, given) in enumerate(zip(targets.T, rounded.T, strict=True)):
        order = np.argsort(-given, kind="stable")
        hits = np.cumsum(truth[order])
        # A threshold includes all images with the same score or none.
        last_of_score = np.append(np.diff(given[order]) < 0, True)
        share = hits / (np.arange(1, len(order) + 1) + 1)
        reached = np.flatnonzero(last_of_score & (share >= precision))
        if len(reached):
            thresholds[label] = given[order[reached[-1]]]
    return thresholds


def _sample_f1(targets: Array, tags: Array, rules: Rules) -> float:
    emittable = np.array([label not in rules.ignored for label in rules.labels])
    truth, tags = targets[:, emittable], tags[:, emittable]
    # No tag is the right answer for an image without labels. If it scored zero, a set with many
    # such images would result in the lowest threshold.
    right = ~(truth.any(axis=1) | tags.any(axis=1))
    return float(np.where(right, 1.0, f1_score(truth, tags, axis=1)).mean())
