"""People who look out of a poster, or at each other, painted in the soft light of one side.

A head is about 130 units tall around its own origin, between the eyes and the mouth. Light falls
from the right, or with ``mirror`` from the left.
"""

from __future__ import annotations

from dataclasses import dataclass

from canvas import Canvas, Pen


@dataclass(frozen=True)
class Look:
    """The colours of a face: its skin from top to chin, in shadow and in light."""

    skin: tuple[str, str, str]
    light: str
    dark: str = "#1a0c06"
    lips: str = "#7a4434"
    iris: str = "#2a4a5a"
    beard: str = ""


@dataclass(frozen=True)
class Place:
    """Where somebody is in a poster, how large, and facing which light."""

    x: float
    y: float
    size: float = 1
    mirror: bool = False

    def pen(self, pen: Pen) -> Pen:
        """Give a pen around the head's origin."""
        return pen.at(self.x, self.y, self.size, self.mirror)

    def outline(self, pen: Pen) -> None:
        """Fill the face as seen from the front."""
        self.pen(pen).blob(
            (-38, -50), (38, -50), (46, -14), (40, 24), (22, 54), (0, 64), (-22, 54), (-40, 24),
            (-46, -14),
        )  # fmt: skip


def _eyes(canvas: Canvas, place: Place, look: Look) -> None:
    for side, x in ((-1, -19), (1, 21)):
        with canvas.ink("#e8d8c8", opacity=0.92, blur=0.4 * place.size) as pen:
            place.pen(pen).ellipse(x, -10, 7, 2.9)
        with canvas.ink(look.iris) as pen:
            place.pen(pen).ellipse(x, -10.3, 2.8)
        with canvas.ink(look.dark, blur=0.6 * place.size) as pen:
            eye = place.pen(pen)
            eye.line((x - 9, -13), (x, -14.4), (x + 9, -12.4), width=2.4)
            eye.line((x - 7, -6.8), (x + 7, -6.8), width=0.9)
            brow = ((x - side * 10, -20), (x + side * 2, -23), (x + side * 12, -19))
            eye.line(*brow, width=4, end=1.6)


def _mouth(canvas: Canvas, place: Place, look: Look) -> None:
    if look.beard:
        with canvas.ink(look.beard, blur=1.2 * place.size, opacity=0.9) as pen:
            place.pen(pen).line((-22, 25), (0, 19), (22, 25), width=6)
            place.pen(pen).line((-14, 36), (14, 36), width=2.4)
        return
    with canvas.ink(look.lips, blur=0.9 * place.size) as pen:
        place.pen(pen).blob((-16, 32), (-4, 28.5), (2, 30), (8, 28.5), (18, 32), (8, 37), (-6, 37))
    with canvas.ink(look.dark, blur=0.8 * place.size, opacity=0.8) as pen:
        place.pen(pen).line((-15, 32.4), (2, 33), (17, 32.4), width=1.2)


def face(canvas: Canvas, place: Place, look: Look, hat: float = -24) -> None:
    """Paint a face from the front; a hat's shadow reaches down to ``hat``."""
    size = place.size
    with canvas.ink(*look.skin[:2]) as pen:
        place.outline(pen)
    with canvas.ink(look.skin[2], blur=9 * size, opacity=0.88, clip=place.outline) as pen:
        place.pen(pen).blob((-54, -50), (-8, -50), (-14, 0), (-6, 50), (0, 70), (-54, 70))
    if look.beard:
        with canvas.ink(look.beard, blur=3 * size, opacity=0.8, clip=place.outline) as pen:
            place.pen(pen).blob((-46, 14), (-24, 26), (0, 22), (24, 26), (46, 14), (42, 70),
                                (0, 80), (-42, 68))  # fmt: skip
    with canvas.ink(look.light, blur=4 * size, opacity=0.7, clip=place.outline) as pen:
        place.pen(pen).blob((12, -8), (34, -4), (36, 14), (20, 18))
        place.pen(pen).line((2, -18), (4, 8), width=5)
    with canvas.ink(look.dark, blur=1.4 * size, opacity=0.85) as pen:
        place.pen(pen).blob((-10, 12), (0, 8), (12, 12), (6, 16), (-4, 16))
    with canvas.ink(look.dark, blur=3 * size, opacity=0.45) as pen:
        for x in (-19, 21):
            place.pen(pen).ellipse(x, -10, 13, 7)
        place.pen(pen).line((0, 40), (4, 40), width=4)
    _eyes(canvas, place, look)
    _mouth(canvas, place, look)
    with canvas.ink("#0c0705", blur=5 * size, opacity=0.88, clip=place.outline) as pen:
        place.pen(pen).polygon((-60, -60), (60, -60), (60, hat), (0, hat + 4), (-60, hat + 2))


def fedora(canvas: Canvas, place: Place) -> None:
    """Put a felt hat on a head."""
    with canvas.ink("#3a3630", "#14120f") as pen:
        place.pen(pen).blob((-46, -40), (-50, -78), (-38, -108), (-16, -112), (0, -104), (18, -114),
                            (40, -106), (50, -76), (46, -40))  # fmt: skip
    with canvas.ink("#0a0908") as pen:
        place.pen(pen).blob((-48, -48), (0, -38), (48, -48), (49, -64), (0, -54), (-49, -64))
    with canvas.ink("#8a8070", blur=7 * place.size, opacity=0.6) as pen:
        place.pen(pen).blob((18, -104), (38, -98), (44, -70), (24, -68))
    with canvas.ink("#2c2822", "#0e0c0a") as pen:
        place.pen(pen).blob((-84, -38), (-50, -52), (0, -46), (50, -54), (86, -44), (60, -28),
                            (20, -24), (-20, -22), (-60, -24))  # fmt: skip
    with canvas.ink("#a09480", blur=1.6 * place.size, opacity=0.5) as pen:
        place.pen(pen).line((0, -44), (48, -51), (80, -44), width=2)


