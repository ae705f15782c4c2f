"""Small pictures of images, made in parallel, each within the budget of an image."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import local

from PIL import Image

from tagger.decode.budget import Attempt, ImageLimits, Memory
from tagger.decode.patience import Patience
from tagger.decode.picture import ImageError, Picture, load_picture
from tagger.errors import OutputError, os_reason, spoils_the_rest
from tagger.files.write import write_whole
from tagger.text import printable

#: The largest width and height of a thumbnail, in pixels.
WIDTH, HEIGHT = 224, 336

_QUALITY = 78
# Thumbnails whose shape is nearly that of the box are not sampled twice.
_SAME_SHAPE = 0.02
#: The extension of their files.
ENDING = ".jpg"


@dataclass(frozen=True, slots=True)
class Thumbnail:
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
def thumbnails(
    files: Sequence[str], folder: str | None, *, workers: int, limits: ImageLimits
) -> Iterator[Iterator[Thumbnail]]:
    """Provide the thumbnails of images, in their order.

    Args:
        files: the images.
        folder: where their files are written; one that is there is not made again unless its image
            has changed. None keeps them in memory.
        workers: number of threads.
        limits: what an image may cost.

    Raises:
        OutputError: by the iterator: a thumbnail cannot be written, and no other could.
    """
    making = _Making(folder, limits)
    pool = ThreadPoolExecutor(workers, "thumbnails")
    try:
        yield pool.map(making.thumbnail, files)
    finally:
        pool.shutdown(cancel_futures=True)
        making.close()


class _Making:
    """Makes thumbnails; its method may be called by several threads at once."""

    def __init__(self, folder: str | None, limits: ImageLimits) -> None:
        self._folder = folder
        self._limits = limits
        self._memory = Memory(limits.memory)
        self._own = local()
        self._opened: list[Patience] = []

    def thumbnail(self, file: str) -> Thumbnail:
        """Return an image's thumbnail, or why there is none."""
        attempts: list[Attempt] = []
        try:
            return self._patience()(partial(self._thumbnail, file, attempts))
        except TimeoutError:
            for attempt in attempts:
                attempt.give_up()
            return Thumbnail(reason=f"reading it takes longer than {self._limits.seconds:g} s")
        except ImageError as error:
            return Thumbnail(reason=str(error))
        except MemoryError:
            return Thumbnail(reason="not enough memory to read it")
        except OSError as error:
            return Thumbnail(reason=os_reason(error))

    def close(self) -> None:
        """Let the threads that wait for drives end."""
        for patience in self._opened:
            patience.close()

    def _patience(self) -> Patience:
        """Return what this thread waits for drives with."""
        patience: Patience | None = getattr(self._own, "patience", None)
        if patience is None:
            # A little more than what an image may take: the image itself says what took long.
            seconds = self._limits.seconds
            patience = self._own.patience = Patience(None if seconds is None else seconds + 1)
            self._opened.append(patience)
        return patience

    def _thumbnail(self, file: str, attempts: list[Attempt]) -> Thumbnail:
        name = _name(file)
        place = None if self._folder is None else os.path.join(self._folder, f"{name}{ENDING}")
        if place is not None and os.path.exists(place):
            return Thumbnail(name)
        attempts.append(Attempt(self._limits, self._memory))
        data = _encoded(load_picture(file, HEIGHT, WIDTH, attempts[0]))
        if place is None:
            return Thumbnail(data=data)
        self._write(place, data)
        return Thumbnail(name)

    def _write(self, place: str, data: bytes) -> None:
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
    about = (os.path.abspath(file), status.st_size, status.st_mtime_ns, WIDTH, HEIGHT, _QUALITY)
    return hashlib.sha256(repr(about).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _encoded(picture: Picture) -> bytes:
    """Return a picture in its own shape as JPEG."""
    image = Image.fromarray(picture.pixels)
    scale = min(WIDTH / picture.width, HEIGHT / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    if abs(size[0] - WIDTH) > WIDTH * _SAME_SHAPE or abs(size[1] - HEIGHT) > HEIGHT * _SAME_SHAPE:
        image = image.resize(size, Image.Resampling.BILINEAR)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=_QUALITY)
    return data.getvalue()
