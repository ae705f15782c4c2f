"""Where each element of an XML file lies."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import methodcaller
from xml.parsers import expat

from tagger.errors import CannotChange

#: The namespace that every file binds.
XML = "http://www.w3.org/XML/1998/namespace"

#: Namespace (empty for none) and local name.
Name = tuple[str, str]

_IN_ELEMENTS = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: Spells a text inside an element.
escape: Callable[[str], str] = methodcaller("translate", str.maketrans(_IN_ELEMENTS))
#: Spells a text as the value of an attribute, between double quotes.
escape_value: Callable[[str], str] = methodcaller(
    "translate", str.maketrans({**_IN_ELEMENTS, '"': "&quot;"})
)

_START_TAG = re.compile(rb"""<[^\s/>]+(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")

# Lightroom's masks and darktable's histories stay far below this; a file that does not is hostile.
_MOST_ELEMENTS = 250_000

# No character that XML allows, so no namespace can hold it.
_SEPARATOR = "\x0c"


@dataclass(slots=True, eq=False)
class Node:
    """An element and where it lies, in bytes of the source.

    Attributes:
        name: namespace (empty for none) and local name.
        prefix: as it is written; empty for none.
        start: of the start tag.
        inner: end of the start tag.
        inner_end: start of the end tag; an empty-element tag (``<a/>``) has ``inner_end == inner``.
        end: of the whole element.
        declared: prefixes that the start tag binds.
        attributes: name → value, without declarations.
        pieces: the characters directly inside.
    """

    name: Name
    prefix: str
    start: int
    inner: int
    parent: Node | None
    declared: dict[str, str]
    attributes: dict[Name, str]
    inner_end: int = 0
    end: int = 0
    pieces: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The characters directly inside, without the white space around them."""
        return "".join(self.pieces).strip()

    @property
    def scope(self) -> dict[str, str]:
        """Every prefix that is bound inside this element, and to what."""
        lineage = [self]
        while lineage[-1].parent is not None:
            lineage.append(lineage[-1].parent)
        bound = {"xml": XML}
        for node in reversed(lineage):
            bound |= node.declared
        return bound


class _Builder:
    """Takes what the parser meets and keeps where it lies."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._open: list[Node] = []
        self._declared: dict[str, str] = {}
        self.root: Node | None = None
        self.comments = self._count = 0
        self.parser = expat.ParserCreate("utf-8", _SEPARATOR)
        self.parser.namespace_prefixes = True
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.StartNamespaceDeclHandler = self._declare
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.CommentHandler = self._comment

    def has_tail(self) -> bool:
        """Return whether all that is wrong is text behind the outermost element."""
        is_behind = self.root is not None and not self._open
        return is_behind and b"<" not in self._text[self.parser.ErrorByteIndex :]

    def _refuse_doctype(self, *_: object) -> None:
        # Before any entity is declared: nothing is ever expanded, and nothing is fetched.
        raise CannotChange("not safe to read (it has a DOCTYPE)")

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._declared[prefix or ""] = uri or ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_ELEMENTS:
            raise CannotChange(f"not safe to read (over {_MOST_ELEMENTS:,} elements)")
        start = self.parser.CurrentByteIndex
        tag = _START_TAG.match(self._text, start)
        assert tag is not None  # the parser took it for one
        full, prefix = _split(name)
        parent = self._open[-1] if self._open else None
        values = {_split(key)[0]: value for key, value in attributes.items()}
        node = Node(full, prefix, start, tag.end(), parent, self._declared, values)
        self._declared = {}
        self._open.append(node)
        if parent is None:
            self.root = node
        else:
            parent.children.append(node)

    def _end(self, _: str) -> None:
        node = self._open.pop()
        if self._text[node.inner - 2 : node.inner] == b"/>":
            node.inner_end = node.end = node.inner
        else:
            node.inner_end = self.parser.CurrentByteIndex
            node.end = self._text.index(b">", node.inner_end) + 1

    def _characters(self, text: str) -> None:
        self._open[-1].pieces.append(text)

    def _comment(self, _: str) -> None:
        self.comments += 1


def _split(name: str) -> tuple[Name, str]:
    uri, separator, rest = name.partition(_SEPARATOR)
    if not separator:
        return ("", uri), ""
    local, _, prefix = rest.partition(_SEPARATOR)
    return (uri, local), prefix


def parse(text: bytes, *, has_tail: bool = False) -> tuple[Node, int]:
    """Parse an XML file in UTF-8; return the outermost element, and how many comments there are.

    Args:
        text: the file.
        has_tail: whether text without any markup may stand behind the outermost element.

    Raises:
        CannotChange: it is not well-formed, has a DOCTYPE, or more elements than any XMP.
    """
    builder = _Builder(text)
    try:
        builder.parser.Parse(text, True)
    except expat.ExpatError as error:
        if not (has_tail and builder.has_tail()):
            where = f"line {error.lineno}, column {error.offset + 1}"
            what = expat.ErrorString(error.code)
            raise CannotChange(f"not valid XML ({where}: {what})") from None
    assert builder.root is not None  # else the parser would have complained
    return builder.root, builder.comments
