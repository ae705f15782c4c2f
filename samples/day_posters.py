"""Posters of the bright kind: romance, western, music and adventure."""

from __future__ import annotations

import math

import numpy as np
from canvas import Canvas, Pen
from motifs import billing, cactus, couple, gunslinger, laurels, note, singer
from PIL import Image


def the_summer_where() -> Image.Image:
    """Romance: two people against a sunset; the title needs accents, as its file name does."""
    sky = ("#2b2a68", "#7d3b86", "#e25a78", "#ff965c", "#ffd690")
    canvas = Canvas("#ffd690", "#1b1238", height=450)
    with canvas.ink(*sky) as pen:
        pen.polygon((0, 0), (300, 0), (300, 288), (0, 288))
    with canvas.ink("#ffe0c0", blur=6, opacity=0.4, texture=canvas.noise(12, 220, 22, 4)) as pen:
        pen.polygon((-20, 90), (320, 90), (320, 262), (-20, 262))
    canvas.glow(150, 262, 92, "#ffb050", 0.8)
    with canvas.ink("#fff8dc", "#ffd76a") as pen:
        pen.ellipse(150, 254, 56)
    with canvas.ink("#f08a5c", "#8a3a6c", "#2a1a4c") as pen:
        pen.polygon((0, 284), (300, 284), (300, 450), (0, 450))
    rng = np.random.default_rng(13)
    with canvas.ink("#ffe9a8", light=True, blur=0.5, opacity=0.8) as pen:
        for x, y in rng.normal(0, 1, (150, 2)).tolist():
            depth = min(abs(y) * 32, 80)
            pen.ellipse(150 + x * (20 + depth * 0.35), 286 + depth, 3 + depth * 0.1, 0.5)
    with canvas.ink("#241640", "#0c0718") as pen:
        pen.blob((-40, 352), (60, 346), (150, 350), (250, 342), (340, 350), (340, 500), (-40, 500))
        couple(pen.at(150, 352, 1.5))
        for x, reach in ((16, 34), (22, 26), (30, 30), (268, 30), (276, 40), (286, 28)):
            pen.line((x, 356), (x + reach / 7, 352 - reach), width=1.8, end=0.4)
        for x, y in ((62, 150), (78, 140), (48, 134), (236, 166)):
            pen.line((x - 6, y - 3), (x, y), (x + 6, y - 3), width=1.1)
    with canvas.ink("#fff6e4") as pen:
        pen.text("OÙ, L'ÉTÉ", 150, 62, 30, 222, tracking=0.28)
        pen.text("ONE AUGUST. TWO TRAINS.", 150, 392, 6, tracking=0.55)
        laurels(pen.at(150, 30, 0.9), "SELECTED", "QUAY NIGHTS")
    billing(canvas, "#d0a8c0", 7, 422)
    return canvas.finish(grain=3, vignette=0.25, seed=7)


