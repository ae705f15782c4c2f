"""Detects TIFF files whose directory would take far more memory than its size in the file."""

from __future__ import annotations

import struct
from typing import Final

from tagger.decode.budget import ImageError
from tagger.decode.file import ImageFile

#: Values of one entry. A tall image with one strip per row has 100,000; each becomes an object, and
#: each strip several, of about 300 bytes together.
_MOST_VALUES: Final = 300_000

# Tags used for reading pixels: TIFF 6.0, sections 3 to 23.
_FIRST_TAG: Final = 254
_LAST_TAG: Final = 532
_OFFSETS: Final = (273, 324)
# Types that stay bytes: ASCII and UNDEFINED.
_BYTES: Final = (2, 7)


def refuse_long_tables(file: ImageFile) -> None:
    """Check a file's first directory if it is a TIFF, before it is opened as an image.

    Args:
        file: positioned at its start, and left there.

    Raises:
        ImageError: an entry has more values than an image needs.
    """
    head = file.peek(16)[:16]
    if len(head) < 16 or head[:2] not in (b"II", b"MM") or not {42, 43} & set(head[2:4]):
        return
    order = "<" if head[:2] == b"II" else ">"
    is_big = head[2] == 43  # the test Pillow uses
    place, count, entry = ("Q", "Q", "HHQ8x") if is_big else ("L", "H", "HHL4x")
    (start,) = struct.unpack_from(order + place, head, 8 if is_big else 4)
    try:
        file.seek(start)
        size = struct.calcsize(order + count)
        (entries,) = struct.unpack(order + count, file.read(size))
        size = struct.calcsize(order + entry)
        table = file.read(min(entries, 65_535) * size)
    except (OSError, OverflowError, ValueError, struct.error):  # damage is reported later
        file.begin_header()
        return
    file.begin_header()
    whole = memoryview(table)[: len(table) // size * size]
    for tag, kind, values in struct.iter_unpack(order + entry, whole):
        if values <= _MOST_VALUES or not _FIRST_TAG <= tag <= _LAST_TAG:
            continue
        if tag in _OFFSETS or kind not in _BYTES:
            raise ImageError(f"damaged image: {values:,} values in one entry of its directory")
