"""The drawing table: a poster drawn at three times its size, one layer of ink after another.

Coordinates are those of the finished poster (300 x 444 as a rule), from its top left corner;
colours are anything that ``PIL.ImageColor`` reads. Everything random comes from a given seed,
so that a poster drawn twice is the same to the byte.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageFont

Point = tuple[float, float]

#: Shapes are drawn hard-edged this much larger; the final reduction smooths them.
SCALE = 3

_FONT_SIZE = 120
_CAP_HEIGHT = 0.7 * _FONT_SIZE
# The built-in font has no accented letters, so the marks are drawn: (x, y) of both ends, in
# shares of the letter's width and of the height of a capital.
_ACCENTS = {"\u0300": ((0.32, -0.34), (0.6, -0.14)), "\u0301": ((0.68, -0.34), (0.4, -0.14))}


def spline(points: Sequence[Point], steps: int = 10) -> list[Point]:
    """Give a smooth closed outline through the points (Catmull-Rom)."""
    count, outline = len(points), []
    for i in range(count):
        p0, p1, p2, p3 = (np.array(points[(i + k - 1) % count]) for k in range(4))
        for t in np.linspace(0, 1, steps, endpoint=False):
            bend = (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            x, y = (2 * p1 + (p2 - p0) * t + bend) / 2
            outline.append((float(x), float(y)))
    return outline


def gradient(size: tuple[int, int], colours: Sequence[str]) -> Image.Image:
    """Give an RGB image that runs through the colours from top to bottom."""
    rows = np.linspace(0, len(colours) - 1, max(size[1], 1))
    stops = np.array([ImageColor.getrgb(colour)[:3] for colour in colours], dtype=np.float64)
    column = np.stack([np.interp(rows, range(len(colours)), stops[:, k]) for k in range(3)], 1)
    pixels = np.repeat(column[:, None, :].round().astype(np.uint8), size[0], axis=1)
    return Image.fromarray(pixels)


def lettering(words: str, weight: float, tracking: float) -> Image.Image:
    """Give one line of text as a mask, cut to its width; its capitals are the middle third.

    ``weight`` thickens the strokes and ``tracking`` spaces the letters, in shares of a capital.
    """
    font = ImageFont.load_default(size=_FONT_SIZE)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    # The plain layout engine is in every build of Pillow: the same letters everywhere.
    font = font.font_variant(layout_engine=ImageFont.Layout.BASIC)
    stroke, gap = weight * _CAP_HEIGHT, tracking * _CAP_HEIGHT
    width = font.getlength(words) + gap * len(words) + 4 * stroke + _FONT_SIZE
    mask = Image.new("L", (int(width), int(3 * _CAP_HEIGHT)))
    draw = ImageDraw.Draw(mask)
    x, base = _FONT_SIZE / 2, 2 * _CAP_HEIGHT
    for letter in words:
        plain, *marks = list(unicodedata.normalize("NFD", letter))
        draw.text((x, base), plain, fill=255, font=font, anchor="ls", stroke_width=stroke)
        advance = font.getlength(plain)
        for mark in marks:
            ends = [
                (x + u * advance, base + (v - 1) * _CAP_HEIGHT - stroke) for u, v in _ACCENTS[mark]
            ]
            draw.line(ends, fill=255, width=int(0.11 * _CAP_HEIGHT + 1.5 * stroke))
        x += advance + gap
    box = mask.getbbox() or (0, 0, 1, 1)
    return mask.crop((box[0], 0, box[2], mask.height))


@dataclass(frozen=True)
class Pen:
    """Draws shapes into one mask; ``at`` gives a pen with a place and size of its own."""

    mask: Image.Image
    x: float = 0.0
    y: float = 0.0
    size: float = 1.0
    mirror: bool = False

    def at(self, x: float, y: float, size: float = 1.0, mirror: bool = False) -> Pen:
        """Give a pen whose origin, unit and left-to-right sense are those of a figure."""
        (left, top), flipped = self._place((x, y)), self.mirror != mirror
        return replace(self, x=left, y=top, size=self.size * size, mirror=flipped)

    def _place(self, point: Point) -> Point:
        side = -1 if self.mirror else 1
        return self.x + side * self.size * point[0], self.y + self.size * point[1]

    def polygon(self, *points: Point, erase: bool = False) -> None:
        """Fill the outline, or cut it out of what this ink has drawn so far."""
        outline = [(x * SCALE, y * SCALE) for x, y in map(self._place, points)]
        ImageDraw.Draw(self.mask).polygon(outline, fill=0 if erase else 255)

    def blob(self, *points: Point, erase: bool = False) -> None:
        """Fill a smooth outline through the points."""
        self.polygon(*spline(points), erase=erase)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float = 0, tilt: float = 0, erase: bool = False
    ) -> None:
        """Fill an ellipse (a disc, without ``ry``) turned clockwise by ``tilt`` degrees."""
        turn, ry = math.radians(tilt), ry or rx
        rim = [
            (rx * math.cos(a), ry * math.sin(a)) for a in np.linspace(0, 2 * math.pi, 72).tolist()
        ]
        cos, sin = math.cos(turn), math.sin(turn)
        self.polygon(*[(x + u * cos - v * sin, y + u * sin + v * cos) for u, v in rim], erase=erase)

    def line(self, *points: Point, width: float = 1, end: float = 0, erase: bool = False) -> None:
        """Draw a limb: round at joints and tips, tapering to ``end`` where that is given."""
        widths = np.linspace(width, end or width, len(points)).tolist()
        for (x, y), thick in zip(points, widths, strict=True):
            self.ellipse(x, y, thick / 2, erase=erase)
        for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
            length = math.hypot(x1 - x0, y1 - y0) or 1
            nx, ny = (y0 - y1) / length / 2, (x1 - x0) / length / 2
            a, b = widths[i], widths[i + 1]
            near, far = (x0 + nx * a, y0 + ny * a), (x1 + nx * b, y1 + ny * b)
            back, start = (x1 - nx * b, y1 - ny * b), (x0 - nx * a, y0 - ny * a)
            self.polygon(near, far, back, start, erase=erase)

    def text(
        self,
        words: str,
        x: float,
        y: float,
        height: float,
        width: float = 0,
        weight: float = 0,
        tracking: float = 0,
        angle: float = 0,
        erase: bool = False,
    ) -> None:
        """Set a line centred on x, its capitals ``height`` tall from y down.

        With ``width``, the letters are condensed or extended to fill it.
        """
        letters = lettering(words, weight, tracking)
        centre, top = self._place((x, y))
        tall = height * self.size * SCALE
        wide = width * self.size * SCALE or letters.width * tall / _CAP_HEIGHT
        letters = letters.resize((max(1, round(wide)), max(1, round(3 * tall))))
        middle = top * SCALE + tall / 2
        if angle:
            letters = letters.rotate(angle, Image.Resampling.BICUBIC, expand=True)
        corner = (round(centre * SCALE - letters.width / 2), round(middle - letters.height / 2))
        self.mask.paste(0 if erase else 255, corner, letters)


class Canvas:
    """A poster under way."""

    def __init__(self, *colours: str, width: int = 300, height: int = 444) -> None:
        """Start from a vertical gradient of the colours, or from one flat colour."""
        self.width, self.height = width, height
        self.image = gradient((width * SCALE, height * SCALE), colours)

    @contextmanager
    def ink(
        self,
        *colours: str,
        blur: float = 0,
        opacity: float = 1,
        light: bool = False,
        clip: Callable[[Pen], None] | None = None,
        texture: Image.Image | None = None,
    ) -> Iterator[Pen]:
        """Lend a pen; what it drew is laid on the poster when it comes back.

        Several colours run from the top to the bottom of the drawing. ``light`` adds to what lies
        below as a projector would; ``clip`` draws the only part that shows; ``texture`` is a mask
        that breaks the ink up (see ``noise``).
        """
        mask = Image.new("L", self.image.size)
        yield Pen(mask)
        _, top, _, bottom = mask.getbbox() or (0, 0, 0, 1)
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * SCALE))
        if clip is not None:
            window = Image.new("L", mask.size)
            clip(Pen(window))
            mask = ImageChops.multiply(mask, window)
        if texture is not None:
            mask = ImageChops.multiply(mask, texture)
        if opacity < 1:
            mask = mask.point(lambda value: value * opacity)
        layer = gradient(mask.size, (colours[0], colours[-1]))
        layer.paste(gradient((mask.width, bottom - top), colours), (0, top))
        if light:
            dark = Image.new("RGB", mask.size)
            self.image = ImageChops.screen(self.image, Image.composite(layer, dark, mask))
        else:
            self.image = Image.composite(layer, self.image, mask)

    def glow(self, x: float, y: float, radius: float, colour: str, opacity: float = 1) -> None:
        """Add a soft round light."""
        with self.ink(colour, blur=radius / 2, opacity=opacity, light=True) as pen:
            pen.ellipse(x, y, radius)

    def closer(self, factor: float, x: float, y: float) -> None:
        """Enlarge what has been drawn so far around a point, which comes to the middle."""
        (width, height), scale = self.image.size, SCALE
        left, top = x * scale - width / factor / 2, y * scale - height / factor / 2
        box = (left, top, left + width / factor, top + height / factor)
        self.image = self.image.resize((width, height), Image.Resampling.BILINEAR, box)

    def noise(self, seed: int, across: float, down: float, contrast: float = 2) -> Image.Image:
        """Give a cloudy mask whose largest patches measure ``across`` by ``down``."""
        rng, total = np.random.default_rng(seed), np.zeros((self.height, self.width))
        for octave in range(5):
            cells = [
                min(side, 2 + int(side * 2**octave / patch))
                for side, patch in ((self.width, across), (self.height, down))
            ]
            patch = Image.fromarray(rng.random((cells[1], cells[0]), dtype=np.float32))
            grown = patch.resize((self.width, self.height), Image.Resampling.BICUBIC)
            total += np.asarray(grown) / 2**octave
        level = (total - total.mean()) / (total.std() or 1) * contrast / 8 + 0.5
        mask = Image.fromarray((level.clip(0, 1) * 255).round().astype(np.uint8))
        return mask.resize(self.image.size, Image.Resampling.BILINEAR)

    def finish(self, grain: float = 0, vignette: float = 0, seed: int = 0) -> Image.Image:
        """Reduce to the final size, darken the corners and add film grain (levels of noise)."""
        small = self.image.reduce(SCALE)
        pixels = np.asarray(small, dtype=np.float64)
        if vignette:
            y, x = np.mgrid[-1 : 1 : self.height * 1j, -1 : 1 : self.width * 1j]
            pixels = pixels * (1 - vignette * ((x**2 + y**2) / 2) ** 1.5)[:, :, None]
        if grain:
            rng = np.random.default_rng(seed)
            pixels = pixels + rng.normal(0, grain, (self.height, self.width, 1))
        return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))
