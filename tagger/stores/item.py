"""An image that does not lie in a folder of this machine."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

#: Called before each piece that is read, with its size; raises ImageError if it takes too long.
Look: TypeAlias = Callable[[int], None]


class Item(NamedTuple):
    """An image in a store, which is read whole, into memory.

    Attributes:
        size: in bytes, once it is unpacked.
        modified_ns: when it was changed, in nanoseconds since 1970; digits below a second may come
            from a checksum. None if unknown.
        load: returns its bytes; raises ImageError or OSError.
        refused: why it is not read, for a person; None if it is.
    """

    size: int
    modified_ns: int | None
    load: Callable[[Look], bytes]
    refused: str | None = None


class SizedFile(io.RawIOBase):
    """A file to be read whose size in bytes, ``size``, is known; it is at the place ``_at``."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._at = 0

    def readable(self) -> bool:
        """Say that it is."""
        return True

    def seekable(self) -> bool:
        """Say that it is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place, and return it."""
        self._at = max(0, offset + (0, self._at, self.size)[whence])
        return self._at


class WholeFile(SizedFile):
    """A file that is loaded when its first byte is read.

    Args:
        size: in bytes.
        load: returns its bytes.
    """

    def __init__(self, size: int, load: Callable[[], bytes]) -> None:
        super().__init__(size)
        self._load = load
        self._data: memoryview | None = None

    def readinto(self, buffer: Any, /) -> int:
        """Read, as far as the buffer and the file go."""
        if self._data is None:
            self._data = memoryview(self._load())
        piece = self._data[self._at : self._at + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def let_go(self) -> None:
        """Free the memory; what is read next is loaded again."""
        self._data = None
