"""What is put into a packet: its lines, its prefixes, its indentation."""

from __future__ import annotations

from collections.abc import Iterable

from tagger.holders.xml.elements import escape, escape_value
from tagger.holders.xmp.names import FIELDS, PREFIXES, RDF, TAGGER, Field
from tagger.holders.xmp.record import WRITTEN, OurTag, Record

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
        prefix, number = wish, 1
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
    name, rdf = f"{prefixes.of(field.name[0])}:{field.name[1]}", prefixes.of(RDF)
    declared = prefixes.declarations() if declares else ""
    return _list_lines(name, f"{rdf}:{field.container}", _item_lines(texts, rdf), declared)


def record_element(record: Record, prefixes: Prefixes, *, declares: bool) -> Lines:
    """Return the element of a record; ``declares`` as for :func:`property_lines`."""
    tagger, rdf = prefixes.of(TAGGER), prefixes.of(RDF)
    declared = prefixes.declarations() if declares else ""
    inside: Lines = []
    for name, entries in (("tags", record.entries), ("copied", record.copied)):
        if entries:
            lines = _entry_lines(entries, tagger, rdf)
            inside += _list_lines(f"{tagger}:{name}", f"{rdf}:Seq", lines)
    for name, values in (("removed", record.removed), ("iptc", record.iptc)):
        if values:
            inside += _list_lines(f"{tagger}:{name}", f"{rdf}:Bag", _item_lines(values, rdf))
    texts = {
        **{f"{name}Was": was for name, was in zip(WRITTEN, record.was, strict=True)},
        "iptcWas": record.iptc_was,
        "containerWas": record.container_was,
        "created": "True" if record.created else None,
        "model": record.model or None,
        "text": record.text or None,
        "date": record.date,
        "settled": record.settled or None,
    }
    return [
        (0, f'<{tagger}:record{declared} {rdf}:parseType="Resource">'),
        *((depth + 1, line) for depth, line in inside),
        *((1, line) for line in _fields(texts, tagger)),
        (0, f"</{tagger}:record>"),
    ]


def _entry_lines(entries: Iterable[OurTag], tagger: str, rdf: str) -> Lines:
    lines: Lines = []
    for entry in entries:
        written = zip(WRITTEN, entry.written, strict=True)
        texts = {"tag": entry.tag, "probability": entry.probability or None, **dict(written)}
        lines.append((2, f'<{rdf}:li {rdf}:parseType="Resource">'))
        lines += [(3, line) for line in _fields(texts, tagger)]
        lines.append((2, f"</{rdf}:li>"))
    return lines


def _list_lines(name: str, container: str, items: Lines, declared: str = "") -> Lines:
    head: Lines = [(0, f"<{name}{declared}>"), (1, f"<{container}>")]
    return [*head, *items, (1, f"</{container}>"), (0, f"</{name}>")]


def _item_lines(texts: Iterable[str], rdf: str) -> Lines:
    return [(2, f"<{rdf}:li>{escape(text)}</{rdf}:li>") for text in texts]


def _fields(texts: dict[str, str | None], tagger: str) -> list[str]:
    return [
        f"<{tagger}:{name}>{escape(text)}</{tagger}:{name}>"
        for name, text in texts.items()
        if text is not None
    ]


def described(
    about: str,
    fields: Iterable[tuple[Field, list[str]]],
    record: Record,
    prefixes: Prefixes,
    lead: str,
) -> str:
    """Return a description with fields, a record and the prefixes they need, behind ``lead``."""
    lines: Lines = []
    for field, texts in fields:
        lines += property_lines(field, texts, prefixes, declares=False)
    lines += record_element(record, prefixes, declares=False)
    rdf = prefixes.of(RDF)
    head = f'<{rdf}:Description {rdf}:about="{escape_value(about)}"'
    whole = [
        (0, f"{head}{prefixes.declarations(one_deeper(lead))}>"),
        *((depth + 1, text) for depth, text in lines),
        (0, f"</{rdf}:Description>"),
    ]
    return lead + lay_out(whole, lead)


def one_deeper(lead: str) -> str:
    """Return white space one deeper than ``lead``; none where it has no line break."""
    return lead[lead.rindex("\n") :] + " " if "\n" in lead else ""


def new_packet(record: Record) -> bytes:
    """Return a packet (ISO 16684-1) that holds just what a record calls ours, and the record."""
    fields = [
        (field, texts)
        for index, field in enumerate(FIELDS)
        if (texts := [text for entry in record.listed if (text := entry.written[index])])
    ]
    return _NEW.format(described("", fields, record, Prefixes({"rdf": RDF}), "\n  ")).encode()


def lay_out(lines: Lines, lead: str) -> str:
    """Join lines, indented like what follows ``lead``; without line breaks where it has none."""
    if "\n" not in lead:
        return "".join(text for _, text in lines)
    start = lead[lead.rindex("\n") :]
    return "".join(f"{start}{' ' * depth}{text}" for depth, text in lines).removeprefix(start)
