"""Threads that work in parallel, and are replaced if they hang.

The interpreter waits for threads of open pools when it ends, but not for one that hangs; see
:mod:`tagger.decode.patience` for those that are abandoned.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

from tagger.decode.patience import MOST_HANGING, GivenUpError, StalledError, Task, left_behind
from tagger.errors import TaggerError

logger = logging.getLogger(__name__)

Parameters = ParamSpec("Parameters")
Done = TypeVar("Done")

_SECONDS_BETWEEN_LOOKS = 0.2
# When a run is stopped; work in progress is lost anyway.
_LAST_SECONDS = 5.0


class WorkerPool:
    """A pool of threads; see :func:`worker_pool`."""

    def __init__(self, workers: int, name: str) -> None:
        self._workers = workers
        self._name = name
        self._queue: SimpleQueue[Task[Any] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._at_work: dict[threading.Thread, Task[Any]] = {}
        self._hanging: set[threading.Thread] = set()
        self._started = 0
        self._closed = threading.Event()
        self._watcher: threading.Thread | None = None

    def submit(
        self,
        work: Callable[Parameters, Done],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Future[Done]:
        """Start work.

        Raises:
            TaggerError: not even one thread can be started.
        """
        return self._submit(Task(lambda: work(*args, **kwargs)))

    def submit_watched(
        self, work: Callable[[], Done], gave_up: Callable[..., bool]
    ) -> Future[Done]:
        """Start work that may hang; errors as in :meth:`submit`.

        The future raises :class:`StalledError` if too much hangs.

        Args:
            work: called again, in another thread, it continues after what was given up.
            gave_up: gives up what takes too long, or with ``now=True`` what may hang however long
                it takes, and returns whether there was anything; the thread of that work then
                raises :class:`GivenUpError` as soon as it returns.
        """
        future = self._submit(Task(work, gave_up))
        if self._watcher is None:
            watcher = threading.Thread(target=self._watch, name=f"{self._name}-watch", daemon=True)
            self._watcher = watcher
            with contextlib.suppress(RuntimeError):  # cannot be started: then nothing is watched
                watcher.start()
        return future

    def submit_after(
        self, awaited: Sequence[Future[Any]], work: Callable[[], Done]
    ) -> Future[Done]:
        """Start work as soon as other work is done, or has failed; errors as in :meth:`submit`."""
        job = Task(work)
        done = itertools.count(1)

        def one_is_done(_: Future[Any]) -> None:
            if next(done) == len(awaited):
                try:
                    self._submit(job)
                except TaggerError as error:
                    job.future.set_exception(error)

        for one in awaited:
            one.add_done_callback(one_is_done)
        return job.future

    def _submit(self, job: Task[Done]) -> Future[Done]:
        if self._closed.is_set():  # the interpreter is ending, and somebody still reads results
            job.future.cancel()
            return job.future
        self._queue.put(job)
        with self._lock:
            if len(self._threads) < self._workers:
                try:
                    self._start(None)
                except RuntimeError:
                    if not self._threads:
                        raise TaggerError(
                            "No thread can be started: the machine has no memory or no processes "
                            "left."
                        ) from None
        return job.future

    def _start(self, first: Task[Any] | None) -> None:
        name = f"{self._name}_{self._started}"
        thread = threading.Thread(target=self._work, args=(first,), name=name, daemon=True)
        # Before it starts: an interrupt in the meantime must find it, to wait for it.
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.discard(thread)
            raise
        self._started += 1

    def _work(self, job: Task[Any] | None) -> None:
        this = threading.current_thread()
        while (job := job or self._next()) is not None:
            self._at_work[this] = job
            try:
                job.run()
            except GivenUpError:
                self._hanging.discard(this)
                left_behind.discard(this)
                return
            self._at_work.pop(this, None)
            job = None

    def _next(self) -> Task[Any] | None:
        while (job := self._queue.get()) is not None:
            if job.future.set_running_or_notify_cancel():
                return job
        return None

    def _watch(self) -> None:
        while not self._closed.wait(_SECONDS_BETWEEN_LOOKS):
            for thread, job in list(self._at_work.items()):
                if job.gave_up is not None and job.gave_up():
                    self._replace(thread, job)

    def _replace(self, thread: threading.Thread, job: Task[Any]) -> None:
        with self._lock:
            self._at_work.pop(thread, None)
            self._threads.discard(thread)
            self._hanging.add(thread)
            left_behind.add(thread)
            hanging = sum(one.is_alive() for one in list(self._hanging))
            logger.info("%s hangs; %d threads do, and another one continues", thread.name, hanging)
            with contextlib.suppress(RuntimeError):  # cannot be started
                if hanging <= MOST_HANGING + self._workers:
                    self._start(job)
                    return
            job.future.set_exception(StalledError(hanging))

    def close(self, *, seconds: float | None) -> None:
        """Drop work that has not begun and wait for work that has, up to a limit or forever."""
        self.drop()
        self.wait(seconds)

    def drop(self) -> None:
        """Drop work that has not begun; threads end after what they do."""
        with contextlib.suppress(Empty):
            while True:
                job = self._queue.get_nowait()
                if job is not None:
                    job.future.cancel()
        for _ in range(self._workers):
            self._queue.put(None)

    def wait(self, seconds: float | None) -> None:
        """Wait for threads to end; after the limit only for those in the network, which end."""
        end = None if seconds is None else time.monotonic() + seconds
        while threads := [thread for thread in list(self._threads) if thread.is_alive()]:
            threads[0].join(_SECONDS_BETWEEN_LOOKS)
            if end is not None and time.monotonic() > end:
                stuck = {thread for thread in threads if self._may_hang(thread)}
                left_behind.update(stuck)
                self._threads.difference_update(stuck)
        self._closed.set()
        _open_pools.discard(self)

    def _may_hang(self, thread: threading.Thread) -> bool:
        job = self._at_work.get(thread)
        return job is None or job.gave_up is None or job.gave_up(now=True)


_open_pools: set[WorkerPool] = set()


@functools.cache
def _end_before(process: int) -> None:
    """Let the interpreter of a process end the threads of open pools before it ends itself.

    A thread whose native code returns to an interpreter that is gone aborts the process, and so
    changes the exit code of a program that has not read all results.
    """

    def end() -> None:
        if os.getpid() == process:  # one that was forked from it has none of the threads
            pools = list(_open_pools)
            for pool in pools:
                pool.drop()
            for pool in pools:
                pool.wait(_LAST_SECONDS)

    atexit.register(end)


@contextmanager
def worker_pool(workers: int, name: str) -> Iterator[WorkerPool]:
    """Open a pool of threads; leaving it drops work that has not begun and waits for the rest.

    Threads suffice: Pillow and ONNX Runtime release the GIL while they work.
    """
    pool = WorkerPool(workers, name)
    _end_before(os.getpid())
    _open_pools.add(pool)
    try:
        yield pool
    except BaseException:
        pool.close(seconds=_LAST_SECONDS)
        raise
    pool.close(seconds=None)
