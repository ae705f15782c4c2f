"""Multi-picture JPEG: where the further images lie, which moves when the first one grows.

Source: CIPA DC-007, Multi-Picture Format: an index in APP2, a small TIFF whose offsets count from
its own header and whose first entry is the image that holds it.
"""

from __future__ import annotations

from typing import Literal

from tagger.holders.image.container import EmbedError

HEAD = b"MPF\0"

_ENTRIES, _ENTRY_SIZE = 0xB002, 16


def moved(payload: bytes, grown: int, shift: int) -> bytes:
    """Return the index after the first image grew, and this segment moved, by so many bytes.

    Raises:
        EmbedError: the index is damaged.
    """
    order, places = _entries(payload)
    data = bytearray(payload)
    for at in places:
        size, offset = (int.from_bytes(data[at + n : at + n + 4], order) for n in (4, 8))
        if offset:
            data[at + 8 : at + 12] = (offset + grown - shift).to_bytes(4, order)
        else:
            data[at + 4 : at + 8] = (size + grown).to_bytes(4, order)
    return bytes(data)


def independent(payload: bytes, end: int, file_size: int) -> bytes:
    """Return the index with distances from the end of the file; as it is where it is damaged.

    Its segment ends at ``end`` in the file.
    """
    try:
        order, places = _entries(payload)
    except EmbedError:
        return payload
    data = bytearray(payload)
    start = end - len(payload) + len(HEAD)
    distances = []
    for at in places:
        size, offset = (int.from_bytes(data[at + n : at + n + 4], order) for n in (4, 8))
        distances.append((size, file_size - start - offset) if offset else (file_size - size, 0))
        data[at + 4 : at + 12] = bytes(8)
    return bytes(data) + repr(distances).encode()


def _entries(payload: bytes) -> tuple[Literal["little", "big"], range]:
    """Return the byte order, and where in the payload each image's entry starts."""
    base = len(HEAD)
    orders: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}
    order = orders.get(payload[base : base + 2])
    if order is None:
        raise EmbedError("an image whose index of further images cannot be read")

    def number(at: int, size: int) -> int:
        return int.from_bytes(payload[at : at + size], order)

    directory = base + number(base + 4, 4)
    for entry in range(directory + 2, directory + 2 + 12 * number(directory, 2), 12):
        if number(entry, 2) == _ENTRIES:
            start, size = base + number(entry + 8, 4), number(entry + 4, 4)
            if size % _ENTRY_SIZE == 0 and start + size <= len(payload):
                return order, range(start, start + size, _ENTRY_SIZE)
    raise EmbedError("an image whose index of further images cannot be read")
