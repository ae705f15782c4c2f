"""Image files → small JPEGs for people to look at, several at a time, each within its budget."""

from __future__ import annotations

import io
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from PIL import Image

from tagger.decode.budget import DEFAULT_LIMITS, Attempt, ImageError, ImageLimits, Memory
from tagger.decode.patience import Patience
from tagger.decode.picture import Picture, load_picture

Made = TypeVar("Made")

# More would only wait for the interpreter's lock, or for the drive.
_MOST_THREADS = 8

#: Of the JPEG.
QUALITY = 75

# Images that each thread reads ahead of the one that is wanted: what is made waits in memory.
_AHEAD = 4

# A drive that keeps so many images waiting is gone: the others are not waited for.
_MOST_HANGING = 4

# A shape that differs by less is not seen to; most posters are then decoded once.
_UNSEEN = 0.04


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A JPEG, and its size in pixels."""

    jpeg: bytes
    width: int
    height: int


class Thumbnails:
    """Makes thumbnails.

    Args:
        height: of the box that a thumbnail fits into, in pixels; nothing is enlarged.
        width: likewise.
        limits: what an image may cost.
        threads: so many work at a time; None for as many as are of use.
    """

    def __init__(
        self,
        height: int,
        width: int,
        limits: ImageLimits = DEFAULT_LIMITS,
        threads: int | None = None,
    ) -> None:
        self._box = (height, width)
        self._limits = limits
        self._memory = Memory(limits.memory)
        self._own = threading.local()
        self._patiences: list[Patience] = []
        self._hanging = 0
        threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
        self._ahead = _AHEAD * threads
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="thumbnail")

    def of(self, paths: Iterable[str]) -> Iterator[Thumbnail | str]:
        """Yield the thumbnail of each image, or why there is none."""
        return self.each(self.thumbnail, paths)

    def each(
        self,
        make: Callable[[str, Attempt], Made],
        paths: Iterable[str],
        then: Callable[[int, Made], Any] | None = None,
    ) -> Iterator[Any]:
        """Yield what is made of each image, or why that could not be, as a text.

        Args:
            make: called with a path and what making may cost; what else than an image's failure
                it raises, the iterator raises.
            paths: of the images; taken a few ahead of what is yielded.
            then: called in the same thread with the image's number, from 0, and what was made, and
                without a limit of time; what it returns is yielded.
        """
        ahead: deque[Future[Any]] = deque()
        for number, path in enumerate(paths):
            ahead.append(self._threads.submit(self._all, make, then, number, path))
            if len(ahead) > self._ahead:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    def thumbnail(self, path: str, attempt: Attempt) -> Thumbnail:
        """Return an image's thumbnail; errors as in :func:`tagger.decode.picture.load_picture`."""
        return _thumbnail(path, *self._box, attempt)

    def close(self) -> None:
        """End the threads; one that hangs on a drive is left behind."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for patience in self._patiences:
            patience.close()

    def _all(
        self,
        make: Callable[[str, Attempt], Made],
        then: Callable[[int, Made], Any] | None,
        number: int,
        path: str,
    ) -> Any:
        made = self._one(make, path)
        return made if then is None or isinstance(made, str) else then(number, made)

    def _one(self, make: Callable[[str, Attempt], Made], path: str) -> Made | str:
        if self._hanging >= _MOST_HANGING:
            return "reading has stalled"
        if not hasattr(self._own, "patience"):
            self._own.patience = Patience(self._limits.seconds)
            self._patiences.append(self._own.patience)
        attempts: list[Attempt] = []

        def work() -> Made:
            attempts.append(Attempt(self._limits, self._memory))
            return make(path, attempts[0])

        try:
            return self._own.patience(work)  # type: ignore[no-any-return]
        except TimeoutError as error:
            self._hanging += 1
            for attempt in attempts:
                attempt.give_up()
            return f"reading it {error}"
        except (ImageError, MemoryError) as error:
            return str(error) or "not enough memory to decode it"


def thumbnail_of(picture: Picture, height: int, width: int) -> Thumbnail:
    """Return the thumbnail of a picture whose pixels need not have its shape.

    Args:
        picture: its pixels, and the size of the original image.
        height: of the box that the thumbnail fits into, in pixels; nothing is enlarged.
        width: likewise.
    """
    image = picture.image
    rows, columns = _size(picture, height, width)
    if not _is_nearly((image.height, image.width), (rows, columns)):
        image = image.resize((columns, rows), Image.Resampling.BILINEAR)
    return _encoded(image)


def _thumbnail(path: str, height: int, width: int, attempt: Attempt) -> Thumbnail:
    picture = load_picture(path, height, width, attempt)
    size = _size(picture, height, width)
    if not _is_nearly((height, width), size):
        # The whole is decoded again, since the size was not known before.
        picture = load_picture(path, *size, attempt)
    return _encoded(picture.image)


def _size(picture: Picture, height: int, width: int) -> tuple[int, int]:
    """Return the height and width of a thumbnail in the shape of the original image."""
    scale = min(1.0, height / picture.height, width / picture.width)
    return max(1, round(picture.height * scale)), max(1, round(picture.width * scale))


def _is_nearly(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return all(abs(a / b - 1) <= _UNSEEN for a, b in zip(other, one, strict=True))


def _encoded(image: Image.Image) -> Thumbnail:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=QUALITY)
    return Thumbnail(data.getvalue(), image.width, image.height)
