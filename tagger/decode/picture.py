"""One image file → one uint8 array of the model's input size.

Training, calibration and tagging all use this module, since a second implementation would silently
drift from the first. What few images need is imported where they need it: a process that decodes
starts in two thirds of the time.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile as PillowFile

from tagger.decode.budget import NO_HURRY, Attempt, Memory
from tagger.decode.budget import ImageError as ImageError  # what this module raises
from tagger.decode.cost import memory_needed
from tagger.decode.file import MOST_EXIF, ImageFile, mebibytes, open_file, refuse_long_tables
from tagger.decode.jpeg import PlainJpeg
from tagger.decode.pillow import open_image
from tagger.decode.resize import checksum, resized_rgb
from tagger.results import Pixels
from tagger.text import harmless

if TYPE_CHECKING:
    from tagger.decode.excerpt import Excerpt

#: The resize rule's name in a model card: the whole image, ignoring the aspect ratio, area-weighted
#: bilinear after decoding at a reduced scale.
RESIZE_RULE = "stretch"

#: A larger image is refused before a pixel is decoded (most likely a decompression bomb).
MAX_PIXELS = 178_956_970

# Only JPEG can be decoded at 1/2, 1/4 or 1/8 scale, which triples the rate of large posters.
# Stopping at twice the final size leaves the averaging to the resampler.
_REDUCED_DECODE_MARGIN = 2

# An empty scan of a progressive JPEG takes a few bytes, and a pass over the whole image: fewer
# bytes between two checks of the clock mean fewer of these.
_PROGRESSIVE_BLOCK = 4096

# What concerns more than this one way of reading a file.
_FINAL = (ImageError, MemoryError, Image.DecompressionBombError)

_memory = Memory(NO_HURRY.memory)


class Picture(NamedTuple):
    """An image at the requested size.

    Attributes:
        image: RGB.
        width: of the original image as displayed (EXIF orientation applied); so is the height.
    """

    image: Image.Image
    width: int
    height: int

    @property
    def pixels(self) -> Pixels:
        """The image as an array: uint8, shape (height, width, 3), RGB."""
        import numpy as np  # a process that decodes needs none, and starts in half the time

        return np.asarray(self.image)


def load_rgb(path: str | os.PathLike[str], height: int, width: int) -> Pixels:
    """Return the pixels of :func:`load_picture`; arguments and errors are the same."""
    return load_picture(path, height, width).pixels


def load_picture(
    path: str | os.PathLike[str], height: int, width: int, attempt: Attempt | None = None
) -> Picture:
    """Read one image file as RGB at the given size.

    EXIF orientation is applied, transparency is composited onto white, the first frame of an
    animation is used, 16-bit and float samples are scaled to 8 bits, CMYK and Lab are converted by
    their colour profile.

    Args:
        path: a regular file, or a link to one.
        height: rows of the result, in pixels.
        width: columns of the result, in pixels.
        attempt: what the image may cost; None sets no limit to its time.

    Raises:
        ImageError: the file is missing, unreadable, damaged, of a format that is not in
            :data:`tagger.decode.pillow.FORMATS`, larger than :data:`MAX_PIXELS`, or takes more
            time or memory than it may.
    """
    attempt = attempt or Attempt(NO_HURRY, _memory)
    try:
        with open_file(path, attempt) as file, attempt.holding(file.size):
            return _read(file, height, width)
    except ImageError:
        raise
    except Image.DecompressionBombError:  # of a part of it, by Pillow's own limit
        raise ImageError(f"larger than the limit of {MAX_PIXELS:,} pixels") from None
    except MemoryError:
        raise ImageError("not enough memory to decode it") from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageError(_os_reason(error)) from None
        raise ImageError(f"damaged image: {_one_line(error)}") from None


def _read(file: ImageFile, height: int, width: int) -> Picture:
    """Decode a file, or what of it decides its pixels if the whole is refused."""
    try:
        return _decode(file, height, width)
    except _FINAL:
        raise
    except Exception as error:  # a decoder raises anything on hostile bytes
        if isinstance(error, OSError) and error.errno is not None:
            raise
        refused = _refusal(error, file)
    from tagger.decode.essential import excerpts

    # Only now does nothing refer to the image that was refused any longer.
    for excerpt in excerpts(file):
        if (picture := _seen(excerpt, height, width)) is not None:
            return picture
    raise refused


def _refusal(error: Exception, file: ImageFile) -> ImageError:
    """Say why a file gives no image."""
    from tagger.files.kinds import HEAD_BYTES, decoded_format, other_kind

    if not isinstance(error, UnidentifiedImageError):
        return ImageError(f"damaged image: {_one_line(error)}")
    file.begin_header()
    head = file.read(HEAD_BYTES)
    if (name := decoded_format(head)) is not None:
        return ImageError(f"a damaged {name}, or a kind of {name} that is not supported")
    return ImageError(other_kind(head) or "not an image in a supported format, or damaged")


def _seen(excerpt: Excerpt, height: int, width: int) -> Picture | None:
    """Decode what of a file decides its pixels; None if that is damaged or incomplete."""
    seen: set[int] = set()

    def look(image: Image.Image) -> None:
        seen.add(checksum(image))

    try:
        if not excerpt.variants:
            return _decode(excerpt, height, width)
        picture = _decode(excerpt, height, width, look)
        for variant in excerpt.variants:
            _decode(variant, height, width, look)
            if len(seen) > 1:
                return None
    except _FINAL:
        raise
    except Exception:  # a decoder raises anything on hostile bytes
        return None
    return picture


def _os_reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "the link leads back to itself"
    return (error.strerror or "cannot be read").lower()


def _one_line(error: BaseException) -> str:
    text = harmless(" ".join(str(error).split()))
    return (text or type(error).__name__)[:200]


def _decode(
    file: ImageFile,
    height: int,
    width: int,
    look: Callable[[Image.Image], None] | None = None,
) -> Picture:
    attempt = file.attempt
    refuse_long_tables(file)
    while True:
        with open_image(file) as image:
            file.end_header()
            full_size = image.size
            size = f"{full_size[0]} × {full_size[1]} pixels"
            if full_size[0] * full_size[1] > MAX_PIXELS:
                raise ImageError(f"{size}, above the limit of {MAX_PIXELS:,}")
            if image.format in ("JPEG", "MPO"):  # for a PNG, this would decode it
                _set_scale(image, height, width)
            elif image.format == "JPEG2000":
                from tagger.decode import jp2

                margin = _REDUCED_DECODE_MARGIN
                jp2.set_scale(image, file, (margin * width, margin * height))
            needed = memory_needed(image, file, full_size)
            if needed > attempt.memory.limit:
                raise ImageError(
                    f"decoding its {size} takes {mebibytes(needed)} of memory, "
                    f"above the limit of {mebibytes(attempt.memory.limit)}"
                )
            if attempt.needs(needed):
                image.load()
                if look is not None:
                    look(image)
                turn = _orientation(image)
                small = resized_rgb(image, _before_turning(turn, height, width))
                break
        # Others hold it. Two threads that both kept an image open would wait forever.
        del image
        file.let_go()
        attempt.wait_for(needed)
        file.begin_header()
    if turn in _TRANSPOSE:
        small = small.transpose(_TRANSPOSE[turn])
    small.info = {}  # of the file; whoever saves the picture would save some of it, too
    displayed = full_size[::-1] if turn in _SWAPS_SIDES else full_size
    return Picture(small, *displayed)


def _set_scale(image: PillowFile, height: int, width: int) -> None:
    """Set a JPEG to be decoded no larger than needed."""
    size = _before_turning(_orientation(image), height, width)
    image.draft(None, (size[0] * _REDUCED_DECODE_MARGIN, size[1] * _REDUCED_DECODE_MARGIN))
    if "progressive" in image.info:
        image.decodermaxblock = _PROGRESSIVE_BLOCK


def _before_turning(turn: int, height: int, width: int) -> tuple[int, int]:
    return (height, width) if turn in _SWAPS_SIDES else (width, height)


_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPS_SIDES = (5, 6, 7, 8)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if the metadata is damaged."""
    # Pillow rotates TIFFs itself on loading.
    if (
        image.format == "TIFF"
        or isinstance(image, PlainJpeg)
        or len(image.info.get("exif") or b"") > MOST_EXIF
    ):
        return 1
    try:
        value = image.getexif().get(0x0112, 1)
    except ImageError:  # out of time
        raise
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
