"""Five-fold cross-fitting: every image is judged by something that was not fitted on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FOLDS = 5


def held_out(
    targets: Array, given: Array, learn: Callable[[Array, Array], Callable[[Array], Array]]
) -> Array:
    """Apply to each fifth of the images a function learned from the other four.

    Args:
        targets: 0/1, shape ``(images, labels)``.
        given: what is known of each image, such as probabilities; shape ``(images, …)``.
        learn: takes targets and what is given of some images and returns a function of the latter.

    Returns:
        The functions' results, float64, shape ``(images, …)``; with fewer than ten images one
        function, learned from all of them, is applied to all.
    """
    if len(targets) < 2 * FOLDS:
        return np.asarray(learn(targets, given)(given), dtype=np.float64)
    fold_of = np.arange(len(targets)) % FOLDS
    parts = [
        learn(targets[fold_of != fold], given[fold_of != fold])(given[fold_of == fold])
        for fold in range(FOLDS)
    ]
    results = np.empty((len(targets), *parts[0].shape[1:]), dtype=np.float64)
    for fold, part in enumerate(parts):
        results[fold_of == fold] = part
    return results
