"""What an image file is made of, as far as its tags are concerned."""

from __future__ import annotations

import hashlib
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from tagger.errors import CannotChange

if TYPE_CHECKING:
    from tagger.holders.xmp.foreign import Foreign

# No program writes metadata of this size: it is not read into memory.
_MOST_BYTES = 64 * 1024 * 1024
_BLOCK = 1024 * 1024
_HEAD = 4096
# Even an image of a gigabyte has fewer; a file of nothing else would take hours.
_MOST_PARTS = 500_000


class EmbedError(CannotChange):
    """An image cannot hold tags; the message says why, for the middle of a sentence."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file, in bytes from its start."""

    start: int
    end: int

    def __len__(self) -> int:
        """Return its size in bytes."""
        return self.end - self.start


#: What a file is put together from: new bytes, and parts of the former file.
Piece: TypeAlias = bytes | Span


@dataclass(frozen=True, slots=True)
class Metadata:
    """What holds keywords in an image: its XMP packet and IPTC-IIM datasets, None if not there."""

    xmp: bytes | None
    iptc: bytes | None


class Reader:
    """A file that is read in parts.

    Attributes:
        size: in bytes.
        head: what it begins with, up to 4 kB.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._taken = self._parts = 0
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self.head = file.read(_HEAD)

    def again(self) -> Reader:
        """Return a reader of the same file that may read as much as this one might."""
        return Reader(self._file)

    def take(self, start: int, length: int) -> bytes:
        """Return some bytes.

        Raises:
            EmbedError: the file ends before, or nobody could need that many.
        """
        if start + length > self.size:
            raise EmbedError("damaged (it ends in the middle)")
        self._taken += length
        if length > _MOST_BYTES or self._taken > 4 * _MOST_BYTES:
            raise EmbedError(f"metadata larger than {_MOST_BYTES // 1024**2} MB")
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise EmbedError(f"damaged (it has over {_MOST_PARTS:,} parts)")
        self._file.seek(start)
        data = self._file.read(length)
        if len(data) < length:  # it was cut short meanwhile
            raise EmbedError("damaged (it ends in the middle)")
        return data

    def blocks(self, pieces: Iterable[Piece]) -> Iterator[bytes]:
        """Yield what pieces stand for, a block at a time."""
        for piece in pieces:
            if isinstance(piece, bytes):
                yield piece
                continue
            self._file.seek(piece.start)
            left = piece.end - piece.start
            while left > 0:
                block = self._file.read(min(left, _BLOCK))
                if not block:  # it was cut short meanwhile
                    raise EmbedError("damaged (it ends in the middle)")
                left -= len(block)
                yield block

    def digest(self, pieces: Iterable[Piece]) -> bytes:
        """Return what tells two contents apart (BLAKE2b)."""
        total = hashlib.blake2b()
        for block in self.blocks(pieces):
            total.update(block)
        return total.digest()

    def contains(self, part: Span, text: bytes) -> bool:
        """Return whether a text stands in a part of the file."""
        before = b""
        for block in self.blocks([part]):
            if text in before + block:
                return True
            before = block[1 - len(text) :]
        return False


def opened(path: str) -> BinaryIO:
    """Open an image file.

    Raises:
        EmbedError: it is not a regular file.
        OSError: it cannot be opened.
    """
    # Before it is opened: opening a named pipe would wait forever.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise EmbedError("not a regular file")
    return open(path, "rb")


class Container(ABC):
    """An image file that was looked through; see the formats' modules.

    Attributes:
        metadata: what holds its keywords.
        takes_iptc: whether its format has a place for IPTC.
        was: words for what of its form becomes another one when it gets metadata, as a record notes
            them in :attr:`tagger.holders.xmp.record.Record.container_was`. Each format has its own.
        foreign: what other people did in it; None until someone has read that.
        rest: all that stays whatever the metadata are: pixels, profiles, Exif, what follows the
            image. Numbers that say where something lies are in it as distances that do not change.

    Raises:
        EmbedError: the file is damaged.
    """

    metadata: Metadata
    foreign: Foreign | None = None
    takes_iptc = False
    was: tuple[str, ...] = ()
    rest: list[Piece]

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    @abstractmethod
    def changed(self, metadata: Metadata, *, was: Collection[str] = ()) -> list[Piece]:
        """Return the file with other metadata, as far as possible in the form that it had.

        Raises:
            EmbedError: there is no room, or no safe way.
        """
