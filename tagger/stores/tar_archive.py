"""tar archives: POSIX.1-2001 (ustar, pax) with GNU's long names. They have no directory."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import BinaryIO, Final

from tagger.errors import ImageError
from tagger.stores.item import Look
from tagger.stores.member import DamagedError, Member, read_exactly
from tagger.stores.names import spelled

_BLOCK: Final = tarfile.BLOCKSIZE
_PIECE: Final = 1024 * 1024

#: What may stand before a member: a long name, times, attributes.
_LONGEST_HEADER: Final = 1024 * 1024

# Where a sparse file's header says whether a block of its map follows, and where that block does.
_GOES_ON: Final = 482
_STILL_GOES_ON: Final = 504

_LONG_NAME, _LONG_LINK = tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK
_PAX, _PAX_OF_ALL = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE), tarfile.XGLTYPE
_BEFORE: Final = (_LONG_NAME, _LONG_LINK, *_PAX, _PAX_OF_ALL)
_DAMAGED: Final = "a damaged tar archive"


class Tar:
    """The members of an archive.

    Args:
        file: the archive; used at any place.
        size: of the archive in bytes.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def members(self) -> Iterator[Member]:
        """Yield all members, in their order; folders are left out.

        Raises:
            DamagedError: it is not a tar archive, or cut off in the middle of a header.
        """
        at = 0
        while (read := self._read(at)) is not None:
            member, at = read
            if member is not None:
                yield member

    def member(self, at: int) -> Member:
        """Return the member whose headers begin at a place; errors as above."""
        read = self._read(at)
        assert read is not None
        assert read[0] is not None
        return read[0]

    def load(self, member: Member, look: Look) -> bytes:
        """Return a member's bytes.

        Raises:
            ImageError: it takes too long, or the archive has become shorter.
            OSError: the archive cannot be read.
        """
        data = bytearray()
        self._file.seek(member.start)
        while len(data) < member.size:
            look(_PIECE)
            piece = self._file.read(min(_PIECE, member.size - len(data)))
            if not piece:
                raise ImageError("its archive ends before it does")
            data += piece
        return bytes(data)

    def _read(self, at: int) -> tuple[Member | None, int] | None:
        """Read the headers of a member, None for a folder, and say where the next ones begin.

        Returns:
            None at the end.
        """
        first, changes = at, dict[str, str]()
        while True:
            header = self._header(at)
            if header is None:
                if first != at:
                    raise DamagedError(f"{_DAMAGED}: it was cut short")
                return None
            at += _BLOCK
            if header.type not in _BEFORE:
                break
            self._note(header, at, changes)
            at += _padded(header.size)
        if header.type == tarfile.GNUTYPE_SPARSE:
            at = self._after_map(at)
        name, size, seconds, is_sparse = _changed(header, changes)
        has_data = header.isreg() or header.type not in tarfile.SUPPORTED_TYPES
        after = at + (_padded(size) if has_data else 0)
        if header.isdir() or (header.isreg() and name.endswith("/")):
            return None, after
        path, why = spelled(name)
        why = why or _refusal(header, size, self._size - at)
        if is_sparse and why is None:
            why = "a sparse file, which is not supported"
        raw = name.encode("utf-8", "surrogateescape")
        return Member(path, raw, first, size, seconds, 0, at, at + size, size, 0, why), after

    def _header(self, at: int) -> tarfile.TarInfo | None:
        if at >= self._size > 0:  # the last size may have been any number
            return None
        self._file.seek(at)
        block = self._file.read(_BLOCK)
        if len(block) == _BLOCK and not block.strip(b"\0"):  # zeros end it
            return None
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            why = f"{_DAMAGED}: a header is broken" if at else "not a tar archive, or damaged"
            raise DamagedError(why) from None
        if header.size < 0:
            raise DamagedError(f"{_DAMAGED}: a size is negative")
        return header

    def _after_map(self, at: int) -> int:
        """Return where the blocks end in which a sparse file's header goes on; most have none."""
        self._file.seek(at - _BLOCK)
        goes_on = read_exactly(self._file, _BLOCK)[_GOES_ON]
        while goes_on:
            goes_on = read_exactly(self._file, _BLOCK)[_STILL_GOES_ON]
            at += _BLOCK
        return at

    def _note(self, header: tarfile.TarInfo, at: int, changes: dict[str, str]) -> None:
        """Note what stands before a member and changes its header."""
        if header.size > _LONGEST_HEADER:
            raise DamagedError(f"{_DAMAGED}: a header has {header.size:,} bytes")
        self._file.seek(at)
        data = read_exactly(self._file, header.size)
        if header.type == _LONG_NAME:
            changes["path"] = _text(data.split(b"\0", 1)[0])
        elif header.type in _PAX:
            changes.update(_records(data))


def _changed(header: tarfile.TarInfo, changes: dict[str, str]) -> tuple[str, int, int, bool]:
    """Return name, size, seconds and whether it is sparse, as what stands before it says."""
    is_sparse = header.type == tarfile.GNUTYPE_SPARSE or any(
        key.startswith("GNU.sparse") for key in changes
    )
    name = changes.get("GNU.sparse.name", changes.get("path", header.name))
    try:
        size = int(changes.get("size", header.size))
        seconds = int(float(changes.get("mtime", header.mtime)))
    except (ValueError, OverflowError):
        raise DamagedError(f"{_DAMAGED}: a header is broken") from None
    if size < 0:
        raise DamagedError(f"{_DAMAGED}: a size is negative")
    return name, size, seconds, is_sparse


def _refusal(header: tarfile.TarInfo, size: int, left: int) -> str | None:
    if header.issym() or header.islnk():
        return "a link in an archive, not an image"
    if not header.isreg():
        return "not a regular file"
    return "its archive ends before it does" if size > left else None


def _records(data: bytes) -> dict[str, str]:
    """Read the records of a pax header: ``30 path=…`` and a line break; a broken one ends them."""
    found, at = {}, 0
    while at < len(data):
        digits, _, _ = data[at : at + 20].partition(b" ")
        if not digits.isdigit() or not (length := int(digits)):
            break
        key, _, value = data[at + len(digits) + 1 : at + length - 1].partition(b"=")
        found[_text(key)] = _text(value)
        at += length
    return found


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
