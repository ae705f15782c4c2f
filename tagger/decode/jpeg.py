"""The header of a JPEG, read in one go where it is plain.

Pillow reads a header marker by marker and keeps all that it says, which takes longer than decoding
a small image. Most posters have only what is needed to decode them. A header with anything else, or
with anything wrong, is left to Pillow, so that there is one opinion on what is damaged.

Source: ITU-T T.81, annex B.
"""

from __future__ import annotations

from typing import Final

from PIL.ImageFile import _Tile
from PIL.JpegImagePlugin import JpegImageFile

from tagger.decode.file import ImageFile

_SCAN: Final = 0xDA
_QUANTISATION: Final = 0xDB
# Huffman tables, restart interval, comment: libjpeg reads them by itself.
_PASSED_OVER: Final = (0xC4, 0xDD, 0xFE)
# Segments of programs that only say how colours are stored: how they begin, and their least size.
_OF_PROGRAMS: Final = {0xE0: (b"JFIF\0", 14), 0xEE: (b"Adobe", 12)}
# Baseline, extended and progressive images with Huffman codes.
_FRAMES: Final = (0xC0, 0xC1, 0xC2)
_PROGRESSIVE: Final = 0xC2
# Colours → Pillow's mode; others need a colour profile.
_MODES: Final = {1: "L", 3: "RGB"}


def is_jpeg(head: bytes) -> bool:
    """Say whether a file that begins so is a JPEG."""
    return head.startswith(b"\xff\xd8\xff")


class PlainJpeg(JpegImageFile):
    """A JPEG as Pillow would open it, but for what does not matter to its pixels.

    Attributes:
        is_one_scan: whether its first scan has all colours.

    Raises:
        SyntaxError: its header is not plain.
    """

    def _open(self) -> None:
        file = self.fp
        assert isinstance(file, ImageFile)
        head, place, marker = file.peek(), 2, 0
        self.layers = 0
        while marker != _SCAN:
            start, marker = place + 4, head[place + 1]
            place += 2 + int.from_bytes(head[place + 2 : start], "big")
            if head[start - 4] != 0xFF or not start <= place <= len(head):
                raise SyntaxError
            self._take(marker, head[start:place])
        scan = head[start:place]
        self.is_one_scan = len(scan) == 4 + 2 * self.layers and scan[0] == self.layers
        if not self.layers:
            raise SyntaxError
        self.decodermaxblock = min(self.decodermaxblock, file.size)
        self.tile = [_Tile("jpeg", (0, 0, *self.size), 0, (self.mode, ""))]
        file.skip_header(place)

    def _take(self, marker: int, content: bytes) -> None:
        """Note what a segment says."""
        if marker in _FRAMES:
            self._take_frame(marker, content)
        elif marker == _QUANTISATION:
            _check_tables(content)
        elif marker in _OF_PROGRAMS:
            name, size = _OF_PROGRAMS[marker]
            if not content.startswith(name) or len(content) < size:
                raise SyntaxError
        elif marker != _SCAN and marker not in _PASSED_OVER:
            raise SyntaxError

    def _take_frame(self, marker: int, content: bytes) -> None:
        bits, layers = content[0], content[5]
        if self.layers or bits != 8 or layers not in _MODES or len(content) != 6 + 3 * layers:
            raise SyntaxError
        self.bits, self.layers, self._mode = bits, layers, _MODES[layers]
        self._size = (int.from_bytes(content[3:5], "big"), int.from_bytes(content[1:3], "big"))
        self.layer = [
            (content[at], content[at + 1] >> 4, content[at + 1] & 15, content[at + 2])
            for at in range(6, len(content), 3)
        ]
        if marker == _PROGRESSIVE:
            self.info["progressive"] = 1


def _check_tables(content: bytes) -> None:
    """Raise SyntaxError unless quantisation tables end where their segment does."""
    place = 0
    while place < len(content):
        place += 129 if content[place] >> 4 else 65
    if place != len(content):
        raise SyntaxError
