"""A family film: a girl, a bear and a mouse in a balloon, painted as animated films are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from canvas import Canvas, Pen, Point
from motifs import billing
from PIL import Image


def _peaks(pen: Pen, snow: Pen, seed: int, y: float, height: float) -> None:
    """Draw a row of pointed mountains, and with the other pen their snow."""
    rng = np.random.default_rng(seed)
    for place in np.arange(-10, 340, 0.9 * height).tolist():
        x = place + float(rng.uniform(-9, 9))
        top = y - height * float(rng.uniform(0.5, 1.2))
        foot = (460 - top) * 0.72
        pen.polygon((x, top), (x + foot, 460), (x - foot, 460))
        cap, teeth = 0.3 * height, rng.uniform(0.6, 1.2, 3).tolist()
        side = cap * 0.72
        zigzag = [(x + side * u, top + cap * v) for u, v in zip((0.5, 0, -0.5), teeth, strict=True)]
        snow.polygon((x, top), (x + side, top + cap), *zigzag, (x - side, top + cap))


def _eyes(canvas: Canvas, places: Sequence[Point], size: float, iris: str) -> None:
    with canvas.ink("#ffffff") as pen:
        for x, y in places:
            pen.ellipse(x, y, size, size * 1.15)
    for x, y in places:
        with canvas.ink(iris, "#10202a") as pen:
            pen.ellipse(x + size * 0.1, y + 1, size * 0.66, size * 0.78)
        with canvas.ink("#06090c") as pen:
            pen.ellipse(x + size * 0.1, y + 1.5, size * 0.38, size * 0.5)
        with canvas.ink("#ffffff") as pen:
            pen.ellipse(x - size * 0.18, y - size * 0.36, size * 0.24)
            pen.ellipse(x + size * 0.32, y + size * 0.4, size * 0.1)


def _shade(
    canvas: Canvas, shape: Callable[[Pen], None], colour: str, x: float, y: float, radius: float
) -> None:
    """Darken a shape outside of the light around x, y."""
    with canvas.ink(colour, blur=radius / 6, opacity=0.6, clip=shape) as pen:
        pen.polygon((0, 0), (300, 0), (300, 444), (0, 444))
        pen.ellipse(x, y, radius, erase=True)


def _airship(canvas: Canvas, x: float, y: float, size: float, top: str, mirror: bool) -> None:
    """Draw an airship under a black flag."""

    def hull(pen: Pen) -> None:
        pen.at(x, y, size, mirror).ellipse(0, 0, 44, 17)

    with canvas.ink(top) as pen:
        hull(pen)
    _shade(canvas, hull, "#1a0a2a", x, y - 14 * size, 30 * size)
    with canvas.ink("#4a2a1a") as pen:
        ship = pen.at(x, y, size, mirror)
        ship.blob((-18, 24), (20, 24), (16, 34), (-12, 34))
        for side in (-1, 1):
            ship.line((14 * side, 14), (12 * side, 25), width=1)
            ship.polygon((-40, 4 * side), (-58, 14 * side), (-56, 0))
    with canvas.ink("#101018") as pen:
        pen.at(x, y, size, mirror).line((0, -16), (0, -36), width=1.2)
        pen.at(x, y, size, mirror).polygon((0, -36), (20, -33), (0, -24))


def _cloud(pen: Pen) -> None:
    for x, y, radius in ((-40, 4, 16), (-20, -6, 22), (6, -12, 26), (32, -2, 20), (48, 6, 13)):
        pen.ellipse(x, y, radius)
    pen.polygon((-54, 6), (58, 6), (56, 18), (-52, 18))


def _balloon(canvas: Canvas) -> None:
    """Let the lower half of a striped balloon in from above, its flame lit."""

    def envelope(pen: Pen) -> None:
        pen.blob((150, -120), (262, -80), (280, 0), (236, 70), (176, 112), (124, 112), (64, 70),
                 (20, 0), (38, -80))  # fmt: skip

    with canvas.ink("#f0382a", "#c81a2a") as pen:
        envelope(pen)
    for colour, outer, inner in (("#ffcf2a", 104, 74), ("#fff6e0", 46, 18)):
        with canvas.ink(colour, clip=envelope) as pen:
            pen.ellipse(150, 0, outer, 132)
            pen.ellipse(150, 0, inner, 132, erase=True)
    _shade(canvas, envelope, "#4a0a2a", 190, -10, 120)
    with canvas.ink("#8a5a2a", "#5a3414") as pen:
        pen.polygon((122, 108), (178, 108), (174, 120), (126, 120))
    canvas.glow(150, 128, 20, "#ffb030", 0.9)
    with canvas.ink("#fff0a0", "#ff8a1a") as pen:
        pen.blob((150, 116), (158, 130), (150, 140), (142, 130))
    with canvas.ink("#4a2c14") as pen:
        for top, foot in ((126, 62), (138, 104), (174, 238), (162, 196)):
            pen.line((top, 116), (foot, 322), width=2.2)


def _bear(canvas: Canvas) -> None:
    def body(pen: Pen) -> None:
        bear = pen.at(222, 262)
        bear.blob((0, -52), (40, -40), (54, 0), (44, 34), (0, 46), (-44, 34), (-54, 0), (-40, -40))
        bear.blob((-44, 62), (-46, 50), (0, 30), (42, 50), (36, 62))
        for side in (-1, 1):
            bear.ellipse(36 * side, -40, 16)

    with canvas.ink("#9a5a2c", "#6a3816") as pen:
        body(pen)
    _shade(canvas, body, "#2a1008", 206, 236, 58)
    with canvas.ink("#e8b890", "#c88a5c") as pen:
        bear = pen.at(222, 262)
        bear.ellipse(0, 18, 25, 19)
        for side in (-1, 1):
            bear.ellipse(36 * side, -40, 8)
    with canvas.ink("#2a1410") as pen:
        bear = pen.at(222, 262)
        bear.ellipse(0, 8, 9, 6.4)
        bear.blob((-14, 22), (0, 26), (14, 22), (0, 35))
        for side in (-1, 1):
            bear.line((28 * side, -26), (18 * side, -30), (9 * side, -28), width=3)
    with canvas.ink("#ff6a6a") as pen:
        pen.at(222, 262).ellipse(0, 29.5, 6, 3)
    _eyes(canvas, ((205, 252), (239, 252)), 11, "#5a3a1a")


def _girl_head(canvas: Canvas) -> None:
    def hair(pen: Pen) -> None:
        pen.at(112, 250).blob((0, -66), (46, -50), (62, 0), (70, 60), (30, 66), (-30, 66),
                              (-70, 60), (-62, 0), (-46, -50))  # fmt: skip

    def head(pen: Pen) -> None:
        pen.at(112, 256).blob((0, -44), (34, -36), (46, 0), (36, 32), (0, 48), (-36, 32), (-46, 0),
                              (-34, -36))  # fmt: skip

    with canvas.ink("#e05a1a", "#9a2c0c") as pen:
        hair(pen)
    _shade(canvas, hair, "#4a1008", 130, 216, 66)
    with canvas.ink("#3a6ab8", "#1a3a7a") as pen:
        pen.blob((58, 380), (62, 318), (112, 298), (162, 318), (168, 380))
    with canvas.ink("#ffd8b0", "#f0a878") as pen:
        head(pen)
    _shade(canvas, head, "#a04a2c", 122, 240, 50)
    with canvas.ink("#ff8a7a", blur=3, opacity=0.6) as pen:
        pen.ellipse(82, 272, 9, 7)
        pen.ellipse(142, 272, 9, 7)


def _girl(canvas: Canvas) -> None:
    """Draw a girl with a pilot's cap and goggles."""
    _girl_head(canvas)
    _eyes(canvas, ((94, 256), (130, 256)), 13, "#2a9a5a")
    with canvas.ink("#7a2c0c") as pen:
        for side in (-1, 1):
            brow = ((112 + 32 * side, 238), (112 + 20 * side, 232), (112 + 8 * side, 236))
            pen.line(*brow, width=3.4, end=2)
    with canvas.ink("#8a1a1a") as pen:
        pen.blob((94, 280), (112, 284), (132, 279), (124, 296), (104, 297))
    with canvas.ink("#ffffff") as pen:
        pen.blob((97, 281.5), (112, 285), (129, 280.5), (124, 287), (102, 288))
    with canvas.ink("#e09068") as pen:
        pen.ellipse(113, 270, 5, 3.6)
    with canvas.ink("#e8661c", "#c0440f") as pen:
        pen.blob((68, 250), (72, 218), (112, 202), (152, 218), (158, 250), (140, 232), (116, 226),
                 (96, 238), (84, 230))  # fmt: skip
    with canvas.ink("#6a3a18", "#3a1c0a") as pen:
        pen.blob((62, 226), (70, 192), (112, 176), (154, 192), (162, 226), (112, 212))
    with canvas.ink("#c89a3a", "#7a5414") as pen:
        pen.line((60, 218), (164, 218), width=3)
        pen.ellipse(92, 206, 17, 14)
        pen.ellipse(132, 206, 17, 14)
    with canvas.ink("#9ae0ff", "#2a7ac0") as pen:
        pen.ellipse(92, 206, 12, 9.6)
        pen.ellipse(132, 206, 12, 9.6)
    with canvas.ink("#ffffff", opacity=0.8) as pen:
        pen.line((84, 204), (92, 199), width=3)
        pen.line((124, 204), (132, 199), width=3)


