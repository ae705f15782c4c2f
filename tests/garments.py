"""A labelled set of another trade: garments of several kinds and colours, some of them rare.

``python tests/garments.py FOLDER`` draws it, for who wants to try a training of their own.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {
    "red": (196, 40, 46),
    "blue": (44, 74, 168),
    "green": (46, 132, 72),
    "black": (34, 32, 36),
    "gold": (212, 168, 52),
}
KINDS = ("shirt", "trousers", "dress", "hat")
LABELS = (*COLOURS, *KINDS)
#: How often each occurs; gold and hats are rare.
_COLOUR_SHARES = (0.3, 0.27, 0.23, 0.15, 0.05)
_KIND_SHARES = (0.36, 0.32, 0.26, 0.06)

_WIDTH, _HEIGHT = 96, 128
# Outlines in shares of width and height.
_OUTLINES = {
    "shirt": (
        *((0.36, 0.1), (0.44, 0.17), (0.56, 0.17), (0.64, 0.1), (0.95, 0.3), (0.84, 0.45)),
        *((0.74, 0.39), (0.74, 0.9), (0.26, 0.9), (0.26, 0.39), (0.16, 0.45), (0.05, 0.3)),
    ),
    "trousers": (
        *((0.28, 0.08), (0.72, 0.08), (0.8, 0.95), (0.58, 0.95), (0.5, 0.35), (0.42, 0.95)),
        (0.2, 0.95),
    ),
    "dress": (
        *((0.38, 0.06), (0.44, 0.15), (0.56, 0.15), (0.62, 0.06), (0.64, 0.42), (0.92, 0.95)),
        *((0.08, 0.95), (0.36, 0.42)),
    ),
    "hat": ((0.3, 0.3), (0.7, 0.3), (0.74, 0.6), (0.97, 0.7), (0.03, 0.7), (0.26, 0.6)),
}


def draw_garments(folder: Path, count: int = 180, seed: int = 7) -> dict[str, tuple[str, str]]:
    """Draw ``images/*.jpg`` and ``garments.csv`` (a 0/1 column a label) into a folder.

    Args:
        folder: made when it is not there.
        count: how many garments.
        seed: decides all of them.

    Returns:
        File name → colour and kind.
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    drawn = {}
    for number in range(count):
        colour = str(random.choice(list(COLOURS), p=_COLOUR_SHARES))
        kind = str(random.choice(KINDS, p=_KIND_SHARES))
        name = f"garment-{number:04}.jpg"
        _garment(colour, kind, random).save(images / name, quality=88)
        drawn[name] = (colour, kind)
    with (folder / "garments.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", *LABELS))
        for name, labels in drawn.items():
            writer.writerow((name, *(int(label in labels) for label in LABELS)))
    return drawn


def _garment(colour: str, kind: str, random: np.random.Generator) -> Image.Image:
    """Draw one garment: on a light ground, a little moved, scaled, shaded and striped."""
    ground = random.integers(205, 250)
    page = Image.new("RGB", (_WIDTH, _HEIGHT), tuple(ground - random.integers(0, 14, 3)))
    ink = np.clip(np.array(COLOURS[colour]) + random.integers(-16, 17, 3), 0, 255)
    scale, left, top = random.uniform(0.7, 0.98), random.uniform(0, 0.02), random.uniform(0, 0.02)
    points = [
        (
            (left + (1 - scale) / 2 + x * scale) * _WIDTH,
            (top + (1 - scale) / 2 + y * scale) * _HEIGHT,
        )
        for x, y in _OUTLINES[kind]
    ]
    mask = Image.new("L", page.size)
    ImageDraw.Draw(mask).polygon(points, fill=255)
    cloth = Image.new("RGB", page.size, tuple(int(value) for value in ink))
    if random.random() < 0.4:  # stripes of a darker shade
        draw = ImageDraw.Draw(cloth)
        for x in range(int(random.integers(2, 9)), _WIDTH, 10):
            draw.line((x, 0, x, _HEIGHT), fill=tuple(int(value * 0.8) for value in ink), width=2)
    page.paste(cloth, mask=mask)
    noise = random.normal(0, 5, (_HEIGHT, _WIDTH, 1))
    return Image.fromarray(np.clip(np.asarray(page) + noise, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    draw_garments(Path(sys.argv[1]))
