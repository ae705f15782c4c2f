"""Posters of places without people: space, and the sea as a photograph shows it."""

from __future__ import annotations

import math

import numpy as np
from canvas import Canvas, Pen
from motifs import billing, laurels
from PIL import Image


def _starship(pen: Pen) -> None:
    """Draw a ship from above, 120 units wide, its nose up."""
    pen.polygon((0, -60), (10, -30), (16, 0), (60, 24), (62, 34), (16, 26), (12, 44), (-12, 44),
                (-16, 26), (-62, 34), (-60, 24), (-16, 0), (-10, -30))  # fmt: skip
    for side in (-1, 1):
        pen.polygon((side * 40, 6), (side * 46, 6), (side * 48, 40), (side * 38, 40))
        pen.polygon((side * 60, 14), (side * 63, 14), (side * 63, 44), (side * 59, 44))


def _streaks(canvas: Canvas, x: float, y: float) -> None:
    """Let the stars rush past: rays and streaks from a point of light."""
    rng = np.random.default_rng(9)
    with canvas.ink("#9fd8ff", light=True, blur=0.5, opacity=0.8) as pen:
        for turn, reach, length, width in rng.random((130, 4)).tolist():
            cos, sin = math.cos(2 * math.pi * turn), math.sin(2 * math.pi * turn)
            near = 40 + 180 * reach
            far = near + 20 + 130 * length * reach
            ends = [(x + radius * cos, y + radius * sin) for radius in (near, far)]
            pen.line(*ends, width=0.5, end=0.6 + 1.6 * width)
    with canvas.ink("#6a8aff", light=True, blur=5, opacity=0.5) as pen:
        for angle in rng.uniform(0, 2 * math.pi, 26).tolist():
            rim = [(400 * math.cos(angle + d), 400 * math.sin(angle + d)) for d in (-0.03, 0.03)]
            pen.polygon((x, y), *[(x + u, y + v) for u, v in rim])
    canvas.glow(x, y, 90, "#4ab0ff", 0.9)
    canvas.glow(x, y, 34, "#ffffff")


def _horizon(canvas: Canvas) -> None:
    """Draw the edge of a planet across the foot of the poster."""

    def globe(pen: Pen) -> None:
        pen.ellipse(150, 480, 230)

    canvas.glow(150, 380, 150, "#2a6aff", 0.7)
    with canvas.ink("#8a5a4a", "#3a1a2a", "#0a0510") as pen:
        globe(pen)
    bands = canvas.noise(31, 200, 14, 5)
    with canvas.ink("#ffc890", opacity=0.5, texture=bands, clip=globe) as pen:
        pen.polygon((0, 240), (300, 240), (300, 444), (0, 444))
    with canvas.ink("#02030c", blur=20, opacity=0.9, clip=globe) as pen:
        pen.ellipse(150, 520, 236, 232)
    with canvas.ink("#7ad0ff", light=True, blur=3) as pen:
        pen.ellipse(150, 480, 231)
        pen.ellipse(150, 482, 229.5, erase=True)


def the_ninth_orbit() -> Image.Image:
    """Science fiction: a ship comes over a planet's edge at the speed of light."""
    canvas = Canvas("#02030c", "#0a1440", "#2a1a6a", "#0a0a2a", "#02020a")
    for seed, colour, y in ((21, "#2a7aff", 120), (22, "#b03aff", 250), (23, "#ff3a8a", 190)):
        cloud = canvas.noise(seed, 170, 120, 4)
        with canvas.ink(colour, light=True, blur=30, opacity=0.8, texture=cloud) as pen:
            pen.ellipse(150, y, 190, 70, -28)
    _streaks(canvas, 150, 200)
    _horizon(canvas)
    with canvas.ink("#b8c4d8", "#3a4258", "#1a1e2c") as pen:
        _starship(pen.at(150, 206, 1.5))
    with canvas.ink("#ffffff", light=True, blur=1.5, opacity=0.7) as pen:
        pen.at(150, 206, 1.5).line((0, -58), (9, -30), (15, 0), (58, 24), width=1.4)
    with canvas.ink("#10131c", opacity=0.8) as pen:
        ship = pen.at(150, 206, 1.5)
        ship.polygon((-4, -34), (4, -34), (6, -22), (-6, -22))
        ship.line((0, -10), (0, 40), width=1)
        for y in range(4, 40, 10):
            ship.line((-12, y), (12, y), width=0.8)
    for x, y, radius in ((150, 272, 26), (86, 266, 16), (214, 266, 16)):
        canvas.glow(x, y, radius, "#4ac8ff")
        with canvas.ink("#ffffff", light=True, blur=1) as pen:
            pen.ellipse(x, y, radius * 0.22, radius * 0.16)
    with canvas.ink("#bfe8ff", light=True, blur=1.6, opacity=0.9) as pen:
        pen.line((20, 200), (280, 200), width=0.6)
        pen.ellipse(150, 200, 120, 1.6)
    for shift, colours in ((2, ["#0a1440"]), (0, ["#ffffff", "#bcd4f0", "#4a6aa8", "#e8f4ff"])):
        with canvas.ink(*colours) as pen:
            pen.text("THE NINTH ORBIT", 150 + shift, 348 + shift, 24, 272, 0.08, 0.12)
    with canvas.ink("#9fd8ff") as pen:
        pen.text("EIGHT CREWS CAME HOME", 150, 384, 6.5, 200, weight=0.03, tracking=0.4)
        pen.text("LYZA THORNQUILL   BRAMM OSTERVEEL", 150, 12, 6.5, 200, weight=0.03)
    billing(canvas, "#8fa4c8", 2, 410)
    return canvas.finish(grain=1, vignette=0.3, seed=2)


