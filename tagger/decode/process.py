"""Decodes images in a separate process; run as ``python -m tagger.decode.process``.

:mod:`tagger.decode.processes` starts it, and describes the messages between both.
"""

from __future__ import annotations

import base64
import os
import sys
import threading
import time
from collections.abc import Callable, Collection
from queue import SimpleQueue
from typing import Any, NamedTuple

from tagger.decode.budget import Attempt, ImageLimits, Memory, keep_freed_memory
from tagger.decode.facts import measure
from tagger.decode.messages import (
    DONE,
    NEEDS,
    READY,
    RETURNS,
    Connection,
    Progress,
    facts_record,
    text_record,
)
from tagger.decode.picture import ImageError, load_picture
from tagger.decode.pillow import one_thread_per_image
from tagger.decode.shared import open_shared
from tagger.results import FileFacts, ImageText


class _Parent(NamedTuple):
    """The process that asks, as this one sees it."""

    connection: Connection
    work: SimpleQueue[list[Any]]
    granted: SimpleQueue[None]

    def listen(self) -> None:
        """Take messages until there are no more: the other process has ended, and so does this."""
        try:
            while True:
                message = self.connection.receive()
                if message:
                    self.work.put(message)
                else:
                    self.granted.put(None)
        except (EOFError, OSError, ValueError):
            os._exit(0)


class _AskingAttempt(Attempt):
    """An attempt that asks the other process for all memory above an allowance."""

    def __init__(
        self, limits: ImageLimits, memory: Memory, parent: _Parent, allowance: int
    ) -> None:
        super().__init__(limits, memory)
        self._parent = parent
        self._allowance = allowance
        self.asked = False

    def needs(self, size: int) -> bool:
        """Wait until the other process grants the memory."""
        if size > self._allowance:
            self.asked = True
            self._parent.connection.send(NEEDS, size)
            self._parent.granted.get()
        return True


class _Reader(NamedTuple):
    """Reads images, as the other process has set it up."""

    parent: _Parent
    progress: Progress
    wanted: Collection[str]
    allowance: int
    text_of: Callable[[str], ImageText | None] | None
    memory: Memory

    def read(
        self, path: str, size: tuple[int, int], room: memoryview, limits: ImageLimits
    ) -> list[Any]:
        """Return an image's record, having put its pixels where there is room for them."""
        attempt = _AskingAttempt(limits, self.memory, self.parent, self.allowance)
        known = FileFacts()
        try:
            # Before the image itself, so that any later change is detected.
            known = measure(path, self.wanted)
            self.progress.note(known)
            picture = load_picture(path, *size, attempt)
            room[:] = picture.image.tobytes()
            text = None if self.text_of is None else self.text_of(path)
        except ImageError as error:
            return [str(error), *facts_record(known)]
        except MemoryError:
            return ["not enough memory to read it", *facts_record(known)]
        finally:
            if attempt.asked:
                self.parent.connection.send(RETURNS)
        size = picture.width, picture.height
        return [None, *facts_record(known), *size, None if text is None else text_record(text)]


def serve(parent: _Parent) -> None:
    """Read the images of one request after the other."""
    handle, size, at, wanted, allowance, text_of = parent.work.get()
    shared = open_shared(handle, size)
    pixels = memoryview(shared)
    if text_of is not None:
        import pickle

        # From the process that started this one, which may run anything anyway.
        text_of = pickle.loads(base64.b64decode(text_of))  # noqa: S301
    reader = _Reader(
        parent,
        Progress(shared, at),
        wanted,
        allowance,
        text_of,
        Memory(0),
    )
    parent.connection.send(READY)
    while True:
        first, offset, height, width, computing, memory, paths = parent.work.get()
        began = time.perf_counter()
        limits = ImageLimits(seconds=None, computing=computing, memory=memory)
        reader.memory.limit = memory
        step = height * width * 3
        records: list[list[Any] | None] = []
        for place, path in enumerate(paths):
            if path is None:  # given up before
                records.append(None)
                continue
            reader.progress.begin(first + place)
            at = offset + place * step
            records.append(reader.read(path, (height, width), pixels[at : at + step], limits))
        reader.progress.end()
        parent.connection.send(DONE, time.perf_counter() - began, records)


def main() -> None:
    """Take over the standard streams: anything else printed would be mistaken for an answer."""
    answers = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    parent = _Parent(Connection(sys.stdin.buffer, answers), SimpleQueue(), SimpleQueue())
    threading.Thread(target=parent.listen, name="requests", daemon=True).start()
    keep_freed_memory()
    try:
        with one_thread_per_image():
            serve(parent)
    finally:
        os._exit(1)  # the thread that listens holds a stream that the interpreter would wait for


if __name__ == "__main__":
    main()
