"""The scale at which a JPEG 2000 is decoded: it holds each image in several sizes.

Nothing can interrupt its decoder, and no other thread of Python runs meanwhile, so what it is given
must be small.

Source: ITU-T T.800, annex A (the markers SIZ and COD).
"""

from __future__ import annotations

from typing import Any, Final

from tagger.decode.budget import ImageError
from tagger.decode.file import ImageFile

#: Pixels after scaling down; a second of decoding gives two million of noise.
MOST_PIXELS: Final = 8_000_000

_START: Final = b"\xff\x4f\xff\x51"
_END: Final = b"\xff\xd9"
_CODING: Final = 0x52
_HEADER_BYTES: Final = 256 * 1024
# What may follow the end: filling.
_TAIL_BYTES: Final = 1024
_MOST_LEVELS: Final = 32


def set_scale(image: Any, file: ImageFile, smallest: tuple[int, int]) -> None:
    """Let an image that is not loaded yet be decoded at its smallest sufficient size.

    Args:
        image: what Pillow has opened.
        file: its file.
        smallest: width and height below which neither side should be.

    Raises:
        ImageError: it holds no size that is small enough to be decoded.
        ValueError: its end is missing, which the decoder would not notice between two tiles.
    """
    place = file.tell()
    file.seek(0)
    head = file.read(_HEADER_BYTES)
    levels = _levels(head)
    file.seek(max(0, _end(head, file.size) - _TAIL_BYTES))
    if _END not in file.read(_TAIL_BYTES):
        raise ValueError("image file is truncated")
    file.seek(place)
    scale = 0
    while scale < levels and all(
        side >> (scale + 1) >= least for side, least in zip(image.size, smallest, strict=True)
    ):
        scale += 1
    if image.width * image.height >> 2 * scale > MOST_PIXELS:
        raise ImageError(
            f"{image.width} × {image.height} pixels, and as a JPEG 2000 it holds no size below "
            f"{MOST_PIXELS:,} pixels"
        )
    image.reduce = scale


def _end(head: bytes, size: int) -> int:
    """Return where the image ends: its box may be followed by others, and names its own length."""
    start = head.find(_START)
    if head[start - 4 : start] != b"jp2c" or start < 8:
        return size
    length = int.from_bytes(head[start - 8 : start - 4], "big")
    return min(size, start - 8 + length) if length > 1 else size


def _levels(head: bytes) -> int:
    """Return how often the image can be halved; 0 if its header does not tell."""
    place = head.find(_START) + 2
    while place >= 2 and place + 10 < len(head) and head[place] == 0xFF:
        if head[place + 1] == _CODING:
            return min(head[place + 9], _MOST_LEVELS)
        place += 2 + int.from_bytes(head[place + 2 : place + 4], "big")
    return 0
