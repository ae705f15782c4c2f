"""Changes to a packet: keywords, the lists that hold them, and our record."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterable, Sequence

from tagger.errors import CannotChange
from tagger.holders.xml.elements import Node, escape, escape_value, parse
from tagger.holders.xmp.markup import (
    Prefixes,
    described,
    lay_out,
    one_deeper,
    property_lines,
    record_element,
)
from tagger.holders.xmp.names import FIELDS, RDF, TAGGER, Field
from tagger.holders.xmp.packet import Item, Packet, Place
from tagger.holders.xmp.record import Record
from tagger.text import each_once, same_keyword

# A word of Record.container_was: the packet's rdf:RDF was an empty-element tag.
_OPENED = "opened"
# Of an attribute: the number of its description, and the attribute itself.
_ATTRIBUTE_WAS = re.compile(r"attribute ([0-9]+)((?:\s.*)?)", re.DOTALL)


class Editor:
    """Changes a packet's fields one by one, and its record last.

    What is new stands in a description of our own at the end: that of the record.

    Args:
        packet: what is changed.
        record: what is noted in it of our own.

    Attributes:
        was: as in a record, from now on.
    """

    def __init__(self, packet: Packet, record: Record) -> None:
        self._packet = packet
        self._source = packet.source
        self._record = record
        self._home = packet.record_node.parent if packet.record_node else None
        self._gone: list[Node] = []
        self._new: list[tuple[Field, list[str]]] = []
        self.was = list(record.was)

    def set_field(
        self, index: int, texts: Sequence[str], copies: Sequence[str | None]
    ) -> tuple[list[str | None], list[str | None]]:
        """Put texts into a field (by its index) in place of those that the record calls ours.

        A copy that stood there, and that someone took out, is not put there again.

        Args:
            index: of the field.
            texts: our tags.
            copies: keywords of other people that our list would hide.

        Returns:
            For each text itself if it is ours there, or None if it stood there already, be it as
            the last level of a keyword: someone may have moved it below another one. The same for
            each copy.

        Raises:
            CannotChange: the field has a form that holds no keywords.
        """
        places = self._packet.places(FIELDS[index])
        ours = self._ours(index, places)
        kept = {same_keyword(item.text) for item in ours}
        others = [text for place in places for text in place.texts()]
        others = [text for text in others if same_keyword(text) not in kept]
        copied, written = not_there(FIELDS[index], texts, copies, others)
        noted = {same_keyword(one.written[index] or "") for one in self._record.copied}
        added = [text for text in copied if text and same_keyword(text) not in kept | noted]
        added += [text for text in written if text and same_keyword(text) not in kept]
        wanted = {same_keyword(text) for text in (*texts, *copies) if text}
        doomed = {item for item in ours if same_keyword(item.text) not in wanted}
        target = _target(places) if added else None
        is_last = not any(written) and not any(copied)
        for place in places:
            if place is not target:
                self._clear(index, place, doomed, is_last=is_last)
            else:
                self._remove_items(place, doomed)
        if is_last:
            self.was[index] = None
        if added:
            self._add(index, target, added)
        return written, copied

    def finished(self, record: Record | None) -> bytes:
        """Return the file with everything that is due; None takes the record away."""
        node = self._packet.record_node
        if node is None or self._home is None:
            if record is not None:
                self._append_description(record)
        else:
            self._rewrite_record(node, self._home, record)
        for node in self._gone:
            self._source.remove(node)
        gone = set(self._gone)
        if record is None and self._was_empty(gone):
            self._close(self._packet.rdf)
            return self._source.changed()
        for description in self._packet.descriptions:
            if self._gets_bare(description, gone):
                self._source.remove(description)
            elif description is self._home and record is None:
                self._remove_declaration(description)
        return self._source.changed()

    def _ours(self, index: int, places: list[Place]) -> list[Item]:
        """Find what we put into a field; where a text stands twice, the first is taken for ours."""
        owned = {same_keyword(entry.written[index] or "") for entry in self._record.listed} - {""}
        found: dict[str, Item] = {}
        for place in places:
            for item in place.items:
                key = same_keyword(item.text)
                if item.plain and key in owned:
                    found.setdefault(key, item)
        return list(found.values())

    def _clear(self, index: int, place: Place, doomed: set[Item], *, is_last: bool) -> None:
        """Take items out of one place; what was made for them goes with the last."""
        left = [item for item in place.items if item not in doomed]
        if len(left) == len(place.items) or place.container is None or place.node is None:
            return
        was = "nothing" if self._record.created else self.was[index]
        if is_last and was not in (None, "nothing") and self._restore(index, place, left):
            return
        source = self._source
        if (
            was == "nothing"
            and not left
            and source.holds_only(place.container, [item.node for item in place.items])
            and source.holds_only(place.node, [place.container])
        ):
            self._gone.append(place.node)
        else:
            self._remove_items(place, doomed)

    def _remove_items(self, place: Place, doomed: set[Item]) -> None:
        for item in place.items:
            if item in doomed:
                self._source.remove(item.node)

    def _restore(self, index: int, place: Place, left: list[Item]) -> bool:
        """Make a list again what it was, a bare text or empty; not if it has grown since."""
        was = self.was[index] or ""
        if len(left) > 1 or not all(item.plain for item in left):
            return False
        source, others = self._source, self._packet.descriptions
        assert place.container is not None
        assert place.node is not None
        if was in ("empty list", "empty element"):
            return not left and self._empty_again(place.node, place.container, place, was)
        if was == "element":
            inner = b"".join(source.text[item.node.inner : item.node.inner_end] for item in left)
            source.replace(place.container.start, place.container.end, inner)
            return True
        noted = _ATTRIBUTE_WAS.fullmatch(was)
        if noted is None or place.description is not self._home or int(noted[1]) >= len(others):
            return False
        description = others[int(noted[1])]
        if description is self._home:
            return False
        text = self._attribute(description, index, left[0].text if left else "", noted[2])
        if not text:
            return False
        end = description.inner - (2 if source.is_empty_tag(description) else 1)
        source.insert(end - len(source.blanks_before(end)), text.encode())
        self._gone.append(place.node)
        return True

    def _attribute(self, description: Node, index: int, value: str, fragment: str) -> str:
        """Spell a field as an attribute; empty where the description cannot have it.

        It is spelled as the fragment if that fits: the attribute with the blanks before it, as it
        once stood there; empty in records that note none.
        """
        name = FIELDS[index].name
        scope = {prefix: uri for prefix, uri in description.scope.items() if prefix}
        prefixes = [prefix for prefix, uri in scope.items() if uri == name[0]]
        if not prefixes or name in description.attributes:
            return ""
        declared = "".join(f' xmlns:{key}="{escape_value(uri)}"' for key, uri in scope.items())
        with contextlib.suppress(CannotChange):
            noted = parse(f"<a{declared}{fragment}/>".encode())[0].attributes
            if {key: text.strip() for key, text in noted.items()} == {name: value}:
                return fragment
        return f' {prefixes[0]}:{name[1]}="{escape_value(value)}"'

    def _empty_again(self, node: Node, container: Node, place: Place, was: str) -> bool:
        """Write an element again as ``<a/>`` in which there is nothing that is not ours."""
        source = self._source
        if not source.holds_only(container, [item.node for item in place.items]):
            return False
        if was == "empty element" and not source.holds_only(node, [container]):
            return False
        emptied = container if was == "empty list" else node
        source.replace(emptied.inner - 1, emptied.end, b"/>")
        return True

    def _add(self, index: int, target: Place | None, added: list[str]) -> None:
        if target is None:
            self._new.append((FIELDS[index], added))
            if not self._record.created:
                self.was[index] = "nothing"
        elif target.container is not None:
            if self._source.is_empty_tag(target.container):
                self.was[index] = "empty list"
            self._extend(target.container, target.items, added)
        elif target.node is not None:
            is_empty = self._source.is_empty_tag(target.node)
            self._wrap(target.node, FIELDS[index], target.bare or "", added)
            self.was[index] = "empty element" if is_empty else "element"
        else:
            number, fragment = self._packet.descriptions.index(target.description), ""
            scope = target.description.scope
            for prefix, local, start, end in self._source.spans(target.description):
                if prefix and (scope.get(prefix), local) == FIELDS[index].name:
                    fragment = self._source.text[start:end].decode()
                    self._source.replace(start, end, b"")
            self._new.append((FIELDS[index], [target.bare, *added] if target.bare else added))
            self.was[index] = f"attribute {number}{fragment}"

    def _extend(self, container: Node, items: tuple[Item, ...], added: list[str]) -> None:
        """Append to a list, indented as its last item, or one deeper than itself."""
        li = f"{container.prefix}:li" if container.prefix else "li"
        lead = self._lead(items[-1].node) if items else one_deeper(self._lead(container))
        text = "".join(f"{lead}<{li}>{escape(keyword)}</{li}>" for keyword in added)
        if items:
            self._source.insert(items[-1].node.end, text.encode())
        else:
            self._fill(container, text)

    def _wrap(self, node: Node, field: Field, bare: str, added: list[str]) -> None:
        """Turn an element with a bare text into one with a list whose first item is that text."""
        prefixes = Prefixes(node.scope)
        rdf = prefixes.of(RDF)
        head = f"<{rdf}:{field.container}{prefixes.declarations()}>"
        tail = "".join(f"<{rdf}:li>{escape(keyword)}</{rdf}:li>" for keyword in added)
        tail += f"</{rdf}:{field.container}>"
        if not bare:
            self._fill(node, head + tail)
            return
        self._source.insert(node.inner, f"{head}<{rdf}:li>".encode())
        self._source.insert(node.inner_end, f"</{rdf}:li>{tail}".encode())

    def _fill(self, node: Node, text: str) -> None:
        """Put text behind an element's start tag, opening an empty one."""
        if not self._source.is_empty_tag(node):
            self._source.insert(node.inner, text.encode())
            return
        # No line break before the end tag: nobody could tell later that it is ours.
        name = self._source.raw_name(node).decode()
        self._source.replace(node.inner - 2, node.inner, f">{text}</{name}>".encode())

    def _rewrite_record(self, node: Node, home: Node, record: Record | None) -> None:
        lead = self._lead(node)
        for field, texts in self._new:
            lines = property_lines(field, texts, Prefixes(home.scope), declares=True)
            at = node.start - len(lead.encode())
            self._source.insert(at, (lead + lay_out(lines, lead)).encode())
        if record is None:
            self._gone.append(node)
        elif record != self._record:
            lines = record_element(record, Prefixes(home.scope), declares=True)
            self._source.replace(node.start, node.end, lay_out(lines, lead).encode())

    def _append_description(self, record: Record) -> None:
        rdf = self._packet.rdf
        last = rdf.children[-1] if rdf.children else None
        lead = self._lead(last) if last else one_deeper(self._lead(rdf))
        if last is None and self._source.is_empty_tag(rdf):
            words = dict.fromkeys([*(record.container_was or "").split(), _OPENED])
            record = dataclasses.replace(record, container_was=" ".join(words))
        text = described(self._packet.about, self._new, record, Prefixes(rdf.scope), lead)
        if last is not None:
            self._source.insert(last.end, text.encode())
        else:
            self._fill(rdf, text)

    def _was_empty(self, gone: set[Node]) -> bool:
        """Return whether ``<rdf:RDF/>`` was opened for our sake, and nothing but ours is in it."""
        children = self._packet.rdf.children
        return (
            _OPENED in (self._record.container_was or "").split()
            and len(children) == 1
            and self._gets_bare(children[0], gone)
            and self._source.holds_only(self._packet.rdf, children)
        )

    def _close(self, node: Node) -> None:
        """Write an element as an empty-element tag, without its one child."""
        self._source.remove(node.children[0])
        self._source.replace(node.inner - 1, node.inner, b"/>")
        self._source.replace(node.children[0].end, node.end, b"")

    def _gets_bare(self, description: Node, gone: set[Node]) -> bool:
        """Return whether all that a description holds goes: then it was made for our sake."""
        return (
            bool(description.children)
            and gone.issuperset(description.children)
            and not (description is self._home and self._new)
            and self._packet.is_bare_tag(description)
            and self._source.holds_only(description, description.children)
        )

    def _remove_declaration(self, description: Node) -> None:
        """Take our namespace off a description into which another program moved our record."""
        used = {child.name[0] for child in description.children if child not in self._gone}
        used |= {name[0] for name in description.attributes}
        if TAGGER in used:
            return
        for prefix, local, start, end in self._source.spans(description):
            if prefix == "xmlns" and description.declared.get(local) == TAGGER:
                self._source.replace(start, end, b"")

    def _lead(self, node: Node) -> str:
        return self._source.blanks_before(node.start).decode()


def not_there(
    field: Field, texts: Sequence[str], copies: Sequence[str | None], others: Sequence[str]
) -> tuple[list[str | None], list[str | None]]:
    """Return each copy and each text that is not among what others put there, None for one that is.

    What was copied counts as put there by others.
    """
    copied = [one or None for one in each_once([text or "" for text in copies], _keys(others))]
    others = [*others, *filter(None, copied)]
    paths = [text for text in others if field.separator and field.separator in text]
    written = each_once(texts, _keys(others))
    if not paths:
        return copied, written
    leaves = set(map(field.leaf, paths))
    return copied, [None if text and field.leaf(text) in leaves else text for text in written]


def _keys(texts: Iterable[str]) -> set[str]:
    return set(map(same_keyword, texts))


def _target(places: list[Place]) -> Place | None:
    """Choose where keywords are added: a list, else a bare text, else an attribute."""
    lists = [place for place in places if place.container is not None]
    elements = [place for place in places if place.node is not None]
    return next(iter([*lists, *elements, *places]), None)
