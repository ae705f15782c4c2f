"""Figures and print matter that posters share, each drawn by a pen around its own origin.

People stand on y = 0 and are 100 units tall; ``Pen.at`` puts them in place.
"""

from __future__ import annotations

import math

import numpy as np
from canvas import Canvas, Pen

_STUDIOS = ("LANTERN HOUSE", "PAPER HERON", "NORTH QUAY", "TIN MOON", "HOLLOW OAK")
_NAMES = (
    "ODDA VELLMARK", "TIBB QUARROW", "IRSA FENWHISTLE", "JORREN PLOOM", "MEEVA STRANDLE",
    "COSPER DRALE", "UNNI HATCHWICK", "BRAMM OSTERVEEL", "LYZA THORNQUILL", "PELL GRIMSWORTHY",
)  # fmt: skip
_ROLES = ("MUSIC", "EDITED BY", "COSTUMES", "DESIGN", "PHOTOGRAPHED BY", "WRITTEN BY")


def billing(canvas: Canvas, colour: str, seed: int, y: float = 418) -> None:
    """Print the tall thin credits at the foot of a poster, all of them invented."""
    rng = np.random.default_rng(seed)
    names = [_NAMES[i] for i in rng.permutation(len(_NAMES))]
    studio = _STUDIOS[seed % len(_STUDIOS)]
    lines = [f"{studio} PRESENTS  A FILM BY {names[0]}  {names[1]}  {names[2]}"]
    jobs = [f"{role} {name}" for role, name in zip(_ROLES, names[3:9], strict=True)]
    lines += ["   ".join(jobs[:3]), "   ".join(jobs[3:])]
    middle = canvas.width / 2
    with canvas.ink(colour, opacity=0.85) as pen:
        for row, line in enumerate(lines):
            pen.text(line, middle, y + 6.4 * row, 4.4, canvas.width * (0.74 - 0.05 * row), 0.02)


def laurels(pen: Pen, *lines: str) -> None:
    """Draw a festival's wreath, about 40 wide, around two or three small lines."""
    for side in (False, True):
        half = pen.at(0, 0, mirror=side)
        for step in range(8):
            angle = math.radians(118 + step * 17)
            x, y = 19 * math.cos(angle), 13 * math.sin(angle)
            half.ellipse(x, y, 3.4, 1.2, math.degrees(angle) + 60)
    for row, line in enumerate(lines):
        pen.text(line, 0, 5 * row - 2.5 * len(lines), 2.4, weight=0.03)


def bare_tree(pen: Pen, seed: int, length: float = 40, angle: float = -90) -> None:
    """Grow a leafless tree up from the origin."""
    rng = np.random.default_rng(seed)

    def grow(x: float, y: float, reach: float, lean: float, width: float) -> None:
        tip_x = x + reach * math.cos(math.radians(lean))
        tip_y = y + reach * math.sin(math.radians(lean))
        pen.line((x, y), (tip_x, tip_y), width=width, end=width * 0.7)
        if reach < 5:
            return
        for side in (-1, 1):
            turn = side * float(rng.uniform(14, 42))
            grow(tip_x, tip_y, reach * float(rng.uniform(0.6, 0.8)), lean + turn, width * 0.7)

    grow(0, 0, length, angle, length / 7)


def bat(pen: Pen) -> None:
    """Draw a bat about 20 units wide."""
    for side in (False, True):
        pen.at(0, 0, mirror=side).polygon(
            (0, 2), (-2, 1), (-4, 3), (-6, 1), (-8, 3), (-10, -2), (-6, -3.5), (-2, -1), (-1, -3),
            (0, -1.5),
        )  # fmt: skip


def cactus(pen: Pen) -> None:
    """Draw a saguaro 100 units tall."""
    pen.line((0, 0), (0, -92), width=16)
    pen.line((0, -38), (-24, -40), (-26, -68), width=11)
    pen.line((0, -28), (22, -30), (24, -54), width=10)


def note(pen: Pen, pair: bool) -> None:
    """Draw a quaver, or two joined, about 20 units tall."""
    stems = (0, 12) if pair else (0,)
    for x in stems:
        pen.ellipse(x - 3, 0, 4, 2.8, -20)
        pen.line((x, 0), (x, -18), width=1.4)
    if pair:
        pen.polygon((0, -19), (12, -19), (12, -15), (0, -15))
    else:
        pen.blob((0, -19), (3, -14), (7, -10), (5, -4), (5, -9), (0, -13))


def standing_man(pen: Pen) -> None:
    """Draw a man seen from the front in a long coat, arms a little away from the body."""
    pen.ellipse(0, -92, 6.2, 7.6)
    pen.line((0, -87), (0, -80), width=6)
    pen.blob(
        (-13, -79), (0, -82), (13, -79), (12, -60), (10, -48), (15, -22), (0, -24), (-15, -22),
        (-10, -48), (-12, -60),
    )  # fmt: skip
    for side in (False, True):
        half = pen.at(0, 0, mirror=side)
        half.line((11, -76), (17, -58), (18, -42), width=6.4, end=4.4)
        half.line((5, -36), (7, -4), width=9, end=6)
        half.line((6.5, -2.5), (11, -2), width=5)


