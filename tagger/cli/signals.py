"""Signals that end a command: the first lets it keep what is done, a second one ends it at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from tagger.cli.console import can_draw

# Windows has no SIGHUP, and SIGBREAK alone.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

# A terminal that closes, or timeout(1), sends the same signal twice in a row and means one.
_SECONDS_OF_ONE = 0.5


class Heeded:
    """What has come.

    Attributes:
        first: the number of the first signal; None before there is one.
    """

    def __init__(self) -> None:
        self.first: int | None = None

    @property
    def exit_code(self) -> int:
        """What a shell reports for a program that the signal ended."""
        return _exit_code(self.first or signal.SIGINT)

    @property
    def sentence(self) -> str:
        """What to say of it."""
        if self.first in (None, signal.SIGINT):  # also typer's own
            return "Interrupted."
        return f"Interrupted by {signal.Signals(self.first).name}."

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Interrupt the main thread, once: what is being put in order is not disturbed."""
        if self.first is None:
            self.first = number
            raise KeyboardInterrupt


@contextmanager
def heeded() -> Iterator[Heeded]:
    """Turn the first signal into KeyboardInterrupt and end the process at the second.

    What is ignored from the start stays so: ``nohup`` means it. A thread waits for the second
    signal, since the main thread may hang in a system call, which no Python code leaves.
    """
    found = Heeded()
    if threading.current_thread() is not threading.main_thread():  # only that one hears of signals
        yield found
        return
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    former = {
        number: signal.signal(number, found.interrupt)
        for number in numbers
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    # No pair of sockets: a test sees to it that nothing here opens one.
    receiver, sender = os.pipe()
    if os.name == "posix":  # where it is asked for
        os.set_blocking(sender, False)
    woken = signal.set_wakeup_fd(sender, warn_on_full_buffer=False)
    arguments = (receiver, frozenset(former))
    waiting = threading.Thread(target=_end_at_second, args=arguments, name="signals", daemon=True)
    with suppress(RuntimeError):  # no room for a thread: one signal must do
        waiting.start()
    try:
        yield found
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in former.items():
            signal.signal(number, handler)
        os.close(sender)  # which ends the thread


def _end_at_second(receiver: int, numbers: frozenset[int]) -> None:
    first: float | None = None
    with open(receiver, "rb", buffering=0) as signals:
        while data := signals.read(1):
            if data[0] not in numbers:
                continue
            now = time.monotonic()
            first = now if first is None else first
            if now - first > _SECONDS_OF_ONE:
                _end(data[0])


def _end(number: int) -> None:
    """End the process without a further step; files are whole at any moment."""
    with suppress(OSError, ValueError):
        if can_draw():  # a bar has hidden the cursor
            os.write(sys.stderr.fileno(), b"\x1b[?25h\n")
    os._exit(_exit_code(number))


def _exit_code(number: int) -> int:
    is_break = number == getattr(signal, "SIGBREAK", None)
    return 128 + (signal.SIGINT if is_break else number)
