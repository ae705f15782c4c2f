"""TIFF and BigTIFF: the first page's directory, rewritten at the end of the file.

Nothing that is there moves, so every offset in the file stays true, also those that only a maker
knows. Behind the directory stands where the former one is: as long as no other program has written
the file since, it is given back by cutting it off there.

Sources: TIFF 6.0; XMP specification part 3, "TIFF"; Adobe Photoshop TIFF Technical Notes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

from tagger.holders.image import photoshop
from tagger.holders.image.container import Container, EmbedError, Metadata, Piece, Reader, Span
from tagger.holders.image.directory import (
    BYTE,
    LONG,
    UNDEFINED,
    XP_KEYWORDS,
    Directory,
    Layout,
    TiffEntry,
)
from tagger.holders.image.iptc import trimmed

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_XMP, _IPTC, _PHOTOSHOP, _C2PA = 700, 33723, 34377, 52545
_HOLDERS = (_XMP, _IPTC, _PHOTOSHOP)

_MARK = b"poster-tagger/1\0"
_MARK_SIZE = len(_MARK) + 16  # and the size of the former file, and where its directory is


class _State:
    """A TIFF's first directory and what it says of metadata."""

    def __init__(self, reader: Reader, layout: Layout, start: int, size: int) -> None:
        self.start, self.size = start, size
        self.directory = Directory.read(reader, layout, start)
        values = {}
        for tag in _HOLDERS:
            entry = self.directory.find(tag)
            if entry is not None:
                if entry.count and not entry.size:  # of an unknown type
                    raise EmbedError("damaged (its directory cannot be read)")
                values[tag] = entry.value(reader, layout)
        self.resources = values.get(_PHOTOSHOP)
        self.others = self.directory.without(_HOLDERS)
        in_resources = photoshop.iptc_of(self.resources or b"")
        self.has_iptc_in_resources = in_resources is not None
        self.has_iptc = _IPTC in values
        iptc = trimmed(values[_IPTC]) if self.has_iptc else in_resources
        self.has_two_iptc = (
            self.has_iptc and in_resources is not None and trimmed(in_resources) != iptc
        )
        self.metadata = Metadata(values.get(_XMP) or None, iptc)


def parts(reader: Reader) -> Iterator[tuple[str, bytes]]:
    """Yield what may hold keywords, up to where the file is damaged."""
    layout = Layout.of(reader.take(0, 4))
    start = layout.number(reader.take(layout.offset_size, layout.offset_size))
    directory = Directory.read(reader, layout, start)
    kinds = {_XMP: "xmp", _IPTC: "iptc", _PHOTOSHOP: "iptc", XP_KEYWORDS: "xp"}
    for entry in directory.entries:
        if entry.tag in kinds:
            with contextlib.suppress(EmbedError):
                value: bytes | None = entry.value(reader, layout)
                if entry.tag == _PHOTOSHOP:
                    value = photoshop.iptc_of(value or b"")
                if value is not None:
                    yield kinds[entry.tag], value


