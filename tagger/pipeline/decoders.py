"""Decoders that read pieces of batches: threads of this process, or processes.

What hangs or crashes costs the image that is being read. A process is ended and another one
continues; a thread cannot be ended, so another one takes its place beside it.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import pickle
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Final

from tagger.decode.budget import ImageLimits, Memory
from tagger.decode.messages import Progress
from tagger.decode.patience import MOST_HANGING, StalledError
from tagger.decode.processes import Setup, cannot_start, crashed
from tagger.decode.shared import SharedBytes
from tagger.errors import TaggerError
from tagger.pipeline.costs import Costs
from tagger.pipeline.loading import Read, TextOf
from tagger.pipeline.seats import SECONDS_TO_END, Piece, Seat
from tagger.results import Failed

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS: Final = 0.2
# A process has the next piece before the answer to its last one is read.
_PIECES_IN_HAND: Final = 2

# Processes that end one after the other without an image at work are not ended by images.
_MOST_DEATHS: Final = 3

# All allowances together are this part of the memory; no allowance is above the most.
_SHARE_OF_ALLOWANCES: Final = 8
_MOST_ALLOWANCE: Final = 16 * 1024**2


class ProcessDecoders:
    """Processes that read pieces; their start takes a while, see :attr:`are_ready`.

    Args:
        count: number of processes.
        shared: where pixels go; its first bytes are :func:`bytes_of_progress`.
        wanted: what :func:`tagger.decode.facts.measure` is to find out about each file.
        limits: what an image may cost.
        memory: shared by all.
        text_of: called for each image with pixels; see :func:`can_be_sent`.
    """

    def __init__(
        self,
        count: int,
        shared: SharedBytes,
        wanted: Sequence[str],
        limits: ImageLimits,
        costs: Costs,
        text_of: TextOf | None,
    ) -> None:
        allowance = min(_MOST_ALLOWANCE, limits.memory // (_SHARE_OF_ALLOWANCES * count))
        self._setup = Setup(tuple(wanted), allowance, text_of)
        self._shared = shared
        self._limits = limits
        self._costs = costs
        # An image that needs all of it waits until no other one has asked for any.
        self._memory = Memory(max(1, limits.memory - count * allowance))
        self._queue: SimpleQueue[Piece | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._error: TaggerError | None = None
        self._stalled = 0
        self._seats = [Seat(place * Progress.SIZE) for place in range(count)]
        self._began_in = os.getpid()
        atexit.register(self.close)
        for seat in self._seats:
            self._start(seat)
        self._watcher = threading.Thread(target=self._watch, name="decode-watch", daemon=True)
        with contextlib.suppress(RuntimeError):  # cannot be started: then nothing is watched
            self._watcher.start()

    @property
    def are_ready(self) -> bool:
        """Whether all of them are ready."""
        return all(seat.is_ready for seat in self._seats)

    @property
    def error(self) -> TaggerError | None:
        """Why they cannot read anything more; None if they can."""
        return self._error

    def submit(self, paths: Sequence[str], offset: int, size: tuple[int, int]) -> Future[Read]:
        """Read images into shared memory; the row of one that cannot be read is left as it is.

        The future raises TaggerError if no process can be started, and StalledError if too much
        hangs.
        """
        piece = Piece(paths, offset, size)
        self._queue.put(piece)
        if self._error is not None or self._closed.is_set():
            self._drop()
        return piece.future

    def close(self) -> None:
        """End all processes; what they have not read is cancelled."""
        if os.getpid() != self._began_in:  # one that was forked from it; they are not its own
            return
        atexit.unregister(self.close)
        self._closed.set()
        for seat in self._seats:
            seat.kill()
            self._queue.put(None)
        self._watcher.join()
        for seat in self._seats:
            seat.thread.join(SECONDS_TO_END)
        self._drop()

    def _start(self, seat: Seat) -> None:
        seat.thread = threading.Thread(
            target=self._work, args=(seat,), name=f"decode_{seat.at // Progress.SIZE}", daemon=True
        )
        try:
            seat.thread.start()
        except RuntimeError:
            self._fail(
                TaggerError(
                    "No thread can be started: the machine has no memory or no processes left."
                )
            )

    def _work(self, seat: Seat) -> None:
        while not self._has_ended:
            try:
                self._exchange(seat)
                break
            except TaggerError as error:
                if not self._closed.is_set():
                    self._fail(error)
            except (EOFError, OSError, ValueError, TypeError, KeyError):  # of what makes no sense
                if self._closed.is_set() or seat.is_abandoned:
                    break
                seat.deaths = 0 if self._blame(seat) else seat.deaths + 1
                seat.close()
                if seat.deaths > _MOST_DEATHS:
                    self._fail(cannot_start(f"it ended with {seat.ending}"))
        seat.close()
        if self._has_ended:
            self._drop()

    @property
    def _has_ended(self) -> bool:
        return self._closed.is_set() or self._error is not None

    def _exchange(self, seat: Seat) -> None:
        """Give a new process pieces until there are no more; errors as of its decoder."""
        decoder = seat.begin(self._shared, self._setup)
        if self._has_ended:  # while it began
            return
        for piece in seat.pieces:
            seat.ask(piece, self._limits)
        while self._take(seat):
            seconds, records = decoder.answer(self._memory)
            if seat.is_abandoned:
                break
            seat.deaths = 0
            self._done(seat.pieces.popleft(), seconds, records)

    def _take(self, seat: Seat) -> bool:
        """Give a process pieces; return whether it has any, once there are some or never more."""
        while len(seat.pieces) < _PIECES_IN_HAND:
            try:
                piece = self._queue.get(block=not seat.pieces)
            except Empty:
                break
            if piece is None:
                return False
            seat.pieces.append(piece)
            seat.ask(piece, self._limits)
        return True

    def _done(self, piece: Piece, seconds: float, records: Sequence[Any]) -> None:
        self._costs.add("reading", seconds, len(piece.paths))
        piece.done(records)
        if not piece.failed and any(record[0] is None for record in records):
            self._stalled = 0

    def _blame(self, seat: Seat) -> bool:
        """Note as failed the image that a process was reading; return whether there was one."""
        assert seat.decoder is not None
        seat.ending = "" if seat.overdue else seat.decoder.ending()
        why = seat.overdue or crashed(seat.ending)
        number, facts = seat.decoder.progress.number, seat.decoder.progress.facts
        if seat.stalled:
            with self._lock:
                self._stalled += 1
                if self._stalled > MOST_HANGING + len(self._seats):
                    self._fail(StalledError(self._stalled))
        for piece in seat.pieces:
            place = number - piece.first
            if number != Progress.NOTHING and 0 <= place < len(piece.paths):
                piece.failed[place] = Failed(piece.paths[place], why, facts)
                return True
        return False

    def _fail(self, error: TaggerError) -> None:
        if self._error is None:
            self._error = error
        for seat in self._seats:
            seat.kill()
        self._drop()

    def _drop(self) -> None:
        """Complete all pieces without an outcome."""
        with contextlib.suppress(Empty):
            while True:
                piece = self._queue.get_nowait()
                if piece is not None:
                    piece.give_up(self._error)
        for _ in self._seats:
            self._queue.put(None)
        for seat in self._seats:
            for piece in list(seat.pieces):
                piece.give_up(self._error)

    def _watch(self) -> None:
        while not self._closed.wait(_SECONDS_BETWEEN_LOOKS):
            for place, seat in enumerate(self._seats):
                if seat.look(self._limits):
                    # It hangs where nothing ends it: its thread waits for it, and another goes on.
                    seat.is_abandoned = True
                    self._blame(seat)
                    next_one = self._seats[place] = Seat(seat.at)
                    next_one.pieces = deque(seat.pieces)
                    self._start(next_one)


def can_be_sent(text_of: TextOf | None) -> bool:
    """Return whether a function of this package can be sent to a process.

    Others may belong to a script, which processes know nothing of.
    """
    if text_of is None:
        return True
    if not type(text_of).__module__.startswith("tagger."):
        return False
    try:
        pickle.dumps(text_of)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True


def bytes_of_progress(processes: int) -> int:
    """Return how many bytes processes need before the pixels in the memory that they share."""
    return processes * Progress.SIZE
