"""PNG and APNG: chunks.

Sources: PNG specification (W3C), 11.3.3 "Textual information"; XMP specification part 3, "PNG".
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Collection, Iterator

from tagger.holders.image import photoshop
from tagger.holders.image.container import Container, EmbedError, Metadata, Piece, Reader, Span
from tagger.holders.xmp.names import has_our_mark

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_KEYWORD = b"XML:com.adobe.xmp"
# How ImageMagick keeps what it takes from other formats; programs read it as well.
_RAW_PROFILE = b"Raw profile type "
_RAW_PROFILES = (_RAW_PROFILE + b"xmp", _RAW_PROFILE + b"APP1")
_EXIF, _XMP, _PHOTOSHOP = b"Exif\0", b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_LONGEST_KEYWORD = 79
_MOST_XMP = 64 * 1024 * 1024
# A word of Container.was: how XMP was compressed, by the head of its data and zlib's level.
_DEFLATED = re.compile("deflated-([0-9a-f]{4})-([0-9])")
_MOST_TRIED = 256 * 1024
_MOST_SHOWN = 16 * 1024 * 1024


def parts(reader: Reader) -> Iterator[tuple[str, bytes]]:
    """Yield what may hold keywords, up to where the file is damaged."""
    for kind, chunk in _chunks(reader):
        if kind == b"eXIf":
            yield "exif", reader.take(chunk.start + 8, len(chunk) - 12)
        elif kind in _TEXTS:
            with contextlib.suppress(EmbedError, zlib.error, ValueError, IndexError):
                yield from _text_parts(kind, reader.take(chunk.start + 8, len(chunk) - 12))


def _text_parts(kind: bytes, data: bytes) -> Iterator[tuple[str, bytes]]:
    keyword, _, text = data.partition(b"\0")
    if keyword != _KEYWORD and not keyword.startswith(_RAW_PROFILE):
        return
    compressed = kind == b"zTXt" or (kind == b"iTXt" and text[:1] == b"\1")
    if kind == b"iTXt":  # behind the flags: a language and a translated keyword
        text = text[2:].split(b"\0", 2)[2]
    elif kind == b"zTXt":
        text = text[1:]
    if compressed:
        text = zlib.decompressobj().decompress(text, _MOST_SHOWN)
    if keyword == _KEYWORD:
        yield "xmp", text
        return
    # A name, the number of bytes, and these in hexadecimal.
    profile = bytes.fromhex(b"".join(text.split()[2:]).decode("ascii"))
    if profile.startswith(_EXIF):
        yield "exif", profile
    elif keyword.endswith((b"xmp", b"APP1")):
        yield "xmp", profile.removeprefix(_XMP)
    elif keyword.endswith((b"iptc", b"8bim")):
        profile = profile.removeprefix(_PHOTOSHOP)
        iptc = profile if profile.startswith(b"\x1c") else photoshop.iptc_of(profile)
        if iptc is not None:
            yield "iptc", iptc


def _chunks(reader: Reader) -> Iterator[tuple[bytes, Span]]:
    """Yield each chunk's kind and where it lies, to the last one."""
    at, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        size = int.from_bytes(reader.take(at, 4), "big")
        kind = reader.take(at + 4, 4)
        yield kind, Span(at, at + 12 + size)
        at += 12 + size


class Png(Container):
    """A PNG file; IPTC has no place of its own in it."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._is_signed = self._has_profile = self._is_compressed = False
        self._packet: Span | None = None
        self._head = b""
        self._behind_header = len(SIGNATURE) + 25
        self.metadata = Metadata(None, None)
        for kind, chunk in _chunks(reader):
            self._look_at(kind, chunk)
        if chunk.end > reader.size:
            raise EmbedError("damaged (it ends in the middle)")
        packet = self._packet or Span(reader.size, reader.size)
        self.rest = [Span(0, packet.start), Span(packet.end, reader.size)]

    def _look_at(self, kind: bytes, chunk: Span) -> None:
        self._is_signed |= kind == b"caBX"
        if kind not in _TEXTS:
            return
        data, size = chunk.start + 8, len(chunk) - 12
        keyword = self.reader.take(data, min(size, _LONGEST_KEYWORD + 1)).partition(b"\0")[0]
        if keyword in _RAW_PROFILES:
            self._has_profile = True
        elif keyword == _KEYWORD:
            if self._packet is not None or kind != b"iTXt":
                raise EmbedError("an image with several XMP packets, or one in an odd place")
            self._packet = chunk
            self._read_packet(self.reader.take(data, size))
            check = zlib.crc32(self.reader.take(data - 4, size + 4)).to_bytes(4, "big")
            if self.reader.take(data + size, 4) != check:
                raise EmbedError("damaged (its XMP cannot be read)")

    def _read_packet(self, data: bytes) -> None:
        flag = data[len(_KEYWORD) + 1 : len(_KEYWORD) + 2]
        # Behind the flags: a language and a translated keyword, both empty in most files.
        parts = data[len(_KEYWORD) + 3 :].split(b"\0", 2)
        if len(parts) < 3 or flag not in (b"\0", b"\1"):
            raise EmbedError("damaged (its XMP cannot be read)")
        text = parts[2]
        self._head = data[: len(data) - len(text)]
        self._is_compressed = flag == b"\1"
        if self._is_compressed:
            inflater = zlib.decompressobj()
            try:
                text = inflater.decompress(text, _MOST_XMP)
            except zlib.error:
                raise EmbedError("damaged (its XMP cannot be read)") from None
            if not inflater.eof:
                raise EmbedError("damaged (its XMP cannot be read), or XMP larger than 64 MB")
            self.was = () if has_our_mark(text) else _deflated(parts[2], text)
        self.metadata = Metadata(text, None)

    def changed(self, metadata: Metadata, *, was: Collection[str] = ()) -> list[Piece]:
        """Return the file with other metadata; see :meth:`Container.changed`."""
        if self._is_signed:
            raise EmbedError("a signed image (C2PA), which any change would make invalid")
        if self._has_profile and self._packet is None:
            raise EmbedError("an image with ImageMagick's copy of its XMP, which would be hidden")
        # Behind the header: programs that read no further than the pixels find it too.
        place = self._packet or Span(self._behind_header, self._behind_header)
        new = b"" if metadata.xmp is None else self._chunk(metadata.xmp, was)
        return [Span(0, place.start), new, Span(place.end, self.reader.size)]

    def _chunk(self, xmp: bytes, was: Collection[str]) -> bytes:
        text = zlib.compress(xmp) if self._is_compressed else xmp
        for match in filter(None, map(_DEFLATED.fullmatch, was)):
            text = bytes.fromhex(match[1]) + zlib.compress(xmp, int(match[2]))[2:]
        data = b"iTXt" + (self._head or _KEYWORD + bytes(5)) + text
        return (len(data) - 4).to_bytes(4, "big") + data + zlib.crc32(data).to_bytes(4, "big")


def _deflated(data: bytes, text: bytes) -> tuple[str, ...]:
    """Return how a text was compressed, if we can do that again; the head alone may differ."""
    if len(text) > _MOST_TRIED:
        return ()
    same = (level for level in range(9, -1, -1) if zlib.compress(text, level)[2:] == data[2:])
    level = next(same, None)
    return () if level is None else (f"deflated-{data[:2].hex()}-{level}",)
