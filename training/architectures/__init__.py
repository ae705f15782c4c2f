"""The networks that can be trained: a name → a function that builds the Keras model.

Every network takes uint8 RGB images of shape ``(height, width, 3)``, does its own normalisation
and ends in one sigmoid a label, so that the exported graph needs no preprocessing around it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from training.architectures.sequential import build_sequential


@dataclass(frozen=True)
class Architecture:
    """A network and the settings that it trains well with.

    Attributes:
        build: takes height, width and the number of labels; returns an uncompiled Keras model.
        height: default rows of the input, in pixels.
        width: default columns of the input, in pixels.
        learning_rate: default peak learning rate.
        epochs: default number of epochs.
    """

    build: Callable[[int, int, int], Any]
    height: int
    width: int
    learning_rate: float
    epochs: int


ARCHITECTURES: dict[str, Architecture] = {
    "sequential": Architecture(build_sequential, 350, 350, learning_rate=1e-3, epochs=30),
}
