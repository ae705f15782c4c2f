"""Linear probes: logistic regression on the features of a frozen network.

A probe is the initial head with which fine-tuning distorts features least (Kumar et al.,
"Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", ICLR 2022), and
for images that it was not fitted on, a teacher.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from tagger.results import Pixels
from tagger_training.backend import keras
from tagger_training.folds import FOLDS
from tagger_training.metrics import binary_log_loss

Array = npt.NDArray[Any]

# From strong to weak; the search ends when held-out loss rises. The penalty is added to the summed
# loss of all images, so its best value does not depend on their number. 4,000 is best on posters.
_PENALTIES = (16000.0, 4000.0, 1000.0, 250.0, 60.0, 15.0)
_ITERATIONS = 60
_CHUNK = 64


@dataclass(frozen=True)
class Probe:
    """A fitted probe: probabilities = sigmoid(features @ ``kernel`` + ``bias``).

    Attributes:
        kernel: float32, shape ``(features, labels)``.
        bias: float32, shape ``(labels,)``.
        held_out: the images' probabilities, from probes that were not fitted on them, shape
            ``(images, labels)``.
    """

    kernel: Array
    bias: Array
    held_out: Array


@dataclass(frozen=True)
class Features:
    """A network's features of images.

    Attributes:
        values: float32, shape ``(images, features)``.
        blocks: widths of the parts of the features, such as stages.
    """

    values: Array
    blocks: tuple[int, ...]


def pooled_features(model: Any, images: Pixels, rows: npt.NDArray[np.int64]) -> Features:
    """Compute the output of the layer named ``pool``.

    Args:
        model: a Keras network for these images.
        images: uint8, shape ``(images, height, width, 3)``.
        rows: positions of the images to use.
    """
    pool = model.get_layer("pool")
    network = keras.Model(model.inputs, pool.output)
    chunks = [
        network.predict_on_batch(images[rows[start : start + _CHUNK]])
        for start in range(0, len(rows), _CHUNK)
    ]
    parts = pool.input if isinstance(pool.input, list) else [pool.output]
    return Features(np.concatenate(chunks), tuple(int(part.shape[-1]) for part in parts))


def fit_probe(features: Features, targets: Array) -> Probe:
    """Fit a probe with the best penalty on held-out images.

    Args:
        features: of the images.
        targets: 0/1, shape ``(images, labels)``.
    """
    # Features of unit variance let one penalty suit all of them, and blocks of equal variance give
    # narrow and wide stages the same weight. The scaling is folded into the kernel afterwards.
    width = np.concatenate([np.full(block, block) for block in features.blocks])
    scale = features.values.std(axis=0)
    scale = (scale + 1e-3 * scale.mean() + 1e-6) * np.sqrt(width / max(features.blocks))
    centre = features.values.mean(axis=0)
    inputs = ((features.values - centre) / scale).astype(np.float32)
    truth = targets.astype(np.float32)
    # With fewer images than features, the solution is in the space that the images span.
    basis = None
    if len(inputs) < inputs.shape[1]:
        basis = np.linalg.svd(inputs, full_matrices=False)[2].T
        inputs = inputs @ basis

    fold_of = np.arange(len(inputs)) % min(FOLDS, len(inputs))
    starts: list[Array | None] = [None] * FOLDS
    best_loss, best_penalty, best_scores = np.inf, _PENALTIES[0], np.zeros_like(truth)
    for penalty in _PENALTIES:
        scores = np.empty_like(truth)
        for fold in np.unique(fold_of):
            outside = fold_of == fold
            inside = ~outside if len(inputs) > 1 else outside
            solution = minimise(inputs[inside], truth[inside], penalty, starts[fold])
            starts[fold] = solution
            scores[outside] = _probabilities(inputs[outside], solution)
        loss = binary_log_loss(targets, scores)
        if loss >= best_loss:
            break
        best_loss, best_penalty, best_scores = loss, penalty, scores
    solution = minimise(inputs, truth, best_penalty, None)
    kernel = (solution[:-1] if basis is None else basis @ solution[:-1]) / scale[:, None]
    bias = solution[-1] - centre @ kernel
    return Probe(kernel.astype(np.float32), bias.astype(np.float32), best_scores)


def minimise(inputs: Array, targets: Array, penalty: float, start: Array | None) -> Array:
    """Fit logistic regressions of all labels at once, by L-BFGS.

    Args:
        inputs: float32, shape ``(images, features)``, dense or sparse.
        targets: 0/1, shape ``(images, labels)``, float32.
        penalty: of the squared kernel, added to the summed loss of all images.
        start: a solution to start with; None starts at the label frequencies.

    Returns:
        The kernel with the bias as its last row, shape ``(features + 1, labels)``.
    """
    images, labels = targets.shape
    shape = (inputs.shape[1] + 1, labels)
    if start is None:
        rates = np.clip(targets.mean(axis=0), 1e-4, 1 - 1e-4)
        start = np.zeros(shape)
        start[-1] = np.log(rates / (1 - rates))

    def loss(flat: Array) -> tuple[float, Array]:
        solution = flat.reshape(shape).astype(np.float32)
        kernel = solution[:-1]
        logits = inputs @ kernel + solution[-1]
        error = 1 / (1 + np.exp(-logits)) - targets
        value = float((np.logaddexp(0, logits) - targets * logits).sum())
        value += penalty / 2 * float((kernel**2).sum())
        slope = np.vstack([inputs.T @ error + penalty * kernel, error.sum(axis=0)])
        return value / images, slope.ravel().astype(np.float64) / images

    found = minimize(
        loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}
    )
    return np.asarray(found.x.reshape(shape))


def _probabilities(inputs: Array, solution: Array) -> Array:
    logits = inputs @ solution[:-1].astype(np.float32) + solution[-1].astype(np.float32)
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)
