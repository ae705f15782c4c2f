"""The networks that can be trained: a name → how it is built, and a recipe that trains it well.

Every network takes uint8 RGB images of shape ``(height, width, 3)``, does its own normalisation
and ends in one sigmoid a label, so that the exported graph needs no preprocessing around it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from training.architectures.efficientnet_lite import VARIANTS, build_efficientnet_lite
from training.architectures.sequential import build_sequential
from training.augmentation import Augmentation


@dataclass(frozen=True)
class Recipe:
    """Settings that a network trains well by; chosen on validation, see docs/models.md.

    Attributes:
        height: rows of the input, in pixels.
        width: columns of the input, in pixels.
        epochs: at most this many.
        learning_rate: its peak.
        augmentation: how training images are changed.
        ema: decay of the moving average of weights that is measured and kept; 0 keeps the weights
            themselves.
        probe: fit the last layer on frozen features first.
        frozen_layers: layers up to the last one whose name starts with this stay as they are.
    """

    height: int
    width: int
    epochs: int
    learning_rate: float
    augmentation: Augmentation
    ema: float = 0.0
    probe: bool = False
    frozen_layers: str | None = None


@dataclass(frozen=True)
class Architecture:
    """A network: ``build`` takes height, width and the number of labels."""

    build: Callable[[int, int, int], Any]
    recipe: Recipe


_SCRATCH = Recipe(
    height=350,
    width=350,
    epochs=30,
    learning_rate=1e-3,
    augmentation=Augmentation(flip=True, shift=0.08),
)
_FINE_TUNING = Recipe(
    height=288,
    width=192,
    epochs=5,
    learning_rate=1.5e-4,
    augmentation=Augmentation(flip=True, smallest_crop=0.5, colour=0.2, mixup=0.2),
    ema=0.996,
    probe=True,
    frozen_layers="_blocks.2.",
)

ARCHITECTURES: dict[str, Architecture] = {
    "sequential": Architecture(build_sequential, _SCRATCH),
} | {
    name: Architecture(partial(build_efficientnet_lite, variant), _FINE_TUNING)
    for name, variant in VARIANTS.items()
}
