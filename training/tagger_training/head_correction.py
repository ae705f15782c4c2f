"""Corrects a finished network's last layer by a few labelled images; the layers before stay.

A logistic regression on the features before the last layer begins with the layer's own weights and
pays for leaving them: with few images little changes, with many it is a new layer. What is paid is
chosen on images that were not learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from tagger_training.metrics import binary_log_loss

Array = npt.NDArray[Any]

FOLDS: Final = 5

# Of the squared change, added to the summed loss of all images.
_PENALTIES = (30_000.0, 10_000.0, 3_000.0, 1_000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0)
_ITERATIONS = 200


@dataclass(frozen=True)
class HeadCorrection:
    """What is added to a last layer.

    Attributes:
        kernel: shape ``(features, labels)``.
        bias: shape ``(labels,)``.
        penalty: that was chosen; infinite if it is best to change nothing.
        scores: probabilities of the images, each by a correction that was learned from others.
    """

    kernel: Array
    bias: Array
    penalty: float
    scores: Array


def learn_correction(features: Array, logits: Array, targets: Array) -> HeadCorrection:
    """Learn a correction, and judge it by five-fold cross-fitting, the penalty included.

    Args:
        features: of the images, shape ``(images, features)``.
        logits: that the layer gives them, shape ``(images, labels)``.
        targets: 0/1, the same shape.
    """
    centre, scale = features.mean(axis=0), features.std(axis=0)
    scale = scale + 1e-3 * scale.mean() + 1e-6
    inputs = (features - centre) / scale
    # What a correction of few images can use lies in the space that they span.
    basis = np.linalg.svd(inputs, full_matrices=False)[2].T if len(inputs) < inputs.shape[1] else 1
    reduced = inputs @ basis if isinstance(basis, np.ndarray) else inputs
    # The bias is a feature like others: else a label that no image has would never be given again.
    reduced = np.hstack([reduced, np.ones((len(reduced), 1))])
    fold_of = np.arange(len(inputs)) % FOLDS
    scores = np.empty(targets.shape)
    for fold in range(FOLDS):
        inside, outside = fold_of != fold, fold_of == fold
        known = reduced[inside], logits[inside], targets[inside]
        change = _fitted(*known, _best_penalty(*known))
        scores[outside] = _probabilities(logits[outside] + reduced[outside] @ change)
    penalty = _best_penalty(reduced, logits, targets)
    change = _fitted(reduced, logits, targets, penalty)
    kernel = (basis @ change[:-1] if isinstance(basis, np.ndarray) else change[:-1]) / scale[
        :, None
    ]
    return HeadCorrection(kernel, change[-1] - centre @ kernel, penalty, scores)


def _best_penalty(inputs: Array, logits: Array, targets: Array) -> float:
    """Return the penalty with the least loss on images that were not learned from."""
    fold_of = np.arange(len(inputs)) % FOLDS
    best, best_loss = np.inf, binary_log_loss(targets, _probabilities(logits))
    for penalty in _PENALTIES:
        scores = np.empty(targets.shape)
        for fold in range(FOLDS):
            inside, outside = fold_of != fold, fold_of == fold
            change = _fitted(inputs[inside], logits[inside], targets[inside], penalty)
            scores[outside] = _probabilities(logits[outside] + inputs[outside] @ change)
        loss = binary_log_loss(targets, scores)
        if loss >= best_loss:
            break
        best, best_loss = penalty, loss
    return best


def _fitted(inputs: Array, logits: Array, targets: Array, penalty: float) -> Array:
    """Return what is added to the layer, shape ``(inputs, labels)``."""
    shape = (inputs.shape[1], targets.shape[1])
    if np.isinf(penalty):
        return np.zeros(shape)

    def loss(flat: Array) -> tuple[float, Array]:
        change = flat.reshape(shape)
        found = logits + inputs @ change
        value = float((np.logaddexp(0, found) - targets * found).sum())
        value += penalty / 2 * float((change**2).sum())
        slope = inputs.T @ (_probabilities(found) - targets) + penalty * change
        return value / len(inputs), slope.ravel() / len(inputs)

    found = minimize(
        loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}
    )
    return np.asarray(found.x.reshape(shape))


def _probabilities(logits: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))))
