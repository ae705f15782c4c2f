"""The size of a JPEG XL, from its first bytes: what decoding it takes is known before.

Source: ISO/IEC 18181-1:2022, annexes A and D (size, bit depth, extra channels); 18181-2 (boxes).
"""

from __future__ import annotations

from typing import IO, Final

_CODESTREAM: Final = b"\xff\x0a"
# Bytes; boxes of a container before its image may be notes.
_MOST_BOXES: Final = 1000
_HEADER_BYTES: Final = 64

# Width as a share of the height, by number.
_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
# An alpha channel, and what printers add; each takes as much memory as a colour.
_MOST_EXTRA_CHANNELS: Final = 8


class _Bits:
    """Numbers in bits, the least significant first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("its header is cut off")
        number = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return number

    def choose(self, *ways: tuple[int, int]) -> int:
        """Take a number in one of four ways, each a number of bits and what is added to them."""
        bits, more = ways[self.take(2)]
        return self.take(bits) + more


def jxl_header(file: IO[bytes]) -> tuple[int, int]:
    """Return width and height as they are displayed.

    Args:
        file: at its start.

    Raises:
        ValueError: the header is damaged, or its image has far more channels than colours.
    """
    bits = _Bits(_codestream(file)[2:])
    height, width = _size(bits)
    turned = False
    if not bits.take(1):
        turned = _metadata(bits)
    return (height, width) if turned else (width, height)


def _codestream(file: IO[bytes]) -> bytes:
    """Return the start of the image itself, which may lie in a box."""
    head = file.read(12)
    if head.startswith(_CODESTREAM):
        return head + file.read(_HEADER_BYTES)
    for _ in range(_MOST_BOXES):
        box = file.read(8)
        size, name = int.from_bytes(box[:4], "big"), box[4:]
        if size == 1:
            size = int.from_bytes(file.read(8), "big") - 8
        if name in (b"jxlc", b"jxlp"):
            data = file.read(_HEADER_BYTES)[0 if name == b"jxlc" else 4 :]
            if data.startswith(_CODESTREAM):
                return data
        if size < 8:
            break
        file.seek(size - 8, 1)
    raise ValueError("it has no image")


def _size(bits: _Bits) -> tuple[int, int]:
    is_small = bits.take(1)
    height = _side(bits, is_small)
    if ratio := bits.take(3):
        across, down = _RATIOS[ratio - 1]
        return height, height * across // down
    return height, _side(bits, is_small)


def _side(bits: _Bits, is_small: int) -> int:
    if is_small:
        return 8 * (bits.take(5) + 1)
    return bits.choose((9, 1), (13, 1), (18, 1), (30, 1))


def _metadata(bits: _Bits) -> bool:
    """Read what follows the size, and return whether the image lies on its side."""
    turn = 0
    if bits.take(1):
        turn = bits.take(3)
        if bits.take(1):  # the size at which it is meant to be shown
            _size(bits)
        if bits.take(1):
            _preview(bits)
        if bits.take(1):
            _animation(bits)
    if bits.take(1):  # samples are floats
        bits.choose((0, 32), (0, 16), (0, 24), (6, 1))
        bits.take(4)
    else:
        bits.choose((0, 8), (0, 10), (0, 12), (6, 1))
    bits.take(1)
    if bits.choose((0, 0), (0, 1), (4, 2), (12, 1)) > _MOST_EXTRA_CHANNELS:
        raise ValueError("it has more channels than an image needs")
    return turn >= 4


def _preview(bits: _Bits) -> None:
    ways = (
        ((0, 16), (0, 32), (5, 1), (9, 33))
        if bits.take(1)
        else ((6, 1), (8, 65), (10, 321), (12, 1345))
    )
    bits.choose(*ways)
    if not bits.take(3):
        bits.choose(*ways)


def _animation(bits: _Bits) -> None:
    bits.choose((0, 100), (0, 1000), (10, 1), (30, 1))
    bits.choose((0, 1), (0, 1001), (8, 1), (10, 1))
    bits.choose((0, 0), (3, 0), (16, 0), (32, 0))
    bits.take(1)
