"""WebP: chunks of a RIFF.

Source: RFC 9649, WebP Image Format.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tagger.holders.image.container import Container, EmbedError, Metadata, Piece, Reader, Span

RIFF, WEBP = b"RIFF", b"WEBP"

_FORM, _LOSSY, _LOSSLESS, _XMP = b"VP8X", b"VP8 ", b"VP8L", b"XMP "
_MISNAMED_XMP = b"XMP\0"
_HAS_XMP, _HAS_ALPHA = 0x04, 0x10


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    """A chunk: its kind, where it lies with head and padding, and the size of its data."""

    kind: bytes
    span: Span
    size: int


class WebP(Container):
    """A WebP file; IPTC has no place in it.

    One without VP8X, which says what else it holds, cannot have XMP: it is plain. Its XMP may lack
    the flag there, or the flag its XMP, and some programs have called the chunk ``XMP`` with a zero
    at the end, which others do not find: with our tags all is as it should be.
    """

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._end = 8 + int.from_bytes(reader.take(4, 4), "little")
        self._chunks = list(_chunks(reader, self._end))
        if not self._chunks or self._end > reader.size:
            raise EmbedError("damaged (it ends in the middle)")
        packets = [one for one in self._chunks if one.kind == _XMP]
        packets = packets or [one for one in self._chunks if one.kind == _MISNAMED_XMP]
        if len(packets) > 1:
            raise EmbedError("an image with several XMP packets")
        self._packet = packets[0] if packets else None
        self.metadata = Metadata(self._data(packets[0]) if packets else None, None)
        self._form = next((one for one in self._chunks if one.kind == _FORM), None)
        if self._form is not None and self._form is not self._chunks[0]:
            raise EmbedError("damaged (its chunks are out of order)")
        if self._form is not None and self._form.size < 10:
            raise EmbedError("damaged (its chunks cannot be read)")
        self.was = self._words()
        self._others = [one for one in self._chunks if one not in (self._packet, self._form)]
        self.rest = [self._form_data(has_xmp=False), *(one.span for one in self._others)]
        self.rest.append(Span(self._end, reader.size))

    def changed(self, metadata: Metadata, *, was: Collection[str] = ()) -> list[Piece]:
        """Return the file with other metadata; see :meth:`Container.changed`."""
        if any(one.kind == b"C2PA" for one in self._chunks):
            raise EmbedError("a signed image (C2PA), which any change would make invalid")
        has_xmp = metadata.xmp is not None
        name = _MISNAMED_XMP if "misnamed" in was else _XMP
        new = b"" if metadata.xmp is None else _chunk(name, metadata.xmp)
        kept: list[Piece] = [
            new if one is self._packet else one.span
            for one in self._chunks
            if one is not self._form
        ]
        if self._packet is None:
            kept.append(new)
        image_alone = [one.kind for one in self._others] in ([_LOSSY], [_LOSSLESS])
        flag = (has_xmp and "unflagged" not in was) or "flagged" in was
        if not ("plain" in was and image_alone and not flag):
            kept.insert(0, _chunk(_FORM, self._form_data(has_xmp=flag)))
        size = len(WEBP) + sum(len(piece) for piece in kept)
        if size > 0xFFFFFFFE:
            raise EmbedError("an image with no room for more (a WebP holds 4 GB)")
        head = RIFF + size.to_bytes(4, "little") + WEBP
        return [head, *kept, Span(self._end, self.reader.size)]

    def _words(self) -> tuple[str, ...]:
        """Return what is not as a file with XMP should be, see :attr:`Container.was`."""
        is_flagged = self._form is not None and bool(self._data(self._form)[0] & _HAS_XMP)
        words = {
            "plain": self._form is None,
            "unflagged": self._packet is not None and not is_flagged,
            "flagged": self._packet is None and is_flagged,
            "misnamed": self._packet is not None and self._packet.kind == _MISNAMED_XMP,
        }
        return tuple(word for word, holds in words.items() if holds)

    def _form_data(self, *, has_xmp: bool) -> bytes:
        data = self._data(self._form) if self._form is not None else self._plain_form()
        flags = data[0] | _HAS_XMP if has_xmp else data[0] & ~_HAS_XMP
        return bytes((flags,)) + data[1:]

    def _plain_form(self) -> bytes:
        """Return what VP8X would say of an image that has none: alpha, width and height."""
        image = next((one for one in self._chunks if one.kind in (_LOSSY, _LOSSLESS)), None)
        if image is None or image.size < (10 if image.kind == _LOSSY else 5):
            raise EmbedError("damaged (no image is in it)")
        head = self.reader.take(image.span.start + 8, min(image.size, 10))
        if image.kind == _LOSSY:
            width = int.from_bytes(head[6:8], "little") & 0x3FFF
            height = int.from_bytes(head[8:10], "little") & 0x3FFF
            flags = 0
        else:
            bits = int.from_bytes(head[1:5], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
            flags = _HAS_ALPHA if bits >> 28 & 1 else 0
        if not width or not height:
            raise EmbedError("damaged (no image is in it)")
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        return bytes((flags, 0, 0, 0)) + size

    def _data(self, chunk: _Chunk) -> bytes:
        return self.reader.take(chunk.span.start + 8, chunk.size)


def parts(reader: Reader) -> Iterator[tuple[str, bytes]]:
    """Yield what may hold keywords, up to where the file is damaged."""
    kinds = {_XMP: "xmp", _MISNAMED_XMP: "xmp", b"EXIF": "exif"}
    for one in _chunks(reader, min(8 + int.from_bytes(reader.take(4, 4), "little"), reader.size)):
        if one.kind in kinds:
            yield kinds[one.kind], reader.take(one.span.start + 8, one.size)


def _chunks(reader: Reader, end: int) -> Iterator[_Chunk]:
    at = 12  # behind the head
    while at < end:
        kind = reader.take(at, 4)
        size = int.from_bytes(reader.take(at + 4, 4), "little")
        following = at + 8 + size + size % 2
        if following > end:
            raise EmbedError("damaged (it ends in the middle)")
        yield _Chunk(kind, Span(at, following), size)
        at = following


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)
