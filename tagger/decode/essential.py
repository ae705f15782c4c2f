"""What of an image's file decides its pixels: all but notes, which viewers pass over if damaged.

Pillow refuses an image for a note that is too long, too short or has a wrong checksum, and a JPEG
whose end marker is missing. Where it refuses a file, the file is read once more as if it had only
pixels, palette, transparency, colour profile and orientation.

Sources: PNG (third edition, sections 5 and 11), JPEG (ITU-T T.81, annex B; Adobe technical note
5116), WebP (RFC 9649), TIFF 6.0 with its supplements, GIF89a, AVIF (ISO 14496-12, 8.11.6).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from tagger.decode.excerpt import Excerpt, Part
from tagger.decode.file import MOST_EXIF, ImageFile

_PNG_HEADER: Final = 33
# Colour type → bytes of its transparent colour.
_TRANSPARENT_BYTES: Final = {0: 2, 2: 6}
_PALETTE: Final = 3

_WEBP_SEEN: Final = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF")

_SCAN: Final = 0xDA
_JPEG_END: Final = b"\xff\xd9"
# Bits for what comes next where an image breaks off; where it is complete they are passed over.
# Without them it would be zeros. Codes that begin with other bits are other samples.
_GUESSES: Final = (b"\xaa" * 64, b"\xfe\x93" * 32, b"\x25\x5a" * 32, b"\x6d\xb6\xdb" * 22)
_DISK_BLOCK: Final = 512

# Tags of TIFF that decide pixels: sizes, samples, colours, place, compression, which way is up.
_TIFF_SEEN: Final = frozenset(
    (254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323,
     324, 325, 332, 338, 339, 340, 341, 347, *range(512, 522), 529, 530, 531, 532, 34675)
)  # fmt: skip
_AVIF_NOTE: Final = re.compile(rb"infe[\2\3]..." + rb"(?:..|....)" + rb"\0\0(Exif)", re.DOTALL)
_AVIF_HEADER: Final = 64 * 1024


def excerpts(file: ImageFile) -> Iterator[Excerpt]:
    """Yield what of a file decides its pixels, the most faithful way first.

    Raises:
        ImageError: out of time, or its header has no end.
    """
    file.begin_header()
    head = file.read(_PNG_HEADER)
    if len(head) < _PNG_HEADER:
        return
    if head.startswith(b"\x89PNG"):
        yield Excerpt(file, _png(file, head))
    elif head.startswith(b"RIFF"):
        yield Excerpt(file, _webp(file))
    elif head.startswith(b"\xff\xd8"):
        yield from _jpeg_excerpts(file)
    elif head.startswith(b"GIF8"):
        yield Excerpt(file, _gif(file, head))
    elif head[4:8] == b"ftyp":
        yield Excerpt(file, _avif(file))
    elif head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        yield Excerpt(file, _tiff(file, head))


def _jpeg_excerpts(file: ImageFile) -> Iterator[Excerpt]:
    *header, scans = _jpeg(file)
    shorter = Excerpt(file, [*header, scans])
    if shorter.size < file.size:
        yield shorter
    start = int(scans[0])
    if (end := _end_of_pixels(file, start)) is not None:
        header.append((start, end))
        variants = (Excerpt(file, [*header, guess + _JPEG_END]) for guess in _GUESSES)
        yield Excerpt(file, [*header, _JPEG_END], tuple(variants))


def _png(file: ImageFile, head: bytes) -> list[Part]:
    parts: list[Part] = [(0, _PNG_HEADER)]
    place = _PNG_HEADER
    while len(chunk := _read(file, place, 8)) == 8 and chunk[4:] != b"IEND":
        size, name = int.from_bytes(chunk[:4], "big"), chunk[4:]
        end = place + size + 12
        # A file that ends within its pixels may have all of them: the decoder decides.
        if name in (b"PLTE", b"IDAT") or (
            _fits(name, size, colour_type=head[25]) and _is_intact(file, place, end)
        ):
            parts.append((place, min(end, file.size)))
        place = end
    return parts


def _fits(name: bytes, size: int, *, colour_type: int) -> bool:
    """Say whether a PNG's chunk has the size of one that changes what is seen."""
    if name == b"eXIf":  # the orientation
        return size <= MOST_EXIF
    if name != b"tRNS":
        return False
    if colour_type == _PALETTE:
        return size <= 256
    return size == _TRANSPARENT_BYTES.get(colour_type)


def _is_intact(file: ImageFile, start: int, end: int) -> bool:
    """Say whether the checksum of a PNG's chunk is right."""
    chunk = _read(file, start + 4, end - start - 4)
    return zlib.crc32(chunk[:-4]).to_bytes(4, "big") == chunk[-4:]


