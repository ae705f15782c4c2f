"""Calibrate probabilities: scale and shift logits to minimise held-out log-loss.

Temperature scaling after Guo et al., "On Calibration of Modern Neural Networks", ICML 2017; the
shift per label is Platt scaling's, shrunk by a penalty because rare labels provide little evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger_training.folds import held_out
from tagger_training.metrics import binary_log_loss

Array = npt.NDArray[Any]

_STEPS = 30
# A shift is pulled to zero with the weight of this many images.
_SHIFT_PENALTY = 10.0


@dataclass(frozen=True)
class Calibration:
    """Calibrated logit = ``scale`` * logit + ``shift``; ``shift`` has one value per label."""

    scale: float
    shift: Array

    def __call__(self, scores: Array) -> Array:
        """Calibrate probabilities of shape ``(images, labels)``."""
        return _sigmoid(self.logits(scores))

    def logits(self, scores: Array) -> Array:
        """Return the calibrated logits of probabilities."""
        return self.scale * _logit(scores) + self.shift

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Calibration:
        """Undo :meth:`to_dict`."""
        return cls(float(data["scale"]), np.asarray(data["shift"], dtype=np.float64))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"scale": self.scale, "shift": self.shift.tolist()}

    def fold_into(self, layer: Any) -> None:
        """Change a sigmoid ``Dense`` layer so that its outputs are calibrated."""
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel * self.scale, bias * self.scale + self.shift])


def learn_calibration(targets: Array, scores: Array) -> Calibration:
    """Learn a calibration from held-out images, or none if none helps.

    No calibration, a scale only, and a scale with shifts are compared on images that they were not
    fitted on, and the best is fitted on all.

    Args:
        targets: 0/1, shape ``(images, labels)``.
        scores: probabilities, the same shape; of images that the network was not trained on.
    """
    candidates = (_none, _scale, _scale_and_shift)
    losses = [
        binary_log_loss(targets, held_out(targets, scores, candidate)) for candidate in candidates
    ]
    return candidates[int(np.argmin(losses))](targets, scores)


def _none(targets: Array, scores: Array) -> Calibration:
    return Calibration(1.0, np.zeros(targets.shape[1]))


def _scale(targets: Array, scores: Array) -> Calibration:
    return _fit(targets, scores, shifted=False)


def _scale_and_shift(targets: Array, scores: Array) -> Calibration:
    return _fit(targets, scores, shifted=True)


def _fit(targets: Array, scores: Array, *, shifted: bool) -> Calibration:
    """Minimise log-loss by Newton's method; the problem is convex."""
    logits = _logit(scores)
    scale, shift = 1.0, np.zeros(targets.shape[1])
    for _ in range(_STEPS):
        probabilities = _sigmoid(scale * logits + shift)
        error, weight = probabilities - targets, probabilities * (1 - probabilities)
        scale -= float((error * logits).sum() / ((weight * logits**2).sum() + 1e-9))
        scale = float(np.clip(scale, 0.1, 10.0))
        if shifted:
            probabilities = _sigmoid(scale * logits + shift)
            error, weight = probabilities - targets, probabilities * (1 - probabilities)
            slope = error.sum(axis=0) + _SHIFT_PENALTY * 0.25 * shift
            shift = shift - slope / (weight.sum(axis=0) + _SHIFT_PENALTY * 0.25)
    return Calibration(scale, shift)


def _logit(scores: Array) -> Array:
    clipped = np.clip(np.asarray(scores, dtype=np.float64), 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))


def _sigmoid(logits: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-logits)))
