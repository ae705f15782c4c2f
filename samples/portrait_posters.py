"""Posters of faces: western, crime, war and romance."""

from __future__ import annotations

import numpy as np
from canvas import Canvas
from motifs import billing, helicopter, rider, soldier
from people import Look, Place, face, fedora, helmet, stetson, suit, uniform
from PIL import Image


def _rider_of_the_plains(canvas: Canvas) -> None:
    """Paint a bearded man with a red neckerchief."""
    place = Place(150, 200)
    look = Look(
        ("#d09060", "#b87444", "#4a2010"), "#f0bc88", "#2a1008", beard="#3a180a", iris="#1a2a30"
    )
    with canvas.ink("#5a3a22", "#1c0e06") as pen:
        pen.blob((-30, 460), (-10, 350), (50, 300), (110, 276), (150, 284), (190, 276), (250, 300),
                 (310, 350), (330, 460))  # fmt: skip
    with canvas.ink("#2a160a", blur=6, opacity=0.8) as pen:
        pen.polygon((150, 290), (90, 300), (60, 460), (150, 460))
        pen.blob((250, 300), (330, 360), (330, 460), (270, 460))
    with canvas.ink("#c8a070", "#6a4424") as pen:
        pen.polygon((118, 270), (182, 270), (164, 380), (136, 380))
    with canvas.ink("#8a5230", "#4a2412") as pen:
        pen.polygon((124, 230), (176, 230), (182, 290), (118, 290))
    face(canvas, place, look)
    with canvas.ink("#c02a1a", "#6a0e0a") as pen:
        pen.blob((112, 258), (150, 272), (188, 258), (196, 288), (168, 300), (150, 330), (132, 300),
                 (104, 288))  # fmt: skip
    with canvas.ink("#3a0604", blur=3, opacity=0.6) as pen:
        pen.line((120, 272), (150, 290), (180, 274), width=4)
        pen.line((150, 290), (150, 320), width=3)
    stetson(canvas, place)


