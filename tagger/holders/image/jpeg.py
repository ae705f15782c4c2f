"""JPEG: segments before the image, and all from its first scan on.

Sources: ITU-T T.81, annex B (markers); XMP specification part 3, "JPEG"; Adobe Photoshop File
Formats Specification (APP13).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tagger.holders.image import mpf, photoshop
from tagger.holders.image.container import Container, EmbedError, Metadata, Piece, Reader, Span

SIGNATURE = b"\xff\xd8"

_SOS = 0xDA
_APP0, _APP1, _APP2, _APP11, _APP13 = 0xE0, 0xE1, 0xE2, 0xEB, 0xED
_ALONE = (0x00, 0x01, *range(0xD0, 0xDA))  # markers that no segment follows
_READ = (_APP1, _APP2, _APP11, _APP13)
_MOST_IN_SEGMENT = 0xFFFF - 2
_WINDOW = 4096  # bytes that are read at once
# Even the largest metadata has fewer segments, of up to 64 KB each; fill bytes count, too.
_MOST_SEGMENTS = 100_000

_EXIF = b"Exif\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
# The XMP specification's limit; two bytes less than what there would be room for.
_MOST_XMP = 65_502
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENSION_HEAD = len(_EXTENSION) + 40  # and a fingerprint, the size of all, where this part goes
# Words of Container.was: resources that deny IPTC by a digest of zeros; a segment without any.
_PLAIN, _BARE = "plain", "bare"
_FIELDS = (b":subject", b":hierarchicalSubject", b":TagsList")


@dataclass(frozen=True, slots=True, eq=False)
class _Segment:
    """A marker segment: its marker, where it lies with fill bytes, its payload if looked at."""

    marker: int
    span: Span
    payload: bytes

    def is_a(self, marker: int, head: bytes) -> bool:
        return self.marker == marker and self.payload.startswith(head)

    def filled(self, new: bytes) -> bytes:
        """Return a new segment behind the fill bytes that stand before this one."""
        return b"\xff" * (len(self.span) - 4 - len(self.payload)) + new


#: The segments of a new file: what they were, and what they are.
_Parts = list[tuple[_Segment | None, Piece]]


class Jpeg(Container):
    """A JPEG file."""

    takes_iptc = True

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._segments, self._scan = _segments(reader)
        packets = [one for one in self._segments if one.is_a(_APP1, _XMP)]
        if len(packets) > 1:
            raise EmbedError("an image with two XMP packets")
        self._packet = packets[0] if packets else None
        self._photoshop = [one for one in self._segments if one.is_a(_APP13, _PHOTOSHOP)]
        # One text, which was cut into segments anywhere.
        self._resources = b"".join(one.payload[len(_PHOTOSHOP) :] for one in self._photoshop)
        self.metadata = Metadata(
            self._packet.payload[len(_XMP) :] if self._packet else None,
            photoshop.iptc_of(self._resources),
        )
        if photoshop.lacks_iptc(self._resources):
            self.was += (_PLAIN,)
        if any(one.payload == _PHOTOSHOP for one in self._photoshop):
            self.was += (_BARE,)
        self.rest = [photoshop.without_iptc(self._resources)]
        for one in self._segments:
            if one.is_a(_APP2, mpf.HEAD):
                self.rest.append(mpf.independent(one.payload, one.span.end, reader.size))
            elif one is not self._packet and one not in self._photoshop:
                self.rest.append(one.span)
        self.rest.append(Span(self._scan, reader.size))

    def changed(self, metadata: Metadata, *, was: Collection[str] = ()) -> list[Piece]:
        """Return the file with other metadata; see :meth:`Container.changed`."""
        self._refuse_what_would_break()
        parts: _Parts = [(one, one.span) for one in self._segments]
        if metadata.iptc != self.metadata.iptc:
            parts = self._with_iptc(parts, metadata.iptc, was)
        if metadata.xmp != self.metadata.xmp:
            parts = self._with_xmp(parts, metadata.xmp)
        grown = len(SIGNATURE) + sum(len(piece) for _, piece in parts) - self._scan
        pieces: list[Piece] = [SIGNATURE]
        at = len(SIGNATURE)
        for one, piece in parts:
            at += len(piece)
            if one is not None and one.is_a(_APP2, mpf.HEAD):
                pieces.append(Span(one.span.start, one.span.end - len(one.payload)))
                pieces.append(mpf.moved(one.payload, grown, at - one.span.end))
            else:
                pieces.append(piece)
        return [*pieces, Span(self._scan, self.reader.size)]

    def _with_xmp(self, parts: _Parts, xmp: bytes | None) -> _Parts:
        if xmp is not None and len(xmp) > _MOST_XMP:
            raise EmbedError("an image with no room for more XMP (a JPEG holds 64 KB)")
        new = b"" if xmp is None else _segment(_APP1, _XMP + xmp)
        if self._packet is not None:
            new = self._packet.filled(new) if new else b""
            return [(one, new if one is self._packet else piece) for one, piece in parts]
        parts.insert(_behind_exif(parts), (None, new))
        return parts

    def _with_iptc(self, parts: _Parts, iptc: bytes | None, was: Collection[str]) -> _Parts:
        changes = photoshop.edits(self._resources, iptc, lacking=_PLAIN in was)
        if self.metadata.iptc is None and iptc is not None:
            new = photoshop.new_resource(iptc)
            first = self._photoshop[0] if self._photoshop else None
            if first is None or len(first.payload) + len(new) > _MOST_IN_SEGMENT:
                changes = [change for change in changes if change[2] != new]
                places = (place for place, (one, _) in enumerate(parts) if one is first)
                place = _behind_exif(parts) if first is None else next(places)
                parts.insert(place, (None, _segment(_APP13, _PHOTOSHOP + new)))
        start = 0
        for one in self._photoshop:
            end = start + len(one.payload) - len(_PHOTOSHOP)
            own = [change for change in changes if start <= change[0] and change[1] <= end]
            changes = [change for change in changes if change not in own]
            if own:
                inside = [(at - start, to - start, text) for at, to, text in own]
                text = photoshop.apply(one.payload[len(_PHOTOSHOP) :], inside)
                stays = text or _BARE in was
                piece = one.filled(_segment(_APP13, _PHOTOSHOP + text)) if stays else b""
                parts = [(other, piece if other is one else former) for other, former in parts]
            start = end
        if changes:
            raise EmbedError("an image whose IPTC is cut in two")
        return parts

    def _refuse_what_would_break(self) -> None:
        extension = b"".join(
            one.payload[_EXTENSION_HEAD:] for one in self._segments if one.is_a(_APP1, _EXTENSION)
        )
        if any(name in extension for name in _FIELDS):
            raise EmbedError("an image with keywords in an extension of its XMP")
        if any(one.marker == _APP11 and b"c2pa" in one.payload for one in self._segments):
            raise EmbedError("a signed image (C2PA), which any change would make invalid")
        has_exif = any(one.is_a(_APP1, _EXIF) for one in self._segments)
        has_index = any(one.is_a(_APP2, mpf.HEAD) for one in self._segments)
        scan = Span(self._scan, self.reader.size)
        # Inside a scan 0xFF is never followed by one of these.
        if has_exif and not has_index and self.reader.contains(scan, b"\xff\xd9\xff\xd8\xff"):
            # Old cameras' previews: found by an offset in a maker's note, which nobody can correct.
            raise EmbedError("an image with a second one behind it that no index names")


def parts(reader: Reader) -> Iterator[tuple[str, bytes]]:
    """Yield what may hold keywords, up to where the file is damaged."""
    extension: list[tuple[bytes, bytes]] = []
    resources = b""
    with contextlib.suppress(EmbedError):
        for one in _walk(reader):
            if one.is_a(_APP1, _XMP):
                yield "xmp", one.payload[len(_XMP) :]
            elif one.is_a(_APP1, _EXTENSION):
                place = one.payload[_EXTENSION_HEAD - 4 : _EXTENSION_HEAD]
                extension.append((place, one.payload[_EXTENSION_HEAD:]))
            elif one.is_a(_APP1, _EXIF):
                yield "exif", one.payload
            elif one.is_a(_APP13, _PHOTOSHOP):
                resources += one.payload[len(_PHOTOSHOP) :]
    if extension:
        yield "xmp", b"".join(text for _, text in sorted(extension))
    if resources and (iptc := photoshop.iptc_of(resources)) is not None:
        yield "iptc", iptc


def _segments(reader: Reader) -> tuple[list[_Segment], int]:
    """Return the segments before the first scan, and where that starts."""
    *found, scan = _walk(reader)
    return found, scan.span.start


def _walk(reader: Reader) -> Iterator[_Segment]:
    """Yield the segments up to the first scan, which comes as an empty one."""
    window, opens = reader.head, 0

    def take(place: int, length: int) -> bytes:
        """Read some bytes, and what lies behind them: most segments are short."""
        nonlocal window, opens
        if not opens <= place <= place + length <= opens + len(window):
            window = reader.take(place, max(length, min(_WINDOW, reader.size - place)))
            opens = place
        return window[place - opens : place - opens + length]

    start = at = len(SIGNATURE)
    for _ in range(_MOST_SEGMENTS):
        first, marker = take(at, 2)
        if first == marker == 0xFF:  # a fill byte
            at += 1
            continue
        if first != 0xFF or marker in _ALONE:
            raise EmbedError("damaged (its segments cannot be told apart)")
        if marker == _SOS:
            yield _Segment(marker, Span(start, start), b"")
            return
        size = int.from_bytes(take(at + 2, 2), "big")
        if size < 2:
            raise EmbedError("damaged (its segments cannot be told apart)")
        payload = take(at + 4, size - 2) if marker in _READ else b""
        at += 2 + size
        yield _Segment(marker, Span(start, at), payload)
        start = at
    raise EmbedError(f"damaged (it has over {_MOST_SEGMENTS:,} segments)")


def _segment(marker: int, payload: bytes) -> bytes:
    if len(payload) > _MOST_IN_SEGMENT:
        raise EmbedError("an image with no room for more IPTC (a JPEG's segment holds 64 KB)")
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


def _behind_exif(parts: _Parts) -> int:
    """Return where new segments go: JFIF and Exif want to be first."""
    behind = 0
    for place, (one, _) in enumerate(parts, start=1):
        if one is not None and (one.marker == _APP0 or one.is_a(_APP1, _EXIF)):
            behind = place
    return behind
