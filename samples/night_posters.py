"""Posters of the dark kind: horror, science fiction, crime, war, action and the sea at dusk."""

from __future__ import annotations

import math

import numpy as np
from canvas import Canvas, Pen
from motifs import bare_tree, bat, billing, laurels, soldier, standing_man
from PIL import Image


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
    with canvas.ink("#e8d8c8") as pen:
        pen.text("EVERY WINDOW IS WATCHING", 150, 22, 5.5, tracking=0.5)
        pen.text("THE", 150, 334, 9, tracking=0.9)
    with canvas.ink("#ff5a3c", "#a80f14") as pen:
        pen.text("RED MOON", 150, 352, 42, 252, weight=0.05)
    billing(canvas, "#b08a80", 1)
    return canvas.finish(grain=4, vignette=0.45, seed=1)


def _ringed_planet(canvas: Canvas) -> None:
    def globe(pen: Pen) -> None:
        pen.ellipse(160, 215, 82)

    def before_or_beside_globe(pen: Pen) -> None:
        pen.polygon((0, 0), (300, 0), (300, 444), (0, 444))
        pen.ellipse(160, 215, 82, erase=True)
        pen.polygon((-40, 292), (340, 138), (340, 444), (-40, 444))

    canvas.glow(150, 205, 84, "#2a7fd0", 0.5)
    with canvas.ink("#e9c08a", "#c7714e", "#e8b27a", "#8a3f46", "#d58a5c", "#5a2a48") as pen:
        globe(pen)
    bands = canvas.noise(31, 240, 16, 4)
    with canvas.ink("#fff0d0", opacity=0.5, texture=bands) as pen:
        globe(pen)
    with canvas.ink("#02030c", blur=16, clip=globe, opacity=0.96) as pen:
        pen.ellipse(160, 215, 110)
        pen.ellipse(118, 176, 84, erase=True)
    for radius, width, colour in ((142, 9, "#f3d9a8"), (128, 5, "#b98a70"), (117, 3, "#e8c898")):
        with canvas.ink(colour, opacity=0.8, clip=before_or_beside_globe) as pen:
            pen.ellipse(160, 215, radius, radius * 0.24, -22)
            pen.ellipse(160, 215, radius - width, (radius - width) * 0.23, -22, erase=True)


def the_ninth_orbit() -> Image.Image:
    """Science fiction: a ringed planet and one small ship."""
    canvas = Canvas("#03040d", "#071029", "#0d1c3d", "#050814")
    for seed, colour, y in ((21, "#1fb6c8", 120), (22, "#7a3cc8", 230)):
        with canvas.ink(colour, light=True, blur=40, texture=canvas.noise(seed, 190, 150)) as pen:
            pen.ellipse(150, y, 170, 60, -28)
    rng = np.random.default_rng(9)
    with canvas.ink("#dfe9ff", opacity=0.9) as pen:
        for x, y, size in rng.random((170, 3)).tolist():
            pen.ellipse(x * 300, y * 444, 0.25 + 0.8 * size**5)
    _ringed_planet(canvas)
    canvas.glow(72, 316, 9, "#49d8ff")
    with canvas.ink("#f4f8ff", "#8f9db8") as pen:
        ship = pen.at(80, 312, 0.9)
        ship.blob((22, -10), (10, -7), (-6, 0), (-9, 4), (-4, 4), (12, -2))
        ship.polygon((4, -4), (-8, -10), (-10, -8), (-2, 0))
        ship.polygon((6, -2), (2, 9), (-2, 9), (-3, 1))
    with canvas.ink("#7fe6ff", light=True, blur=1) as pen:
        pen.line((71, 316), (22, 338), width=3, end=0.3)
    with canvas.ink("#ffffff", "#9fd8ee") as pen:
        pen.text("THE NINTH ORBIT", 150, 362, 19, 250, tracking=0.35)
    with canvas.ink("#8fc7dd") as pen:
        pen.text("EIGHT CREWS CAME HOME", 150, 394, 5, tracking=0.6)
    billing(canvas, "#7f94b8", 2)
    return canvas.finish(grain=2, vignette=0.3, seed=2)