def _above_water(pen: Pen) -> None:
    pen.polygon((0, 0), (300, 0), (300, 264), (0, 264))


def the_whale_road() -> Image.Image:
    """Documentary: a fluke above a grey sea, as a photograph would show it."""
    canvas = Canvas("#3c3c3c", "#8a8a8a", "#dcdcdc", "#e8e8e8", "#8f8f8f", "#343434", height=400)
    for seed, colour, y in ((61, "#f6f6f6", 60), (62, "#2c2c2c", 40)):
        with canvas.ink(colour, blur=26, opacity=0.8, texture=canvas.noise(seed, 220, 60)) as pen:
            pen.polygon((-50, -50), (350, -50), (350, y + 60), (-50, y + 60))
    with canvas.ink("#b4b4b4", "#6c6c6c", "#2c2c2c", "#141414") as pen:
        pen.polygon((0, 236), (300, 236), (300, 400), (0, 400))
    for seed, colour in ((63, "#f0f0f0"), (64, "#0c0c0c")):
        waves = canvas.noise(seed, 70, 9, 5)
        with canvas.ink(colour, opacity=0.5, texture=waves) as pen:
            pen.polygon((0, 238), (300, 238), (300, 400), (0, 400))
    with canvas.ink("#3a3a3a", "#161616", clip=_above_water) as pen:
        for side in (False, True):
            pen.at(150, 262, 1.15, mirror=side).blob(
                (0, -74), (14, -82), (34, -96), (58, -102), (82, -92), (92, -74), (72, -76),
                (46, -70), (26, -58), (15, -38), (14, -10), (16, 4), (0, 8), (-6, -30),
            )  # fmt: skip
    with canvas.ink("#d0d0d0", opacity=0.35, blur=3, texture=canvas.noise(65, 12, 30, 4)) as pen:
        pen.blob((150, 180), (190, 158), (216, 148), (240, 160), (200, 168), (166, 196))
        pen.blob((150, 180), (110, 158), (84, 148), (60, 160), (100, 168), (134, 196))
    rng = np.random.default_rng(66)
    with canvas.ink("#ffffff", opacity=0.75, blur=0.4) as pen:
        for x, y, size in rng.normal(0, 1, (150, 3)).tolist():
            pen.ellipse(150 + 34 * x, 262 - abs(y) * 16, 0.3 + abs(size) * 0.6)
    with canvas.ink("#ffffff", blur=2.5, texture=canvas.noise(67, 26, 6, 5)) as pen:
        pen.ellipse(150, 269, 66, 7)
    with canvas.ink("#ffffff") as pen:
        pen.text("THE WHALE ROAD", 150, 318, 17, 236, tracking=0.3)
        pen.text("NINE THOUSAND MILES, ONE BREATH AT A TIME", 150, 346, 4.4, tracking=0.35)
        laurels(pen.at(150, 38, 1.1), "MANY SHORES", "FILM DAYS")
    billing(canvas, "#dddddd", 6, 376)
    return canvas.finish(grain=5, vignette=0.3, seed=6)
