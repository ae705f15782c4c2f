"""Image files of one colour, or of four, in any format."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

#: Colours of the corners of :func:`four_corners`: top left, top right, bottom left, bottom right.
CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))


def save_picture(
    file: Path,
    colour: str | int | float | tuple[int, ...] = "red",
    *,
    mode: str = "RGB",
    size: tuple[int, int] = (16, 24),
    **options: object,
) -> Path:
    """Save an image of one colour; the format follows the ending unless ``format`` is given.

    Args:
        file: where to; folders are made.
        colour: a colour of the mode.
        mode: Pillow's mode.
        size: width and height in pixels.
        options: passed to :meth:`PIL.Image.Image.save`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(file, **options)
    return file


def four_corners(side: int = 64) -> Image.Image:
    """Return a square of four squares, one colour each."""
    half = side // 2
    samples = np.zeros((side, side, 3), dtype=np.uint8)
    for colour, row, column in zip(CORNERS, (0, 0, half, half), (0, half, 0, half), strict=True):
        samples[row : row + half, column : column + half] = colour
    return Image.fromarray(samples)


def corner_colours(pixels: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """Return the colours of the outermost pixels, in the order of :data:`CORNERS`."""
    return tuple(
        tuple(int(sample) for sample in pixels[row, column])
        for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1))
    )


def png_bytes(width: int, height: int, rows: bytes, *, depth: int = 8, times: int = 1) -> bytes:
    """Return a colour PNG with any header over any rows (each row starts with a zero byte).

    The rows come so many times; they need not fit into memory.
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    packer = zlib.compressobj()
    packed = b"".join([packer.compress(rows) for _ in range(times)] + [packer.flush()])
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def grey_ink_profile() -> bytes:
    """Return a CMYK colour profile (ICC.1:2001-04) whose coloured inks all look middle grey."""

    def text(kind: bytes, value: bytes) -> bytes:
        return kind + bytes(4) + value

    ramp = bytes(range(256))
    white, grey, black = bytes([255, 128, 128]), bytes([128, 128, 128]), bytes([0, 128, 128])  # Lab
    seen = [black if inks % 2 else grey if inks else white for inks in range(16)]  # bits: CMYK
    identity = struct.pack(">9i", *(65536 * (place in (0, 4, 8)) for place in range(9)))
    table = bytes([4, 3, 2, 0]) + identity + ramp * 4 + b"".join(seen) + ramp * 3
    tags = {
        b"desc": text(b"desc", struct.pack(">I", 5) + b"inks\0" + bytes(78)),
        b"cprt": text(b"text", b"CC0\0"),
        b"wtpt": text(b"XYZ ", struct.pack(">3i", 63190, 65536, 54061)),
        b"A2B0": text(b"mft1", table),
    }
    index, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        index += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = struct.pack(">I", start + len(body))
    header = size + bytes(4) + b"\2\x40\0\0" + b"prtrCMYKLab " + bytes(12) + b"acsp" + bytes(28)
    header += struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + index + body


def many_scans(file: Path, *, side: int, scans: int) -> Path:
    """Save a progressive JPEG whose last scan comes many times over.

    Each costs a few bytes and a walk through the whole image.
    """
    save_picture(file, "white", mode="L", size=(side, side), progressive=True)
    data = file.read_bytes()
    start = data.rindex(b"\xff\xda")
    file.write_bytes(data[:start] + data[start:-2] * scans + data[-2:])
    return file