def dust_and_silver() -> Image.Image:
    """Western: a stranger with the sun behind him."""
    canvas = Canvas("#c8401c", "#ee7f26", "#f9b843", "#fbd981")
    canvas.glow(150, 182, 100, "#ffe08a", 0.7)
    with canvas.ink("#fff3c4", "#ffd765") as pen:
        pen.ellipse(150, 186, 84)
    with canvas.ink("#d87b3a", "#e9a356") as pen:
        pen.polygon((0, 268), (0, 196), (12, 190), (52, 192), (58, 226), (84, 246), (120, 268))
        pen.polygon((300, 268), (300, 176), (268, 172), (250, 178), (246, 222), (216, 250),
                    (190, 268))  # fmt: skip
    with canvas.ink("#a8481f", "#c8682c") as pen:
        pen.polygon((0, 276), (0, 238), (24, 232), (32, 252), (70, 264), (300, 262), (300, 276))
    with canvas.ink("#d9782e", "#8a3413", "#4a180a") as pen:
        pen.polygon((0, 270), (300, 266), (300, 444), (0, 444))
    with canvas.ink("#f6b060", opacity=0.5, texture=canvas.noise(51, 120, 7, 4)) as pen:
        pen.polygon((0, 272), (300, 268), (300, 350), (0, 350))
    with canvas.ink("#3a1006", blur=2, opacity=0.65) as pen:
        pen.polygon((136, 334), (164, 334), (196, 444), (104, 444))
    with canvas.ink("#2a0d07", "#120503") as pen:
        cactus(pen.at(44, 330, 1.15))
        cactus(pen.at(268, 306, 0.62, mirror=True))
        gunslinger(pen.at(150, 338, 1.72))
        for x, y in ((92, 104), (112, 94), (204, 112)):
            pen.line((x - 7, y - 4), (x, y), (x + 7, y - 4), width=1.4)
    with canvas.ink("#fff0c8", "#f2c268") as pen:
        pen.text("DUST & SILVER", 150, 362, 38, 256, weight=0.06)
        for y in (353, 408):
            pen.polygon((22, y), (278, y), (278, y + 1.4), (22, y + 1.4))
    with canvas.ink("#5a1608") as pen:
        pen.text("HE CAME FOR THE WATER", 150, 22, 7, tracking=0.4, weight=0.03)
    billing(canvas, "#e8b888", 8, 416)
    return canvas.finish(grain=5, vignette=0.3, seed=8)


def sing_it_to_the_rafters() -> Image.Image:
    """Music: a singer in the spotlight, between two curtains."""
    canvas = Canvas("#1a0630", "#4a0f5c", "#2a0838")
    with canvas.ink("#ffe8b0", light=True, blur=5, opacity=0.55) as pen:
        pen.polygon((196, -10), (214, -10), (236, 344), (70, 344))
    with canvas.ink("#d060ff", light=True, blur=8, opacity=0.4) as pen:
        pen.polygon((50, -10), (64, -10), (150, 344), (20, 344))
    with canvas.ink("#6a1c4a", "#1c0524") as pen:
        pen.polygon((0, 330), (300, 330), (300, 444), (0, 444))
    with canvas.ink("#fff2c8", light=True, blur=3, opacity=0.75) as pen:
        pen.ellipse(153, 343, 80, 13)
    for side in (False, True):
        for fold in range(5):
            with canvas.ink("#d0183c", "#7a0a2a", blur=1.4) as pen:
                half = pen.at(150, 0, mirror=side)
                x, sweep = 152 - fold * 11, 10 * math.sin(fold)
                half.line((x, -10), (x - 6, 150), (x + sweep, 352), width=10, end=20)
    with canvas.ink("#0c0214") as pen:
        singer(pen.at(152, 342, 1.85))
    places = ((70, 120, 1.3, 1), (102, 78, 1.0, 0), (228, 130, 1.2, 0), (206, 84, 1.0, 1),
              (86, 190, 0.9, 0), (236, 206, 1.0, 1))  # fmt: skip
    for x, y, size, pair in places:
        canvas.glow(x, y - 6, 12, "#ffb020", 0.5)
        with canvas.ink("#fff0a8", "#ffbe2e") as pen:
            note(pen.at(x, y, size), bool(pair))
    for row in (18, 408):
        canvas.glow(150, row, 3, "#ffb030", 0.2)
        with canvas.ink("#fff4c0", blur=0.4) as pen:
            for x in range(18, 290, 12):
                pen.ellipse(x, row, 2.2)
    with canvas.ink("#fff6cc", "#ffb82e") as pen:
        pen.text("SING IT", 150, 356, 20, 150, weight=0.05, tracking=0.1)
        pen.text("TO THE RAFTERS", 150, 382, 18, 250, weight=0.05)
    with canvas.ink("#ffe8f4") as pen:
        pen.text("ONE VOICE. NO ROOF.", 150, 30, 5.5, tracking=0.5)
    billing(canvas, "#c890c0", 11, 419)
    return canvas.finish(grain=3, vignette=0.3, seed=11)


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


