"""Decoders in separate processes: a file that crashes one of them does not end the run.

Threads share a process, so a decoder that accesses invalid memory ends all of them. This is rare,
because decoders are well tested, and separate processes cost time and memory, so it is optional.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import struct
import subprocess
import sys
import threading
from typing import Any, Final

import numpy as np

from tagger.decode.budget import Attempt
from tagger.decode.picture import ImageError, Picture
from tagger.errors import TaggerError, os_reason

logger = logging.getLogger(__name__)

#: Length of the path, height and width of the pixels, memory, seconds of computing (0: no limit).
REQUEST: Final = struct.Struct("<IIIQd")
#: The kind of answer, and two numbers.
ANSWER: Final = struct.Struct("<BQQ")
#: Kinds of answer: an amount of memory is needed; a picture with its original width and height,
#: followed by its pixels; a reason with its length, followed by its text.
NEEDS, PICTURE, REFUSED = range(3)
GRANTED: Final = b"+"


class _Decoder:
    """A process that decodes one image after the other."""

    def __init__(self) -> None:
        # Not the current folder's modules: it may not be trusted.
        command = [sys.executable, "-P", "-m", "tagger.decode.process"]
        try:
            # Ctrl-C is handled by the parent; this process ends when its requests do.
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 (our own)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                **_group_of_its_own(),
            )
        except OSError as error:
            raise TaggerError(
                f"--isolate needs to start a process, which failed: {os_reason(error)}."
            ) from None

    def load(self, path: str, height: int, width: int, attempt: Attempt) -> Picture:
        """Decode an image; errors as in :func:`tagger.decode.picture.load_picture`."""
        attempt.when_given_up(self._process.kill)
        try:
            return self._load(path, height, width, attempt)
        except (EOFError, OSError, ValueError):
            code = self._process.wait()
            try:
                ending = signal.Signals(-code).name
            except ValueError:
                ending = f"exit code {code}"
            logger.info("a decoding process ended by %s; another one is started if needed", ending)
            raise ImageError(f"its decoder crashed ({ending})") from None

    def _load(self, path: str, height: int, width: int, attempt: Attempt) -> Picture:
        name = os.fsencode(path)
        limits = attempt.limits
        size = (len(name), height, width)
        self._send(REQUEST.pack(*size, limits.memory, limits.computing or 0) + name)
        while True:
            kind, first, second = ANSWER.unpack(self._receive(ANSWER.size))
            if kind == PICTURE:
                pixels = np.frombuffer(self._receive(height * width * 3), dtype=np.uint8)
                return Picture(pixels.reshape(height, width, 3), first, second)
            if kind == REFUSED:
                raise ImageError(self._receive(first).decode("utf-8"))
            attempt.wait_for(first)
            self._send(GRANTED)

    @property
    def is_alive(self) -> bool:
        """Return whether it can decode another image."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it, even in the middle of an image."""
        self._process.kill()
        with contextlib.suppress(OSError), self._process:
            pass  # leaving it closes its streams and waits for its end

    def _send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def _receive(self, size: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(size)
        if len(data) < size:
            raise EOFError
        return data


class Isolation:
    """Decoding processes, one for each thread that uses one at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[_Decoder] = []
        self._closed = False

    def load(self, path: str, height: int, width: int, attempt: Attempt) -> Picture:
        """Decode an image; arguments and errors as for :func:`tagger.decode.picture.load_picture`.

        Raises:
            TaggerError: no process can be started.
        """
        decoder = self._free_decoder() or _Decoder()
        # Only the decoder knows how much memory it needs, so none is held until it asks.
        try:
            with attempt.holding(0):
                return decoder.load(path, height, width, attempt)
        finally:
            attempt.when_given_up(None)
            with self._lock:
                if self._closed or attempt.given_up or not decoder.is_alive:
                    decoder.close()
                else:
                    self._free.append(decoder)

    def _free_decoder(self) -> _Decoder | None:
        with self._lock:
            while self._free:
                decoder = self._free.pop()
                if decoder.is_alive:
                    return decoder
                decoder.close()
        return None

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._closed = True
            while self._free:
                self._free.pop().close()


def isolation() -> contextlib.closing[Isolation]:
    """Provide decoding processes; leaving the context ends them."""
    return contextlib.closing(Isolation())


def _group_of_its_own() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}
