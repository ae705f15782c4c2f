"""Learn from validation which probability makes a label a tag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.selection import Rules, choose
from training.metrics import f1_score

_GRID = np.arange(0.05, 0.96, 0.01)


def best_threshold(
    targets: npt.NDArray[Any],
    scores: npt.NDArray[Any],
    labels: Sequence[str],
    never: Sequence[str],
    max_tags: int,
) -> Rules:
    """Choose the one threshold for all labels that gives the highest sample-F1.

    One shared threshold has nothing to overfit on rare labels. At least one tag is emitted where
    nearly every image of the set has a label.

    Args:
        targets: 0/1, shape ``(images, labels)``.
        scores: probabilities, the same shape.
        labels: label names.
        never: labels that are not emitted.
        max_tags: most tags that an image of the labelled set has.
    """
    min_tags = 1 if bool(targets.any(axis=1).mean() > 0.95) else 0
    emittable = np.array([label not in never for label in labels])
    rules = [
        Rules(
            labels=tuple(labels),
            thresholds=(round(float(threshold), 2),) * len(labels),
            min_tags=min_tags,
            max_tags=max(1, max_tags),
            ignored=frozenset(never),
        )
        for threshold in _GRID
    ]
    figures = [
        _sample_f1(targets[:, emittable], choose(scores, rule)[:, emittable]) for rule in rules
    ]
    return rules[int(np.argmax(figures))]


def _sample_f1(truth: npt.NDArray[np.uint8], tags: npt.NDArray[np.uint8]) -> float:
    # No tag is the right answer for an image without labels: were it worth nothing, a set with
    # many such images would ask for the lowest threshold.
    right = ~(truth.any(axis=1) | tags.any(axis=1))
    return float(np.where(right, 1.0, f1_score(truth, tags, axis=1)).mean())