def _balloon(canvas: Canvas, x: float, y: float) -> None:
    """Draw a striped hot-air balloon with two passengers."""

    def envelope(pen: Pen) -> None:
        pen.at(x, y).blob((0, -74), (42, -60), (62, -18), (48, 26), (16, 62), (-16, 62), (-48, 26),
                          (-62, -18), (-42, -60))  # fmt: skip

    with canvas.ink("#f0442e") as pen:
        envelope(pen)
    for colour, inner, outer in (("#ffd23f", 56, 40), ("#f6f0dc", 26, 10)):
        with canvas.ink(colour, clip=envelope) as pen:
            pen.ellipse(x, y - 4, inner, 92)
            pen.ellipse(x, y - 4, outer, 92, erase=True)
    with canvas.ink("#5a0f2a", blur=14, opacity=0.55, clip=envelope) as pen:
        pen.ellipse(x, y, 110)
        pen.ellipse(x - 24, y - 20, 66, 80, erase=True)
    with canvas.ink("#4a2c1a") as pen:
        basket = pen.at(x, y + 96)
        for side in (-1, 1):
            basket.line((15 * side, -34), (10 * side, 0), width=0.9)
            basket.ellipse(4.5 * side, -6, 3.2)
            basket.line((4.5 * side, -2), (4.5 * side, 2), width=5)
        basket.line((6, -6), (11, -14), width=1.8)
    with canvas.ink("#c98a48", "#8a5528") as pen:
        pen.at(x, y + 96).polygon((-12, 0), (12, 0), (10, 15), (-10, 15))


def over_the_cloud_peaks() -> Image.Image:
    """Adventure: a balloon above the mountains."""
    canvas = Canvas("#1f7fd0", "#6fc0ee", "#ffe9c0", "#ffcf9a")
    canvas.glow(58, 236, 50, "#fff0b0", 0.6)
    with canvas.ink("#ffffff", blur=10, opacity=0.8, texture=canvas.noise(77, 150, 44, 5)) as pen:
        pen.polygon((-20, 30), (320, 30), (320, 250), (-20, 250))
    layers = ((81, 282, 84, "#9db8dc", "#c4d0e6"), (83, 330, 72, "#5f86b8", "#8fb0d0"),
              (86, 372, 54, "#2f6a72", "#4d8a80"), (85, 392, 26, "#123f3c", "#0a2426"))  # fmt: skip
    for seed, y, height, top, foot in layers:
        # Snow lies on the high ranges only; a ghost of it on the low ones reads as mist.
        snow_cover = 0.92 if height > 60 else 0.12
        with canvas.ink("#ffffff", opacity=snow_cover) as snow, canvas.ink(top, foot) as rock:
            _peaks(rock, snow, seed, y, height)
        mist = canvas.noise(seed, 120, 20)
        with canvas.ink("#ffffff", blur=12, opacity=0.5, texture=mist) as pen:
            pen.ellipse(150, y + 26, 190, 12)
    _balloon(canvas, 176, 150)
    with canvas.ink("#e8584a") as pen:
        pen.at(52, 168, 0.16).blob((0, -74), (60, -20), (16, 62), (-16, 62), (-60, -20))
        pen.polygon((50, 182), (54, 182), (53.6, 185), (50.4, 185))
    with canvas.ink("#ffffff", "#ffe9b0") as pen:
        pen.text("OVER THE", 150, 348, 11, tracking=0.7, weight=0.04)
        pen.text("CLOUD PEAKS", 150, 368, 34, 262, weight=0.09)
    with canvas.ink("#ffffff") as pen:
        pen.text("PACK A SANDWICH. HOLD ON TIGHT.", 150, 20, 6, tracking=0.25, weight=0.04)
    billing(canvas, "#bcd8d0", 12, 417)
    return canvas.finish(grain=3, vignette=0.2, seed=12)
