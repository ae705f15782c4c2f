"""Images of every kind into which tags can be put, and the streams that hold their pixels."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence


def _noise(shade: int = 0) -> Image.Image:
    """Return an image whose mean colour is reddish, with something for a codec to do."""
    samples = np.random.default_rng(shade).integers(0, 60, (48, 32, 3), dtype=np.uint8)
    samples[..., 0] += 190
    samples[..., 1] += 40
    return Image.fromarray(samples)


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = "a caption"
    exif[0x011A] = exif[0x011B] = 72.0
    exif[0x0128] = 2
    exif[0x0213] = 1
    return exif


def _two() -> dict[str, object]:
    return {"save_all": True, "append_images": [_noise(1)]}


def _transparent() -> Image.Image:
    image = _noise().convert("RGBA")
    image.putpixel((0, 0), (9, 9, 9, 0))
    return image


#: Name of a file → how it is saved.
SAVED: dict[str, Callable[[Path], None]] = {
    "plain.jpg": lambda file: _noise().save(file),
    "progressive.jpeg": lambda file: _noise().save(file, progressive=True),
    "exif.jpg": lambda file: _noise().save(file, exif=_exif(), comment="a comment"),
    "cmyk.jpg": lambda file: _noise().convert("CMYK").save(file),
    "two.jpg": lambda file: _noise().save(file, format="MPO", **_two()),
    "plain.png": lambda file: _noise().save(file),
    "palette.png": lambda file: _noise().quantize().save(file, dpi=(72, 72)),
    "animated.png": lambda file: _noise().save(file, **_two()),
    "lossy.webp": lambda file: _noise().save(file),
    "lossless.webp": lambda file: _noise().save(file, lossless=True),
    "alpha.webp": lambda file: _transparent().save(file, lossless=True),
    "exif.webp": lambda file: _noise().save(file, exif=_exif()),
    "animated.webp": lambda file: _noise().save(file, **_two()),
    "plain.tif": lambda file: _noise().save(file, dpi=(72, 72)),
    "lzw.tiff": lambda file: _noise().save(file, compression="tiff_lzw", dpi=(72, 72)),
    "pages.tif": lambda file: _noise().save(file, dpi=(72, 72), **_two()),
    "big.tif": lambda file: _noise().save(file, big_tiff=True, dpi=(72, 72)),
    "motorola.tif": lambda file: file.write_bytes(motorola_tiff()),
}


#: Those into which IPTC goes too.
WITH_IPTC = {name for name in SAVED if not name.endswith((".png", ".webp"))}


def save(folder: Path, name: str) -> Path:
    """Save one of :data:`SAVED`."""
    file = folder / name
    SAVED[name](file)
    return file


def save_all(folder: Path) -> list[Path]:
    """Save all of them."""
    return [save(folder, name) for name in SAVED]


def motorola_tiff() -> bytes:
    """Return a TIFF with the other byte order, an odd size and its directory in front."""
    entries = [
        (256, 3, 1, 2 << 16), (257, 3, 1, 2 << 16), (258, 3, 1, 8 << 16), (259, 3, 1, 1 << 16),
        (262, 3, 1, 1 << 16), (273, 4, 1, 8 + 2 + 9 * 12 + 4), (277, 3, 1, 1 << 16),
        (278, 3, 1, 2 << 16), (279, 4, 1, 4),
    ]  # fmt: skip
    directory = struct.pack(">H", len(entries)) + b"".join(
        struct.pack(">HHII", *entry) for entry in entries
    )
    return b"MM\0*" + struct.pack(">I", 8) + directory + bytes(4) + b"\xff\xfe\xfd\xfc" + b"!"


def pixels(file: Path) -> list[str]:
    """Return a digest of every frame's decoded pixels."""
    with Image.open(file) as image:
        return [
            hashlib.sha256(frame.mode.encode() + frame.tobytes()).hexdigest()
            for frame in ImageSequence.Iterator(image)
        ]


def streams(file: Path) -> list[bytes]:
    """Return the compressed data of an image, found by other means than the program's."""
    data = file.read_bytes()
    if data.startswith(b"\xff\xd8"):
        return [_scans(data)]
    if data.startswith(b"\x89PNG"):
        kinds = (b"IHDR", b"PLTE", b"IDAT", b"fcTL", b"fdAT", b"IEND")
        return [text for kind, text in _chunks(data, 8, ">I4s", 4) if kind in kinds]
    if data.startswith(b"RIFF"):
        kinds = (b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF")
        chunks = ((kind, text) for kind, text in _chunks(data, 12, "<4sI", 0))
        return [text for kind, text in chunks if kind in kinds]
    return list(_strips(file, data))


def _scans(data: bytes) -> bytes:
    at = 2
    while data[at + 1] != 0xDA:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[at:]


def _chunks(data: bytes, at: int, head: str, check: int) -> Iterator[tuple[bytes, bytes]]:
    while at < len(data):
        first, second = struct.unpack_from(head, data, at)
        kind, size = (first, second) if isinstance(first, bytes) else (second, first)
        yield kind, data[at + 8 : at + 8 + size]
        at += 8 + size + check + (0 if check else size % 2)


def _strips(file: Path, data: bytes) -> Iterator[bytes]:
    with Image.open(file) as image:
        for frame in ImageSequence.Iterator(image):
            tags = frame.tag_v2
            for start, size in zip(tags[273], tags[279], strict=True):
                yield data[start : start + size]