def a_quiet_alibi() -> Image.Image:
    """Crime: a hat in profile where the light falls through a blind. Few colours, for a palette."""
    canvas = Canvas("#0b1214", "#14201f", "#070b0c")
    with canvas.ink("#f2dca0", "#c9a45a", "#6a4f26", blur=1.2) as pen:
        for row in range(13):
            y = 66 + row * 20.0
            pen.polygon((20, y), (300, y - 34), (300, y - 22), (20, y + 12))
        pen.polygon((150, 0), (158, 0), (146, 444), (138, 444), erase=True)
    with canvas.ink("#060a0b", blur=0.6) as pen:
        pen.blob(
            (40, 460), (46, 372), (70, 330), (104, 314), (112, 296), (116, 262), (176, 258),
            (174, 300), (196, 316), (226, 332), (252, 378), (262, 460),
        )  # fmt: skip
        pen.polygon((112, 190), (190, 172), (196, 186), (194, 206), (206, 226), (197, 231),
                    (199, 240), (195, 245), (197, 251), (192, 264), (176, 276), (160, 280),
                    (140, 300), (114, 280), (106, 240))  # fmt: skip
        pen.polygon((96, 322), (116, 286), (150, 322), (176, 290), (192, 318), (150, 350))
        pen.blob((62, 214), (100, 194), (150, 184), (200, 172), (238, 170), (200, 186), (150, 202))
        pen.blob((102, 198), (100, 156), (116, 134), (142, 140), (170, 128), (186, 142), (192, 180))
        pen.line((195, 249), (222, 256), width=3)
    with canvas.ink("#a08040", opacity=0.9) as pen:
        pen.blob((101, 196), (146, 188), (193, 177), (192, 168), (146, 179), (100, 187))
    with canvas.ink("#f2dca0", opacity=0.45, blur=3) as pen:
        pen.line((223, 254), (230, 228), (222, 204), (236, 172), (228, 132), width=4, end=12)
    canvas.glow(223, 256, 4, "#ff8a3a")
    with canvas.ink("#f4e6c0") as pen:
        pen.text("A QUIET", 150, 350, 15, tracking=0.75, weight=0.01)
        pen.text("SOMEBODY SAW NOTHING", 150, 16, 5.5, tracking=0.5)
    with canvas.ink("#e0b860", "#b88a3a") as pen:
        pen.text("ALIBI", 150, 373, 36, 190, weight=0.03)
    billing(canvas, "#a89870", 3)
    return canvas.finish(vignette=0.35)


def _barbed_wire(pen: Pen) -> None:
    for x in (22, 120, 216, 292):
        pen.line((x, 392), (x + 5, 328), width=3.4)
    for sag, height in ((8, 336), (6, 352)):
        wire = [(x, height + sag * math.sin(x / 31)) for x in range(-6, 312, 6)]
        pen.line(*wire, width=1.1)
        for u, v in wire[::3]:
            pen.line((u - 2.5, v - 2.5), (u + 2.5, v + 2.5), width=0.9)
            pen.line((u - 2.5, v + 2.5), (u + 2.5, v - 2.5), width=0.9)


def the_long_ridge() -> Image.Image:
    """War: a patrol on a ridge under smoke."""
    canvas = Canvas("#3a3328", "#77603c", "#c98a3e", "#e9b45c", "#8a5a2c", "#1a140d")
    canvas.glow(196, 214, 60, "#ffd27a", 0.8)
    for seed, colour, y in ((41, "#2a251d", 90), (42, "#1c1812", 40), (43, "#5a4630", 180)):
        with canvas.ink(colour, blur=24, texture=canvas.noise(seed, 150, 90, 3)) as pen:
            pen.polygon((-60, -40), (360, -40), (360, y + 40), (-60, y + 90))
    with canvas.ink("#140f0a", blur=0.4) as pen:
        for x, y, size in ((92, 136, 1.5), (142, 164, 1.1), (58, 176, 0.9)):
            plane = pen.at(x, y, size)
            plane.ellipse(0, 0, 12, 1.8, 6)
            plane.polygon((1, -1), (6, 0), (-3, 11), (-7, 10))
            plane.polygon((2, -1), (5, -1), (3, -7), (0, -7))
            plane.polygon((-12, -2), (-9, -1), (-14, -6))
    with canvas.ink("#8a6434", "#5a3c1e") as pen:
        pen.blob((-40, 290), (60, 266), (130, 276), (220, 248), (340, 270), (340, 400), (-40, 400))
    with canvas.ink("#1c150d", "#3a2a18", "#0a0805") as pen:
        pen.blob((-40, 322), (50, 308), (150, 290), (250, 300), (340, 276), (340, 500), (-40, 500))
        steps = ((36, 312, 4), (84, 303, 1), (132, 294, 6), (178, 292, 2), (226, 297, 5))
        for x, y, stride in steps:
            soldier(pen.at(x, y, 0.74), stride)
        soldier(pen.at(268, 296, 0.74), 3)
    with canvas.ink("#e8b060", light=True, blur=14, opacity=0.5) as pen:
        pen.ellipse(150, 312, 190, 8)
    with canvas.ink("#040302") as pen:
        _barbed_wire(pen)
    with canvas.ink("#efe0bc") as pen:
        pen.text("THE LONG RIDGE", 150, 372, 30, 262, weight=0.07)
        for x in range(24, 290, 19):
            pen.polygon((x, 366), (x + 1.3, 366), (x + 1.3, 408), (x, 408), erase=True)
        pen.text("FORTY MEN. ONE ROAD DOWN.", 150, 18, 5.5, tracking=0.45)
    billing(canvas, "#b8a27a", 4)
    return canvas.finish(grain=5, vignette=0.4, seed=4)


