"""What a process that decodes and the one that started it tell each other.

Messages are JSON behind their length: nothing that a process says makes another one run anything.

To a process: first its set-up; then, one after the other, what is to be read (the first image's
number, where its pixels go, height, width, seconds of computing, bytes of memory, paths), or ``[]``
where memory was granted. From it: :data:`READY` once; :data:`NEEDS` with bytes, and
:data:`RETURNS` when the image is done; :data:`DONE` with seconds and a record for each image.
"""

from __future__ import annotations

import base64
import json
import mmap
import struct
from collections.abc import Sequence
from typing import IO, Any, Final

from tagger.results import FileFacts, ImageText, Stamp

READY, NEEDS, RETURNS, DONE = "ready", "needs", "returns", "done"

# Of a process that was made to say anything; what is said of a few images is far shorter.
_LONGEST_MESSAGE: Final = 64 * 1024**2
_LENGTH: Final = struct.Struct("<I")


class Connection:
    """Messages to and from another process."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming, self._outgoing = incoming, outgoing

    def send(self, *message: Any) -> None:
        """Send a list of plain values.

        Raises:
            OSError: the other process has ended; or ValueError, if the stream is closed.
        """
        data = json.dumps(message).encode()
        self._outgoing.write(_LENGTH.pack(len(data)) + data)
        self._outgoing.flush()

    def receive(self) -> list[Any]:
        """Wait for a message.

        Raises:
            EOFError: the other process has ended.
            ValueError: it says something else.
        """
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > _LONGEST_MESSAGE:
            raise ValueError(length)
        message = json.loads(self._exactly(length))
        if not isinstance(message, list):
            raise ValueError(message)
        return message

    def _exactly(self, size: int) -> bytes:
        data = self._incoming.read(size)
        if len(data) < size:
            raise EOFError
        return data


class Progress:
    """Which image a process is reading, and the facts about its file: they outlive the process."""

    # Number of the image; which facts are known; size and time of the stamp; bytes; SHA-256.
    _LAYOUT: Final = struct.Struct("<qqQqQ32s")
    SIZE: Final = 128
    NOTHING: Final = -1

    def __init__(self, shared: mmap.mmap, at: int) -> None:
        self._shared, self._at = shared, at

    def begin(self, number: int) -> None:
        """Note that an image is being read."""
        self._LAYOUT.pack_into(self._shared, self._at, number, 0, 0, 0, 0, b"")

    def note(self, facts: FileFacts) -> None:
        """Note facts about the file of the image that is being read."""
        stamp, size, digest = facts.stamp, facts.bytes, facts.sha256
        known = (stamp is not None) | (size is not None) << 1 | (digest is not None) << 2
        stamped = (0, 0) if stamp is None else (stamp.size, stamp.modified_ns)
        where = self._at + 8
        last = bytes.fromhex(digest or "")
        struct.pack_into("<qQqQ32s", self._shared, where, known, *stamped, size or 0, last)

    def end(self) -> None:
        """Note that no image is being read."""
        self.begin(self.NOTHING)

    @property
    def number(self) -> int:
        """The image that is being read, or :data:`NOTHING`."""
        (number,) = struct.unpack_from("<q", self._shared, self._at)
        return int(number)

    @property
    def facts(self) -> FileFacts:
        """What is known of it."""
        _, known, size, modified, length, digest = self._LAYOUT.unpack_from(self._shared, self._at)
        return FileFacts(
            stamp=Stamp(size, modified) if known & 1 else None,
            bytes=length if known & 2 else None,
            sha256=digest.hex() if known & 4 else None,
        )


def facts_record(facts: FileFacts) -> list[Any]:
    """Return facts as plain values; :func:`facts_of` reads them."""
    stamp = facts.stamp
    stamped = (None, None) if stamp is None else (stamp.size, stamp.modified_ns)
    return [*stamped, facts.bytes, facts.sha256]


def facts_of(
    record: Sequence[Any], width: int | None = None, height: int | None = None
) -> FileFacts:
    """Return the facts in a record, with the size of the picture."""
    size, modified, length, digest = record
    return FileFacts(width, height, length, digest, None if size is None else Stamp(size, modified))


def text_record(text: ImageText) -> list[Any]:
    """Return a text as plain values; :func:`text_of` reads them."""
    ids = None if text.ids is None else base64.b64encode(text.ids).decode()
    return [text.words, text.year, text.source, ids]


def text_of(record: Sequence[Any]) -> ImageText:
    """Return the text in a record."""
    words, year, source, ids = record
    return ImageText(words, year, source, None if ids is None else base64.b64decode(ids))
