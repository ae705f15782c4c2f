"""Posters of silhouettes against the light: horror, action and music."""

from __future__ import annotations

import math

import numpy as np
from canvas import Canvas, Pen
from motifs import (
    bare_tree,
    bat,
    billing,
    drummer,
    guitarist,
    helicopter,
    singer,
    standing_man,
)
from PIL import Image, ImageEnhance


def _haunted_house(pen: Pen) -> None:
    pen.polygon((-44, 8), (-44, -42), (-50, -40), (-25, -78), (0, -40), (-6, -44), (-6, 8))
    pen.polygon((-8, 8), (-8, -48), (44, -48), (44, 8))
    pen.polygon((-14, -46), (0, -68), (38, -68), (52, -46))
    pen.polygon((14, -40), (14, -94), (9, -94), (25, -134), (41, -94), (36, -94), (36, -40))
    pen.line((25, -130), (25, -144), width=1.2)
    pen.polygon((-40, -50), (-40, -84), (-33, -84), (-33, -50))


def the_red_moon() -> Image.Image:
    """Horror: a blood moon behind a gabled house."""
    canvas = Canvas("#0a0204", "#2a060b", "#4a0b10", "#120304", "#050102")
    canvas.glow(150, 165, 112, "#b01414", 0.9)
    with canvas.ink("#ff6a48", "#d2281f", "#7d0d12") as pen:
        pen.ellipse(150, 165, 98)
    stains = canvas.noise(3, 70, 60, 5)
    with canvas.ink("#6a0a10", opacity=0.55, blur=2, texture=stains) as pen:
        pen.ellipse(150, 165, 97)
    clouds = canvas.noise(8, 160, 22, 4)
    with canvas.ink("#d84030", light=True, opacity=0.4, blur=20, texture=clouds) as pen:
        pen.polygon((-60, 90), (360, 90), (360, 230), (-60, 230))
    with canvas.ink("#1a0506", "#050102") as pen:
        pen.blob((-30, 300), (60, 282), (150, 262), (240, 280), (340, 300), (340, 500), (-30, 500))
        _haunted_house(pen.at(152, 268))
        bare_tree(pen.at(46, 296), 4, 36, -92)
        bare_tree(pen.at(258, 296), 11, 34, -98)
        for x, y, size in ((84, 92, 1.0), (112, 72, 0.7), (206, 106, 0.8), (228, 76, 0.55)):
            bat(pen.at(x, y, size))
    canvas.glow(177, 186, 12, "#ff9a2a", 0.8)
    canvas.glow(128, 240, 9, "#ff9a2a", 0.5)
    with canvas.ink("#ffd070", "#ff9030") as pen:
        for x, y in ((173, 178), (178, 178), (173, 187), (178, 187), (124, 236), (129, 236)):
            pen.polygon((x, y), (x + 4, y), (x + 4, y + 7), (x, y + 7))
    with canvas.ink("#a02020", light=True, blur=9, texture=canvas.noise(5, 200, 30, 3)) as pen:
        pen.ellipse(150, 300, 190, 22)
    canvas.closer(1.15, 150, 206)
    with canvas.ink("#e8d8c8") as pen:
        pen.text("EVERY WINDOW IS WATCHING", 150, 16, 7, 190, weight=0.02, tracking=0.3)
        pen.text("THE", 150, 334, 9, tracking=0.9)
    with canvas.ink("#ff5a3c", "#a80f14") as pen:
        pen.text("RED MOON", 150, 352, 42, 252, weight=0.05)
    billing(canvas, "#b08a80", 1)
    return canvas.finish(grain=5, vignette=0.45, seed=1)


def _explosion(canvas: Canvas, x: float, y: float) -> None:
    """Draw a ball of fire with rays, and what it throws."""
    rng = np.random.default_rng(7)
    canvas.glow(x, y, 150, "#ff5a10", 0.8)
    with canvas.ink("#ffb040", light=True, blur=3, opacity=0.5) as pen:
        for angle in rng.uniform(0, 2 * math.pi, 34).tolist():
            tips = [(400 * math.cos(angle + d), 400 * math.sin(angle + d)) for d in (-0.03, 0.03)]
            pen.polygon((x, y), *[(x + u, y + v) for u, v in tips])
    fire = canvas.noise(71, 60, 60, 5)
    for radius, colour in ((112, "#8a1c04"), (96, "#e0500a"), (72, "#ff9a1e"), (44, "#ffe08a")):
        with canvas.ink(colour, blur=10, texture=fire if radius > 50 else None) as pen:
            for u, v in rng.normal(0, radius / 4, (9, 2)).tolist():
                pen.ellipse(x + u * 1.5, y + v, radius * 0.55)
    canvas.glow(x, y, 34, "#fff6d8")
    with canvas.ink("#120a06") as pen:
        for turn, reach, size in rng.random((46, 3)).tolist():
            far, angle = 60 + 150 * reach, 2 * math.pi * turn
            place = (x + far * math.cos(angle), y + far * math.sin(angle) * 0.9)
            long = 2 + 6 * size**2
            pen.ellipse(*place, long, long * 0.35, math.degrees(angle))


