"""Decoders in separate processes, which put pixels into memory that they share with this one.

A file that crashes a decoder ends its process and no other, and no process waits for the lock of
another one's interpreter. :mod:`tagger.decode.messages` says what both tell each other.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

from tagger.decode.budget import ImageLimits, Memory
from tagger.decode.messages import DONE, NEEDS, READY, RETURNS, Connection, Progress
from tagger.decode.shared import SharedBytes
from tagger.errors import TaggerError, os_reason

logger = logging.getLogger(__name__)

# A process that was killed ends at once, unless it hangs in the system.
_SECONDS_TO_END: Final = 5.0


@dataclass(frozen=True)
class Setup:
    """What a process gets to know once.

    Attributes:
        wanted: facts that :func:`tagger.decode.facts.measure` finds out about each file.
        allowance: bytes in which it may decode an image without asking.
        text_of: finds out what is known of an image in words; it can be pickled.
    """

    wanted: tuple[str, ...] = ()
    allowance: int = 0
    text_of: Any = None


class Decoder:
    """A process that reads images into shared memory.

    Args:
        shared: where pixels go.
        at: where in it the process notes its progress, :data:`Progress.SIZE` bytes.

    Raises:
        TaggerError: no process can be started.
    """

    def __init__(self, shared: SharedBytes, at: int, setup: Setup) -> None:
        self.progress = Progress(shared.bytes, at)
        self.progress.end()
        self._held = 0
        self.waits = False
        # Not the current folder's modules: it may not be trusted.
        command = [sys.executable, "-P", "-m", "tagger.decode.process"]
        try:
            # Ctrl-C is handled by the parent; this process ends when its requests do.
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 (our own)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                **shared.inherited,
                **_group_of_its_own(),
            )
        except OSError as error:
            raise cannot_start(os_reason(error)) from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._connection = Connection(self._process.stdout, self._process.stdin)
        text_of = setup.text_of and base64.b64encode(pickle.dumps(setup.text_of)).decode()
        self._told = (shared.handle, shared.size, at, setup.wanted, setup.allowance, text_of)

    def begin(self) -> None:
        """Wait until it is ready.

        Raises:
            EOFError: it ends instead; or OSError or ValueError.
        """
        self._connection.send(*self._told)
        if self._connection.receive() != [READY]:
            raise ValueError

    def ask(
        self, first: int, offset: int, size: tuple[int, int], limits: ImageLimits, paths: list[Any]
    ) -> None:
        """Ask for images; :meth:`answer` waits for what has become of those asked for first.

        Args:
            first: number of the first one.
            offset: in shared memory, where the pixels of the first one go; of the rest behind it.
            size: height and width.
            limits: what one of them may cost; its ``seconds`` are left to whoever asks.
            paths: of the images; None for one that is not to be read.

        Raises:
            OSError: the process has ended; or ValueError.
        """
        self._connection.send(first, offset, *size, limits.computing, limits.memory, paths)

    def answer(self, memory: Memory) -> tuple[float, list[Any]]:
        """Wait for seconds and records, and give the process the memory that it needs meanwhile.

        A record is why the image cannot be read (or None), its facts as in :func:`facts_record`,
        and if it can be read width, height, and its text as in :func:`text_record` or None.

        Raises:
            EOFError: the process has ended; or OSError or ValueError.
        """
        try:
            while True:
                kind, *rest = self._connection.receive()
                if kind == NEEDS:
                    self._take(rest[0], memory)
                    self._connection.send()
                elif kind == RETURNS:
                    self._give_back(memory)
                elif kind == DONE:
                    seconds, records = rest
                    return seconds, records
                else:
                    raise ValueError(kind)
        except BaseException:
            self._give_back(memory)
            raise

    def _take(self, size: int, memory: Memory) -> None:
        self._give_back(memory)  # an image that is read in another way asks again
        self.waits = True
        memory.take(size)
        self._held = size
        self.waits = False

    def _give_back(self, memory: Memory) -> None:
        held, self._held = self._held, 0
        if held:
            memory.give_back(held)

    @property
    def is_alive(self) -> bool:
        """Return whether it can decode another image."""
        return self._process.poll() is None

    def computed(self) -> float | None:
        """Return its CPU time in seconds; None if the system does not tell."""
        if sys.platform != "linux":
            return None
        try:
            return time.clock_gettime(~self._process.pid << 3 | 2)  # clock_getcpuclockid(3)
        except OSError:  # it has ended
            return None

    def ending(self) -> str:
        """Wait for its end, which is near, and say what it was: a signal or an exit code."""
        try:
            code = self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.close()
            return "an answer that makes no sense"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"exit code {code}"

    def kill(self) -> None:
        """End it, even in the middle of an image."""
        self._process.kill()

    def close(self) -> None:
        """End it, and wait for that unless it hangs in the system."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert stream is not None
                stream.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS_TO_END)


def crashed(ending: str) -> str:
    """Say why the image failed at which a process has ended."""
    logger.info("a decoding process ended by %s; another one is started if needed", ending)
    return f"its decoder crashed ({ending})"


def cannot_start(reason: str) -> TaggerError:
    """Return the error of processes that do not start, or end before they have done anything."""
    return TaggerError(
        f"No process can be started to decode images ({reason}): use --decode threads."
    )


def _group_of_its_own() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}
