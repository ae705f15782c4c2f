"""One line of text → its characters, as the recognizer's network gives them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from tagger.ocr.lines import Corners

#: What the recognizer was trained on: lines of this height, and no narrower than this.
HEIGHT: Final = 48
_NARROWEST: Final = 320
# A longer line is squeezed: one that is thin and as wide as the picture would take a second.
_WIDEST: Final = 1600

#: From this height to width on, a line is read from bottom to top.
_UPRIGHT: Final = 1.5


def cut_out(picture: Image.Image, corners: Corners) -> Image.Image:
    """Return a line of text, upright and :data:`HEIGHT` pixels high, at its own width."""
    top_left, top_right, bottom_right, bottom_left = corners
    wide = max(_distance(top_left, top_right), _distance(bottom_left, bottom_right))
    high = max(_distance(top_left, bottom_left), _distance(top_right, bottom_right))
    size = (max(1, int(wide)), max(1, int(high)))
    quad = [float(value) for value in (*top_left, *bottom_left, *bottom_right, *top_right)]
    line = picture.transform(size, Image.Transform.QUAD, quad, Image.Resampling.BICUBIC)
    if size[1] >= _UPRIGHT * size[0]:
        line = line.transpose(Image.Transpose.ROTATE_90)
    width = min(_WIDEST, math.ceil(HEIGHT * line.width / line.height))
    return line.resize((width, HEIGHT), Image.Resampling.BILINEAR)


def as_batch(lines: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
    """Return lines side by side in one array, shape ``(n, 3, HEIGHT, width)``, padded with grey."""
    width = max(_NARROWEST, *(line.width for line in lines))
    batch = np.zeros((len(lines), 3, HEIGHT, width), dtype=np.float32)
    for place, line in enumerate(lines):
        batch[place, :, :, : line.width] = as_input(line)
    return batch


def as_input(picture: Image.Image) -> npt.NDArray[np.float32]:
    """Return a picture as both networks take it: BGR, −1 to 1, shape ``(3, height, width)``."""
    blue_first = np.asarray(picture, dtype=np.float32)[:, :, ::-1]
    return np.ascontiguousarray(blue_first.transpose(2, 0, 1)) / 127.5 - 1


def decode(scores: npt.NDArray[np.float32], characters: Sequence[str]) -> tuple[str, float]:
    """Return the characters of a line and how certain they are, 0 to 1.

    Args:
        scores: probabilities, shape ``(steps, characters)``; the first is that of no character.
        characters: what the columns stand for.
    """
    best = scores.argmax(axis=1)
    # A character that spans several steps is one, unless a step without one lies between.
    counts = (best != 0) & np.concatenate([[True], best[1:] != best[:-1]])
    if not counts.any():
        return "", 0.0
    certain = scores[counts, best[counts]].mean()
    return "".join(characters[index] for index in best[counts]), float(certain)


def _distance(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(np.linalg.norm(one - other))