def burn_point_seven() -> Image.Image:
    """Action: someone walks away from an explosion."""
    canvas = Canvas("#04161c", "#0a2d38", "#123a40", "#1a0d06")
    _explosion(canvas, 178, 190)
    with canvas.ink("#050505") as pen:
        for x, height in ((0, 46), (22, 78), (48, 30), (70, 60), (226, 52), (252, 88), (280, 40)):
            pen.polygon((x, 320), (x, 320 - height), (x + 24, 316 - height), (x + 24, 320))
        pen.polygon((0, 312), (300, 300), (300, 444), (0, 444))
    with canvas.ink("#ff8a2a", light=True, blur=8, opacity=0.7) as pen:
        pen.ellipse(170, 312, 110, 7, -3)
    with canvas.ink("#040303") as pen:
        standing_man(pen.at(138, 352, 1.6))
        pen.blob((128, 270), (158, 282), (196, 326), (176, 322), (160, 330), (130, 318))
        helicopter(pen.at(92, 134, 0.8))
        helicopter(pen.at(216, 136, 0.5))
    canvas.closer(1.4, 150, 238)
    canvas.image = ImageEnhance.Contrast(canvas.image).enhance(1.3)
    with canvas.ink("#000000", blur=8, opacity=0.9) as pen:
        pen.polygon((-20, 362), (320, 350), (320, 470), (-20, 470))
    for shift, colours in ((2, ["#2a0402"]), (0, ["#fff6d8", "#ffc030", "#e8300a"])):
        with canvas.ink(*colours) as pen:
            pen.text("BURN POINT", 150 + shift, 346 + shift, 36, 276, weight=0.1)
    with canvas.ink("#ffffff") as pen:
        pen.text("SEVEN", 150, 391, 13, 150, weight=0.08, tracking=0.6)
        pen.text("BRAMM OSTERVEEL", 150, 12, 9, 170, weight=0.06)
        pen.text("NO WAY OUT BUT THROUGH", 150, 30, 5, 140, weight=0.04)
    billing(canvas, "#b8a8a0", 5, 416)
    # No grain: four plates of it would quadruple the file.
    return canvas.finish(vignette=0.35)


def _crowd(canvas: Canvas) -> None:
    """Draw a hall full of people, some of them with an arm up."""
    rng = np.random.default_rng(5)
    with canvas.ink("#020106") as pen:
        for x in np.linspace(-6, 306, 15).tolist():
            tall, arm, side = rng.random(3).tolist()
            rise, reach = 16 * tall, 12 if side < 0.5 else -12
            top = pen.at(x, 372 - rise)
            top.ellipse(0, 0, 8.5, 10)
            top.blob((-18, 40), (-14, 14), (0, 7), (14, 14), (18, 40))
            if arm < 0.6:
                fist = (reach * 1.1, -32 - rise)
                top.line((reach, 16), (reach * 1.25, -8), fist, width=5, end=3.4)
                top.ellipse(*fist, 3.6, 4.4)
        pen.polygon((0, 384), (300, 384), (300, 444), (0, 444))


def the_last_dance_band() -> Image.Image:
    """Music: a singer and her band in the light of a stage."""
    canvas = Canvas("#05020f", "#1a0a4a", "#6a1a8a", "#c02a6a", "#1a0420", "#050208")
    lamps = (
        (20, 126, "#ff3ab8"), (85, 131, "#ffb03a"), (150, 150, "#ffffff"), (215, 169, "#3ab8ff"),
        (280, 174, "#ff3ab8"),
    )  # fmt: skip
    for x, foot, colour in lamps:
        with canvas.ink(colour, light=True, blur=5, opacity=0.55) as pen:
            pen.polygon((x - 3, 14), (x + 3, 14), (foot + 46, 344), (foot - 46, 344))
    smoke = canvas.noise(4, 120, 60, 4)
    with canvas.ink("#ffffff", light=True, blur=16, opacity=0.5, texture=smoke) as pen:
        pen.ellipse(150, 300, 180, 60)
    with canvas.ink("#0a0616") as pen:
        for y in (10, 22):
            pen.line((-5, y), (305, y), width=2)
        for x in range(0, 310, 14):
            pen.line((x, 10), (x + 12, 22), width=1)
    for x, _, colour in lamps:
        canvas.glow(x, 24, 16, colour)
        with canvas.ink("#ffffff", light=True, blur=1) as pen:
            pen.ellipse(x, 22, 4)
    with canvas.ink("#1c0a2c", "#07030c") as pen:
        pen.polygon((0, 316), (300, 316), (300, 444), (0, 444))
    with canvas.ink("#0a0414") as pen:
        drummer(pen.at(206, 312))
        guitarist(pen.at(74, 322, 1.15))
        singer(pen.at(148, 336, 1.75))
    with canvas.ink("#ffc0e8", light=True, blur=1.4, opacity=0.5) as pen:
        pen.at(148, 336, 1.75).line((-30, -112), (-21, -88), (-9, -78), width=1.2)
        pen.at(148, 336, 1.75).line((9, -78), (9, -60), (7, -44), width=1.2)
    _crowd(canvas)
    canvas.image = ImageEnhance.Brightness(canvas.image).enhance(0.6)
    for shift, colours in ((2, ["#3a0230"]), (0, ["#fff8d0", "#ffd03a", "#ff7a2a"])):
        with canvas.ink(*colours) as pen:
            pen.text("THE LAST", 150 + shift, 44 + shift, 22, 170, weight=0.1)
            pen.text("DANCE BAND", 150 + shift, 78 + shift, 34, 266, weight=0.1)
    with canvas.ink("#ffe8f4") as pen:
        pen.text("ONE VOICE. NO ROOF.", 150, 392, 7, 150, weight=0.05, tracking=0.2)
    billing(canvas, "#c8a0c8", 11, 410)
    return canvas.finish(grain=2, vignette=0.2, seed=11)
