"""Checks that an exported file gives real images the same scores as the Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tagger.decode.picture import ImageError, load_rgb
from tagger.errors import DataError, ModelError
from tagger.network.model import TaggerModel
from tagger.results import Pixels

#: A larger difference between the two fails the export.
TOLERANCE = 1e-4

#: Two sizes, neither a divisor of the other: a graph with a fixed batch size fails at one of them.
BATCH_SIZES = (1, 7)

_IMAGES = 28


@dataclass(frozen=True)
class Parity:
    """How well a file agrees with its Keras model."""

    images: int
    largest_difference: float


def check_parity(model: Any, file: Path, images: Pixels) -> Parity:
    """Compare a model file, in ONNX Runtime on the CPU, with the Keras model it came from.

    Args:
        model: the Keras model.
        file: the ``.onnx`` file.
        images: uint8, shape ``(n, height, width, 3)``.

    Raises:
        ModelError: a score differs by more than :data:`TOLERANCE`.
    """
    expected = np.asarray(model.predict_on_batch(images))
    largest = 0.0
    for size in BATCH_SIZES:
        runner = TaggerModel(file, "cpu", batch_size=size)
        scores = np.concatenate(
            [runner.scores(images[start : start + size]) for start in range(0, len(images), size)]
        )
        largest = max(largest, float(np.abs(scores - expected).max()))
    if not largest <= TOLERANCE:  # also true for NaN
        raise ModelError(
            f"The exported file was not written: its scores differ from the Keras model's by "
            f"{largest:.2g} on {len(images)} images, more than {TOLERANCE:.0e}."
        )
    return Parity(len(images), largest)


def sample_images(files: Sequence[Path], height: int, width: int) -> Pixels:
    """Read the first few readable images.

    Raises:
        DataError: there are none.
    """
    images = []
    for file in files:
        try:
            images.append(load_rgb(file, height, width))
        except ImageError:
            continue
        if len(images) == _IMAGES:
            break
    if not images:
        raise DataError("No readable image to compare the export on: pass --images DIR.")
    return np.stack(images)