def _revolver(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Paint a revolver, held from the right, that points to the left."""
    with canvas.ink("#9aa0a6", "#3a3e44") as pen:
        gun = pen.at(x, y, size)
        gun.polygon((-70, -22), (6, -22), (6, -10), (-70, -10))
        gun.polygon((-4, -27), (30, -27), (30, -3), (-4, -3))
        gun.polygon((28, -24), (44, -22), (48, -6), (30, -4))
        gun.polygon((-70, -27), (-64, -27), (-62, -22), (-70, -22))
        gun.polygon((40, -24), (50, -34), (54, -31), (48, -20))
        gun.ellipse(22, 4, 11, 9)
        gun.ellipse(22, 4, 8, 6.4, erase=True)
    with canvas.ink("#e8ecf0", opacity=0.7, blur=1) as pen:
        pen.at(x, y, size).line((-68, -20), (4, -20), width=2)
        pen.at(x, y, size).line((-2, -22), (28, -22), width=3)
    with canvas.ink("#20242a", opacity=0.8) as pen:
        pen.at(x, y, size).line((0, -15), (26, -15), width=3)
        pen.at(x, y, size).line((0, -8), (26, -8), width=1.4)
    with canvas.ink("#7a3a16", "#3a1606") as pen:
        pen.at(x, y, size).blob((32, -12), (50, -8), (58, 14), (66, 40), (52, 46), (42, 22),
                                (34, 4))  # fmt: skip
    with canvas.ink("#c88858", "#7a4424") as pen:
        hand = pen.at(x, y, size)
        hand.blob((38, 2), (60, 0), (84, 20), (110, 60), (90, 80), (56, 50), (40, 24))
        for finger in range(4):
            start = (34 + 3 * finger, 8 + 9 * finger)
            hand.line(start, (start[0] + 18, start[1] - 2), width=8)


def gunfight_at_dry_creek() -> Image.Image:
    """Western: a man with a revolver; riders have come to the mesas behind him."""
    canvas = Canvas("#7a2a14", "#c9541c", "#f0a03a", "#f6cf7a", "#8a4420", "#2a0f06")
    canvas.glow(232, 250, 90, "#ffe08a", 0.8)
    clouds = canvas.noise(14, 200, 40, 5)
    with canvas.ink("#5a1a10", blur=12, opacity=0.8, texture=clouds) as pen:
        pen.polygon((-20, -20), (320, -20), (320, 200), (-20, 200))
    with canvas.ink("#6a2a14", "#3a140a") as pen:
        pen.polygon((0, 250), (0, 205), (14, 200), (40, 203), (46, 228), (70, 262), (0, 262))
        pen.polygon((300, 262), (300, 212), (284, 208), (262, 212), (256, 236), (240, 262))
    with canvas.ink("#7a3a1a", "#2a0f06") as pen:
        pen.polygon((0, 258), (300, 258), (300, 444), (0, 444))
    with canvas.ink("#1c0a05") as pen:
        for x, y, size in ((24, 286, 0.42), (58, 280, 0.36), (262, 280, 0.36), (286, 286, 0.42)):
            rider(pen.at(x, y, size, mirror=x > 150))
    _rider_of_the_plains(canvas)
    _revolver(canvas, 196, 330, 1.25)
    with canvas.ink("#2a0f06", blur=8) as pen:
        pen.polygon((-20, 364), (320, 356), (320, 460), (-20, 460))
    for shift, colours in ((2, ["#1a0602"]), (0, ["#ffe9a0", "#f0b030", "#b8461a"])):
        with canvas.ink(*colours) as pen:
            pen.text("GUNFIGHT", 150 + shift, 346 + shift, 34, 262, weight=0.09)
            pen.text("AT DRY CREEK", 150 + shift, 390 + shift, 17, 220, weight=0.08, tracking=0.1)
    with canvas.ink("#fff0c8") as pen:
        pen.text("ODDA VELLMARK", 78, 12, 6.5, 100, weight=0.04)
        pen.text("JORREN PLOOM", 222, 12, 6.5, 100, weight=0.04)
        pen.text("TWELVE MEN RODE IN. ONE WELL WAS LEFT.", 150, 28, 5, 190, weight=0.03)
    billing(canvas, "#d8b080", 8, 417)
    return canvas.finish(grain=2, vignette=0.3, seed=8)


def a_killers_alibi() -> Image.Image:
    """Crime: three men in hats before a blind. Few colours, for a palette."""
    canvas = Canvas("#0a0d12", "#141c26", "#0a0d12", "#040507")
    canvas.glow(150, 120, 120, "#28425a", 0.8)
    with canvas.ink("#e8b860", "#7a4a1c", blur=1.4, opacity=0.8) as pen:
        for y in range(40, 304, 22):
            pen.polygon((-10, y), (310, y - 30), (310, y - 20), (-10, y + 10))
    with canvas.ink("#05070a", blur=30, opacity=0.8) as pen:
        pen.polygon((-60, -60), (90, -60), (60, 500), (-60, 500))
        pen.polygon((-60, -60), (360, -60), (360, 20), (-60, 20))
    witness = Look(("#a8785a", "#7a5038", "#1c0c08"), "#e8c090", "#120806", beard="#1c120c")
    killer = Look(("#d09a70", "#a06a44", "#1c0c08"), "#ffdca0", "#140806")
    men = (
        (Place(62, 190, 0.72), witness, "#4a1010"),
        (Place(240, 196, 0.7, mirror=True), witness, "#20304a"),
        (Place(150, 176, 1.12), killer, "#7a1018"),
    )
    for place, look, tie in men:
        suit(canvas, place, look, tie)
        face(canvas, place, look, hat=-16)
        fedora(canvas, place)
    with canvas.ink("#030304", blur=9) as pen:
        pen.polygon((-20, 346), (320, 340), (320, 470), (-20, 470))
    with canvas.ink("#f4e6c8") as pen:
        pen.text("A KILLER'S", 150, 340, 12, 130, weight=0.05, tracking=0.4)
        pen.text("COSPER DRALE   UNNI HATCHWICK   PELL GRIMSWORTHY", 150, 12, 6, 250, weight=0.04)
        pen.text("THREE WITNESSES. ONE LIE.", 150, 27, 5, 130, weight=0.03)
    with canvas.ink("#ff3a2a", "#b80c10") as pen:
        pen.text("ALIBI", 150, 361, 38, 250, weight=0.09)
    billing(canvas, "#a89870", 3)
    return canvas.finish(vignette=0.3)


def _soldiers(canvas: Canvas) -> None:
    """Paint three men in helmets, mud on their faces."""
    left = Look(("#8a5a3a", "#5a3620", "#140a05"), "#c08a5c", "#0c0603", "#4a241c", "#1c120c")
    right = Look(("#b87c50", "#7a4c2c", "#1c0e06"), "#e8b884", "#140a05", beard="#1c120a")
    middle = Look(("#c89068", "#8a5a3a", "#241208"), "#f0c898", "#160c06", iris="#3a5a6a")
    men = (
        (Place(64, 206, 0.74), left),
        (Place(238, 210, 0.74, mirror=True), right),
        (Place(150, 196), middle),
    )
    for place, look in men:
        uniform(canvas, place, look)
        face(canvas, place, look)
        mud = np.random.default_rng(int(place.x)).normal(0, 1, (9, 3)).tolist()
        with canvas.ink("#2a1a0e", blur=2 * place.size, opacity=0.5, clip=place.outline) as pen:
            for u, v, size in mud:
                place.pen(pen).ellipse(
                    26 * u, 14 + 22 * v, 3 + 2 * abs(size), 2 + abs(size), 20 * u
                )
        helmet(canvas, place)


def the_long_ridge() -> Image.Image:
    """War: three soldiers; their column follows over the ridge."""
    canvas = Canvas("#3a3a34", "#6a6450", "#b8a474", "#d8b87a", "#4a4030", "#14110a")
    canvas.glow(210, 150, 80, "#ffd890", 0.6)
    for seed, colour, y in ((41, "#2a2822", 60), (42, "#4a463a", 150)):
        with canvas.ink(colour, blur=20, texture=canvas.noise(seed, 150, 90, 4)) as pen:
            pen.polygon((-60, -40), (360, -40), (360, y + 40), (-60, y + 90))
    fire = canvas.noise(44, 60, 60, 5)
    with canvas.ink("#ff9a3a", light=True, blur=14, opacity=0.7, texture=fire) as pen:
        pen.ellipse(52, 236, 60, 40)
        pen.ellipse(262, 244, 50, 30)
    with canvas.ink("#1c1a14") as pen:
        for x, y, size, mirror in (
            (66, 96, 0.6, False),
            (100, 70, 0.4, False),
            (250, 84, 0.5, True),
        ):
            helicopter(pen.at(x, y, size, mirror))
    with canvas.ink("#2a2418", "#100d08") as pen:
        pen.blob((-40, 262), (60, 246), (150, 240), (240, 246), (340, 256), (340, 500), (-40, 500))
        for x, y, stride in ((12, 254, 3), (34, 252, 1), (266, 252, 4), (290, 254, 2)):
            soldier(pen.at(x, y, 0.42), stride)
    _soldiers(canvas)
    with canvas.ink("#0c0a06", blur=9) as pen:
        pen.polygon((-20, 350), (320, 346), (320, 470), (-20, 470))
    with canvas.ink("#f4ead0", "#c8b080") as pen:
        pen.text("THE LONG", 150, 340, 14, 120, weight=0.05, tracking=0.2)
        pen.text("RIDGE", 150, 362, 40, 250, weight=0.08)
        for x in range(24, 290, 19):
            pen.polygon((x, 356), (x + 1.3, 356), (x + 1.3, 408), (x, 408), erase=True)
    with canvas.ink("#f4ead0") as pen:
        pen.text("TIBB QUARROW   JORREN PLOOM   COSPER DRALE", 150, 12, 6, 240, weight=0.04)
        pen.text("FORTY MEN. ONE ROAD DOWN.", 150, 27, 5, 140, weight=0.03)
    billing(canvas, "#b8a27a", 4, 416)
    return canvas.finish(grain=2, vignette=0.35, seed=4)