def _webp(file: ImageFile) -> list[Part]:
    parts: list[Part] = []
    place, length = 12, 4
    while len(head := _read(file, place, 8)) == 8:
        size, name = int.from_bytes(head[4:8], "little"), head[:4]
        end = place + 8 + size
        if end > file.size:
            break
        if name in _WEBP_SEEN or (name == b"EXIF" and size <= MOST_EXIF):
            parts += [(place, end), bytes(size % 2)]
            length += 8 + size + size % 2
        place = end + size % 2
    return [b"RIFF" + length.to_bytes(4, "little") + b"WEBP", *parts]


def _jpeg(file: ImageFile) -> list[Part]:
    """Return the segments before the first scan that are needed, and all from there on."""
    parts: list[Part] = [(0, 2)]
    place = 2
    while len(head := _read(file, place, 4 + 12)) > 4:
        marker, size = head[1], int.from_bytes(head[2:4], "big")
        if head[0] != 0xFF or marker in (0, 0xFF):  # junk and filling, which no reader minds
            place += 1
            continue
        if marker == _SCAN:
            break
        alone = marker == 1 or 0xD0 <= marker <= 0xD8
        end = place + 2 + (0 if alone else max(size, 2))
        if _is_needed(marker, size - 2, head[4:]):
            parts.append((place, end))
        place = end
    return [*parts, (place, file.size)]


def _is_needed(marker: int, size: int, content: bytes) -> bool:
    """Say whether a JPEG's segment matters to what is seen, and is as long as it has to be."""
    if marker == 0xE0:
        return content.startswith(b"JFIF\0") and size >= 14
    if marker == 0xE1:
        return content.startswith(b"Exif\0\0")
    if marker == 0xE2:
        return content.startswith(b"ICC_PROFILE\0") and size > 14
    if marker == 0xEE:
        return content.startswith(b"Adobe") and size >= 12
    return not (0xE3 <= marker <= 0xEF or marker == 0xFE)


def _end_of_pixels(file: ImageFile, start: int) -> int | None:
    """Return where a JPEG without an end marker ends; None if it breaks off for certain.

    Blocks of a disk that were never written are full of zeros or ones. They could pass for pixels.
    """
    tail = _read(file, max(start, file.size - _DISK_BLOCK), _DISK_BLOCK).rstrip(b"\xff")
    if not tail or tail.endswith(bytes(16)):
        return None
    return max(start, file.size - _DISK_BLOCK) + len(tail)


def _tiff(file: ImageFile, head: bytes) -> list[Part]:
    """Return a file whose first directory lies at its end, and has only tags that matter."""
    order = "<" if head[:2] == b"II" else ">"
    is_big = 43 in head[2:4]
    place_form, count_form, size = ("Q", "Q", 20) if is_big else ("L", "H", 12)
    at = 8 if is_big else 4
    (start,) = struct.unpack_from(order + place_form, head, at)
    width = struct.calcsize(order + count_form)
    table = _read(file, start, width + 65_535 * size)
    (count,) = struct.unpack_from(order + count_form, table.ljust(width, b"\0"))
    entries = (table[width + size * i : width + size * (i + 1)] for i in range(min(count, 65_535)))
    kept = [entry for entry in entries if len(entry) == size and _tag(order, entry) in _TIFF_SEEN]
    last = file.size + file.size % 2
    directory = struct.pack(order + count_form, len(kept)) + b"".join(kept)
    return [
        (0, at),
        struct.pack(order + place_form, last),
        (at + struct.calcsize(order + place_form), file.size),
        bytes(file.size % 2) + directory + struct.pack(order + place_form, 0),
    ]


def _tag(order: str, entry: bytes) -> int:
    (number,) = struct.unpack_from(order + "H", entry)
    return int(number)


def _gif(file: ImageFile, head: bytes) -> list[Part]:
    """Return a file whose first image follows its palette; before it only its transparency."""
    place = 13 + (3 << (head[10] & 7) + 1 if head[10] & 0x80 else 0)
    parts: list[Part] = [(0, place)]
    while (start := _read(file, place, 3))[:1] not in (b"", b","):
        end = place + 1
        if start.startswith(b"!"):
            end += 1
            while size := _read(file, end, 1)[:1].strip(b"\0"):
                end += 1 + size[0]
            end += 1
            if start[1:] == b"\xf9\x04":
                parts.append((place, end))
        place = end
    return [*parts, (place, file.size)]


def _avif(file: ImageFile) -> list[Part]:
    """Return a file whose EXIF is no longer called so."""
    header = _read(file, 0, _AVIF_HEADER)
    parts: list[Part] = []
    start = 0
    for note in _AVIF_NOTE.finditer(header):
        parts += [(start, note.start(1)), b"none"]
        start = note.end(1)
    return [*parts, (start, file.size)]


def _read(file: ImageFile, place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(size)
