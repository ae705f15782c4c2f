"""Posters drawn as cartoons: animation and comedy. No grain, so that a PNG of them stays small."""

from __future__ import annotations

import math

import numpy as np
from canvas import Canvas
from motifs import billing
from PIL import Image


def _fox(canvas: Canvas) -> None:
    """Draw the fox cub Biscuit, head and shoulders above a snowdrift."""
    with canvas.ink("#e8731c", "#c9540f") as pen:
        pen.blob((210, 380), (246, 340), (282, 292), (288, 246), (266, 262), (238, 300), (196, 350))
        pen.blob((98, 400), (104, 330), (150, 304), (198, 330), (206, 400))
    with canvas.ink("#fff4e2") as pen:
        pen.blob((288, 244), (264, 262), (254, 282), (266, 284), (274, 294), (284, 280))
        pen.blob((124, 400), (128, 340), (150, 326), (174, 340), (178, 400))
    with canvas.ink("#ff9433", "#f0741a") as pen:
        for side in (False, True):
            half = pen.at(150, 250, mirror=side)
            half.polygon((14, -44), (40, -106), (54, -106), (66, -22))
        pen.blob((150, 196), (196, 202), (224, 244), (222, 272), (184, 306), (150, 316), (116, 306),
                 (78, 272), (76, 244), (104, 202))  # fmt: skip
    with canvas.ink("#5a2a1a") as pen:
        for side in (False, True):
            pen.at(150, 250, mirror=side).polygon((34, -56), (46, -94), (50, -94), (60, -42))
    with canvas.ink("#fff4e2") as pen:
        for side in (False, True):
            half = pen.at(150, 250, mirror=side)
            half.blob((0, 4), (20, 24), (50, 8), (76, 16), (56, 44), (24, 60), (0, 66), (-6, 30))
    with canvas.ink("#ffffff") as pen:
        for x in (122, 178):
            pen.ellipse(x, 248, 17, 20)
    for x in (125, 175):
        with canvas.ink("#2f8f5a", "#123a2a") as pen:
            pen.ellipse(x, 250, 11.5, 14)
        with canvas.ink("#0b1512") as pen:
            pen.ellipse(x, 251, 7, 9)
        with canvas.ink("#ffffff") as pen:
            pen.ellipse(x - 4, 244, 4.2)
            pen.ellipse(x + 4, 257, 1.8)
    with canvas.ink("#3a1a14") as pen:
        pen.blob((140, 276), (150, 273), (160, 276), (150, 286))
        pen.blob((132, 292), (150, 296), (168, 292), (150, 309))
        for side in (False, True):
            half = pen.at(150, 250, mirror=side)
            half.line((16, -30), (28, -35), (38, -30), width=3.4, end=2)
    with canvas.ink("#ff6a7a") as pen:
        pen.blob((142, 302), (150, 299), (158, 302), (150, 308))


def biscuit_goes_north() -> Image.Image:
    """Animation: a fox cub in the snow."""
    canvas = Canvas("#12b0b8")
    with canvas.ink("#2cc4c6") as pen:
        for turn in range(0, 360, 24):
            arms = [math.radians(turn + half) for half in (0, 12)]
            rim = [(150 + 420 * math.cos(a), 262 + 420 * math.sin(a)) for a in arms]
            pen.polygon((150, 262), *rim)
    with canvas.ink("#bdf0ee") as pen:
        pen.polygon((-10, 380), (50, 236), (92, 330), (120, 380))
        pen.polygon((186, 380), (262, 214), (320, 350), (320, 380))
    with canvas.ink("#ffffff") as pen:
        for x, y, size in np.random.default_rng(17).random((56, 3)).tolist():
            pen.ellipse(300 * x, 350 * y, 1 + 2.6 * size)
    _fox(canvas)
    with canvas.ink("#d8263c") as pen:
        pen.blob((96, 322), (150, 330), (204, 320), (208, 336), (150, 350), (92, 338))
        pen.polygon((184, 332), (206, 330), (220, 384), (194, 388))
    with canvas.ink("#ffd23f") as pen:
        pen.polygon((189, 348), (211, 345), (213, 353), (191, 356))
    with canvas.ink("#ffffff", "#d4eef6") as pen:
        pen.blob((-40, 376), (60, 358), (140, 382), (230, 362), (340, 380), (340, 500), (-40, 500))
    rises = (0, -7, -10, -11, -9, -6, 1)
    for colour, weight in (("#3b1a6e", 0.3), ("#ffe14d", 0.07)):
        with canvas.ink(colour) as pen:
            for i, letter in enumerate("BISCUIT"):
                x = 40 + 36.5 * i + (2, -5, -9, -5, 1, 2, -1)[i]
                pen.text(letter, x, 42 + rises[i], 40, weight=weight, angle=8 - 2.6 * i)
    for colour, weight in (("#3b1a6e", 0.34), ("#ffffff", 0.06)):
        with canvas.ink(colour) as pen:
            pen.text("GOES NORTH", 150, 96, 18, weight=weight, tracking=0.3)
    with canvas.ink("#3b1a6e") as pen:
        pen.text("SMALL PAWS. BIG SNOW.", 150, 402, 7, tracking=0.3, weight=0.05)
    billing(canvas, "#4a6a8a", 9, 420)
    return canvas.finish()


