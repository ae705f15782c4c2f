"""The thumbnails of a gallery: in memory, or in files that are made once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from tagger.decode.budget import Attempt, ImageError, ImageLimits
from tagger.decode.thumbnail import QUALITY, Thumbnails
from tagger.errors import OutputError, os_reason, spoils_the_rest
from tagger.files.write import write_whole
from tagger.text import printable

#: The largest width and height of a thumbnail, in pixels.
WIDTH, HEIGHT = 224, 336

#: The extension of their files.
ENDING = ".jpg"


@dataclass(frozen=True, slots=True)
class Small:
    """A small picture, or why there is none.

    Attributes:
        name: of its file, without the extension; empty if it lies in none.
        data: its bytes, JPEG; empty if it lies in a file.
        reason: why there is none, for a person.
    """

    name: str = ""
    data: bytes = b""
    reason: str = ""


@contextmanager
def small_pictures(
    files: Sequence[str], folder: str | None, *, workers: int, limits: ImageLimits
) -> Iterator[Iterator[Small]]:
    """Provide the small pictures of images, in their order.

    Args:
        files: the images.
        folder: where their files are written; one that is there is not made again unless its image
            has changed. None keeps them in memory.
        workers: number of threads.
        limits: what an image may cost.

    Raises:
        OutputError: by the iterator: a file cannot be written, and no other could.
    """
    with closing(Thumbnails(HEIGHT, WIDTH, limits, workers)) as maker:

        def make(file: str, attempt: Attempt) -> Small:
            try:
                return _small(maker, file, folder, attempt)
            except OSError as error:
                raise ImageError(os_reason(error)) from None

        made = maker.each(make, files)
        yield (Small(reason=one) if isinstance(one, str) else one for one in made)


def _small(maker: Thumbnails, file: str, folder: str | None, attempt: Attempt) -> Small:
    if folder is None:
        return Small(data=maker.thumbnail(file, attempt).jpeg)
    name = _name(file)
    place = os.path.join(folder, f"{name}{ENDING}")
    if not os.path.exists(place):
        _write(place, maker.thumbnail(file, attempt).jpeg)
    return Small(name)


def _write(place: str, data: bytes) -> None:
    try:
        write_whole(place, data, asked=True)
    except OSError as error:
        if spoils_the_rest(error) or isinstance(error, PermissionError | FileNotFoundError):
            raise OutputError(
                f"{printable(place)} cannot be written: {os_reason(error)}."
            ) from None
        raise


def _name(file: str) -> str:
    """Return the name of an image's thumbnail: another one when the image's file has changed."""
    status = os.stat(file)
    about = (os.path.abspath(file), status.st_size, status.st_mtime_ns, WIDTH, HEIGHT, QUALITY)
    return hashlib.sha256(repr(about).encode("utf-8", "surrogateescape")).hexdigest()[:24]
