"""The budget of an image: time, and memory that all workers share."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from tagger.errors import ImageError as ImageError  # what this module raises

logger = logging.getLogger(__name__)

#: Checking the clock is cheap, but a header is read byte by byte.
_READS_BETWEEN_LOOKS = 16

# Bytes. Decoding that much takes so long that the milliseconds for returning it do not count.
_WORTH_RETURNING = 16 * 1024**2

# Bytes in one piece, and in all, that are kept at least. An image that is decoded at a reduced
# scale needs less; of a larger one, returning it takes little beside decoding.
_KEPT_PIECE = 4 * 1024**2
_KEPT = 16 * 1024**2
# In glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

#: The CPU clock of another thread. macOS and Windows have none, so there only the thread itself can
#: read its own.
_cpu_clock_of: Any = getattr(time, "pthread_getcpuclockid", None)

# Reading the CPU clock of a thread is a call of the system: small images share one.
_SECONDS_BETWEEN_READINGS = 0.1


class ImageLimits(NamedTuple):
    """What one image may cost before it is given up.

    Attributes:
        seconds: from its first byte to its pixels, without the wait for memory; None is no limit.
            A drive that wakes up takes its time, one that is gone takes forever.
        computing: seconds of one core. What waits for a drive, or for cores that do other work,
            uses none of them; only a file made for the purpose takes that many.
        memory: bytes that all images that are being decoded take together.
    """

    seconds: float | None = 60.0
    computing: float | None = 10.0
    memory: int = 1024**3


DEFAULT_LIMITS = ImageLimits()
NO_HURRY = ImageLimits(seconds=None, computing=None)


class Memory:
    """The memory, in bytes, that images are decoded in: one that needs more than is left waits."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0
        self._changed = threading.Condition()

    def take(self, size: int) -> None:
        """Wait for memory; the caller must hold none, or two could wait for each other forever."""
        size = min(size, self.limit)
        with self._changed:
            while self._taken + size > self.limit:
                self._changed.wait()
            self._taken += size

    def take_more(self, size: int) -> bool:
        """Take memory if it is available now, and return whether it was."""
        with self._changed:
            if self._taken + size > self.limit:
                return False
            self._taken += size
            return True

    def give_back(self, size: int) -> None:
        """Return memory, so that others can take it."""
        with self._changed:
            self._taken -= min(size, self.limit)
            self._changed.notify_all()


class _CpuClock(threading.local):
    """The clock of the time that the calling thread has computed."""

    def __init__(self) -> None:
        self.other = _cpu_clock_of(threading.get_ident()) if _cpu_clock_of is not None else None
        self._read_at = -math.inf
        self._value = 0.0

    def at_most(self, now: float) -> float:
        """Return what the clock shows, or a little more: it cannot be faster than ``monotonic``."""
        if now - self._read_at > _SECONDS_BETWEEN_READINGS:
            self._read_at, self._value = now, time.thread_time()
        return self._value + now - self._read_at


_cpu_clock = _CpuClock()


class Attempt:
    """One attempt to decode an image: what it has cost, and whether anybody still waits for it.

    Made and used by the thread that reads the image; :meth:`overdue` and :meth:`give_up` are
    called by another thread, which watches it. Nobody waits for it any longer once ``given_up``.
    """

    def __init__(self, limits: ImageLimits, memory: Memory) -> None:
        self.memory = memory
        self.limits = limits
        self._began = time.monotonic()
        self._computed_before = _cpu_clock.at_most(self._began)
        self._clock = _cpu_clock.other
        # Before that, neither limit can be reached.
        given = [one for one in (limits.seconds, limits.computing) if one is not None]
        self._due = self._began + min(given, default=math.inf)
        self._waited = 0.0
        self._waits_since: float | None = None
        self._reads = 0
        self._lock = threading.Lock()
        self._held = 0
        self._cancel: Callable[[], None] | None = None
        self.given_up = False

    def look(self, size: int) -> None:
        """Give up an image that has taken too long; called before reading ``size`` bytes, or all.

        Raises:
            ImageError: it has, or another thread has given it up.
        """
        self._reads += 1
        if 0 <= size < 4096 and self._reads % _READS_BETWEEN_LOOKS:
            return
        reason = self._reason(time.thread_time)
        if self.given_up or reason is not None:
            raise ImageError(reason or "given up")

    def overdue(self) -> str | None:
        """Say in words that the image has taken too long; None if it has not."""
        clock = self._clock
        return self._reason(None if clock is None else lambda: time.clock_gettime(clock))

    def _reason(self, computed: Callable[[], float] | None) -> str | None:
        if time.monotonic() < self._due:
            return None
        limit = self.limits.computing
        if limit is not None and computed is not None:
            try:
                if computed() - self._computed_before > limit:
                    return f"decoding it takes longer than {limit:g} s"
            except OSError:  # the thread is just ending
                return None
        limit = self.limits.seconds
        if limit is None or self._waits_since is not None:
            return None
        late = time.monotonic() - self._began - self._waited > limit
        return f"reading it takes longer than {limit:g} s" if late else None

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Hold memory, ``size`` bytes at first, for as long as the image is being decoded."""
        self._take(size)
        try:
            yield
        finally:
            self._give_back()

    def needs(self, size: int) -> bool:
        """Hold ``size`` bytes instead of what is held if they are free now; say if they were."""
        with self._lock:
            more = size - self._held
            if self.given_up:
                raise ImageError("given up")
            if more <= 0:
                return True
            if not self.memory.take_more(more):
                return False
            self._held = size
            return True

    def wait_for(self, size: int) -> None:
        """Return what is held, which must be unused by now, and wait for ``size`` bytes."""
        self._give_back()
        self._take(size)

    def give_up(self) -> None:
        """Stop waiting: what the image holds is returned, even if its thread never comes back."""
        with self._lock:
            self.given_up = True
            if self._cancel is not None:
                self._cancel()
        self._give_back()

    def when_given_up(self, cancel: Callable[[], None] | None) -> None:
        """Register what is called when the image is given up; None removes it."""
        with self._lock:
            self._cancel = cancel
            if self.given_up and cancel is not None:
                cancel()

    def _take(self, size: int) -> None:
        size = min(size, self.memory.limit)
        if not self.memory.take_more(size):
            self._waits_since = time.monotonic()
            self.memory.take(size)
            waited = time.monotonic() - self._waits_since
            self._waited += waited
            self._waits_since = None
            logger.debug("waited %.2f s for %d bytes of memory", waited, size)
        with self._lock:
            if not self.given_up:
                self._held = size
                return
        self.memory.give_back(size)
        raise ImageError("given up")

    def _give_back(self) -> None:
        with self._lock:
            held, self._held = self._held, 0
        if held >= _WORTH_RETURNING:
            # glibc keeps free memory for each of many threads.
            _of_glibc("malloc_trim")(0)
        if held:
            self.memory.give_back(held)


def keep_freed_memory() -> None:
    """Let the memory of an image that is done be used for the next one; for all of this process.

    glibc would return it to the system after each image, and a fifth of the time that decoding one
    of 300 × 444 pixels takes would go for getting it again.
    """
    mallopt = _of_glibc("mallopt")
    mallopt(_M_MMAP_THRESHOLD, _KEPT_PIECE)
    mallopt(_M_TRIM_THRESHOLD, _KEPT)


@cache
def _of_glibc(name: str) -> Any:
    """Find a function of glibc, or one that does nothing: others need none of them."""
    import ctypes

    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return lambda *_: 0
