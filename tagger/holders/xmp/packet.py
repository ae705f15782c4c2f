"""An XMP packet: its descriptions, the keywords in their fields, and what we noted of our own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tagger.errors import CannotChange
from tagger.holders.xml.elements import XML, Name, Node
from tagger.holders.xml.source import Source
from tagger.holders.xmp.names import CONTAINERS, FIELDS, RDF, RECORD, Field, X
from tagger.holders.xmp.record import parse_record
from tagger.text import same_keyword

_FOR_EXTENSION = ("http://ns.adobe.com/photoshop/1.0/", "SidecarForExtension")
_DERIVED_FROM = ("http://ns.adobe.com/xap/1.0/mm/", "DerivedFrom")
_ITEM = re.compile(r"li|_[0-9]+")
_ABOUT = ((RDF, "about"), ("", "about"))  # the second one is from before RDF had namespaces here

# What makes a property something else than a text or a list.
_OTHER_FORMS = frozenset((RDF, name) for name in ("parseType", "resource", "datatype", "nodeID"))


@dataclass(frozen=True)
class Item:
    """A keyword in a list: plain if it is nothing but its text, as ours are."""

    node: Node
    text: str
    plain: bool


@dataclass(frozen=True)
class Place:
    """One occurrence of a field in a description.

    Attributes:
        node: its element; None for an attribute.
        container: the list inside; None for a bare text.
        bare: the bare text, which may be empty; None for a list.
    """

    description: Node
    node: Node | None
    container: Node | None
    items: tuple[Item, ...]
    bare: str | None

    def texts(self) -> list[str]:
        """Return every keyword."""
        return [item.text for item in self.items] + ([self.bare] if self.bare else [])


class Packet:
    """An XMP packet in an XML file.

    Attributes:
        about: what its descriptions are about; empty in nearly every file.
        record: what we noted of our own, and the element that holds it; None if there is none.

    Raises:
        CannotChange: the file is not XMP, or is XMP that cannot be changed safely.
    """

    def __init__(self, data: bytes) -> None:
        self.source = Source(data)
        self.rdf = _rdf(self.source.root)
        self.descriptions = self.rdf.children
        self.about = self._about()
        self.record_node = self._record_node()
        self.record = None if self.record_node is None else parse_record(self.record_node)

    def places(self, field: Field) -> list[Place]:
        """Find a field wherever it stands.

        Raises:
            CannotChange: it has a form that holds no keywords.
        """
        return list(places_of(self.descriptions, field))

    def subjects(self) -> dict[str, str]:
        """Return what dc:subject holds: what keywords have in common → as they stand first."""
        found: dict[str, str] = {}
        for place in self.places(FIELDS[0]):
            for text in place.texts():
                found.setdefault(same_keyword(text), text)
        return found

    def said_owner(self) -> tuple[str | None, str | None]:
        """Return of which ending, in lower case, and of which file it says that it is a sidecar.

        Adobe's programs say the one (``photoshop:SidecarForExtension``), darktable the other, as a
        text in ``xmpMM:DerivedFrom``.
        """
        ending, file = (self._text(name) for name in (_FOR_EXTENSION, _DERIVED_FROM))
        return (ending and ending.lstrip(".").lower()) or None, file or None

    def _text(self, name: Name) -> str | None:
        """Return a property's text, as attribute or element."""
        for node in self.descriptions:
            found = [node.attributes[name].strip()] if name in node.attributes else []
            found += [child.text for child in node.children if child.name == name]
            if found:
                return found[0]
        return None

    def says_nothing(self) -> bool:
        """Return whether there is no property in it, as element or attribute, and no comment."""
        bare = (not node.children and self.is_bare_tag(node) for node in self.descriptions)
        return all(bare) and self.source.comments == 0

    def is_bare_tag(self, description: Node) -> bool:
        """Return whether a description has no property as attribute."""
        return set(description.attributes) <= set(_ABOUT)

    def _about(self) -> str:
        nodes = self.descriptions
        values = {node.attributes.get(name, "") for node in nodes for name in _ABOUT} - {""}
        if len(values) > 1:
            raise CannotChange("no XMP of one image (its descriptions are about different things)")
        return values.pop() if values else ""

    def _record_node(self) -> Node | None:
        nodes = (node for description in self.descriptions for node in description.children)
        found = [node for node in nodes if node.name == RECORD]
        if len(found) > 1:
            raise CannotChange("XMP with two records of our tags")
        return found[0] if found else None


def places_of(descriptions: Iterable[Node], field: Field) -> Iterator[Place]:
    """Yield where a field stands; see :meth:`Packet.places`."""
    for description in descriptions:
        if (value := description.attributes.get(field.name)) is not None:
            yield Place(description, None, None, (), value.strip())
        for node in description.children:
            if node.name == field.name:
                yield _place(description, node, field)


def _rdf(root: Node) -> Node:
    """Return the one ``rdf:RDF``, in whatever other elements: readers look for it alone."""
    found: list[Node] = []
    rest = [root]
    while rest:
        node = rest.pop()
        if node.name == (RDF, "RDF"):
            found.append(node)
        else:
            rest += node.children
    if len(found) == 1:
        return found[0]
    if root.name in ((X, "xmpmeta"), (X, "xapmeta")) or found:
        raise CannotChange(f"no XMP that can be changed ({len(found) or 'no'} rdf:RDF inside)")
    raise CannotChange(f"XML, but no XMP (its outermost element is {root.name[1]})")


def _place(description: Node, node: Node, field: Field) -> Place:
    foreign = {name for name in node.attributes if name[0] not in (RDF, XML)}
    if foreign or _OTHER_FORMS & set(node.attributes):
        raise _no_keywords(field)
    if not node.children:
        return Place(description, node, None, (), node.text)
    container = node.children[0]
    is_list = container.name[0] == RDF and container.name[1] in CONTAINERS
    if len(node.children) > 1 or not is_list:
        raise _no_keywords(field)
    nodes = [child for child in container.children if child.name[0] == RDF]
    items = tuple(_item(child) for child in nodes if _ITEM.fullmatch(child.name[1]))
    return Place(description, node, container, items, None)


def _no_keywords(field: Field) -> CannotChange:
    return CannotChange(f"XMP whose {field.label} is not a list of keywords")


def _item(node: Node) -> Item:
    """Read a list's item: a text, or one with qualifiers, in any of RDF's spellings."""
    value: Node | None = node
    if [child.name for child in node.children] == [(RDF, "Description")]:
        value = node.children[0]
    assert value is not None
    if (RDF, "value") in value.attributes:
        return Item(node, value.attributes[RDF, "value"].strip(), plain=False)
    if value.children or value is not node:
        value = next((child for child in value.children if child.name == (RDF, "value")), None)
        return Item(node, value.text if value else "", plain=False)
    return Item(node, node.text, plain=not node.attributes)
