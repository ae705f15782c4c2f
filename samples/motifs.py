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


def guitarist(pen: Pen) -> None:
    """Draw a guitarist with long hair."""
    pen.ellipse(-2, -92, 5.4, 7, 8)
    pen.blob((-8, -96), (-2, -101), (5, -98), (5, -86), (8, -76), (2, -80), (-6, -80), (-9, -76))
    pen.line((-1, -86), (0, -78), width=5)
    pen.blob((-12, -78), (10, -80), (12, -70), (8, -52), (9, -42), (-8, -42), (-9, -54))
    pen.line((-5, -44), (-12, -22), (-14, -2), width=8.6, end=5)
    pen.line((5, -44), (13, -24), (18, -2), width=8.6, end=5)
    pen.line((-14, -2), (-19, -1), width=4)
    pen.line((18, -2), (24, -1), width=4)
    pen.blob((-18, -56), (-10, -62), (-4, -57), (2, -60), (4, -50), (-2, -44), (-10, -42),
             (-20, -46))  # fmt: skip
    pen.line((0, -54), (38, -74), width=2.6)
    pen.polygon((36, -77), (46, -81), (47, -77), (38, -72))
    pen.line((-11, -75), (-20, -62), (-10, -53), width=5, end=3.4)
    pen.line((9, -76), (20, -68), (30, -70), width=5, end=3.4)


def drummer(pen: Pen) -> None:
    """Draw a drummer behind the drums, one stick up."""
    pen.ellipse(0, -74, 5, 6.4)
    pen.blob((-10, -66), (0, -69), (10, -66), (11, -40), (-11, -40))
    pen.line((-9, -64), (-20, -72), (-16, -86), width=4.4, end=3)
    pen.line((9, -64), (19, -56), (12, -46), width=4.4, end=3)
    pen.line((-16, -86), (-8, -100), width=1.2)
    drums = (
        (0, -26, 18, 18),
        (-25, -26, 10, 8),
        (25, -24, 11, 9),
        (-14, -46, 8, 5),
        (14, -46, 8, 5),
    )
    for drum in drums:
        pen.ellipse(*drum)
    for side, y in ((-1, -58), (1, -62)):
        pen.line((34 * side, y), (30.5 * side, 0), width=1.2)
        pen.ellipse(34 * side, y, 13.5, 1.6, 12 * side)


def rider(pen: Pen) -> None:
    """Draw a rider in a hat on a standing horse."""
    pen.blob((-34, -52), (-20, -60), (20, -58), (32, -52), (34, -38), (20, -32), (-24, -32),
             (-36, -38))  # fmt: skip
    pen.polygon((22, -56), (40, -82), (50, -84), (64, -66), (58, -60), (48, -66), (36, -38))
    for x, lean in ((-30, -4), (-22, 6), (22, -6), (30, 6)):
        pen.line((x, -38), (x + lean, -20), (x + lean * 1.4, 0), width=8, end=4)
    pen.line((-34, -48), (-46, -20), width=7, end=3)
    pen.blob((-8, -58), (-8, -84), (0, -90), (9, -84), (8, -58))
    pen.line((0, -58), (8, -40), (4, -26), width=9, end=5)
    pen.line((6, -82), (20, -66), width=5)
    pen.ellipse(1, -95, 5.5, 6)
    pen.line((-12, -98), (14, -98), width=3)
    pen.polygon((-6, -98), (-5, -106), (6, -106), (8, -98))


def helicopter(pen: Pen) -> None:
    """Draw a helicopter about 80 units long that flies to the left."""
    pen.blob((-20, -2), (-10, -10), (8, -10), (18, -3), (12, 6), (-12, 6))
    pen.polygon((10, -6), (48, -4), (48, -1), (10, 2))
    pen.polygon((44, -12), (50, -12), (50, 2), (46, 2))
    pen.line((-34, -15), (34, -13), width=1.6)
    pen.line((0, -14), (0, -8), width=2)
    pen.line((-16, 11), (14, 11), width=1.4)
    pen.line((-8, 6), (-9, 11), width=1)
    pen.line((6, 6), (7, 11), width=1)
