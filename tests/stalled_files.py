"""Files that do not open, as on a network drive that is gone.

The kernel lets whoever holds a write lease on a file (fcntl(2), ``F_SETLEASE``) say when another
process may open it: that one waits, for 45 seconds at most. It is the one stall that can be had
without a file system of one's own.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

#: Seconds for which a file is sure to be held once somebody wants to open it.
HELD = 40

only_on_linux = pytest.mark.skipif(sys.platform != "linux", reason="file leases are Linux's")


def stalls(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test in which a file stalls: it is slow, and needs Linux."""
    return pytest.mark.slow(only_on_linux(test))


_HOLD = """
import fcntl, os, signal, sys

signal.signal(signal.SIGIO, lambda *_: os.write(1, b"opened\\n"))
files = [os.open(name, os.O_RDWR) for name in sys.argv[1:]]
for file in files:
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
os.write(1, b"held\\n")
sys.stdin.read()
"""


class Stalled:
    """Whoever opens one of the files waits until they are let go, or for 45 seconds."""

    def __init__(self, *files: Path) -> None:
        self._files = files

    def __enter__(self) -> Self:
        """Hold the files."""
        self._holder = subprocess.Popen(
            [sys.executable, "-c", _HOLD, *self._files],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._next() == b"held\n"
        return self

    def wait_until_opened(self) -> None:
        """Wait until somebody wants to open one of them."""
        assert self._next() == b"opened\n"

    def let_go(self) -> None:
        """Let everybody open them."""
        assert self._holder.stdin is not None
        self._holder.stdin.close()
        self._holder.wait()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go."""
        self.let_go()
        assert self._holder.stdout is not None
        self._holder.stdout.close()

    def _next(self) -> bytes:
        assert self._holder.stdout is not None
        return self._holder.stdout.readline()
