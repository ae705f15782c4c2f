"""What is put into a packet: its lines, its prefixes, its indentation."""

from __future__ import annotations

from tagger.holders.xml.elements import escape, escape_value
from tagger.holders.xmp.names import FIELDS, PREFIXES, RDF, TAGGER, Field
from tagger.holders.xmp.record import Record, record_lines

#: (depth, text) of each.
Lines = list[tuple[int, str]]

_NEW = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="poster-tagger">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{}
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


class Prefixes:
    """Finds the prefix of a namespace, or takes a free one and notes that it must be declared."""

    def __init__(self, scope: dict[str, str]) -> None:
        self._bound = dict(scope)
        self._new: dict[str, str] = {}

    def of(self, uri: str) -> str:
        """Return the prefix of a namespace."""
        wish = PREFIXES[uri]
        if self._bound.get(wish) == uri:
            return wish
        for prefix, bound in self._bound.items():
            if prefix and bound == uri:
                return prefix
        prefix = wish
        number = 1
        while prefix in self._bound:
            number += 1
            prefix = f"{wish}{number}"
        self._bound[prefix] = self._new[prefix] = uri
        return prefix

    def declarations(self, lead: str = "") -> str:
        """Return what a start tag must declare, each after ``lead`` and a blank."""
        return "".join(f'{lead} xmlns:{prefix}="{uri}"' for prefix, uri in self._new.items())


def property_lines(field: Field, texts: list[str], prefixes: Prefixes, *, declares: bool) -> Lines:
    """Return a field with a list; ``declares`` makes its element declare missing prefixes."""
    name = f"{prefixes.of(field.name[0])}:{field.name[1]}"
    rdf = prefixes.of(RDF)
    declared = prefixes.declarations() if declares else ""
    return [
        (0, f"<{name}{declared}>"),
        (1, f"<{rdf}:{field.container}>"),
        *((2, f"<{rdf}:li>{escape(text)}</{rdf}:li>") for text in texts),
        (1, f"</{rdf}:{field.container}>"),
        (0, f"</{name}>"),
    ]


def record_element(record: Record, prefixes: Prefixes, *, declares: bool) -> Lines:
    """Return the element of a record; ``declares`` as for :func:`property_lines`."""
    tagger, rdf = prefixes.of(TAGGER), prefixes.of(RDF)
    declared = prefixes.declarations() if declares else ""
    return [
        (0, f'<{tagger}:record{declared} {rdf}:parseType="Resource">'),
        *((depth + 1, text) for depth, text in record_lines(record, tagger, rdf)),
        (0, f"</{tagger}:record>"),
    ]


def described(about: str, lines: Lines, prefixes: Prefixes, lead: str) -> str:
    """Return a description with properties, which declares what prefixes they need.

    Args:
        about: what it is about.
        lines: the properties.
        prefixes: that the lines were written with.
        lead: white space in front of it.
    """
    name = f"{prefixes.of(RDF)}:Description"
    head = f'<{name} {prefixes.of(RDF)}:about="{escape_value(about)}"'
    break_ = lead[lead.rindex("\n") :] + " " if "\n" in lead else ""
    whole = [
        (0, f"{head}{prefixes.declarations(break_)}>"),
        *((depth + 1, text) for depth, text in lines),
        (0, f"</{name}>"),
    ]
    return lead + lay_out(whole, lead)


def new_packet(record: Record) -> bytes:
    """Return a packet (ISO 16684-1) that holds just what a record calls ours, and the record."""
    prefixes = Prefixes({"rdf": RDF})
    lines: Lines = []
    for index, field in enumerate(FIELDS):
        texts = [text for entry in record.entries if (text := entry.written[index])]
        if texts:
            lines += property_lines(field, texts, prefixes, declares=False)
    lines += record_element(record, prefixes, declares=False)
    return _NEW.format(described("", lines, prefixes, "\n  ")).encode()


def lay_out(lines: Lines, lead: str) -> str:
    """Join lines, indented like what follows ``lead``; without line breaks where it has none."""
    if "\n" not in lead:
        return "".join(text for _, text in lines)
    start = lead[lead.rindex("\n") :]
    return "".join(
        f"{start}{' ' * depth}{text}" if number else text
        for number, (depth, text) in enumerate(lines)
    )
