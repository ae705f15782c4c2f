"""Five-fold cross-fitting: every image is judged by something that was not fitted on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FOLDS = 5


def held_out(
    targets: Array, scores: Array, learn: Callable[[Array, Array], Callable[[Array], Array]]
) -> Array:
    """Apply to each fifth of the images a function learned from the other four.

    Args:
        targets: 0/1, shape ``(images, labels)``.
        scores: probabilities, the same shape.
        learn: takes targets and scores and returns a function of scores.

    Returns:
        The functions' results, float64, the same shape; with fewer than ten images one function,
        learned from all of them, is applied to all.
    """
    if len(targets) < 2 * FOLDS:
        return np.asarray(learn(targets, scores)(scores), dtype=np.float64)
    results = np.empty(scores.shape, dtype=np.float64)
    fold_of = np.arange(len(targets)) % FOLDS
    for fold in range(FOLDS):
        outside = fold_of == fold
        results[outside] = learn(targets[~outside], scores[~outside])(scores[outside])
    return results
