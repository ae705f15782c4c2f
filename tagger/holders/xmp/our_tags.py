"""Our tags into the fields of a packet: what a model's tags and a person's have in common."""

from __future__ import annotations

import dataclasses

from tagger.errors import CannotChange
from tagger.holders.xmp.edit import Editor
from tagger.holders.xmp.names import FIELDS
from tagger.holders.xmp.packet import Packet
from tagger.holders.xmp.record import Entry, Record
from tagger.text import same_keyword

#: A packet that says nothing.
EMPTY = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="poster-tagger">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
""".encode()

#: The record of a packet that has none.
NOTHING = Record((), (), "", "", created=False, former=(None,) * len(FIELDS))


def set_tags(
    editor: Editor, tags: list[tuple[str, str]], root: tuple[str, ...], former: Record, date: str
) -> Record:
    """Put tags (name, probability) into every field; return the former record with these."""
    written = [
        editor.set_field(index, [field.text(root, name) for name, _ in tags])
        for index, field in enumerate(FIELDS)
    ]
    entries = tuple(
        Entry(name, probability, tuple(texts))
        for (name, probability), *texts in zip(tags, *written, strict=True)
    )
    record = dataclasses.replace(former, entries=entries, former=tuple(editor.former))
    keeps_date = former.date and record.says_the_same_tags(former)
    return dataclasses.replace(record, date=former.date if keeps_date else date)


def subjects(packet: Packet) -> dict[str, str]:
    """Return the keywords of dc:subject: what they have in common with others → as they stand."""
    found: dict[str, str] = {}
    for place in packet.places(FIELDS[0]):
        for text in place.texts():
            found.setdefault(same_keyword(text), text)
    return found


def checked(data: bytes) -> Packet:
    """Return a changed file that reads as XMP; anything else is never written."""
    try:
        return Packet(data)
    except CannotChange as error:
        raise CannotChange(f"XMP that cannot be changed safely (it would be {error})") from None
