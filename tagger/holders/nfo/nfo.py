"""Films' ``.nfo`` files: genres of ours in, and out again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from tagger.errors import CannotChange, os_reason
from tagger.holders.change import SidecarHolder
from tagger.holders.holder import UNCHANGED, Edit, Genres, LeftAlone, Reason, State, Wish
from tagger.holders.nfo.document import LOCKED, NO_XML, OTHER_KIND, GenreRecord, Nfo
from tagger.holders.nfo.films import Films
from tagger.holders.nfo.genres import meanings
from tagger.holders.places import Places
from tagger.holders.xml.elements import Node, escape
from tagger.holders.xmp.names import has_our_mark

MISSING = Reason("without_nfo", "left alone: no .nfo of a film next to the image")
OUTRANKED = Reason("outranked", "left alone: the film has a better poster")


class FilmNfo(SidecarHolder):
    """The ``.nfo`` of an image's film; none is ever made."""

    kind = "nfo"
    is_sidecar = False
    is_made = False
    merges = frozenset({"merge", "overwrite", "error"})
    reasons = (MISSING, OUTRANKED, LOCKED, NO_XML, OTHER_KIND)

    def __init__(self) -> None:
        self._films = Films()

    def files(self, image: str, places: Places) -> Sequence[str]:
        """See :meth:`Holder.files`."""
        try:
            film = self._films.of(image)
        except CannotChange as error:
            raise CannotChange(f"{error}, so none was changed") from None
        except OSError as error:
            raise CannotChange(f"its folder cannot be listed: {os_reason(error)}") from None
        if film is None:
            raise LeftAlone(MISSING)
        if not film.is_shown_by(image):
            raise LeftAlone(OUTRANKED)
        return film.nfos

    def sources(self, image: str, places: Places) -> Sequence[str]:
        """See :meth:`Holder.sources`; none if it is not clear which is the film's."""
        return self._films.nfos(image)

    def has(self, content: bytes, genres: Genres) -> bool:
        """See :meth:`Holder.has`."""
        try:
            nfo = Nfo(content)
        except LeftAlone:
            return False
        found = {meaning for node in nfo.genres for meaning in meanings(node.text)}
        return nfo.record_node is not None or bool(found & _meanings(genres.names))

    def put(self, content: bytes | None, wish: Wish) -> Edit:
        """Put genres into an ``.nfo`` in place of our former ones.

        A genre that stands there in any spelling is not added, and is not ours. One of ours that is
        gone was taken out by someone, and stays out.
        """
        nfo = Nfo(content or b"")
        if nfo.is_locked:
            raise LeftAlone(LOCKED)
        former, ours = nfo.record, nfo.ours()
        gone = [genre for genre in former.genres if genre not in ours]
        removed = tuple(dict.fromkeys((*former.removed, *gone)))
        mine = set(ours.values())
        foreign = [node.text for node in nfo.genres if node not in mine]
        wanted = _missing(wish.names, [*foreign, *removed])
        kept = [genre for genre in ours if genre in wanted]
        added = [genre for genre in wanted if genre not in ours]
        doomed = [node for genre, node in ours.items() if genre not in wanted]
        record = GenreRecord((*kept, *added), removed, former.opened)
        changed = _Editor(nfo).made(doomed, added, record)
        if changed is content:
            return UNCHANGED
        return Edit(State.CHANGED, _checked(changed, [*foreign, *kept, *added]))

    def pin(self, content: bytes | None, wish: Wish) -> Edit:
        """Refuse: an ``.nfo`` is its film's, not the image's."""
        raise CannotChange("an .nfo, into which no corrections are put")

    def take_out(self, content: bytes | None, *, settled: bool) -> Edit:
        """Take our genres out of an ``.nfo``, with our record, unless it is locked."""
        # Files without our record are left alone, damaged or not.
        if content is None or not has_our_mark(content):
            return UNCHANGED
        try:
            nfo = Nfo(content)
        except LeftAlone:
            return UNCHANGED
        if nfo.record_node is None:
            return UNCHANGED
        if nfo.is_locked:
            raise CannotChange("locked by its owner")
        ours = nfo.ours()
        mine = set(ours.values())
        left = [node.text for node in nfo.genres if node not in mine]
        changed = _Editor(nfo).made(list(ours.values()), [], GenreRecord())
        return Edit(State.CHANGED, _checked(changed, left), removed=tuple(ours))


@lru_cache(maxsize=1)
def _meanings(names: frozenset[str]) -> frozenset[str]:
    return frozenset(meaning for name in names for meaning in meanings(name))


def _missing(genres: Iterable[str], present: Iterable[str]) -> list[str]:
    """Return the genres that mean anything which those present do not mean, each once."""
    meant = {meaning for text in present for meaning in meanings(text)}
    missing = []
    for genre in genres:
        if not meanings(genre) <= meant:
            missing.append(genre)
            meant |= meanings(genre)
    return missing


class _Editor:
    """Changes the text of an ``.nfo``."""

    def __init__(self, nfo: Nfo) -> None:
        self._nfo, self._source, self._root = nfo, nfo.source, nfo.root

    def made(self, doomed: list[Node], added: list[str], record: GenreRecord) -> bytes:
        """Return the file without some genres, with others, and with a record of ours if needed."""
        node = self._nfo.record_node
        if self._was_empty(doomed, added, record):
            self._source.replace(self._root.inner - 1, self._root.end, b"/>")
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

    def _was_empty(self, doomed: list[Node], added: list[str], record: GenreRecord) -> bool:
        """Return whether ``<movie/>`` was opened for our sake, and nothing of ours is left."""
        node = self._nfo.record_node
        if node is None or added or record.is_needed or not self._nfo.record.opened:
            return False
        ours = sorted([*doomed, node], key=lambda item: item.start)
        return self._source.holds_only(self._root, ours)

    def _add(self, added: list[str], record: GenreRecord) -> None:
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

    def _fill(self, elements: list[str], record: GenreRecord) -> None:
        """Put elements into ``<movie></movie>`` or ``<movie/>``."""
        root, source = self._root, self._source
        before = source.blanks_before(root.start).decode()
        has_lines = "\n" in before or b"\n" in source.text[root.inner : root.inner_end]
        lead = "\n" + before.rpartition("\n")[2] + "  " if has_lines else ""
        if not source.is_empty_tag(root):
            text = "".join(lead + element for element in [*elements, record.element()])
            source.insert(root.inner, text.encode())
            return
        opened = GenreRecord(record.genres, record.removed, opened=True)
        text = "".join(lead + element for element in [*elements, opened.element()])
        end = lead.removesuffix("  ")
        name = source.raw_name(root).decode()
        source.replace(root.inner - 2, root.inner, f">{text}{end}</{name}>".encode())


def _checked(data: bytes, genres: Sequence[str]) -> bytes:
    """Return a changed file that says what it should; anything else is never written."""
    try:
        said = [node.text for node in Nfo(data).genres]
    except (CannotChange, LeftAlone) as error:
        raise CannotChange(f"an .nfo that cannot be changed safely (it would be {error})") from None
    if sorted(said) != sorted(genres):
        raise CannotChange("an .nfo that cannot be changed safely (it would say other genres)")
    return data
