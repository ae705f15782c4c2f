"""Namespaces, and the fields that hold keywords."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tagger.text import same_keyword

X = "adobe:ns:meta/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
#: Ours. Ends in a slash, as XMP asks; names no host, since nothing is to be fetched there.
TAGGER = "poster-tagger:ns:1.0/"

#: What the name of our own property may be confused with by no reader: programs that drop
#: namespaces would take a ``tagger:Model`` for the camera's.
RECORD = (TAGGER, "record")

#: The prefixes that we write where the file has none of its own.
PREFIXES = {
    RDF: "rdf",
    TAGGER: "tagger",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://www.digikam.org/ns/1.0/": "digiKam",
}

#: The levels of a keyword; one that stands in a flat list has just one.
Path = tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """A property that holds keywords.

    Attributes:
        name: its namespace and local name.
        container: the RDF container that a new one gets.
        separator: what joins the levels of a keyword; None writes the last level alone.
    """

    name: tuple[str, str]
    container: str
    separator: str | None

    @property
    def label(self) -> str:
        """The name as people know it."""
        return f"{PREFIXES.get(self.name[0], '')}:{self.name[1]}"

    def path(self, text: str) -> Path:
        """Return the levels of a keyword that stands there; none if it is blank."""
        levels = text.split(self.separator) if self.separator else [text]
        return tuple(level for level in map(str.strip, levels) if level)

    def spelled(self, path: Path) -> str:
        """Return what stands there for a keyword of someone else, whose slashes stay."""
        return self.separator.join(path) if self.separator else path[-1]

    @lru_cache(maxsize=4096)  # noqa: B019 (fields are never deleted; a model has few tags)
    def text(self, root: tuple[str, ...], tag: str) -> str:
        """Return what stands there for a tag below a root."""
        if self.separator is None:
            return tag
        levels = (*root, tag)
        if self.separator == "/":
            # A slash inside a name would be one more level; digiKam itself puts a backslash there.
            levels = tuple(level.replace("/", "\\") for level in levels)
        return self.separator.join(levels)

    def leaf(self, text: str) -> str:
        """Return what the last levels of equal tags have in common, whatever the field."""
        last = text.rpartition(self.separator)[2] if self.separator else text
        return same_keyword(last).replace("/", "\\")


# Readers look into different fields, and Immich takes the first it finds: all hold every tag.
# As rdf:Seq digiKam would flatten the hierarchy of lr:hierarchicalSubject (darktable#4095).
FIELDS = (
    Field(("http://purl.org/dc/elements/1.1/", "subject"), "Bag", None),
    Field(("http://ns.adobe.com/lightroom/1.0/", "hierarchicalSubject"), "Bag", "|"),
    Field(("http://www.digikam.org/ns/1.0/", "TagsList"), "Seq", "/"),
)

# Fields that programs show keywords from and into which we write none, by their local names.
OTHER_FIELDS = (
    Field(("http://ns.microsoft.com/photo/1.0/", "LastKeywordXMP"), "Bag", "/"),
    Field(("http://ns.microsoft.com/photo/1.0", "LastKeywordXMP"), "Bag", "/"),
    Field(("http://ns.microsoft.com/photo/1.2/", "LastKeywordXMP"), "Bag", "/"),
    Field(("http://ns.iview-multimedia.com/mediapro/1.0/", "CatalogSets"), "Bag", "|"),
    Field(("http://ns.microsoft.com/expressionmedia/1.0/", "CatalogSets"), "Bag", "|"),
    Field(("http://ns.acdsee.com/iptc/1.0/", "keywords"), "Bag", None),
    Field(("http://ns.adobe.com/pdf/1.3/", "Keywords"), "Bag", None),
    Field(("http://ns.adobe.com/xap/1.0/", "Keywords"), "Bag", None),
)
#: ACDSee's, a text with XML of its own inside.
CATEGORIES = ("http://ns.acdsee.com/iptc/1.0/", "categories")
CONTAINERS = frozenset({"Bag", "Seq", "Alt"})


def has_our_mark(content: bytes) -> bool:
    """Say quickly whether a file may hold tags of ours, in whatever encoding."""
    return TAGGER.encode() in content.replace(b"\0", b"")
