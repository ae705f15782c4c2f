"""What we note in a sidecar of our own tags, so that a later run finds them again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tagger.holders.xml.elements import Node
from tagger.holders.xmp.names import FIELDS, RDF, TAGGER

#: Names in the record for what was put into each field.
WRITTEN = tuple(field.name[1] for field in FIELDS)
_HIERARCHY = WRITTEN.index("hierarchicalSubject")


@dataclass(frozen=True)
class OurTag:
    """A tag of ours.

    Attributes:
        probability: 0 to 1, with four decimals; empty for a tag that no model gave.
        written: what we put into each of :data:`tagger.holders.xmp.names.FIELDS`; None if
            that stood there already, so that it is not ours.
    """

    tag: str
    probability: str
    written: tuple[str | None, ...]


@dataclass(frozen=True)
class Record:
    """All that is noted.

    Attributes:
        copied: keywords of other people that stand, in another list or file, where a list of ours
            would have hidden them; as they are put into each field, like tags.
        removed: tags of ours that someone took out, which we do not put in again.
        model: name and version of the model that gave the tags; empty where none did.
        date: the day since which these tags stand, ``YYYY-MM-DD``.
        created: whether the sidecar is ours, so that it goes when our tags do.
        was: what each field was before it became a list for our sake: ``nothing``, ``element``
            (a bare text), ``empty element`` (``<a/>``), ``empty list`` (one with ``<rdf:Bag/>``),
            ``attribute N`` (of the Nth description, from 0) with the attribute as it stood there
            (older records lack that); None for any other list.
        settled: the day on which a person settled these tags, ``YYYY-MM-DD``; empty if nobody
            did. From then on no model changes them.
        iptc: our keywords in the IPTC of the image that holds the packet.
        iptc_was: what that IPTC was before, see :class:`tagger.holders.image.iptc.Keywords`.
        container_was: words for the form that the image had before it held our tags, see
            :attr:`tagger.holders.image.container.Container.was`; ``opened`` for a packet with
            ``<rdf:RDF/>``.
        text: the text that the model got in addition to the picture, and where it comes from, as
            :class:`tagger.results.ImageText` says it; empty if nothing.
    """

    entries: tuple[OurTag, ...]
    removed: tuple[str, ...]
    model: str
    date: str
    created: bool
    was: tuple[str | None, ...]
    settled: str = ""
    iptc: tuple[str, ...] = ()
    iptc_was: str | None = None
    container_was: str | None = None
    copied: tuple[OurTag, ...] = ()
    text: str = ""

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to note."""
        return bool(self.entries or self.removed or self.created or self.settled)

    @property
    def listed(self) -> tuple[OurTag, ...]:
        """All that we put into lists, in the order of a new one."""
        return (*self.copied, *self.entries)

    @property
    def root(self) -> tuple[str, ...]:
        """The levels above every tag, as far as our hierarchical keywords show them."""
        for entry in self.entries:
            last, text = f"|{entry.tag}", entry.written[_HIERARCHY] or ""
            if text.endswith(last):
                return tuple(text.removesuffix(last).split("|"))
        return ()

    def says_the_same_tags(self, other: Record) -> bool:
        """Whether the same tags stand in the same fields, whatever their probabilities."""
        return {(entry.tag, entry.written) for entry in self.entries} == {
            (entry.tag, entry.written) for entry in other.entries
        }


#: The record of a packet that has none.
NOTHING = Record((), (), "", "", created=False, was=(None,) * len(FIELDS))


def parse_record(node: Node) -> Record:
    """Read a record, as we wrote it or as another program spelled it since."""
    texts, nodes = _struct(node)
    return Record(
        tuple(_entries(nodes.get("tags"))),
        tuple(item.text for item in _items(nodes.get("removed"))),
        texts.get("model", ""),
        texts.get("date", ""),
        texts.get("created") == "True",
        tuple(texts.get(f"{name}Was") or None for name in WRITTEN),
        texts.get("settled", ""),
        tuple(item.text for item in _items(nodes.get("iptc"))),
        texts.get("iptcWas") or None,
        texts.get("containerWas") or None,
        tuple(_entries(nodes.get("copied"))),
        texts.get("text", ""),
    )


def _entries(node: Node | None) -> Iterator[OurTag]:
    for item in _items(node):
        values = _struct(item)[0]
        if values.get("tag"):
            written = tuple(values.get(name) or None for name in WRITTEN)
            yield OurTag(values["tag"], values.get("probability", ""), written)


def _struct(node: Node) -> tuple[dict[str, str], dict[str, Node]]:
    """Return the fields of a structure: as attributes, elements, or in a description inside."""
    texts: dict[str, str] = {}
    nodes: dict[str, Node] = {}
    for holder in (node, *(one for one in node.children if one.name == (RDF, "Description"))):
        values = holder.attributes.items()
        texts.update((local, value.strip()) for (uri, local), value in values if uri == TAGGER)
        for child in holder.children:
            if child.name[0] == TAGGER:
                texts[child.name[1]] = child.text
                nodes[child.name[1]] = child
    return texts, nodes


def _items(node: Node | None) -> list[Node]:
    if node is None or len(node.children) != 1:
        return []
    return [item for item in node.children[0].children if item.name == (RDF, "li")]
