"""Genres of ours into a film's ``.nfo``, and out again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tagger.errors import CannotChange
from tagger.holders.nfo.document import LeftAlone, Nfo, Record, Why
from tagger.holders.nfo.genres import meanings
from tagger.holders.xml.elements import Node
from tagger.holders.xml.markup import last_line
from tagger.holders.xmp.merge import TakenOut
from tagger.holders.xmp.record import escape


def merge_genres(data: bytes, genres: Sequence[str]) -> bytes:
    """Put genres into an ``.nfo`` in place of our earlier ones.

    A genre that stands there in any spelling is not added, and is not ours. One of ours that is
    gone was taken out by someone, and stays out.

    Args:
        data: the file.
        genres: what shall stand there.

    Returns:
        The file with the genres; ``data`` itself where they all stand there already.

    Raises:
        LeftAlone: it is not for us to change.
        CannotChange: it is damaged, or no ``.nfo``.
    """
    nfo = Nfo(data)
    if nfo.is_locked:
        raise LeftAlone(Why.LOCKED)
    former = nfo.record
    ours = nfo.ours()
    gone = [genre for genre in former.genres if genre not in ours]
    removed = tuple(dict.fromkeys((*former.removed, *gone)))
    mine = set(ours.values())
    foreign = [node.text for node in nfo.genres if node not in mine]
    wanted = _missing(genres, [*foreign, *removed])
    kept = [genre for genre in ours if genre in wanted]
    added = [genre for genre in wanted if genre not in ours]
    changed = _Change(nfo).made(
        [node for genre, node in ours.items() if genre not in wanted],
        added,
        Record((*kept, *added), removed, former.opened),
    )
    return data if changed is data else _checked(changed, [*foreign, *kept, *added])


def take_genres_out(data: bytes) -> TakenOut | None:
    """Take our genres out of an ``.nfo``, with our record.

    Args:
        data: the file.

    Returns:
        What is left, or None where nothing in it is ours.

    Raises:
        CannotChange: it is damaged, or locked.
    """
    try:
        nfo = Nfo(data)
    except LeftAlone:  # no concern of ours
        return None
    if nfo.record_node is None:
        return None
    if nfo.is_locked:
        raise CannotChange("locked by its owner")
    ours = nfo.ours()
    mine = set(ours.values())
    left = [node.text for node in nfo.genres if node not in mine]
    changed = _Change(nfo).made(list(ours.values()), [], Record())
    return TakenOut(_checked(changed, left), tuple(ours))


def _missing(genres: Iterable[str], present: Iterable[str]) -> list[str]:
    """Return the genres that mean anything which those present do not mean, each once."""
    meant = {meaning for text in present for meaning in meanings(text)}
    missing = []
    for genre in genres:
        if not meanings(genre) <= meant:
            missing.append(genre)
            meant |= meanings(genre)
    return missing


class _Change:
    """Changes the text of an ``.nfo``."""

    def __init__(self, nfo: Nfo) -> None:
        self._nfo = nfo
        self._source = nfo.source
        self._root = nfo.root

    def made(self, doomed: list[Node], added: list[str], record: Record) -> bytes:
        """Return the file without some genres, with others, and with a record of ours if needed."""
        node = self._nfo.record_node
        if self._was_empty(doomed, added, record):
            start = self._root.inner - 1
            self._source.replace(start, self._root.end, b"/>")
            return self._source.changed()
        for genre in doomed:  # first: with an element go all changes up to its end
            self._source.remove(genre)
        if added or node is None:
            self._add(added, record)
        if node is not None and not record.is_needed:
            self._source.remove(node)
        elif node is not None and record != self._nfo.record:
            self._source.replace(node.start, node.end, record.element().encode())
        return self._source.changed()

    def _was_empty(self, doomed: list[Node], added: list[str], record: Record) -> bool:
        """Say whether ``<movie/>`` was opened for our sake, and nothing of ours is left in it."""
        node = self._nfo.record_node
        if node is None or added or record.is_needed or not self._nfo.record.opened:
            return False
        return self._source.holds_only(
            self._root, sorted([*doomed, node], key=lambda item: item.start)
        )

    def _add(self, added: list[str], record: Record) -> None:
        """Put genres behind the last one, else at the end; a new record at the end."""
        elements = [f"<genre>{escape(genre)}</genre>" for genre in added]
        node = self._nfo.record_node
        children = self._root.children
        if not children:
            if record.is_needed:
                self._fill(elements, record)
            return
        if self._nfo.genres:
            self._insert_behind(self._nfo.genres[-1], elements)
        elif node is not None:
            lead = self._source.blanks_before(node.start)
            text = "".join(lead.decode() + element for element in elements)
            self._source.insert(node.start - len(lead), text.encode())
        else:
            self._insert_behind(children[-1], elements)
        if node is None and record.is_needed:
            self._insert_behind(children[-1], [record.element()])

    def _insert_behind(self, node: Node, elements: list[str]) -> None:
        lead = self._source.blanks_before(node.start).decode()
        if elements:
            self._source.insert(node.end, "".join(lead + text for text in elements).encode())

    def _fill(self, elements: list[str], record: Record) -> None:
        """Put elements into ``<movie></movie>`` or ``<movie/>``."""
        root, source = self._root, self._source
        before = source.blanks_before(root.start).decode()
        has_lines = "\n" in before or b"\n" in source.text[root.inner : root.inner_end]
        lead = f"\n{last_line(before)}  " if has_lines else ""
        if not source.is_empty_tag(root):
            text = "".join(lead + element for element in [*elements, record.element()])
            source.insert(root.inner, text.encode())
            return
        opened = Record(record.genres, record.removed, opened=True)
        text = "".join(lead + element for element in [*elements, opened.element()])
        end = lead.removesuffix("  ")
        name = source.raw_name(root).decode()
        source.replace(root.inner - 2, root.inner, f">{text}{end}</{name}>".encode())


def _checked(data: bytes, genres: Sequence[str]) -> bytes:
    """Return a changed file that says what it shall; anything else is never written."""
    try:
        said = [node.text for node in Nfo(data).genres]
    except (CannotChange, LeftAlone) as error:
        raise CannotChange(f"an .nfo that cannot be changed safely (it would be {error})") from None
    if sorted(said) != sorted(genres):
        raise CannotChange("an .nfo that cannot be changed safely (it would say other genres)")
    return data
