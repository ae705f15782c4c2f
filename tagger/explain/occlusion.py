"""Which parts of an image speak for a label: how much its probability falls where one is covered.

The method is occlusion (Zeiler and Fergus, Visualizing and Understanding Convolutional Networks,
ECCV 2014): it needs no more of a network than its scores, so any model can be explained.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from tagger.results import ImageText, Pixels

if TYPE_CHECKING:
    from tagger.network.model import TaggerModel

# A covered square is so many times shorter than the longer side of the input.
_PARTS: Final = 4
# Squares overlap: so many lie on one place, along each side.
_OVERLAP: Final = 4.0

# Probabilities are compared as log-odds, and these have no end.
_LEAST = 1e-4

#: A part decides if the probability falls below this share of itself without it.
_DECIDES = 0.8


@dataclass(frozen=True)
class Part:
    """A rectangle of an image, as shares of its height and width, 0 to 1."""

    top: float
    left: float
    bottom: float
    right: float

    def __str__(self) -> str:
        """Say in words where it lies."""
        down = ("top", "", "bottom")[min(2, int((self.top + self.bottom) / 2 * 3))]
        across = ("left", "", "right")[min(2, int((self.left + self.right) / 2 * 3))]
        return f"{down} {across}".strip() or "centre"


@dataclass(frozen=True)
class Explanation:
    """What speaks for a label.

    Attributes:
        label: its name.
        score: its probability.
        part: what speaks for it most.
        without: its probability while that part is covered.
        without_text: its probability without the image's text; None if there is none.
        heat: how far its log-odds fall where a place is covered, float32, shape ``(height, width)``
            of the model's input; the mean of all squares that cover the place.
    """

    label: str
    score: float
    part: Part
    without: float
    without_text: float | None
    heat: npt.NDArray[np.float32]

    @property
    def is_decided(self) -> bool:
        """Whether one part decides, rather than the whole."""
        return self.without < _DECIDES * self.score


@dataclass(frozen=True)
class Squares:
    """The squares of an image that are covered, one at a time.

    Attributes:
        height: of the image, in pixels; so is the width.
        side: of a square; one that is longer than the image is cut.
        tops: where they begin, from top to bottom; so do the lefts, from left to right.
    """

    height: int
    width: int
    side: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]

    @classmethod
    def of(cls, height: int, width: int, overlap: float = _OVERLAP) -> Squares:
        """Lay squares over an image, so many of them on each place, along each side."""
        side = max(1, round(max(height, width) / _PARTS))
        tops = _starts(height, min(side, height), overlap)
        return cls(height, width, side, tops, _starts(width, min(side, width), overlap))

    @property
    def corners(self) -> list[tuple[int, int]]:
        """Their upper left corners, row by row."""
        return [(top, left) for top in self.tops for left in self.lefts]

    def part(self, place: int) -> Part:
        """Return a square as a part of the image."""
        return _part(self.corners[place], self.side, self.height, self.width)

    def falls(
        self, model: TaggerModel, pixels: Pixels, text: ImageText | None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return what covering them does to all labels: one set of runs serves every label.

        Returns:
            Scores of the whole image, shape ``(labels,)``, and with each square covered, shape
            ``(squares, labels)``.

        Raises:
            ModelError: the network breaks.
        """
        whole = model.scores(pixels[np.newaxis], [text])[0]
        return whole, _covered_scores(model, pixels, text, self.corners, self.side)


def explain(
    model: TaggerModel, pixels: Pixels, text: ImageText | None, labels: Sequence[str]
) -> list[Explanation]:
    """Explain labels of an image.

    Args:
        model: an opened model.
        pixels: the image, uint8, shape ``(height, width, 3)`` of the model's input.
        text: what the model gets in addition to it.
        labels: of the model.

    Raises:
        ModelError: the network breaks.
    """
    height, width = pixels.shape[:2]
    places = [model.card.labels.index(label) for label in labels]
    squares = Squares.of(height, width)
    whole, covered = squares.falls(model, pixels, text)
    whole, covered = whole[places], covered[:, places]
    bare = None if text is None else model.scores(pixels[np.newaxis], [None])[0, places]
    falls = log_odds(whole) - log_odds(covered)
    return [
        Explanation(
            label,
            float(whole[place]),
            squares.part(int(falls[:, place].argmax())),
            float(covered[int(falls[:, place].argmax()), place]),
            None if bare is None else float(bare[place]),
            _heat(falls[:, place], squares.corners, squares.side, (height, width)),
        )
        for place, label in enumerate(labels)
    ]


def _starts(length: int, side: int, overlap: float) -> tuple[int, ...]:
    """Return where squares begin, from edge to edge, evenly."""
    count = math.ceil((length - side) * overlap / side) + 1
    return tuple(round(place) for place in np.linspace(0, length - side, count))


def _covered_scores(
    model: TaggerModel,
    pixels: Pixels,
    text: ImageText | None,
    corners: Sequence[tuple[int, int]],
    side: int,
) -> npt.NDArray[np.float32]:
    """Return the scores with one square covered at a time, shape ``(corners, labels)``."""
    # The mean colour: neither bright nor dark beside the rest.
    fill = pixels.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    scores = []
    for some in _batches(corners, model.batch_size):
        batch = np.repeat(pixels[np.newaxis], len(some), axis=0)
        for image, (top, left) in zip(batch, some, strict=True):
            image[top : top + side, left : left + side] = fill
        scores.append(model.scores(batch, [text] * len(some)))
    return np.concatenate(scores)


def _batches(corners: Sequence[tuple[int, int]], size: int) -> Iterator[Sequence[tuple[int, int]]]:
    for start in range(0, len(corners), size):
        yield corners[start : start + size]


def log_odds(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return probabilities as log-odds, which have an end here."""
    exact = np.clip(scores.astype(np.float64), _LEAST, 1 - _LEAST)
    return np.log(exact / (1 - exact))


def _part(corner: tuple[int, int], side: int, height: int, width: int) -> Part:
    top, left = corner
    bottom, right = min(top + side, height), min(left + side, width)
    return Part(top / height, left / width, bottom / height, right / width)


def _heat(
    falls: npt.NDArray[np.float64],
    corners: Sequence[tuple[int, int]],
    side: int,
    shape: tuple[int, int],
) -> npt.NDArray[np.float32]:
    total, count = np.zeros(shape), np.zeros(shape)
    for fall, (top, left) in zip(falls, corners, strict=True):
        total[top : top + side, left : left + side] += fall
        count[top : top + side, left : left + side] += 1
    return (total / count).astype(np.float32)
