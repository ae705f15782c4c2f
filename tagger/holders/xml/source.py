"""The text of an XML file: its encoding, where each element lies, and changes in place."""

from __future__ import annotations

import bisect
import codecs
import re
from collections.abc import Iterator, Sequence

from tagger.errors import CannotChange
from tagger.holders.xml.elements import Node, parse

_BOMS = (  # the longer ones first: UTF-32's begins as UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=]+)\s*=\s*("[^"]*+"|'[^']*+')""")
_LINE_END = re.compile(rb"(?<!\r)\n")
_RAW_NAME = re.compile(rb"<([^\s/>]+)")
_BLANKS = b" \t\r\n"
_BLOCK = 4096

# What Python knows beside these decodes no text, or takes the square of a file's length for it.
_ENCODINGS = ("ascii", "big5", "cp", "euc_", "gb", "iso8859", "koi8", "mac-", "shift_jis", "utf-")


class Source:
    """An XML file that was parsed, and the changes to it that are due.

    Args:
        data: the file.
        has_tail: whether text may stand behind the outermost element, which stays as it is.

    Attributes:
        text: the file as UTF-8; what all positions count in.
        comments: how many comments there are.

    Raises:
        CannotChange: it is not well-formed XML, or has a DOCTYPE.
    """

    def __init__(self, data: bytes, *, has_tail: bool = False) -> None:
        self.data = data
        self._bom, self._encoding = _encoding(data)
        self.text = self._decode().encode("utf-8")
        self.root, self.comments = parse(self.text, has_tail=has_tail)
        self._newline = b"\r\n" if b"\r\n" in self.text else b"\n"
        # Sorted by where they begin and end; among equals the first noted comes first.
        self._changes: list[tuple[int, int, bytes]] = []

    def _decode(self) -> str:
        body = self.data[len(self._bom) :]
        try:
            if not codecs.lookup(self._encoding).name.startswith(_ENCODINGS):
                raise LookupError
            text = body.decode(self._encoding)
            same = text.encode(self._encoding) == body
            text.encode("utf-8")
        except (LookupError, ValueError):
            same = False
        if not same:
            raise CannotChange(f"not valid XML (its text is not {self._encoding})")
        return text

    def is_empty_tag(self, node: Node) -> bool:
        """Return whether an element is written ``<a/>``."""
        return self.text[node.inner - 2 : node.inner] == b"/>"

    def raw_name(self, node: Node) -> bytes:
        """Return the element's name as it is written."""
        match = _RAW_NAME.match(self.text, node.start)
        assert match is not None  # it was parsed
        return match[1]

    def blanks_before(self, position: int) -> bytes:
        """Return the white space that ends at a position."""
        start = position
        while start > 0:
            block = self.text[max(0, start - _BLOCK) : start]
            left = len(block.rstrip(_BLANKS))
            start -= len(block) - left
            if left:
                break
        return self.text[start:position]

    def holds_only(self, node: Node, children: Sequence[Node]) -> bool:
        """Return whether an element holds nothing but some of its children and white space."""
        starts = (node.inner, *(child.end for child in children))
        ends = (*(child.start for child in children), node.inner_end)
        between = (self.text[start:end] for start, end in zip(starts, ends, strict=True))
        return not any(text.strip(_BLANKS) for text in between)

    def spans(self, node: Node) -> Iterator[tuple[str, str, int, int]]:
        """Yield a start tag's attributes: prefix, local name, start with the blanks before it, end.

        Declarations are among them: of ``xmlns:dc`` the prefix is ``xmlns``.
        """
        at = node.start + 1 + len(self.raw_name(node))
        while match := _ATTRIBUTE.match(self.text, at):
            prefix, _, local = match[1].decode("utf-8").rpartition(":")
            yield prefix, local, match.start(), match.end()
            at = match.end()

    def replace(self, start: int, end: int, text: bytes) -> None:
        """Note a change. Changes may touch, but not overlap."""
        change = (start, end, _LINE_END.sub(self._newline, text))
        bisect.insort(self._changes, change, key=_place)

    def insert(self, position: int, text: bytes) -> None:
        """Note that something is put in."""
        self.replace(position, position, text)

    def remove(self, node: Node) -> None:
        """Note that an element goes, with the white space before it and all changes inside."""
        first = bisect.bisect_left(self._changes, (node.start, 0), key=_place)
        last = bisect.bisect_right(self._changes, (node.end, node.end), key=_place)
        inside = self._changes[first:last]
        self._changes[first:last] = [change for change in inside if change[1] > node.end]
        self.replace(node.start - len(self.blanks_before(node.start)), node.end, b"")

    def changed(self) -> bytes:
        """Return the file with its changes; the very same bytes where there are none."""
        if not self._changes:
            return self.data
        parts: list[bytes] = []
        at = 0
        # At one place, what is put in comes before what is taken away.
        for start, end, text in self._changes:
            parts += (self.text[at:start], text)
            at = end
        parts.append(self.text[at:])
        text_after = b"".join(parts).decode("utf-8")
        return self._bom + text_after.encode(self._encoding, "xmlcharrefreplace")


def _encoding(data: bytes) -> tuple[bytes, str]:
    for bom, name in _BOMS:
        if data.startswith(bom):
            return bom, name
    if data.startswith((b"<\0", b"\0<")):
        return b"", "utf-16-le" if data[0] else "utf-16-be"
    declared = _DECLARED.match(data[:256])
    return b"", declared[1].decode("ascii").lower() if declared else "utf-8"


def _place(change: tuple[int, int, bytes]) -> tuple[int, int]:
    return change[:2]