def soldier(pen: Pen, stride: float = 0) -> None:
    """Draw a soldier walking right with helmet, pack and slung rifle."""
    pen.ellipse(3, -89, 5, 6.5)
    pen.blob((-6, -91), (-3, -98), (4, -99.5), (10, -95), (11.5, -90), (2, -91))
    pen.blob((-6, -82), (4, -84), (9, -72), (8, -52), (8, -44), (-7, -44), (-7, -60))
    pen.blob((-17, -80), (-7, -83), (-5, -58), (-16, -57))
    pen.line((-3, -48), (-6 - stride, -26), (-13 - stride * 1.4, -3), width=9.5, end=5)
    pen.line((4, -48), (9 + stride, -27), (8 + stride * 1.3, -3), width=9.5, end=5)
    for x in (-11 - stride * 1.4, 10 + stride * 1.3):
        pen.line((x, -2), (x + 5, -2), width=4)
    pen.line((5, -77), (9, -63), (17, -62), width=6, end=4)
    pen.line((-8, -44), (26, -74), width=2.6, end=1.6)


def couple(pen: Pen) -> None:
    """Draw a woman and a man who hold each other, forehead to forehead."""
    pen.ellipse(-5.5, -87, 4.6, 6, 12)
    pen.blob((-2, -94), (-9, -95), (-13, -88), (-15, -76), (-20, -66), (-13, -68), (-9, -82))
    pen.blob(
        (-13, -79), (-6, -80), (-3, -70), (-7, -58), (-3, -40), (2, -18), (-10, -13), (-30, -17),
        (-22, -36), (-15, -57), (-15, -68),
    )  # fmt: skip
    pen.line((-9, -18), (-8, -1), (-3, -0.5), width=4.4, end=2.4)
    pen.line((-14, -18), (-19, -9), (-24, -11), width=4.2, end=2.4)
    pen.line((-9, -76), (2, -74), (13, -84), width=4.4, end=3)
    pen.ellipse(6.5, -92.5, 5.2, 6.6, -10)
    pen.blob((2, -98), (8, -101), (13, -96), (12, -88), (9, -92))
    pen.line((9, -88), (11, -80), width=6)
    pen.blob((5, -82), (13, -85), (20, -78), (19, -60), (18, -44), (5, -44), (5, -62))
    pen.line((8.5, -46), (8, -24), (7, -2), width=9, end=6)
    pen.line((14, -46), (16, -24), (17, -2), width=9, end=6)
    pen.line((7, -2), (2, -1.5), width=4)
    pen.line((17, -2), (12, -1.5), width=4)
    pen.line((16, -77), (10, -62), (-8, -60), width=6.5, end=4)


def gunslinger(pen: Pen) -> None:
    """Draw a rider without a horse: wide hat, poncho, boots apart."""
    pen.blob((-19, -95), (-9, -94), (0, -93), (9, -94), (19, -95), (10, -90.5), (-10, -90.5))
    pen.blob((-8, -92), (-7.5, -102), (-3, -104), (0, -102.5), (3, -104), (7.5, -102), (8, -92))
    pen.ellipse(0, -87, 5.2, 6.5)
    pen.blob((-5, -82), (5, -82), (17, -74), (22, -56), (24, -42), (0, -35), (-24, -42), (-22, -56),
             (-17, -74))  # fmt: skip
    for side in (False, True):
        half = pen.at(0, 0, mirror=side)
        half.line((4.5, -42), (9, -22), (13, -3), width=9.5, end=6)
        half.line((13, -2.4), (20, -1.6), width=4.6, end=3)
        half.line((21, -46), (22.5, -36), width=4.6)
        half.line((17, -40), (20, -28), width=3.6)


def singer(pen: Pen) -> None:
    """Draw a singer in a long gown, one arm thrown up, the other holding the microphone."""
    pen.ellipse(1, -91, 5, 6.4, 18)
    pen.ellipse(-5.5, -96, 4.6)
    pen.line((0, -87), (-1, -79), width=4.4)
    pen.blob((-9, -79), (8, -80), (8, -68), (5, -58), (-6, -58), (-8, -68))
    pen.blob(
        (-6, -62), (5, -62), (9, -48), (9, -30), (16, -10), (32, 0), (0, 3), (-26, 0), (-12, -12),
        (-9, -32), (-9, -48),
    )  # fmt: skip
    pen.line((-8, -77), (-20, -88), (-29, -107), width=4.8, end=3)
    pen.line((-29, -107), (-32, -112), width=2)
    pen.line((-29, -107), (-27, -113), width=2)
    pen.line((7, -77), (16, -70), (11, -83), width=4.8, end=3.2)
    pen.line((13, -80), (8.5, -87), width=2)
    pen.ellipse(8.3, -87.4, 2.4)