def _basket(canvas: Canvas) -> None:
    """Draw the basket, with paws and hands on its rim and a mouse behind it."""

    def wicker(pen: Pen) -> None:
        pen.polygon((36, 318), (266, 318), (250, 460), (54, 460))

    with canvas.ink("#b8b8c4", "#80808e") as pen:
        pen.ellipse(174, 300, 13, 14)
        pen.ellipse(163, 286, 9)
        pen.ellipse(186, 286, 9)
    with canvas.ink("#f0a8b0") as pen:
        pen.ellipse(163, 286, 5)
        pen.ellipse(186, 286, 5)
        pen.ellipse(174, 306, 3, 2.4)
    _eyes(canvas, ((169, 298), (180, 298)), 4.4, "#1a1a2a")
    with canvas.ink("#d89848", "#8a5524") as pen:
        wicker(pen)
    with canvas.ink("#6a3c14", opacity=0.6, clip=wicker) as pen:
        for row in range(10):
            for column in range(12):
                x, y = 30 + 22 * column + 11 * (row % 2), 326 + 12 * row
                pen.polygon((x, y), (x + 10, y), (x + 10, y + 5), (x, y + 5))
    with canvas.ink("#f0b860", "#a8681c") as pen:
        pen.line((34, 320), (268, 320), width=13)
    with canvas.ink("#ffd8b0", "#f0a878") as pen:
        pen.ellipse(74, 318, 12, 10)
        pen.ellipse(150, 318, 12, 10)
    with canvas.ink("#9a5a2c", "#6a3816") as pen:
        pen.ellipse(204, 318, 16, 12)
        pen.ellipse(248, 317, 16, 12)


