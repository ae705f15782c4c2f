"""ZIP archives: PKWARE's APPNOTE.TXT 6.3.10. Of compressed data, deflate is read."""

from __future__ import annotations

import calendar
import stat
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from tagger.errors import ImageError
from tagger.stores.item import Look
from tagger.stores.member import DamagedError, Member, read_exactly
from tagger.stores.names import spelled

_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_ENTRY: Final = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL: Final = struct.Struct("<4s2B4HL2L2H")

_LONGEST_COMMENT: Final = 0xFFFF
_PIECE: Final = 256 * 1024

_STORED, _DEFLATED = 0, 8
_METHODS: Final = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}

_UNIX: Final = 3
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_IS_UTF8: Final = 0x800


class Zip:
    """The directory of an archive, and its members.

    Args:
        file: the archive; used at any place.
        size: of the archive in bytes.

    Raises:
        DamagedError: it is not a whole ZIP archive.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._start, self._end, self._shift = _directory(file, size)

    def members(self) -> Iterator[Member]:
        """Yield all members, in the order of the directory; folders are left out.

        Raises:
            DamagedError: the directory is damaged.
        """
        at = self._start
        while at < self._end:
            member, at = self._read(at)
            if member is not None:
                yield member

    def member(self, at: int) -> Member:
        """Return the member whose entry is at a place; errors as above."""
        member, _ = self._read(at)
        assert member is not None
        return member

    def load(self, member: Member, look: Look) -> bytes:
        """Return a member's bytes.

        Raises:
            ImageError: it is damaged, or takes too long.
            OSError: the archive cannot be read.
        """
        self._file.seek(member.start)
        head = _LOCAL.unpack(self._exactly(_LOCAL.size))
        name = self._exactly(head[-2])
        if head[0] != b"PK\3\4" or name != member.raw_name:
            raise ImageError("its archive is damaged: its two names differ")
        if head[3] & _ENCRYPTED:
            raise ImageError("it is encrypted")
        self._file.seek(head[-1], 1)
        deflated = member.method == _DEFLATED
        data = self._inflated(member, look) if deflated else self._stored(member, look)
        if len(data) < member.size:
            raise ImageError("its archive is damaged: it is shorter than its directory says")
        if zlib.crc32(data) != member.checksum:
            raise ImageError("its archive is damaged: its checksum is wrong")
        return data

    def _stored(self, member: Member, look: Look) -> bytes:
        look(member.size)
        return self._exactly(member.size)

    def _inflated(self, member: Member, look: Look) -> bytes:
        unpack = zlib.decompressobj(-zlib.MAX_WBITS)
        data, left = bytearray(), member.packed
        try:
            while not unpack.eof and (left or unpack.unconsumed_tail):
                look(_PIECE)
                packed = unpack.unconsumed_tail
                if not packed:
                    packed = self._exactly(min(left, _PIECE))
                    left -= len(packed)
                data += unpack.decompress(packed, min(_PIECE, member.size - len(data) + 1))
                if len(data) > member.size:
                    raise ImageError("its archive is damaged: it is longer than its directory says")
        except zlib.error:
            raise ImageError("its archive is damaged: it cannot be unpacked") from None
        return bytes(data)

    def _exactly(self, size: int) -> bytes:
        try:
            return read_exactly(self._file, size)
        except DamagedError:
            raise ImageError("its archive ends before it does") from None

    def _read(self, at: int) -> tuple[Member | None, int]:
        """Read an entry, None for a folder's; and return where the next one is."""
        self._file.seek(at)
        entry = _ENTRY.unpack(read_exactly(self._file, _ENTRY.size))
        signature, _, system, _, _, flags, method, clock, day, checksum, *rest = entry
        packed, size, name_length, extra_length, comment_length, _, _, attributes, start = rest
        if signature != b"PK\1\2":
            raise DamagedError("a damaged ZIP archive: its directory is broken")
        raw_name = read_exactly(self._file, name_length)
        extra = read_exactly(self._file, extra_length)
        after = at + _ENTRY.size + name_length + extra_length + comment_length
        size, packed, start = _wide(extra, size, packed, start)
        name = _text(raw_name, flags).replace("\\", "/")
        mode = attributes >> 16 if system == _UNIX else 0
        if name.endswith("/") or stat.S_ISDIR(mode):
            return None, after
        path, why = spelled(name)
        start += self._shift
        end = start + _LOCAL.size + name_length + packed
        why = why or _refusal(mode, flags, method, size, packed)
        if end > self._size:
            why = "its archive ends before it does"
        seconds = _seconds(day, clock)
        return Member(
            path, raw_name, at, size, seconds, checksum, start, end, packed, method, why
        ), after


def _refusal(mode: int, flags: int, method: int, size: int, packed: int) -> str | None:
    if stat.S_ISLNK(mode):
        return "a link in an archive, not an image"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "not a regular file"
    if flags & _ENCRYPTED:
        return "it is encrypted"
    if method not in (_STORED, _DEFLATED):
        name = _METHODS.get(method, f"method {method}")
        return f"its archive compresses it by {name}, which is not supported"
    if method == _STORED and size != packed:
        return "its archive is damaged: its two sizes differ"
    return None


def _directory(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Return where the directory begins and ends, and by how much its places must be shifted."""
    tail_at = max(0, size - _LONGEST_COMMENT - _END.size)
    file.seek(tail_at)
    tail = file.read(size - tail_at)
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) - place < _END.size:
        raise DamagedError("not a ZIP archive, or one that was cut short")
    _, disk, first_disk, _, _, length, start, _ = _END.unpack_from(tail, place)
    end = tail_at + place
    if place >= _LOCATOR.size and tail[place - _LOCATOR.size :].startswith(b"PK\6\7"):
        _, _, at, _ = _LOCATOR.unpack_from(tail, place - _LOCATOR.size)
        # What stands before the archive, such as a program that unpacks it, shifts this, too.
        for where in (at, tail_at + place - _LOCATOR.size - _END_64.size):
            file.seek(where)
            wide = file.read(_END_64.size)
            if len(wide) == _END_64.size and wide.startswith(b"PK\6\6"):
                *_, disk, first_disk, _, _, length, start = _END_64.unpack(wide)
                end = where
                break
    if disk or first_disk:
        raise DamagedError("a part of a ZIP archive that was split")
    shift = end - length - start
    if shift < 0:
        raise DamagedError("a damaged ZIP archive: its directory is not where it should be")
    return start + shift, end, shift


def _wide(extra: bytes, *values: int) -> list[int]:
    """Return size, packed size and start, from the extra field where they need 64 bits."""
    wanted = sum(value == 0xFFFFFFFF for value in values)
    at = 0
    while wanted and at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            if len(field) < 8 * wanted:
                break
            wide = iter(struct.unpack_from(f"<{wanted}Q", field))
            return [next(wide) if value == 0xFFFFFFFF else value for value in values]
        at += 4 + length
    return list(values)


def _text(raw: bytes, flags: int) -> str:
    """Read a name: as UTF-8 if it is that, whatever the entry says, or else by the old rule."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogateescape") if flags & _IS_UTF8 else raw.decode("cp437")


def _seconds(day: int, clock: int) -> int:
    """Return a time of DOS as seconds since 1970, as if it were UTC: it names no zone."""
    date = (1980 + (day >> 9), day >> 5 & 15 or 1, day & 31 or 1)
    return calendar.timegm((*date, clock >> 11, clock >> 5 & 63, 2 * (clock & 31)))