def stetson(canvas: Canvas, place: Place) -> None:
    """Put a rider's wide hat on a head."""
    with canvas.ink("#6a4426", "#2a160a") as pen:
        place.pen(pen).blob((-46, -40), (-50, -88), (-38, -124), (-16, -134), (0, -126), (18, -136),
                            (40, -122), (50, -88), (46, -40))  # fmt: skip
    with canvas.ink("#b08050", blur=8 * place.size, opacity=0.6) as pen:
        place.pen(pen).blob((16, -124), (36, -116), (42, -70), (20, -70))
    with canvas.ink("#1a0c06", blur=4 * place.size, opacity=0.7) as pen:
        place.pen(pen).line((0, -122), (-4, -90), width=9)
    with canvas.ink("#1e0f08") as pen:
        place.pen(pen).blob((-50, -50), (0, -38), (48, -50), (49, -62), (0, -52), (-49, -62))
    with canvas.ink("#7a5230", "#24120a") as pen:
        place.pen(pen).blob(
            (-124, -62), (-90, -50), (-46, -50), (0, -42), (46, -50), (90, -50), (126, -66),
            (106, -34), (56, -20), (0, -16), (-54, -20), (-104, -32),
        )  # fmt: skip
    with canvas.ink("#d8a868", blur=2 * place.size, opacity=0.55) as pen:
        rim = ((-106, -53), (-46, -43), (0, -37), (46, -43), (108, -54))
        place.pen(pen).line(*rim, width=2.4)


def helmet(canvas: Canvas, place: Place) -> None:
    """Put a soldier's helmet on a head, strapped below the chin."""
    with canvas.ink("#6a6444", "#2a2818") as pen:
        place.pen(pen).blob((-58, -22), (-60, -60), (-40, -92), (0, -104), (40, -92), (60, -60),
                            (58, -22), (30, -34), (0, -37), (-30, -34))  # fmt: skip
    with canvas.ink("#b8ae80", blur=8 * place.size, opacity=0.7) as pen:
        place.pen(pen).blob((16, -96), (44, -80), (52, -48), (28, -52))
    with canvas.ink("#15140c", blur=6 * place.size, opacity=0.7) as pen:
        place.pen(pen).blob((-58, -24), (-58, -60), (-40, -86), (-30, -60), (-34, -34))
    with canvas.ink("#1c1b10", opacity=0.9, blur=0.5 * place.size) as pen:
        place.pen(pen).line((-60, -28), (-30, -38), (0, -41), (30, -38), (60, -28), width=3)
        for side in (-1, 1):
            strap = ((46 * side, -30), (44 * side, 20), (18 * side, 62))
            place.pen(pen).line(*strap, width=3.4)


def suit(canvas: Canvas, place: Place, look: Look, tie: str) -> None:
    """Dress somebody in a dark suit, with a tie."""
    with canvas.ink("#1c222c", "#07090c") as pen:
        place.pen(pen).blob((-104, 260), (-96, 120), (-60, 82), (-20, 66), (0, 70), (20, 66),
                            (60, 82), (96, 120), (104, 260))  # fmt: skip
    with canvas.ink("#c8c8cc", "#6a6a72") as pen:
        place.pen(pen).polygon((-22, 62), (22, 62), (6, 160), (-6, 160))
    with canvas.ink(*look.skin[1:]) as pen:
        place.pen(pen).polygon((-20, 36), (20, 36), (20, 64), (0, 78), (-20, 64))
    with canvas.ink(tie, "#1a0204") as pen:
        place.pen(pen).polygon((-6, 72), (6, 72), (10, 170), (-10, 170))
    with canvas.ink("#0c0f14", "#040506") as pen:
        for side in (False, True):
            lapel = place.pen(pen).at(0, 0, mirror=side)
            lapel.polygon((14, 62), (34, 74), (40, 110), (4, 190), (2, 150))


def uniform(canvas: Canvas, place: Place, look: Look) -> None:
    """Dress somebody for the field, with the straps of a pack."""
    with canvas.ink("#5a5638", "#1c1a0e") as pen:
        place.pen(pen).blob((-110, 260), (-100, 120), (-64, 84), (-24, 62), (0, 66), (24, 62),
                            (64, 84), (100, 120), (110, 260))  # fmt: skip
    with canvas.ink("#12100a", blur=5 * place.size, opacity=0.8) as pen:
        place.pen(pen).blob((-110, 260), (-100, 120), (-64, 86), (-20, 110), (-30, 260))
    with canvas.ink(*look.skin[1:]) as pen:
        place.pen(pen).polygon((-22, 36), (22, 36), (26, 70), (0, 90), (-26, 70))
    with canvas.ink("#3a3620", "#14120a") as pen:
        for side in (False, True):
            half = place.pen(pen).at(0, 0, mirror=side)
            half.polygon((0, 96), (24, 58), (48, 74), (30, 112))
            half.line((70, 90), (50, 250), width=14)
