"""Our keywords into an XMP packet, and out again."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tagger.holders.xmp.edit import Editor
from tagger.holders.xmp.names import FIELDS
from tagger.holders.xmp.our_tags import EMPTY, NOTHING, checked, set_tags, subjects
from tagger.holders.xmp.packet import Packet
from tagger.holders.xmp.record import Record
from tagger.text import same_keyword

if TYPE_CHECKING:
    from tagger.results import Tag


@dataclass(frozen=True)
class Wish:
    """What a sidecar shall say.

    Attributes:
        tags: most probable first.
        root: levels above every tag in the hierarchical fields.
        model: name and version of the model that gave the tags.
        date: today, ``YYYY-MM-DD``.
    """

    tags: tuple[Tag, ...]
    root: tuple[str, ...]
    model: str
    date: str


@dataclass(frozen=True)
class TakenOut:
    """A sidecar without our tags.

    Attributes:
        content: the file; None where it was ours altogether, so that it goes.
        tags: the names that were ours.
    """

    content: bytes | None
    tags: tuple[str, ...]


def new_packet(wish: Wish) -> bytes:
    """Return an XMP packet (ISO 16684-1) with the tags as keywords, flat and hierarchical."""
    return _merged(Packet(EMPTY), wish, dataclasses.replace(NOTHING, created=True))


def merge(data: bytes, wish: Wish) -> bytes:
    """Put tags into a packet in place of our earlier ones.

    Whoever put a keyword there before us keeps it: it is not noted as ours and never taken out. A
    tag of ours that is gone from ``dc:subject`` was taken out by someone, and stays out. Tags that
    a person has settled (:func:`tagger.holders.xmp.pin.settle`) stay as they are.

    Args:
        data: the file.
        wish: what it shall say.

    Returns:
        The file with the tags; ``data`` itself where it says all that already.

    Raises:
        CannotChange: the file is no XMP, or none that can be changed safely.
    """
    packet = Packet(data)
    former = packet.record or NOTHING
    if former.settled:
        return data
    changed = _merged(packet, wish, former)
    if changed is not data:
        checked(changed)
    return changed


def take_out(data: bytes) -> TakenOut | None:
    """Take our tags out of a packet, with all that was made for their sake.

    Args:
        data: the file.

    Returns:
        What is left, or None where nothing in it is ours.

    Raises:
        CannotChange: as for :func:`merge`.
    """
    packet = Packet(data)
    if packet.record is None:
        return None
    editor = Editor(packet, packet.record)
    for index in range(len(FIELDS)):
        editor.set_field(index, [])
    left = editor.finished(None)
    is_ours = packet.record.created and _says_nothing(checked(left))
    tags = tuple(entry.tag for entry in packet.record.entries)
    return TakenOut(None if is_ours else left, tags)


def _merged(packet: Packet, wish: Wish, former: Record) -> bytes:
    removed = _removed(packet, former)
    tags = [(tag.name, f"{tag.score:.4f}") for tag in wish.tags if tag.name not in removed]
    editor = Editor(packet, former)
    record = set_tags(editor, tags, wish.root, former, wish.date)
    record = dataclasses.replace(record, removed=removed, model=wish.model)
    return editor.finished(record if record.is_needed else None)


def _removed(packet: Packet, record: Record) -> tuple[str, ...]:
    """Return the tags of ours that someone took out: every program keeps dc:subject."""
    present = subjects(packet)
    gone = [entry.tag for entry in record.entries if same_keyword(entry.tag) not in present]
    return tuple(dict.fromkeys((*record.removed, *gone)))


def _says_nothing(packet: Packet) -> bool:
    bare = all(packet.is_bare(description) for description in packet.descriptions)
    return bare and packet.source.comments == 0
