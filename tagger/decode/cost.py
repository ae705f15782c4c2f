"""How much memory decoding an image will take, computed from its header before decoding."""

from __future__ import annotations

from typing import Any

from PIL import Image

from tagger.decode.file import ImageFile
from tagger.decode.jpeg import PlainJpeg

#: Pixels of an image that are converted at a time, see :mod:`tagger.decode.resize`.
BAND_PIXELS = 2_000_000

# Pillow's own modes: one, two or four bytes per pixel.
_BYTES_OF_MODE = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
_NEEDS_NO_CONVERSION = ("L", "RGB", "CMYK", "LAB")
# Wide samples become floats, and floats are copied twice.
_BYTES_OF_CONVERSION = 16

# libwebp keeps two canvases and works in a third buffer, libavif and libheif keep 16-bit planes and
# their reference frames, OpenJPEG and libjxl four bytes per sample; each returns a copy.
_BYTES_OF_DECODER = {"WEBP": 16, "AVIF": 16, "HEIF": 12, "JPEG2000": 32, "JXL": 20}


def memory_needed(image: Image.Image, file: ImageFile, full_size: tuple[int, int]) -> int:
    """Return an upper bound for the peak memory, in bytes, of decoding and shrinking an image.

    Args:
        image: opened, not loaded; a JPEG, or JPEG 2000, with the scale at which it will be decoded.
        file: for a JPEG positioned just after the header of its first scan.
        full_size: width and height in the file.
    """
    pixels = image.width * image.height >> 2 * getattr(image, "_reduce", 0)
    needed = pixels * _BYTES_OF_MODE.get(image.mode, 4) + file.header_bytes + file.in_memory
    needed += pixels * _BYTES_OF_DECODER.get(image.format or "", 0)
    if image.mode not in _NEEDS_NO_CONVERSION or image.has_transparency_data:
        needed += min(pixels, 2 * BAND_PIXELS) * _BYTES_OF_CONVERSION
    if image.format == "TIFF":
        needed += file.size + _strip_bytes(image)
    elif image.format in ("HEIF", "JPEG2000", "JXL"):  # these read the whole file first
        needed += 2 * file.size
    elif image.format in ("JPEG", "MPO"):
        needed += _coefficient_bytes(image, file, full_size)
    return needed


def _strip_bytes(image: Any) -> int:
    """Return the size of the strip or tile that libtiff unpacks at once."""
    tags: Any = image.tag_v2
    samples, bits = _number(tags, 277, 1), _number(tags, 258, 8)
    width = _number(tags, 322, image.width)
    height = _number(tags, 323, 0) or min(_number(tags, 278, image.height), image.height)
    # Colours converted by libtiff have four bytes per pixel.
    return width * height * max(4, -(-samples * bits // 8))


def _number(tags: Any, tag: int, default: int) -> int:
    value = tags.get(tag, default)
    if isinstance(value, tuple):  # one value per channel
        value = max(value, default=default)
    return int(value)


def _coefficient_bytes(image: Any, file: ImageFile, full_size: tuple[int, int]) -> int:
    """Return the size of libjpeg's buffer for a whole image, needed if it has several scans."""
    is_plain = isinstance(image, PlainJpeg)
    one_scan = image.is_one_scan if is_plain else _is_one_scan(image.layers, file)
    if "progressive" not in image.info and one_scan:
        return 0
    areas = [across * down for _, across, down, _ in image.layer]
    widest = max((across for _, across, _, _ in image.layer), default=1)
    highest = max((down for _, _, down, _ in image.layer), default=1)
    share = sum(areas) / max(1, widest * highest)
    return int(2 * full_size[0] * full_size[1] * share) + 64 * 1024


def _is_one_scan(layers: int, file: ImageFile) -> bool:
    """Return whether the scan whose header was just read contains all colours."""
    size = 6 + 2 * layers
    place = file.tell()
    file.seek(max(0, place - size))
    head = file.read(3)
    file.seek(place)
    return head == bytes((0, size, layers))