def over_the_cloud_peaks() -> Image.Image:
    """Animation, adventure: a balloon flees from pirates above the mountains."""
    canvas = Canvas("#1a6ad0", "#3aa8f0", "#a0e0ff", "#fff0c0", "#ffc080")
    canvas.glow(240, 110, 110, "#fff0b0", 0.8)
    layers = ((81, 262, 92, "#8ab0e8", "#c4d8f4"), (83, 318, 70, "#4a86c8", "#8fc0e0"))
    for seed, y, height, top, foot in layers:
        with canvas.ink("#ffffff") as snow, canvas.ink(top, foot) as rock:
            _peaks(rock, snow, seed, y, height)
    for x, y, size in ((50, 214, 1.0), (254, 232, 1.1), (20, 150, 0.6), (282, 160, 0.5)):
        with canvas.ink("#ffffff", "#d0e4fa", blur=1.6) as pen:
            _cloud(pen.at(x, y, size))
    _airship(canvas, 52, 120, 0.8, "#c02a3a", mirror=False)
    _airship(canvas, 256, 92, 0.55, "#5a3a8a", mirror=True)
    _balloon(canvas)
    _bear(canvas)
    _girl(canvas)
    _basket(canvas)
    with canvas.ink("#0a2a5a", "#06183a", blur=10, opacity=0.92) as pen:
        pen.polygon((-20, 384), (320, 378), (320, 480), (-20, 480))
    for weight, colours in ((0.3, ["#3a0a4a"]), (0.07, ["#fffbe0", "#ffd02a", "#ff8a1a"])):
        with canvas.ink(*colours) as pen:
            pen.text("OVER THE", 150, 342, 15, 140, weight=weight)
            pen.text("CLOUD PEAKS", 150, 366, 32, 262, weight=weight)
    with canvas.ink("#ffffff") as pen:
        pen.text("PACK A SANDWICH. HOLD ON TIGHT.", 150, 406, 5.6, 180, weight=0.05)
    billing(canvas, "#bcd0e8", 12, 419)
    return canvas.finish(vignette=0.12)
