"""A decoded image → RGB of the model's input size; the resize rule itself."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from PIL import Image

from tagger.decode.cost import BAND_PIXELS

# The last step averages over this many pixels per side; larger images are averaged in blocks first.
_GAP = 2.0


def resized_rgb(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Shrink to a width and height first, then convert: the colour transform sees few pixels."""
    image = _resized(image, size)
    if image.mode == "RGBA":
        page = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(page, image).convert("RGB")
    if image.mode in ("CMYK", "LAB"):
        return _through_profile(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    convert = _conversion(image)
    if convert is not None and image.width * image.height > 2 * BAND_PIXELS:
        return _resized_in_bands(image, size, convert)
    if convert is not None:
        image = convert(image)
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=_GAP)


def _resized_in_bands(
    image: Image.Image, size: tuple[int, int], convert: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """Convert and average one band at a time: a converted copy of the image could fill the memory.

    The result is bit-identical to :meth:`PIL.Image.Image.resize`: blocks are averaged in the same
    places, and transparent pixels have the same weight.
    """
    across, down = (
        max(1, int(length / wanted / _GAP)) for length, wanted in zip(image.size, size, strict=True)
    )
    reduced: Image.Image | None = None
    for top, band in _bands(image, down):
        part = convert(band)
        if part.mode == "RGBA":
            part = part.convert("RGBa")
        part = part.reduce((across, down))
        if reduced is None:
            rows = -(-image.height // down)
            reduced = Image.new(part.mode, (part.width, rows))
        reduced.paste(part, (0, top // down))
    assert reduced is not None
    box = (0.0, 0.0, image.width / across, image.height / down)
    small = reduced.resize(size, Image.Resampling.BILINEAR, box)
    return small.convert("RGBA") if small.mode == "RGBa" else small


def checksum(image: Image.Image) -> int:
    """Return the same number for the same pixels."""
    number = 0
    for _, band in _bands(image):
        number = zlib.crc32(band.tobytes(), number)
    return number


def _bands(image: Image.Image, multiple: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Cut an image into bands of whole rows: (its first row, the band)."""
    rows = max(1, BAND_PIXELS // image.width // multiple) * multiple
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _conversion(image: Image.Image) -> Callable[[Image.Image], Image.Image] | None:
    """Return a conversion to samples that can be averaged, for palettes, bits, integers, alpha."""
    if image.mode.startswith("I") or image.mode == "F":
        return _to_eight_bit(image)
    if image.has_transparency_data:
        return lambda part: part.convert("RGBA")
    if image.mode in ("P", "HSV"):
        return lambda part: part.convert("RGB")
    return (lambda part: part.convert("L")) if image.mode == "1" else None


def _to_eight_bit(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """Scale 16-bit, 32-bit and float grey to 8 bits, by the range of the values."""
    if image.mode.startswith("I;16"):
        white = 65535.0
    else:
        top = max(float(_samples(band).max(initial=0)) for _, band in _bands(image))
        limits = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
        white = next((limit for limit in limits if top <= limit), top)

    def convert(part: Image.Image) -> Image.Image:
        import numpy as np

        scaled = np.clip(_samples(part) * (255.0 / white) + 0.5, 0, 255)
        return Image.fromarray(scaled.astype(np.uint8))

    return convert


def _samples(image: Image.Image) -> Any:
    import numpy as np  # few images need it, and it takes as long to load as all the rest

    return np.nan_to_num(np.asarray(image).astype(np.float32))


def _through_profile(image: Image.Image) -> Image.Image:
    """Convert CMYK by its embedded profile (the simple formula is far off in print), Lab by CIE."""
    from PIL import ImageCms

    target: Any = ImageCms.createProfile("sRGB")
    try:
        if image.mode == "LAB":
            source: Any = ImageCms.createProfile("LAB")
        else:
            source = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        assert converted is not None
    except (KeyError, OSError, ImageCms.PyCMSError):  # no profile, or a damaged one
        return (image.getchannel("L") if image.mode == "LAB" else image).convert("RGB")
    return converted
