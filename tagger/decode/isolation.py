"""Single images, each decoded in a process of its own: whatever they do to it, this one goes on."""

from __future__ import annotations

import threading

from PIL import Image

from tagger.decode.budget import Attempt
from tagger.decode.messages import Progress
from tagger.decode.picture import ImageError, Picture
from tagger.decode.processes import Decoder, Setup, cannot_start, crashed
from tagger.decode.shared import SharedBytes


class Isolation:
    """Decoding processes for single images, one for each thread that uses one at the same time.

    Args:
        pixels: the most that an image is scaled to.
    """

    def __init__(self, pixels: int) -> None:
        self._bytes = 3 * pixels
        self._lock = threading.Lock()
        self._free: list[_Single] = []
        self._closed = False

    def load(self, path: str, height: int, width: int, attempt: Attempt) -> Picture:
        """Decode an image; arguments and errors as for :func:`tagger.decode.picture.load_picture`.

        Raises:
            TaggerError: no process can be started.
        """
        single = self._free_one() or _Single(self._bytes)
        try:
            attempt.when_given_up(single.decoder.kill)
            return single.load(path, height, width, attempt)
        finally:
            attempt.when_given_up(None)
            with self._lock:
                if self._closed or attempt.given_up or not single.decoder.is_alive:
                    single.close()
                else:
                    self._free.append(single)

    def _free_one(self) -> _Single | None:
        with self._lock:
            while self._free:
                single = self._free.pop()
                if single.decoder.is_alive:
                    return single
                single.close()
        return None

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._closed = True
            while self._free:
                self._free.pop().close()


class _Single:
    """A process, and memory for one image."""

    def __init__(self, size: int) -> None:
        self._shared = SharedBytes(Progress.SIZE + size)
        try:
            self.decoder = Decoder(self._shared, 0, Setup())
        except BaseException:
            self._shared.close()
            raise
        self._began = False

    def load(self, path: str, height: int, width: int, attempt: Attempt) -> Picture:
        if not self._began:
            try:
                self.decoder.begin()
            except (EOFError, OSError, ValueError):
                raise cannot_start(f"it ended with {self.decoder.ending()}") from None
            self._began = True
        try:
            self.decoder.ask(0, Progress.SIZE, (height, width), attempt.limits, [path])
            _, ((reason, *record),) = self.decoder.answer(attempt.memory)
        except (EOFError, OSError, ValueError):
            raise ImageError(crashed(self.decoder.ending())) from None
        if reason is not None:
            raise ImageError(str(reason))
        pixels = self._shared.bytes[Progress.SIZE : Progress.SIZE + height * width * 3]
        return Picture(Image.frombytes("RGB", (width, height), pixels), record[4], record[5])

    def close(self) -> None:
        self.decoder.close()
        self._shared.close()
