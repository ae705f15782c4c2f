"""Decodes images in a separate process; run as ``python -m tagger.decode.process``.

:mod:`tagger.decode.processes` starts it and communicates with it through its standard streams.
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

from tagger.decode.budget import Attempt, ImageLimits, Memory
from tagger.decode.picture import ImageError, load_picture
from tagger.decode.pillow import one_thread_per_image
from tagger.decode.processes import ANSWER, GRANTED, NEEDS, PICTURE, REFUSED, REQUEST


class _AskingAttempt(Attempt):
    """An attempt whose memory is granted by the other process."""

    def __init__(self, limits: ImageLimits, requests: BinaryIO, answers: BinaryIO) -> None:
        super().__init__(limits, Memory(limits.memory))
        self._requests = requests
        self._answers = answers

    def needs(self, size: int) -> bool:
        """Request memory and wait for it."""
        self._answers.write(ANSWER.pack(NEEDS, size, 0))
        self._answers.flush()
        if self._requests.read(1) != GRANTED:
            raise SystemExit
        return True


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Decode requested images until the requests end."""
    while len(head := requests.read(REQUEST.size)) == REQUEST.size:
        length, height, width, memory, computing = REQUEST.unpack(head)
        path = os.fsdecode(requests.read(length))
        limits = ImageLimits(seconds=None, computing=computing or None, memory=memory)
        try:
            picture = load_picture(path, height, width, _AskingAttempt(limits, requests, answers))
        except ImageError as error:
            reason = str(error).encode("utf-8", "backslashreplace")
            answers.write(ANSWER.pack(REFUSED, len(reason), 0) + reason)
        else:
            answers.write(ANSWER.pack(PICTURE, picture.width, picture.height))
            answers.write(picture.pixels.tobytes())
        answers.flush()


def main() -> None:
    """Take over the standard streams: anything else printed would be mistaken for an answer."""
    answers = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    with one_thread_per_image():
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
