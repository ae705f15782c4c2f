"""Keywords of other people inside an image, wherever programs look for them.

Unlike what changes an image, this reads all it can of a damaged one: what programs show of it must
not be hidden.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator

from tagger.holders.image import iptc, jpeg, png, tiff, webp
from tagger.holders.image.container import EmbedError, Reader, Span, opened
from tagger.holders.image.directory import XP_KEYWORDS, Directory, Layout
from tagger.holders.xmp.foreign import IPTC, XP, Foreign, read_foreign
from tagger.holders.xmp.names import Path
from tagger.holders.xmp.record import NOTHING
from tagger.text import same_keyword

_EXIF_HEAD = b"Exif\0\0"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PACKET = (b"<x:xmpmeta", b"</x:xmpmeta>")
_MOST_XMP = 16 * 1024 * 1024


def foreign_in_image(path: str) -> Foreign:
    """Return what other people did in an image file; nothing where it cannot be read."""
    with contextlib.suppress(EmbedError, OSError), opened(path) as file:
        return foreign_of(Reader(file))
    return Foreign()


def foreign_of(reader: Reader) -> Foreign:
    """Return what other people did in an image."""
    keywords: dict[str, list[Path]] = {}
    removed: list[str] = []
    record, flat = NOTHING, dict[str, list[str]]()
    datasets = False
    for kind, data in _parts(reader):
        if kind == "xmp":
            found, noted = read_foreign(data.rstrip(b"\0"))
            for name, paths in found.keywords.items():
                keywords.setdefault(name, []).extend(paths)
            removed += found.removed
            record = noted if found.has_record else record
        elif kind in ("exif", "xp"):
            value = data if kind == "xp" else _xp_keywords(data)
            texts = value.decode("utf-16-le", "ignore").rstrip("\0").split(";")
            flat.setdefault(XP, []).extend(texts)
        else:
            datasets = True
            flat.setdefault(IPTC, []).extend(iptc.keywords_in(data))
    noted_keys = {same_keyword(text): text for text in record.iptc}
    if datasets and not record.settled:
        present = {same_keyword(text) for text in flat[IPTC]}
        removed += [
            one.tag
            for one in record.entries
            if (key := same_keyword(one.tag)) in noted_keys and key not in present
        ]
    for name, texts in flat.items():
        clean = (_NOT_IN_XML.sub("", text).strip() for text in texts)
        own = noted_keys if name == IPTC else ()
        others = [text for text in clean if text and same_keyword(text) not in own]
        keywords.setdefault(name, []).extend((text,) for text in others)
    return Foreign(keywords, tuple(removed), has_record=record is not NOTHING)


def _parts(reader: Reader) -> Iterator[tuple[str, bytes]]:
    """Yield what may hold keywords: ``xmp``, ``iptc``, ``exif`` or ``xp``, and its bytes."""
    with contextlib.suppress(EmbedError):
        head = reader.head[:12]
        if head.startswith(jpeg.SIGNATURE):
            yield from jpeg.parts(reader)
        elif head.startswith(png.SIGNATURE):
            yield from png.parts(reader)
        elif head[:4] == webp.RIFF and head[8:] == webp.WEBP:
            yield from webp.parts(reader)
        elif head[:4] in tiff.SIGNATURES:
            yield from tiff.parts(reader)
        elif not head.startswith(b"BM"):
            yield from _scanned(reader)


def _scanned(reader: Reader) -> Iterator[tuple[str, bytes]]:
    """Look for packets in any other file (XMP specification part 3, "Packet scanning")."""
    start, end = _PACKET
    text = b""
    for block in reader.blocks([Span(0, reader.size)]):
        text += block
        while (at := text.find(start)) >= 0 and (to := text.find(end, at)) >= 0:
            yield "xmp", text[at : to + len(end)]
            text = text[to + len(end) :]
        text = text[at:] if at >= 0 else text[-len(start) :]
        if len(text) > _MOST_XMP:
            text = b""


def _xp_keywords(exif: bytes) -> bytes:
    exif = exif.removeprefix(_EXIF_HEAD)
    with contextlib.suppress(EmbedError):
        layout, reader = Layout.of(exif), Reader(io.BytesIO(exif))
        start = layout.number(exif[layout.offset_size : 2 * layout.offset_size])
        entry = Directory.read(reader, layout, start).find(XP_KEYWORDS)
        if entry is not None:
            return entry.value(reader, layout)
    return b""
