"""What native libraries write to the raw stderr: kept out of ours, and shown when it matters."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

# A library that complains about each of a million files should not fill the memory.
_MOST_BYTES = 64 * 1024
_SECONDS_TO_READ_ON = 0.5


class NativeOutput:
    """What native code writes where there is no raw stderr to be watched: unknown.

    Attributes:
        goes_through: whether it is shown as it comes, since somebody asked for that.
    """

    goes_through = False

    def let_through(self) -> None:
        """Show what comes from now on."""
        self.goes_through = True
        self.put_back()

    def put_back(self) -> None:
        """Let the raw stderr lead where it led before."""

    def said(self) -> str:
        """Return the last of what was kept, and keep no more."""
        return ""


class KeptOutput(NativeOutput):
    """The raw stderr while a command runs; Python has a stderr of its own meanwhile.

    libtiff comments on damaged files there, TensorFlow and ONNX Runtime on their start; no log
    level holds them all, and their lines would tear the progress bar. The last of what they say is
    kept for the case that the program fails.

    Args:
        number: of the raw stderr.
        own: the stream that Python writes to, and through it to where stderr led before.
    """

    def __init__(self, number: int, own: TextIO) -> None:
        self._number = number
        self._own = own
        self._kept = bytearray()
        self._reading: threading.Thread | None = None
        sender = self._pipe() if os.name == "posix" else os.open(os.devnull, os.O_WRONLY)
        os.dup2(sender, number)
        os.close(sender)

    def put_back(self) -> None:
        os.dup2(self._own.fileno(), self._number)

    def said(self) -> str:
        self.put_back()
        if self._reading is not None:
            # Processes that were started may hold the other end, so this may not end by itself.
            self._reading.join(_SECONDS_TO_READ_ON)
        return self._kept.decode("utf-8", errors="replace").strip()

    def _pipe(self) -> int:
        receiver, sender = os.pipe()
        # Who writes must never wait for the thread that reads, since native code may hold the
        # interpreter's lock: what finds the pipe full is lost.
        os.set_blocking(sender, False)
        self._reading = threading.Thread(
            target=self._read, args=(receiver,), name="native output", daemon=True
        )
        try:
            self._reading.start()
        except RuntimeError:  # no room for a thread: the pipe itself keeps the first lines
            self._reading = None
        return sender

    def _read(self, receiver: int) -> None:
        with open(receiver, "rb", buffering=0) as stream:
            while data := stream.read(_MOST_BYTES):
                self._kept += data
                del self._kept[:-_MOST_BYTES]


@contextlib.contextmanager
def native_output_kept() -> Iterator[NativeOutput]:
    """Give Python a stderr of its own, and keep what native code writes to the raw one.

    Where native code crashes, our stderr gets the place in the program.
    """
    python_stderr = sys.stderr
    try:
        number = python_stderr.fileno()
        own = os.fdopen(
            os.dup(number),
            "w",
            buffering=1,
            encoding=python_stderr.encoding,
            errors="backslashreplace",
        )
    except (OSError, ValueError, AttributeError):  # stderr is closed, or no real file
        yield NativeOutput()
        return
    python_stderr.flush()
    output = KeptOutput(number, own)
    watched_before = faulthandler.is_enabled()
    faulthandler.enable(own)
    sys.stderr = own
    try:
        yield output
    finally:
        own.flush()
        output.put_back()
        sys.stderr = python_stderr
        if watched_before:
            faulthandler.enable(python_stderr)
        else:
            faulthandler.disable()
        own.close()
