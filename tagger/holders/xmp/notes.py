"""Our record of a packet, read and rewritten by whoever keeps more in it than tags."""

from __future__ import annotations

from tagger.holders.xmp.edit import Editor
from tagger.holders.xmp.packet import Packet
from tagger.holders.xmp.record import Record


def read_record(data: bytes) -> Record | None:
    """Return what is noted in a packet of our own, or None.

    Raises:
        CannotChange: the file is no XMP, or none that can be changed safely.
    """
    return Packet(data).record


def with_record(data: bytes, record: Record) -> bytes:
    """Note something else in a packet that has a record.

    Args:
        data: the file.
        record: what is noted from now on.

    Returns:
        The file; ``data`` itself where that is noted already.

    Raises:
        CannotChange: as for :func:`read_record`.
    """
    packet = Packet(data)
    if packet.record is None:
        raise ValueError("There is no record in this packet.")
    return Editor(packet, packet.record).finished(record)
