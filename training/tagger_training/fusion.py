"""How much a text counts beside the picture, learned from images that neither was learned on.

Words repeat some of what the picture says, and the more often the better both are, so the sum of
two sets of logits is too sure of itself. A few weights are learned on validation; each is shrunk,
since there are few such images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from tagger_training.text_head import TextHead

Array = npt.NDArray[Any]

# Where a weight is drawn to, and how far it may be from there: a standard deviation.
_SCALE, _WORDS, _YEAR = (1.0, 0.2), (0.5, 0.5), (0.5, 0.5)
# By how much labels may differ from the common weight of words, and in their shift.
_OWN_WORDS, _SHIFT = 0.2, 0.3


@dataclass(frozen=True)
class Fusion:
    """Fused logits: ``scale`` * logits + ``words`` * text score + ``year`` * its score + ``shift``.

    ``words`` and ``shift`` have one value per label.
    """

    scale: float
    words: Array
    year: float
    shift: Array

    def __call__(self, logits: Array, words: Array, years: Array) -> Array:
        """Fuse logits and scores of shape ``(…, labels)``."""
        fused = self.scale * logits + self.words * words + self.year * years + self.shift
        return np.asarray(fused)

    def fold_into(self, head: TextHead) -> TextHead:
        """Return the head with these weights in its tables."""
        table = head.table.copy()
        table[:, :-1] *= self.words
        return replace(
            head,
            table=table,
            years=(head.years * self.year).astype(np.float32),
            scale=self.scale,
            shift=self.shift.astype(np.float32),
        )


def learn_fusion(
    targets: Array, logits: Array, words: Array, years: Array, *, kinds: int = 1
) -> Fusion:
    """Learn the weights with the lowest log-loss, each drawn to what is usual.

    Args:
        targets: 0/1, shape ``(images, labels)``; of images that neither part was trained on.
        logits: of the picture, calibrated; the same shape.
        words: the text scores; the same shape.
        years: the scores of the year; the same shape.
        kinds: how often an image occurs in them, with different texts.
    """
    labels = targets.shape[1]
    centres = np.concatenate([[_SCALE[0], _WORDS[0], _YEAR[0]], np.zeros(labels), np.zeros(labels)])
    spreads = np.concatenate(
        [
            [_SCALE[1], _WORDS[1], _YEAR[1]],
            np.full(labels, _OWN_WORDS),
            np.full(labels, _SHIFT),
        ]
    )

    def fusion(weights: Array) -> Fusion:
        return Fusion(
            float(weights[0]), weights[1] + weights[3 : 3 + labels], float(weights[2]),
            weights[3 + labels :],
        )  # fmt: skip

    def loss(weights: Array) -> tuple[float, Array]:
        fused = fusion(weights)(logits, words, years)
        error = 1 / (1 + np.exp(-fused)) - targets
        away = (weights - centres) / spreads
        value = float((np.logaddexp(0, fused) - targets * fused).sum())
        value += kinds * float((away**2).sum()) / 2
        by_label = (error * words).sum(axis=0)
        slopes = [(error * logits).sum(), by_label.sum(), (error * years).sum()]
        slope = np.concatenate([slopes, by_label, error.sum(axis=0)])
        return value, slope + kinds * away / spreads

    return fusion(minimize(loss, centres, jac=True, method="L-BFGS-B").x)
