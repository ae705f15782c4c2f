"""One image file → one uint8 array of the model's input size.

The only resize rule of the project: training, calibration and tagging all come through
here, since a second rule would drift from the first without a sound.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import threading
import warnings
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from tagger.results import Pixels

#: What Pillow may try to open. An explicit list: its EPS reader starts Ghostscript, and every
#: other reader (PSD, FITS, ICNS, …) only widens what a hostile file can reach.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF")


#: The resize rule's name in a model card: the whole image, aspect ratio ignored, area-weighted
#: bilinear after a decode at reduced scale.
RESIZE_RULE = "stretch"

#: Above this an image is refused before a pixel is decoded (a decompression bomb, most likely).
MAX_PIXELS = 178_956_970

# Pillow warns from half of this on and refuses at twice this; the check below comes first.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# A warning about a suspicious size or damaged metadata would land in the middle of the progress
# line; the file's fate is told by its result.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module=r"PIL\.")

# Several workers decoding huge images at once could fill the memory; huge ones take turns.
_HUGE_PIXELS = 24_000_000
_huge_images = threading.Lock()

# JPEG alone can be decoded at 1/2, 1/4 or 1/8 scale, which triples the rate of large posters.
# Stopping at twice the final size leaves the averaging to the resampler.
_REDUCED_DECODE_MARGIN = 2


class ImageError(Exception):
    """This file gives no image; the message says why in words for a person."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image at the size that was asked for.

    Attributes:
        pixels: uint8, shape (height, width, 3), RGB.
        width: of the image in its file, as it is displayed (EXIF orientation applied).
        height: likewise.
    """

    pixels: Pixels
    width: int
    height: int


def load_rgb(path: str | os.PathLike[str], height: int, width: int) -> Pixels:
    """Return the pixels of :func:`load_picture`; arguments and errors are the same."""
    return load_picture(path, height, width).pixels


def load_picture(path: str | os.PathLike[str], height: int, width: int) -> Picture:
    """Read one image file as RGB at the given size.

    EXIF orientation is applied, transparency is laid on white, the first frame of an animation
    is taken, 16-bit and float samples are scaled to 8 bits, CMYK and Lab go through their colour
    profile.

    Args:
        path: a regular file, or a link to one.
        height: rows of the result, in pixels.
        width: columns of the result, in pixels.

    Raises:
        ImageError: the file is missing, unreadable, damaged, of a format that is not in
            :data:`FORMATS`, or larger than :data:`MAX_PIXELS`.
    """
    try:
        with _open_regular(path) as file:
            return _decode(file, height, width)
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError("not an image in a supported format, or damaged") from None
    except Image.DecompressionBombError:
        raise ImageError(f"larger than the limit of {MAX_PIXELS:,} pixels") from None
    except MemoryError:
        raise ImageError("not enough memory to decode it") from None
    except OSError as error:
        if error.errno is not None:
            raise ImageError(_os_reason(error)) from None
        raise ImageError(f"damaged image: {_one_line(error)}") from None
    except Exception as error:  # whatever a decoder raises on hostile bytes: one image's problem
        raise ImageError(f"damaged image: {_one_line(error)}") from None


def _os_reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "the link leads back to itself"
    return (error.strerror or "cannot be read").lower()


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return (text or type(error).__name__)[:200]


def _open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file; never wait on a pipe or start a device."""
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise ImageError("a folder, not an image")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("not a regular file")
    if status.st_size == 0:
        raise ImageError("the file is empty")
    return open(path, "rb")


def _decode(file: BinaryIO, height: int, width: int) -> Picture:
    with Image.open(file, formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ImageError(
                f"{image.width} × {image.height} pixels, above the limit of {MAX_PIXELS:,}"
            )
        turn = _orientation(image)
        turned = turn in (5, 6, 7, 8)
        size = (height, width) if turned else (width, height)
        displayed = (image.height, image.width) if turned else (image.width, image.height)
        image.draft(None, (size[0] * _REDUCED_DECODE_MARGIN, size[1] * _REDUCED_DECODE_MARGIN))
        huge = image.width * image.height > _HUGE_PIXELS
        with _huge_images if huge else contextlib.nullcontext():
            image.load()
            small = _resized_rgb(image, size)
    method = _TRANSPOSE.get(turn)
    if method is not None:
        small = small.transpose(method)
    return Picture(np.asarray(small), *displayed)


_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1 to 8; damaged metadata says nothing about the pixels, so it is 1."""
    if image.format == "TIFF":  # Pillow turns these itself when it loads them
        return 1
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _resized_rgb(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Shrink first, convert after: a colour transform then costs the few pixels that are left."""
    image = _resizable(image)
    image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    if image.mode == "RGBA":
        page = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(page, image).convert("RGB")
    if image.mode in ("CMYK", "LAB"):
        return _through_profile(image)
    return image.convert("RGB")


def _resizable(image: Image.Image) -> Image.Image:
    """Turn modes whose samples cannot be averaged (palettes, bits, wide integers) into others."""
    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bit(image)
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in ("P", "HSV"):
        return image.convert("RGB")
    return image.convert("L") if image.mode == "1" else image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit and float grey to 8 bits; files do not say their range, values do."""
    samples = np.nan_to_num(np.asarray(image).astype(np.float32))
    top = float(samples.max(initial=0))
    if image.mode.startswith("I;16"):
        white = 65535.0
    elif image.mode == "F" and top <= 1.0:
        white = 1.0
    else:
        white = next((limit for limit in (255.0, 65535.0) if top <= limit), top)
    scaled = np.clip(samples * (255.0 / white) + 0.5, 0, 255)
    return Image.fromarray(scaled.astype(np.uint8))


def _through_profile(image: Image.Image) -> Image.Image:
    """CMYK by its embedded profile (the plain formula is far off printed colours), Lab by CIE."""
    try:
        if image.mode == "LAB":
            source: Any = ImageCms.createProfile("LAB")
        else:
            source = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (KeyError, OSError, ImageCms.PyCMSError):
        converted = None  # no profile, or a damaged one
    if converted is None:
        if image.mode == "LAB":
            return image.getchannel("L").convert("RGB")
        return image.convert("RGB")
    return converted
