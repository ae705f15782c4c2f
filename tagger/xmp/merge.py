"""Our keywords into an XMP packet, and out again."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tagger.xmp.edit import Editor
from tagger.xmp.elements import XmpError
from tagger.xmp.names import FIELDS
from tagger.xmp.packet import Packet, same_keyword
from tagger.xmp.record import Entry, Record

if TYPE_CHECKING:
    from tagger.results import Tag

_EMPTY = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="poster-tagger">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
""".encode()
_NOTHING = Record((), (), "", "", created=False, former=(None,) * len(FIELDS))


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
    return _merge(_EMPTY, wish, created=True)


def merge(data: bytes, wish: Wish) -> bytes:
    """Put tags into a packet in place of our earlier ones.

    Whoever put a keyword there before us keeps it: it is not noted as ours and never taken out. A
    tag of ours that is gone from ``dc:subject`` was taken out by someone, and stays out.

    Args:
        data: the file.
        wish: what it shall say.

    Returns:
        The file with the tags; ``data`` itself where it says all that already.

    Raises:
        XmpError: the file is no XMP, or none that can be changed safely.
    """
    return _merge(data, wish, created=False)


def take_out(data: bytes) -> TakenOut | None:
    """Take our tags out of a packet, with all that was made for their sake.

    Args:
        data: the file.

    Returns:
        What is left, or None where nothing in it is ours.

    Raises:
        XmpError: as for :func:`merge`.
    """
    packet = Packet(data)
    if packet.record is None:
        return None
    editor = Editor(packet, packet.record)
    for index in range(len(FIELDS)):
        editor.set_field(index, [])
    left = _checked(editor.finished(None))
    is_ours = packet.record.created and _says_nothing(left)
    tags = tuple(entry.tag for entry in packet.record.entries)
    return TakenOut(None if is_ours else left, tags)


def _merge(data: bytes, wish: Wish, *, created: bool) -> bytes:
    packet = Packet(data)
    former = packet.record or dataclasses.replace(_NOTHING, created=created)
    removed = _removed(packet, former)
    tags = [tag for tag in wish.tags if tag.name not in removed]
    editor = Editor(packet, former)
    written = [
        editor.set_field(index, [field.text(wish.root, tag.name) for tag in tags])
        for index, field in enumerate(FIELDS)
    ]
    record = Record(
        tuple(
            Entry(tag.name, f"{tag.score:.4f}", tuple(texts))
            for tag, *texts in zip(tags, *written, strict=True)
        ),
        removed,
        wish.model,
        wish.date,
        former.created,
        tuple(editor.former),
    )
    if former.date and record.says_the_same_tags(former):
        record = dataclasses.replace(record, date=former.date)
    changed = editor.finished(record if record.is_needed else None)
    # A packet of ours alone needs no second look: it has one form.
    return changed if changed is data or data is _EMPTY else _checked(changed)


def _removed(packet: Packet, record: Record) -> tuple[str, ...]:
    """Return the tags of ours that someone took out: every program keeps dc:subject."""
    present = {same_keyword(text) for place in packet.places(FIELDS[0]) for text in place.texts()}
    gone = [entry.tag for entry in record.entries if same_keyword(entry.tag) not in present]
    return tuple(dict.fromkeys((*record.removed, *gone)))


def _checked(data: bytes) -> bytes:
    """Return a changed file that reads as XMP; anything else is never written."""
    try:
        Packet(data)
    except XmpError as error:
        raise XmpError(f"XMP that cannot be changed safely (it would be {error})") from None
    return data


def _says_nothing(data: bytes) -> bool:
    packet = Packet(data)
    bare = all(packet.is_bare(description) for description in packet.descriptions)
    return bare and packet.source.comments == 0
