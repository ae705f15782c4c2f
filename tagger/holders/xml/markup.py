"""What is put into a packet: its lines, its prefixes, its indentation."""

from __future__ import annotations

from tagger.holders.xmp.names import PREFIXES, RDF, TAGGER, Field
from tagger.holders.xmp.record import Record, escape, record_lines

#: (depth, text) of each.
Lines = list[tuple[int, str]]


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


def lay_out(lines: Lines, lead: str) -> str:
    """Join lines, indented like what follows ``lead``; without line breaks where it has none."""
    if "\n" not in lead:
        return "".join(text for _, text in lines)
    start = "\n" + last_line(lead)
    return "".join(
        f"{start}{' ' * depth}{text}" if number else text
        for number, (depth, text) in enumerate(lines)
    )


def last_line(blanks: str) -> str:
    """Return the indentation at the end of white space."""
    return blanks.rpartition("\n")[2]