def _groom(canvas: Canvas) -> None:
    """Draw a man in a dinner jacket who has met the cake."""
    with canvas.ink("#20242c") as pen:
        pen.blob((62, 330), (70, 246), (104, 222), (150, 214), (196, 222), (230, 246), (238, 330))
    with canvas.ink("#ffffff") as pen:
        pen.polygon((124, 214), (176, 214), (150, 322))
    with canvas.ink("#f0b890", "#e09a70") as pen:
        pen.polygon((136, 186), (164, 186), (164, 222), (150, 232), (136, 222))
        pen.blob((150, 106), (184, 122), (188, 160), (172, 198), (150, 208), (128, 198), (112, 160),
                 (116, 122))  # fmt: skip
        pen.ellipse(110, 160, 8, 11)
        pen.ellipse(190, 160, 8, 11)
    with canvas.ink("#e0182c") as pen:
        for side in (False, True):
            pen.at(150, 231, mirror=side).polygon((2, 0), (26, -11), (26, 11))
        pen.ellipse(150, 231, 5)
    with canvas.ink("#ffffff") as pen:
        pen.ellipse(134, 154, 13, 14)
        pen.ellipse(167, 152, 15, 16)
    with canvas.ink("#20242c") as pen:
        pen.ellipse(137, 157, 3.6)
        pen.ellipse(162, 149, 3.6)
        pen.ellipse(150, 195, 9, 6)
        for side in (False, True):
            pen.at(150, 181, mirror=side).blob((0, -4), (14, -4), (30, -12), (27, 2), (12, 7))
    with canvas.ink("#e09070") as pen:
        pen.ellipse(150, 170, 8, 9)


def _cake(canvas: Canvas) -> None:
    """Drop a tilted cake on the man's head, its icing running down."""
    icing = ("#ff8fb4", "#ff6f9e")
    with canvas.ink(*icing) as pen:
        pen.blob((107, 104), (150, 92), (193, 96), (190, 116), (170, 112), (150, 124), (128, 114),
                 (110, 120))  # fmt: skip
        for x, y in ((187, 140), (114, 130), (171, 124)):
            pen.line((x, 104), (x, y), width=9, end=7)
        for x, y, size in ((92, 236, 9), (206, 254, 7), (118, 268, 5), (196, 286, 4), (84, 284, 4)):
            pen.ellipse(x, y, size, size * 0.8)
    for colour, layer in (("#f7d9a0", 0), ("#c8783c", 17), ("#f7d9a0", 24)):
        with canvas.ink(colour) as pen:
            pen.polygon((101, 78 + layer), (189, 64 + layer), (192, 80 + layer), (104, 94 + layer))
    with canvas.ink(*icing) as pen:
        pen.blob((96, 84), (100, 70), (144, 58), (188, 56), (197, 66), (194, 82), (188, 72),
                 (180, 74), (176, 94), (169, 77), (156, 77), (150, 90), (142, 80), (130, 82),
                 (124, 104), (116, 86), (104, 88))  # fmt: skip
    with canvas.ink("#fff6fa") as pen:
        for i in range(6):
            pen.ellipse(106 + 16.4 * i, 67 - 2.6 * i, 6, 5)
    with canvas.ink("#d4142c") as pen:
        pen.ellipse(146, 48, 8)
        pen.line((147, 42), (152, 32), (160, 28), width=1.6)


def sorry_about_the_cake() -> Image.Image:
    """Comedy: white, red letters, a spoilt suit. Its round corners are transparent."""
    canvas = Canvas("#ffffff")
    rng = np.random.default_rng(19)
    for colour in ("#ffd23f", "#39b8e8", "#ff6f9e", "#7ac943"):
        with canvas.ink(colour) as pen:
            for x, y, turn in rng.random((15, 3)).tolist():
                pen.ellipse(300 * x, 20 + 300 * y, 4, 1.5, 360 * turn)
    with canvas.ink("#ffffff", blur=12) as pen:
        pen.ellipse(150, 180, 92, 130)
    _groom(canvas)
    _cake(canvas)
    with canvas.ink("#ffffff") as pen:
        pen.polygon((0, 312), (300, 312), (300, 444), (0, 444))
    with canvas.ink("#e0182c") as pen:
        pen.text("SORRY ABOUT", 150, 320, 34, 266, weight=0.06, tracking=0.06)
        pen.text("THE CAKE", 150, 364, 42, 266, weight=0.06, tracking=0.06)
    with canvas.ink("#20242c") as pen:
        pen.text("THE BEST MAN. THE WORST DAY.", 150, 14, 6, tracking=0.25, weight=0.03)
    billing(canvas, "#555c68", 10, 417)
    poster = canvas.finish()
    with (stencil := Canvas("#000000")).ink("#ffffff") as pen:
        pen.polygon((14, 0), (286, 0), (286, 444), (14, 444))
        pen.polygon((0, 14), (300, 14), (300, 430), (0, 430))
        for x in (14, 286):
            pen.ellipse(x, 14, 14)
            pen.ellipse(x, 430, 14)
    poster.putalpha(stencil.finish().convert("L"))
    return poster