class Tiff(Container):
    """A TIFF file."""

    takes_iptc = True

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._layout = Layout.of(reader.take(0, 4))
        offset_size = self._layout.offset_size
        self._head = reader.take(0, offset_size)
        pointer = reader.take(offset_size, offset_size)
        self._now = _State(reader, self._layout, self._layout.number(pointer), reader.size)
        # What was there before us, as long as it can be given back.
        self._base = self._former() or self._now
        self.metadata = self._now.metadata
        self._kept = Span(2 * offset_size, self._base.size)
        directory = self._now.others.packed(self._layout)
        self.rest = [self._head, directory, _foreign(self._now.resources), self._kept]

    def changed(self, metadata: Metadata, *, was: Collection[str] = ()) -> list[Piece]:
        """Return the file with other metadata; see :meth:`Container.changed`."""
        layout, base = self._layout, self._base
        if base.directory.find(_C2PA) is not None:
            raise EmbedError("a signed image (C2PA), which any change would make invalid")
        if base.has_two_iptc:
            raise EmbedError("an image with two IPTC that differ")
        if metadata == base.metadata:
            return [self._head, layout.offset(base.start), self._kept]
        at = base.size + base.size % 2
        addition = self._addition(metadata, at)
        layout.offset(at + len(addition))  # refuses what is too large
        return [self._head, layout.offset(at), self._kept, bytes(base.size % 2) + addition]

    def _former(self) -> _State | None:
        """Return what the file was before us; None if another program has written it since."""
        reader, now = self.reader, self._now
        if reader.size <= _MARK_SIZE:
            return None
        mark = reader.take(reader.size - _MARK_SIZE, _MARK_SIZE)
        size, start = (int.from_bytes(text, "little") for text in (mark[-16:-8], mark[-8:]))
        if not mark.startswith(_MARK) or now.start != size + size % 2:
            return None
        try:
            base = _State(reader, self._layout, start, size)
        except EmbedError:
            return None
        same = base.others == now.others
        return base if same and _foreign(base.resources) == _foreign(now.resources) else None

    def _addition(self, metadata: Metadata, at: int) -> bytes:
        """Return what stands at the end: a directory, the values it names, our mark."""
        values = self._values(metadata)
        # The size of a directory does not depend on where the values are.
        size = len(self._directory(values, 0).packed(self._layout))
        directory = self._directory(values, at + size)
        data = b"".join(_even(text) for text in values.values() if self._is_far(text))
        mark = self._base.size.to_bytes(8, "little") + self._base.start.to_bytes(8, "little")
        return directory.packed(self._layout) + data + _MARK + mark

    def _values(self, metadata: Metadata) -> dict[int, bytes]:
        """Return the values that differ from the former file's; an empty one is gone."""
        base, iptc = self._base, metadata.iptc
        values = {}
        if metadata.xmp != base.metadata.xmp:
            values[_XMP] = metadata.xmp or b""
        if iptc != base.metadata.iptc:
            if base.has_iptc or not base.has_iptc_in_resources:
                fill = -len(iptc or b"") % 4 if self._kind(_IPTC) == LONG else 0
                values[_IPTC] = (iptc or b"") + bytes(fill)
            if base.has_iptc_in_resources:
                text = base.resources or b""
                values[_PHOTOSHOP] = photoshop.apply(text, photoshop.edits(text, iptc))
            elif base.resources:
                filled = values[_IPTC] or None  # as programs see it that check the digest
                changes = photoshop.digest_edits(base.resources, base.metadata.iptc, filled)
                if changes:
                    values[_PHOTOSHOP] = photoshop.apply(base.resources, changes)
        return values

    def _directory(self, values: dict[int, bytes], at: int) -> Directory:
        """Return the former directory with values of which the first stands at ``at``."""
        layout = self._layout
        directory = self._base.directory.without(values)
        for tag, text in values.items():
            kind = self._kind(tag)
            count = len(text) // (4 if kind == LONG else 1)
            is_far = self._is_far(text)
            field = layout.offset(at) if is_far else text.ljust(layout.offset_size, b"\0")
            if text:
                directory = directory.with_entry(TiffEntry(tag, kind, count, field))
            at += len(_even(text)) if is_far else 0
        return directory

    def _kind(self, tag: int) -> int:
        """Return the type of a value: that of the former file if it is one of bytes."""
        entry = self._base.directory.find(tag)
        if entry is not None and entry.kind in (BYTE, UNDEFINED):
            return entry.kind
        # IPTC is not a list of numbers, but Photoshop says so, and libtiff takes nothing else.
        return {_XMP: BYTE, _IPTC: LONG, _PHOTOSHOP: UNDEFINED}[tag]

    def _is_far(self, text: bytes) -> bool:
        return len(text) > self._layout.offset_size


def _foreign(resources: bytes | None) -> bytes:
    return photoshop.without_iptc(resources or b"")


def _even(text: bytes) -> bytes:
    return text + bytes(len(text) % 2)
