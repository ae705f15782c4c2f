"""Random changes to training images that do not affect their labels.

They are not layers of the network, because random layers inside a graph produce ONNX files that are
invalid, without a warning (onnx/tensorflow-onnx#2395).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tagger.results import Pixels


@dataclass(frozen=True)
class Augmentation:
    """How much training images are changed; the defaults change nothing.

    Attributes:
        flip: mirror every second image.
        shift: largest shift up, down, left or right, as a share of the side; edges are repeated.
        smallest_crop: smallest area that is cropped and enlarged, as a share of the image.
        colour: largest change of brightness, contrast and saturation, as a share.
        mixup: parameter of the Beta distribution that blends pairs of images and their targets
            (Zhang et al., ICLR 2018); 0 blends none.
    """

    flip: bool = False
    shift: float = 0.0
    smallest_crop: float = 1.0
    colour: float = 0.0
    mixup: float = 0.0

    def image(
        self, image: Pixels, random: np.random.Generator, size: tuple[int, int] | None = None
    ) -> Pixels:
        """Change one image.

        Args:
            image: uint8, shape ``(height, width, 3)``; not modified.
            random: source of randomness.
            size: height and width to scale to; None keeps those of the image.

        Returns:
            uint8 of that size.
        """
        size = size or image.shape[:2]
        if self.flip and random.random() < 0.5:
            image = image[:, ::-1]
        if self.shift:
            image = _shifted(image, self.shift, random)
        if self.smallest_crop < 1 or size != image.shape[:2]:
            image = _cropped(image, self.smallest_crop, size, random)
        if self.colour:
            image = _recoloured(image, self.colour, random)
        return image

    def batch(
        self, images: Pixels, targets: npt.NDArray[np.float32], random: np.random.Generator
    ) -> tuple[Pixels, npt.NDArray[np.float32]]:
        """Blend each image of a batch with another one, and their targets in the same way.

        Args:
            images: uint8, shape ``(n, height, width, 3)``.
            targets: shape ``(n, labels)``.
            random: source of randomness.
        """
        if not self.mixup:
            return images, targets
        share = np.float32(random.beta(self.mixup, self.mixup))
        if min(share, 1 - share) < 0.02:  # most draws blend next to nothing: skip them
            return images, targets
        blended = images * share + images[::-1] * (1 - share)
        return (
            (blended + 0.5).astype(np.uint8),
            (targets * share + targets[::-1] * (1 - share)).astype(np.float32),
        )


def _shifted(image: Pixels, largest: float, random: np.random.Generator) -> Pixels:
    height, width = image.shape[:2]
    down = int(random.uniform(-largest, largest) * height)
    right = int(random.uniform(-largest, largest) * width)
    # Shifting by clipped indices repeats the edge.
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return image[rows][:, columns]


def _cropped(
    image: Pixels, smallest: float, size: tuple[int, int], random: np.random.Generator
) -> Pixels:
    height, width = image.shape[:2]
    area = random.uniform(smallest, 1)
    stretch = math.exp(random.uniform(-0.15, 0.15)) if smallest < 1 else 1.0
    part_height = min(1.0, math.sqrt(area) * stretch) * height
    part_width = min(1.0, math.sqrt(area) / stretch) * width
    top = random.uniform(0, height - part_height)
    left = random.uniform(0, width - part_width)
    box = (left, top, left + part_width, top + part_height)
    picture = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR, box=box))


def _recoloured(image: Pixels, largest: float, random: np.random.Generator) -> Pixels:
    brightness, contrast, saturation = 1 + random.uniform(-largest, largest, 3)
    # Brightness and contrast are one linear map of 256 values; saturation mixes in grey.
    middle = float(image.mean())
    table = np.clip((np.arange(256) - middle) * contrast + middle * brightness, 0, 255)
    values: Any = table.astype(np.float32)[image]
    grey = values.mean(axis=2, keepdims=True)
    mixed = np.clip(values * saturation + grey * (1 - saturation), 0, 255)
    return np.asarray(mixed, dtype=np.uint8)
