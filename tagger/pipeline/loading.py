"""Paths → pixels in a batch's array, one image after the other, and what is known of each file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from tagger.decode.budget import NO_HURRY, Attempt, ImageLimits, Memory
from tagger.decode.facts import measure
from tagger.decode.patience import GivenUpError
from tagger.decode.picture import ImageError, Picture, load_picture
from tagger.results import Failed, FileFacts, ImageText, Pixels


@dataclass(frozen=True, slots=True)
class Loaded:
    """An image whose pixels are in a batch: facts about its file, and what words say of it."""

    facts: FileFacts
    text: ImageText | None


#: For each path what was loaded, or why it could not be read.
Read: TypeAlias = list[Loaded | Failed]

#: Finds out what is known of an image in words, by its path.
TextOf: TypeAlias = Callable[[str], ImageText | None]

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
                known = replace(self._known, width=picture.width, height=picture.height)
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


def load_into(paths: Sequence[str], pixels: Pixels) -> Read:
    """Read images directly into a batch, without a time limit; see :class:`Loading`."""
    return Loading(paths, (), NO_HURRY, Memory(NO_HURRY.memory), pixels).finish()
