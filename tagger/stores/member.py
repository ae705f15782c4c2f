"""A file in an archive, as the archive's directory describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO


class DamagedError(ValueError):
    """An archive cannot be read; the message says what it is, for a person."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    Attributes:
        path: how it is spelled below the archive.
        raw_name: as it is in the archive.
        at: where it is described.
        size: in bytes, once it is unpacked.
        seconds: when it was changed, since 1970.
        checksum: of its bytes; 0 if the archive has none.
        start: where it begins, with what stands before its bytes.
        end: where its bytes end, or a little before.
        packed: size in bytes as it lies in the archive.
        method: by which it is compressed.
        refused: why it is not read, for a person; None if it is.
    """

    path: str
    raw_name: bytes
    at: int
    size: int
    seconds: int
    checksum: int
    start: int
    end: int
    packed: int
    method: int = 0
    refused: str | None = None


def read_exactly(file: BinaryIO, size: int) -> bytes:
    """Read so many bytes.

    Raises:
        DamagedError: there are fewer.
    """
    data = file.read(size)
    if len(data) < size:
        raise DamagedError("an archive that was cut short")
    return data
