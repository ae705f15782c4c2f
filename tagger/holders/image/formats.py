"""Which format a file is in, by its first bytes."""

from __future__ import annotations

import os

from tagger.holders.image import jpeg, png, tiff, webp
from tagger.holders.image.container import Container, EmbedError, Reader

_OTHERS = (
    (0, b"GIF8", "a GIF"),
    (0, b"BM", "a BMP"),
    (4, b"ftypavi", "an AVIF"),
    (4, b"ftyp", "a HEIC"),
    (4, b"jP  ", "a JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (4, b"JXL ", "a JPEG XL"),
    (0, b"\xff\x0a", "a JPEG XL"),
)


class NoPlaceError(EmbedError):
    """The file is of a format into which we put no tags."""


def read_container(reader: Reader, name: str) -> Container:
    """Look an image file through; only the ending of its name matters, and only to TIFF.

    Raises:
        EmbedError: it is damaged.
        NoPlaceError: it is of another format.
    """
    head = reader.take(0, min(reader.size, 12))
    if head.startswith(jpeg.SIGNATURE):
        return jpeg.Jpeg(reader)
    if head.startswith(png.SIGNATURE):
        return png.Png(reader)
    if head[:4] == webp.RIFF and head[8:] == webp.WEBP:
        return webp.WebP(reader)
    if head[:4] in tiff.SIGNATURES:
        # Cameras' raw files are TIFF inside; nobody wants those written to.
        if os.path.splitext(name)[1].lower() not in (".tif", ".tiff"):
            raise EmbedError("a TIFF by another name, most likely a raw file")
        return tiff.Tiff(reader)
    found = (kind for at, start, kind in _OTHERS if head[at:].startswith(start))
    kind = next(found, "a file of a format")
    raise NoPlaceError(f"{kind} into which no tags can be embedded (use --sidecar xmp)")
