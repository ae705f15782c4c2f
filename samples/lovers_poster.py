"""A romance: two people about to kiss; the title needs accents, as its file name does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from canvas import Canvas, Pen
from motifs import billing
from PIL import Image, ImageFilter


@dataclass(frozen=True)
class _Lover:
    """Somebody seen from the side, and the colours of skin, hair and clothes, from top down."""

    x: float
    y: float
    mirror: bool
    skin: tuple[str, str]
    light: str
    dark: str
    hair: tuple[str, str]
    clothes: tuple[str, str]
    lips: str

    def pen(self, pen: Pen) -> Pen:
        """Give a pen around the ear, the nose to its right."""
        return pen.at(self.x, self.y, 1, self.mirror)

    def outline(self, pen: Pen) -> None:
        """Fill the profile of a face."""
        self.pen(pen).polygon(
            (30, -52), (44, -40), (50, -24), (50, -12), (47, -6), (62, 10), (66, 15), (60, 20),
            (54, 21), (56, 26), (60, 30), (55, 34), (59, 39), (55, 45), (52, 52), (44, 62),
            (30, 62), (10, 56), (-6, 40), (-30, 20), (-34, -30), (-10, -60),
        )  # fmt: skip


def _profile(canvas: Canvas, lover: _Lover) -> None:
    """Paint shoulders, neck and face, the eye closed."""

    def neck(pen: Pen) -> None:
        lover.pen(pen).blob((-30, 10), (20, 44), (24, 70), (34, 92), (20, 116), (-20, 118),
                            (-48, 96), (-34, 60))  # fmt: skip

    with canvas.ink(*lover.clothes) as pen:
        lover.pen(pen).blob((-130, 250), (-118, 130), (-66, 90), (-20, 86), (24, 96), (56, 130),
                            (70, 250))  # fmt: skip
    with canvas.ink(*lover.skin) as pen:
        neck(pen)
        lover.outline(pen)
    with canvas.ink(lover.dark, blur=7, opacity=0.6, clip=neck) as pen:
        lover.pen(pen).blob((-30, 20), (20, 52), (36, 66), (20, 92), (-10, 90), (-34, 60))
    with canvas.ink(lover.dark, blur=9, opacity=0.7, clip=lover.outline) as pen:
        lover.pen(pen).blob((-50, -60), (2, -50), (6, 20), (20, 60), (-50, 70))
    with canvas.ink(lover.light, blur=3, opacity=0.9, clip=lover.outline) as pen:
        lover.pen(pen).line((38, -48), (49, -24), (48, -6), (63, 14), width=5)
        lover.pen(pen).line((58, 32), (56, 46), (46, 60), width=4)
    with canvas.ink("#c06060", blur=4, opacity=0.5, clip=lover.outline) as pen:
        lover.pen(pen).ellipse(30, 18, 10, 7)
    with canvas.ink("#2a1010", blur=0.6) as pen:
        side = lover.pen(pen)
        side.line((30, -7), (38, -4), (45, -6), width=2.2, end=1.2)
        for lash in range(4):
            side.line((36 + 2.4 * lash, -4.5), (38 + 3 * lash, -0.5), width=1)
        side.line((26, -20), (38, -24), (48, -19), width=3.2, end=1.4)
        side.line((55, 15), (51, 19), width=1.4)
    with canvas.ink(lover.lips, blur=0.5) as pen:
        lips = ((46, 33), (58, 28.5), (60, 31), (56, 34), (58, 38.6), (55, 42))
        lover.pen(pen).polygon(*lips)


def _long_hair(canvas: Canvas, lover: _Lover) -> None:
    with canvas.ink(*lover.hair) as pen:
        lover.pen(pen).blob(
            (34, -56), (10, -76), (-30, -72), (-58, -40), (-66, 10), (-80, 70), (-96, 140),
            (-60, 176), (-30, 150), (-22, 90), (-12, 44), (2, 20), (6, -4), (16, -28), (32, -44),
        )  # fmt: skip
    with canvas.ink(lover.light, blur=3, opacity=0.5) as pen:
        for d in (0, 12, 24):
            strand = (
                (18 - d, -60 + d * 0.6), (-24 - d, -40), (-44 - d * 0.6, 20), (-60 - d * 0.5, 110),
            )  # fmt: skip
            lover.pen(pen).line(*strand, width=2.6, end=1)


def _short_hair(canvas: Canvas, lover: _Lover) -> None:
    with canvas.ink(*lover.hair) as pen:
        lover.pen(pen).blob(
            (46, -46), (36, -72), (0, -82), (-36, -66), (-48, -30), (-40, 10), (-22, 22), (-16, 4),
            (-4, -2), (2, -20), (16, -36), (38, -42),
        )  # fmt: skip
    with canvas.ink(*lover.skin) as pen:
        lover.pen(pen).blob((-12, -10), (0, -14), (4, 0), (-2, 16), (-10, 12))
    with canvas.ink(lover.light, blur=3, opacity=0.5) as pen:
        for d in (0, 10, 20):
            strand = ((36 - d, -62), (-d, -70 + d * 0.4), (-30 - d * 0.5, -44))
            lover.pen(pen).line(*strand, width=2.4, end=1)


def _evening(height: int) -> Canvas:
    """Give a sunset over the sea."""
    canvas = Canvas("#ffe0a8", "#3a1a48", height=height)
    with canvas.ink("#3a2a78", "#9a4a90", "#f0708a", "#ffa878", "#ffe0a8") as pen:
        pen.polygon((0, 0), (300, 0), (300, 300), (0, 300))
    canvas.glow(150, 232, 110, "#ffd080", 0.9)
    with canvas.ink("#fff8dc", "#ffdf8a") as pen:
        pen.ellipse(150, 236, 42)
    with canvas.ink("#f0906a", "#8a3a6c", "#2a1a4c") as pen:
        pen.polygon((0, 262), (300, 262), (300, height), (0, height))
    rng = np.random.default_rng(13)
    with canvas.ink("#ffe9a8", light=True, blur=0.5, opacity=0.8) as pen:
        for x, y in rng.normal(0, 1, (150, 2)).tolist():
            depth = min(abs(y) * 32, 80)
            pen.ellipse(150 + x * (20 + depth * 0.35), 264 + depth, 3 + depth * 0.1, 0.5)
    return canvas


def the_summer_where() -> Image.Image:
    """Romance: two faces before a sunset."""
    canvas = _evening(450)
    he = _Lover(
        82, 196, False, ("#e0a47c", "#b06c50"), "#ffe0b0", "#4a1c30", ("#4a2a1a", "#1c0c0c"),
        ("#f4e8d8", "#8a4a5a"), "#8a4038",
    )  # fmt: skip
    she = _Lover(
        220, 204, True, ("#f0bc98", "#c88468"), "#fff0c8", "#6a2440", ("#8a4a22", "#4a1c14"),
        ("#b83048", "#5a1030"), "#a83040",
    )  # fmt: skip
    _profile(canvas, he)
    _short_hair(canvas, he)
    _profile(canvas, she)
    _long_hair(canvas, she)
    # In soft focus, as romances are.
    canvas.image = canvas.image.filter(ImageFilter.GaussianBlur(4))
    with canvas.ink("#1b0f30", blur=12) as pen:
        pen.polygon((-20, 372), (320, 372), (320, 480), (-20, 480))
    with canvas.ink("#fff6e4") as pen:
        pen.text("OÙ, L'ÉTÉ", 150, 352, 34, 236, weight=0.03, tracking=0.2)
        pen.text("ONE AUGUST. TWO TRAINS.", 150, 402, 6, tracking=0.4)
        pen.text("MEEVA STRANDLE     PELL GRIMSWORTHY", 150, 16, 6.5, 210, weight=0.02)
    billing(canvas, "#d0a8c0", 7, 422)
    return canvas.finish(grain=2, vignette=0.2, seed=7)
