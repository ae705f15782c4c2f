"""A process that decodes, and the pieces that it has: what is noted of both, to lose neither."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Any, Final

from tagger.decode.budget import ImageLimits
from tagger.decode.messages import Progress, facts_of, text_of
from tagger.decode.processes import Decoder, Setup
from tagger.decode.shared import SharedBytes
from tagger.pipeline.loading import Loaded, Read
from tagger.results import Failed

# One that was ended and still holds its thread hangs in the system.
SECONDS_TO_END: Final = 2.0


@dataclass(eq=False)
class Piece:
    """Images that a process reads one after the other.

    Attributes:
        paths: of the images.
        offset: in shared memory, where the pixels of the first one go.
        size: height and width of the pixels.
        failed: place → an image that ended a process; it is not tried again.
        first: the number of the first image among all of a process.
        future: the outcome.
    """

    paths: Sequence[str]
    offset: int
    size: tuple[int, int]
    failed: dict[int, Failed] = field(default_factory=dict)
    first: int = 0
    future: Future[Read] = field(default_factory=Future)

    def done(self, records: Sequence[Any]) -> None:
        """Complete it with what a process says of each image."""
        read: Read = [
            self.failed.get(place) or _outcome(path, record)
            for place, (path, record) in enumerate(zip(self.paths, records, strict=True))
        ]
        with contextlib.suppress(InvalidStateError):  # given up
            self.future.set_result(read)

    def give_up(self, error: BaseException | None) -> None:
        """End it without an outcome; None cancels it."""
        with contextlib.suppress(InvalidStateError):
            if error is None:
                self.future.cancel()
            else:
                self.future.set_exception(error)


def _outcome(path: str, record: Sequence[Any]) -> Loaded | Failed:
    reason, size, modified, length, digest, *picture = record
    known = (size, modified, length, digest)
    if reason is not None:
        return Failed(path, str(reason), facts_of(known))
    width, height, text = picture
    return Loaded(facts_of(known, width, height), None if text is None else text_of(text))


class Seat:
    """A process, the pieces that it has, and the thread that communicates with it."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.decoder: Decoder | None = None
        self.pieces: deque[Piece] = deque()
        self.thread = threading.Thread()
        self.is_ready = False
        self.is_abandoned = False
        self.ending = ""
        self.deaths = 0  # one after the other
        self._lock = threading.Lock()
        self._asked = 0
        self._forget()

    def _forget(self) -> None:
        self.overdue: str | None = None
        self.stalled = False
        self._ended: float | None = None
        self._seen = Progress.NOTHING
        self._since = self._computed = 0.0

    def begin(self, shared: SharedBytes, setup: Setup) -> Decoder:
        """Start a process; errors as of :class:`tagger.decode.processes.Decoder`."""
        self._forget()
        decoder = Decoder(shared, self.at, setup)
        with self._lock:
            self.decoder = decoder
        decoder.begin()
        self.is_ready = True
        return decoder

    def ask(self, piece: Piece, limits: ImageLimits) -> None:
        """Ask the process for a piece; errors as of :meth:`tagger.decode.processes.Decoder.ask`."""
        assert self.decoder is not None
        piece.first, self._asked = self._asked, self._asked + len(piece.paths)
        failed = piece.failed
        paths = (
            [None if place in failed else path for place, path in enumerate(piece.paths)]
            if failed
            else list(piece.paths)
        )
        self.decoder.ask(piece.first, piece.offset, piece.size, limits, paths)

    def look(self, limits: ImageLimits) -> bool:
        """End the process if its image takes too long; return whether it does not end."""
        decoder, now = self.decoder, time.monotonic()
        if decoder is None:
            return False
        if self._ended is not None:
            return now - self._ended > SECONDS_TO_END
        number, computed = decoder.progress.number, decoder.computed() or 0.0
        if number != self._seen or number == Progress.NOTHING or decoder.waits:
            self._seen, self._since, self._computed = number, now, computed
            return False
        if limits.computing is not None and computed - self._computed > limits.computing:
            self.overdue = f"decoding it takes longer than {limits.computing:g} s"
        elif limits.seconds is not None and now - self._since > limits.seconds:
            self.overdue, self.stalled = f"reading it takes longer than {limits.seconds:g} s", True
        else:
            return False
        self._ended = now
        self.kill()
        return False

    def kill(self) -> None:
        """End the process."""
        with self._lock:
            if self.decoder is not None:
                self.decoder.kill()

    def close(self) -> None:
        """End the process and forget it."""
        with self._lock:
            decoder, self.decoder = self.decoder, None
        if decoder is not None:
            decoder.close()
