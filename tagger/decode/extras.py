"""Formats whose decoders are extras: HEIC with libheif, JPEG XL with libjxl.

The only module that imports pi_heif and imagecodecs.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from PIL import Image
from PIL.ImageFile import ImageFile as PillowFile

from tagger.decode.budget import ImageError
from tagger.decode.file import ImageFile
from tagger.decode.jxl_header import jxl_header
from tagger.errors import first_line
from tagger.files.kinds import decoded_format

_Opens: TypeAlias = Callable[[ImageFile], PillowFile]


def reader_of_extra(head: bytes) -> _Opens | None:
    """Return what opens a file that begins so, if it needs an extra that is installed."""
    readers: dict[str, _Opens] = {"HEIC": _open_heic, "JPEG XL": JxlFile}
    return readers.get(decoded_format(head) or "")


def _open_heic(file: ImageFile) -> PillowFile:
    """Open a HEIC; it is turned as its own properties say, and not by its EXIF once more.

    Raises:
        Exception: whatever libheif says of damaged bytes.
    """
    image: PillowFile = _loaded("pi_heif.as_plugin").HeifImageFile(file)
    return image


class JxlFile(PillowFile):
    """A JPEG XL as Pillow would open it; only its first frame, turned as it asks."""

    format = "JXL"
    format_description = "JPEG XL (ISO 18181)"

    def _open(self) -> None:
        assert self.fp is not None
        self._size = jxl_header(self.fp)
        self._mode = "RGB"

    def load(self) -> Any:
        """Decode."""
        if self._im is None:
            assert self.fp is not None
            self.fp.seek(0)
            decode = _loaded("imagecodecs").jpegxl_decode
            samples = decode(self.fp.read(), index=0, numthreads=1)
            image = Image.fromarray(_eight_bit(samples))
            if image.size != self.size:
                raise ValueError("its pixels are not as many as its header says")
            self._mode, self.im = image.mode, image.im
        return Image.Image.load(self)


def _loaded(module: str) -> Any:
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as error:  # built for another system, or half installed
        raise ImageError(
            f"the package '{package}' cannot be loaded ({first_line(error)}): install it again"
        ) from None


def _eight_bit(samples: Any) -> Any:
    """Scale samples of any depth to 8 bits."""
    import numpy as np  # few images need it, and it takes as long to load as all the rest

    if samples.dtype.kind == "f":
        samples = np.clip(np.nan_to_num(samples.astype(np.float32)), 0, 1) * 255 + 0.5
    elif samples.dtype.itemsize > 1:
        samples = samples >> (8 * (samples.dtype.itemsize - 1))
    return np.ascontiguousarray(samples.astype(np.uint8))