def burn_point_seven() -> Image.Image:
    """Action: someone walks away from an explosion."""
    canvas = Canvas("#04161c", "#0a2d38", "#123a40", "#1a0d06")
    rng, centre = np.random.default_rng(7), (178.0, 190.0)
    canvas.glow(*centre, 150, "#ff5a10", 0.8)
    with canvas.ink("#ffb040", light=True, blur=3, opacity=0.5) as pen:
        for angle in rng.uniform(0, 2 * math.pi, 34).tolist():
            tips = [(400 * math.cos(angle + d), 400 * math.sin(angle + d)) for d in (-0.03, 0.03)]
            pen.polygon(centre, *[(centre[0] + x, centre[1] + y) for x, y in tips])
    fire = canvas.noise(71, 60, 60, 5)
    for radius, colour in ((112, "#8a1c04"), (96, "#e0500a"), (72, "#ff9a1e"), (44, "#ffe08a")):
        with canvas.ink(colour, blur=10, texture=fire if radius > 50 else None) as pen:
            for x, y in rng.normal(0, radius / 4, (9, 2)).tolist():
                pen.ellipse(centre[0] + x * 1.5, centre[1] + y, radius * 0.55)
    canvas.glow(*centre, 34, "#fff6d8")
    with canvas.ink("#120a06") as pen:
        for angle, reach, size in rng.random((46, 3)).tolist():
            far, turn = 60 + 150 * reach, 2 * math.pi * angle
            x, y = centre[0] + far * math.cos(turn), centre[1] + far * math.sin(turn) * 0.9
            long = 2 + 6 * size**2
            pen.ellipse(x, y, long, long * 0.35, math.degrees(turn))
    with canvas.ink("#0a0f12", "#050607") as pen:
        skyline = [(0, 46), (22, 78), (48, 30), (70, 60), (226, 52), (252, 88), (280, 40)]
        for x, height in skyline:
            pen.polygon((x, 320), (x, 320 - height), (x + 24, 316 - height), (x + 24, 320))
        pen.polygon((0, 312), (300, 300), (300, 444), (0, 444))
    with canvas.ink("#ff8a2a", light=True, blur=8, opacity=0.7) as pen:
        pen.ellipse(170, 312, 110, 7, -3)
    with canvas.ink("#060505") as pen:
        standing_man(pen.at(138, 352, 1.6))
        pen.blob((128, 270), (158, 282), (196, 326), (176, 322), (160, 330), (130, 318))
    with canvas.ink("#000000", blur=6, opacity=0.7) as pen:
        pen.polygon((0, 366), (300, 336), (300, 404), (0, 424))
    with canvas.ink("#fff2c0", "#ffb02a", "#f0540a") as pen:
        pen.text("BURN POINT", 150, 350, 30, 268, weight=0.1, angle=4)
    with canvas.ink("#e8f4f4") as pen:
        pen.text("SEVEN", 186, 388, 13, weight=0.08, tracking=0.9, angle=4)
        pen.text("NO WAY OUT BUT THROUGH", 150, 18, 6, tracking=0.35, weight=0.03)
    billing(canvas, "#a8b8b8", 5, 421)
    # No grain: four plates of it would quadruple the file.
    return canvas.finish(vignette=0.35)


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
