"""Paths → pixels in a batch's array, one image after the other, and what is known of each file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from typing import NamedTuple, TypeAlias

import numpy as np
from PIL import Image

from tagger.decode.budget import Attempt, ImageLimits, Memory
from tagger.decode.facts import measure
from tagger.decode.patience import GivenUpError
from tagger.decode.picture import ImageError, Picture, load_picture
from tagger.results import Failed, FileFacts, ImageText, Pixels


class Loaded(NamedTuple):
    """An image whose pixels are in a batch: facts about its file, and what words say of it."""

    facts: FileFacts
    text: ImageText | None


#: For each path what was loaded, or why it could not be read.
Read: TypeAlias = list[Loaded | Failed]

#: Finds out what is known of an image in words, by its path.
TextOf: TypeAlias = Callable[[str], ImageText | None]

#: Starts work that may hang, as :meth:`tagger.pipeline.workers.WorkerPool.submit_watched`.
SubmitWatched: TypeAlias = Callable[[Callable[[], Read], Callable[..., bool]], Future[Read]]

#: Like :func:`tagger.decode.picture.load_picture`: path, height, width, attempt → picture.
LoadPicture: TypeAlias = Callable[[str, int, int, Attempt], Picture]


class Loading:
    """Images on their way into a batch.

    Where a thread hangs on an image, another one continues after it: see
    :meth:`tagger.pipeline.workers.WorkerPool.submit_watched`.

    Args:
        wanted: what :func:`tagger.decode.facts.measure` is to find out about each file.
        limits: what an image may cost.
        memory: shared by all.
        pixels: uint8, shape ``(at least len(paths), height, width, 3)``; changed in place. None
            if they are set before the reading begins.
        text_of: called for each image with pixels, and watched as the reading of those is; None if
            nobody needs a text.
    """

    def __init__(
        self,
        paths: Sequence[str],
        wanted: Collection[str],
        limits: ImageLimits,
        memory: Memory,
        pixels: Pixels | None = None,
        load: LoadPicture = load_picture,
        text_of: TextOf | None = None,
    ) -> None:
        self._load_picture = load
        self._text_of = text_of
        self.pixels = pixels
        self._paths = paths
        self._wanted = wanted
        self._limits = limits
        self._memory = memory
        self._lock = threading.Lock()
        self._turn = 0  # identifies the thread whose work counts
        self._read: Read = []
        self._known = FileFacts()
        self._attempt: Attempt | None = None

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self._paths)

    def finish(self) -> Read:
        """Read the remaining images; the row of an unreadable image is left unchanged.

        Raises:
            GivenUpError: another thread has taken over in the meantime.
        """
        turn = self._turn
        while len(self._read) < len(self._paths):
            path = self._paths[len(self._read)]
            attempt = Attempt(self._limits, self._memory)
            with self._lock:
                self._ensure(turn)
                self._known, self._attempt = FileFacts(), attempt
            loaded = self._load(path, attempt, turn)
            with self._lock:
                self._ensure(turn)
                self._attempt = None
                if isinstance(loaded, str):
                    self._read.append(Failed(path, loaded, self._known))
                    continue
                picture, text = loaded
                assert self.pixels is not None
                self.pixels[len(self._read)] = picture.pixels
                known = self._known._replace(width=picture.width, height=picture.height)
                self._read.append(Loaded(known, text))
        return self._read

    def gave_up(self, *, now: bool = False) -> bool:
        """Give up an image that takes too long, or any ``now``; called by another thread."""
        with self._lock:
            if self._attempt is None:
                return False
            reason = "given up" if now else self._attempt.overdue()
            if reason is None:
                return False
            self._attempt.give_up()
            self._attempt = None
            self._read.append(Failed(self._paths[len(self._read)], reason, self._known))
            self._turn += 1
            return True

    def _ensure(self, turn: int) -> None:
        if turn != self._turn:
            raise GivenUpError

    def _load(
        self, path: str, attempt: Attempt, turn: int
    ) -> tuple[Picture, ImageText | None] | str:
        """Return the picture and its text, or why it cannot be read."""
        assert self.pixels is not None
        try:
            # Before the image itself, so that any later change is detected.
            known = measure(path, self._wanted)
            with self._lock:
                self._ensure(turn)
                self._known = known
            height, width = self.pixels.shape[1:3]
            picture = self._load_picture(path, height, width, attempt)
            return picture, None if self._text_of is None else self._text_of(path)
        except ImageError as error:
            return str(error)
        except MemoryError:
            return "not enough memory to read it"


def add_texts(
    paths: Sequence[str],
    reading: Future[Read],
    text_of: TextOf,
    limits: ImageLimits,
    submit: SubmitWatched,
) -> Future[Read]:
    """Return images that a process reads with what this process knows of them in words.

    Args:
        paths: of the images.
        reading: the images without texts.
        text_of: watched as in :class:`Loading`.
        limits: what it may cost.
        submit: starts the work on texts when the images have been read.
    """
    outcome: Future[Read] = Future()
    images: Read = []

    def told(texts: Future[Read]) -> None:
        if texts.cancelled():
            outcome.cancel()
        elif (error := texts.exception()) is not None:
            outcome.set_exception(error)
        else:
            found = iter(texts.result())
            outcome.set_result(
                [one if isinstance(one, Failed) else _joined(one, next(found)) for one in images]
            )

    def read(pictures: Future[Read]) -> None:
        nonlocal images
        if pictures.cancelled() or pictures.exception() is not None:
            told(pictures)
            return
        images = pictures.result()
        wanted = [path for path, one in zip(paths, images, strict=True) if isinstance(one, Loaded)]
        nothing = np.empty((len(wanted), 0, 0, 3), dtype=np.uint8)
        memory = Memory(limits.memory)
        texts = Loading(wanted, (), limits, memory, nothing, _no_picture, text_of)
        submit(texts.finish, texts.gave_up).add_done_callback(told)

    reading.add_done_callback(read)
    return outcome


def _no_picture(path: str, height: int, width: int, attempt: Attempt) -> Picture:
    return Picture(Image.new("RGB", (0, 0)), 0, 0)


def _joined(image: Loaded, text: Loaded | Failed) -> Loaded | Failed:
    if isinstance(text, Failed):
        return text._replace(facts=image.facts)
    return image._replace(text=text.text)
