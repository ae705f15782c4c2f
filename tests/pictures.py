"""Image files of one colour, or of four, in any format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

#: Colours of the corners of :func:`four_corners`: top left, top right, bottom left, bottom right.
CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))


def save_picture(
    file: Path,
    colour: str | int | float | tuple[int, ...] = "red",
    *,
    mode: str = "RGB",
    size: tuple[int, int] = (16, 24),
    **options: object,
) -> Path:
    """Save an image of one colour; the format follows the ending unless ``format`` is given.

    Args:
        file: where to; folders are made.
        colour: a colour of the mode.
        mode: Pillow's mode.
        size: width and height in pixels.
        options: passed to :meth:`PIL.Image.Image.save`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(file, **options)
    return file


def four_corners(side: int = 64) -> Image.Image:
    """Return a square of four squares, one colour each."""
    half = side // 2
    samples = np.zeros((side, side, 3), dtype=np.uint8)
    for colour, row, column in zip(CORNERS, (0, 0, half, half), (0, half, 0, half), strict=True):
        samples[row : row + half, column : column + half] = colour
    return Image.fromarray(samples)


def corner_colours(pixels: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """Return the colours of the outermost pixels, in the order of :data:`CORNERS`."""
    return tuple(
        tuple(int(sample) for sample in pixels[row, column])
        for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1))
    )
