"""Work that may hang on a drive, and the threads that hang on it.

A thread that waits for a drive that is gone cannot be stopped: it is abandoned, and another one
continues. A thread that is still in native code while the interpreter shuts down could crash it, so
:func:`threads_left_behind` is checked before a process ends.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from tagger.errors import TaggerError

logger = logging.getLogger(__name__)

Done = TypeVar("Done")

#: A single file may hang; this many at the same time mean that the drive does.
MOST_HANGING = 16

#: Abandoned threads; one that comes back removes itself.
left_behind: set[threading.Thread] = set()


class GivenUpError(Exception):
    """Another thread has taken over this thread's work."""


class StalledError(TaggerError):
    """So many files hang that the run makes no progress."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"Reading has stalled: {count} images or folders have taken too long and still do not "
            "respond. Check their drive, then continue with --resume --retry-failed."
        )


def threads_left_behind() -> bool:
    """Return whether abandoned threads are still running."""
    return any(thread.is_alive() for thread in list(left_behind))


class Task(Generic[Done]):
    """Work for another thread, and its result; ``gave_up`` is asked whether it takes too long."""

    def __init__(
        self, work: Callable[[], Done], gave_up: Callable[..., bool] | None = None
    ) -> None:
        self.future: Future[Done] = Future()
        self.gave_up = gave_up
        self._work = work

    def run(self) -> None:
        """Do the work.

        Raises:
            GivenUpError: another thread has taken over.
        """
        try:
            result = self._work()
        except GivenUpError:
            raise
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Patience:
    """Runs calls that may hang, one after the other, with a time limit for each.

    They run in a separate thread, so that the waiting thread can be interrupted. Without a limit
    they run directly.
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._queue: SimpleQueue[Task[Any] | None] | None = None
        self._thread: threading.Thread | None = None
        self._at_work: Task[Any] | None = None
        self._hanging: set[threading.Thread] = set()

    def __call__(self, work: Callable[[], Done]) -> Done:
        """Return what the call returns, or raise what it raises.

        Raises:
            TimeoutError: it takes too long; the message says how long.
            StalledError: many others take too long as well.
        """
        if self._seconds is None:
            return work()
        if self._queue is None:
            self._queue = SimpleQueue()
            name, args = "patience", (self._queue,)
            self._thread = threading.Thread(target=_serve, args=args, name=name, daemon=True)
            self._thread.start()
        self._at_work = task = Task(work)
        self._queue.put(task)
        try:
            return task.future.result(self._seconds)
        except TimeoutError:
            if task.future.done():  # the call itself raised it
                raise
        assert self._thread is not None
        self._hanging.add(self._thread)
        self.close()
        hanging = sum(thread.is_alive() for thread in self._hanging)
        logger.info("gave up after %g s; %d threads hang", self._seconds, hanging)
        if hanging > MOST_HANGING:
            raise StalledError(hanging)
        raise TimeoutError(f"takes longer than {self._seconds:g} s")

    def close(self) -> None:
        """Let the thread end when it is idle."""
        if self._queue is None or self._thread is None:
            return
        self._queue.put(None)
        self._queue = None
        if self._at_work is not None and not self._at_work.future.done():
            left_behind.add(self._thread)


def _serve(queue: SimpleQueue[Task[Any] | None]) -> None:
    while (task := queue.get()) is not None:
        task.run()
