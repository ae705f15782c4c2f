"""XMP: a model's tags or a person's into a packet, and out again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tagger.errors import CannotChange
from tagger.holders.change import SidecarHolder
from tagger.holders.holder import SETTLED, UNCHANGED, Edit, Genres, State, Wish
from tagger.holders.places import Places
from tagger.holders.xmp.edit import Editor, not_there
from tagger.holders.xmp.foreign import Foreign, copies, keywords_in, lacking, views
from tagger.holders.xmp.markup import new_packet
from tagger.holders.xmp.names import FIELDS, Field, has_our_mark
from tagger.holders.xmp.packet import Packet
from tagger.holders.xmp.record import NOTHING, OurTag, Record
from tagger.text import escape, same_keyword

_NO_COPY = OurTag("", "", (None,) * len(FIELDS))
# What a list was before us in which nothing stands but ours.
LISTS_OF_OURS = ("nothing", "empty list", "empty element")
# A sidecar without any of these words is not parsed; a history of darktable's is long.
_FIELD_NAMES = tuple(field.name[1].encode() for field in FIELDS)


class Xmp(SidecarHolder):
    """An XMP sidecar."""

    kind = "xmp"
    has_two_names = True
    merges = frozenset({"merge"})

    def files(self, image: str, places: Places) -> Sequence[str]:
        """See :meth:`Holder.files`."""
        return places.to_merge(image)

    def own(self, image: str, places: Places) -> str:
        """See :meth:`Holder.own`."""
        return places.own(image)

    def sources(self, image: str, places: Places) -> Sequence[str]:
        """See :meth:`Holder.sources`."""
        return places.beside(image, self.kind)

    def has(self, content: bytes, genres: Genres) -> bool:
        """See :meth:`Holder.has`."""
        squeezed = content.replace(b"\0", b"")  # UTF-16 and UTF-32 too
        if not has_our_mark(squeezed) and not any(name in squeezed for name in _FIELD_NAMES):
            return False
        packet = Packet(content)
        if packet.record is not None:
            return True
        places = [place for field in FIELDS for place in packet.places(field)]
        texts = [text for place in places for text in place.texts()]
        # Every level counts where a keyword is a path of names.
        levels = (level for text in texts for level in (text, *text.split("|"), *text.split("/")))
        return any(level in genres for level in levels)

    def put(self, content: bytes | None, wish: Wish) -> Edit:
        """See :meth:`Holder.put` and :func:`with_tags`."""
        draft = with_tags(None if content is None else Packet(content), wish)
        if draft.is_settled:
            return SETTLED
        new = draft.spelled(draft.record)
        return UNCHANGED if new is content else Edit(State.CHANGED, new)

    def pin(self, content: bytes | None, wish: Wish) -> Edit:
        """See :meth:`Holder.pin` and :func:`with_pinned`."""
        draft = with_pinned(None if content is None else Packet(content), wish)
        return draft.told(draft.spelled(draft.record), wish)

    def take_out(self, content: bytes | None, *, settled: bool) -> Edit:
        """See :meth:`Holder.take_out`."""
        # Files without our record are left alone, damaged or not.
        if content is None or not has_our_mark(content):
            return UNCHANGED
        return without_tags(Packet(content), settled=settled)


class Draft:
    """A packet in which tags are changed, and whose record is still open to more notes.

    Attributes:
        former: what was noted before.
        record: what is noted from now on; None if nothing need be.
    """

    def __init__(self, packet: Packet | None) -> None:
        self._packet = packet
        self._after = packet
        made = dataclasses.replace(NOTHING, created=packet is None)
        self.former = (packet.record if packet else None) or made
        self._editor = None if packet is None else Editor(packet, self.former)
        self.record: Record | None = self.former
        #: Keywords of other people that lists of ours would hide, see :func:`copies`.
        self.copies: list[OurTag] = []

    def look_around(self, wish: Wish, image: Foreign | None) -> Sequence[Foreign]:
        """Find the keywords that our lists would hide; return what is in other files of the image.

        Raises:
            CannotChange: there are too many.
        """
        beside = wish.beside()
        own = image.keywords if image else {}
        if image is None and self._packet is not None:
            own = keywords_in(self._packet.descriptions, self.former)
        doubtful = self._doubtful(wish)
        if own or any(one.keywords for one in beside):
            found = copies(views(own, beside, in_image=image is not None))
            self.copies = [
                one for one in found if FIELDS[0].leaf(one.written[0] or "") not in doubtful
            ]
        return beside if image is None else (image, *beside)

    def _doubtful(self, wish: Wish) -> set[str]:
        """Return the keywords that a program may have put elsewhere, having read them from us.

        digiKam writes all that it shows into every field that it knows, and leaves there what a
        later run of ours takes out.
        """
        former, leaf = self.former, FIELDS[0].leaf
        if self._packet is None or self._packet.record is None:
            return set()
        tags = (*wish.names, *wish.scores, *former.removed, *(one.tag for one in former.entries))
        return {leaf(tag) for tag in tags} - {leaf(one.written[0] or "") for one in former.copied}

    @property
    def is_settled(self) -> bool:
        """Whether a person had settled the tags before."""
        return bool(self.former.settled)

    def set_tags(self, tags: list[tuple[str, str]], root: tuple[str, ...], date: str) -> Record:
        """Put tags (name, probability) into every field; return the former record with these."""
        former, wanted = self.former, self._wanted() if tags else []
        written, copied = [], []
        names_differ = len({name for name, _ in tags if name.isascii()}) == len(tags)
        spelled = [[field.text(root, name) for name, _ in tags] for field in FIELDS]
        for at, (field, texts) in enumerate(zip(FIELDS, spelled, strict=True)):
            others = [one.written[at] for one in wanted]
            if self._editor is None and not wanted and names_differ:  # most new sidecars
                of_field = list[str | None](texts), list[str | None]()
            elif self._editor is None:
                of_field = not_there(field, texts, others, ())[::-1]
            else:
                of_field = self._editor.set_field(at, texts, others)
            written.append(of_field[0])
            copied.append(of_field[1])
        entries = tuple(
            OurTag(name, probability, tuple(own))
            for (name, probability), *own in zip(tags, *written, strict=True)
        )
        notes = (OurTag(one.tag, "", tuple(own)) for one, *own in zip(wanted, *copied, strict=True))
        record = dataclasses.replace(
            former,
            entries=entries,
            was=tuple(self._editor.was) if self._editor else former.was,
            copied=tuple(note for note in notes if any(note.written)),
        )
        keeps_date = former.date and record.says_the_same_tags(former)
        return dataclasses.replace(record, date=former.date if keeps_date else date)

    def _wanted(self) -> list[OurTag]:
        """Return what lists of ours should hold of keywords of others: what they do, and the rest.

        A copy goes only with its source: a keyword in the same packet that someone took out.
        """
        former = self.former
        made = [former.created or was in LISTS_OF_OURS for was in former.was]
        sources = self._sources()
        kept = {
            one.tag: one
            for one in former.copied
            if all(text or own for text, own in zip(one.written, made, strict=True))
            or same_keyword(one.tag) in sources
        }
        takes = [
            own or any(one.written[at] for one in kept.values()) or self._is_empty(field)
            for at, (own, field) in enumerate(zip(made, FIELDS, strict=True))
        ]
        found = {one.tag: one for one in self.copies}
        wanted = []
        noted = [one.tag for one in former.copied if one.tag in kept or one.tag in found]
        for tag in dict.fromkeys((*noted, *found)):
            old, new = (of.get(tag, _NO_COPY).written for of in (kept, found))
            texts = (a or (b if take else None) for a, b, take in zip(old, new, takes, strict=True))
            wanted.append(OurTag(tag, "", tuple(texts)))
        return wanted

    def _sources(self) -> set[str]:
        """Return the keywords of others in the packet, and their levels."""
        if self._packet is None:
            return set()
        found = keywords_in(self._packet.descriptions, self.former)
        paths = [path for paths in found.values() for path in paths]
        return {same_keyword(text) for path in paths for text in ("|".join(path), *path)}

    def _is_empty(self, field: Field) -> bool:
        """Return whether programs find nothing in a field, and look into the next."""
        places = self._packet.places(field) if self._packet else []
        return not any(place.texts() for place in places)

    def spelled(self, record: Record | None) -> bytes:
        """Return the packet, the very same bytes where nothing changes; None takes the record away.

        Raises:
            CannotChange: it would read as no XMP: that is never written.
        """
        if self._editor is None or self._packet is None:
            assert record is not None  # it notes that the packet is ours
            return new_packet(record)
        content = self._editor.finished(record)
        if content is not self._packet.source.data:
            try:
                self._after = Packet(content)
            except CannotChange as error:
                what = f"XMP that cannot be changed safely (it would be {error})"
                raise CannotChange(what) from None
        return content

    def told(self, content: bytes, wish: Wish) -> Edit:
        """Say what a person's tags change in a packet as :meth:`spelled`.

        That is read off ``dc:subject``; a tag also comes back that was gone from another field.
        """
        given: dict[str, str] = {}
        for name in wish.names:
            given.setdefault(same_keyword(name), name)
        before, after, is_same = {}, given, False
        back: set[str] = set()
        if self._packet is not None and self._after is not None:
            before = self._packet.subjects()
            is_same = content is self._packet.source.data
            after = before if is_same else self._after.subjects()
            back = set(map(same_keyword, self.lacking()))
        others = after.keys() - given.keys()
        return Edit(
            State.UNCHANGED if is_same else State.CHANGED,
            content,
            tuple(
                text
                for key, text in after.items()
                if key in given and (key not in before or key in back)
            ),
            tuple(text for key, text in before.items() if key not in after),
            tuple(one.tag for one in self.former.entries if same_keyword(one.tag) in others),
            self.is_settled,
        )

    def lacking(self) -> list[str]:
        """Return which of our former tags someone took out of any field."""
        return lacking(self._packet.descriptions, self.former) if self._packet else []

    def left(self) -> bytes | None:
        """Return the packet without our tags; None if it was ours and says nothing else."""
        self.set_tags([], (), "")
        content = self.spelled(None)
        is_empty = self._after is not None and self._after.says_nothing()
        return None if self.former.created and is_empty else content


def with_tags(packet: Packet | None, wish: Wish, image: Foreign | None = None) -> Draft:
    """Put a model's tags into a packet in place of our former ones.

    Whoever put a keyword there before us keeps it: it is not noted as ours and never taken out. A
    tag of ours that is gone from any field was taken out by someone, since programs write the
    fields that they know and leave the others; it stays out, also if that was in another file of
    the image. Tags that a person has settled stay as they are. Without a packet a new one is made.
    A list that is made for our tags also gets the keywords that it would hide.

    Args:
        packet: what the tags go into.
        wish: the tags.
        image: what other people did in the image whose packet it is; None for a sidecar.

    Raises:
        CannotChange: the packet cannot be changed safely.
    """
    draft = Draft(packet)
    if draft.is_settled:
        return draft
    beside = draft.look_around(wish, image)
    removed = dict.fromkeys((*draft.former.removed, *draft.lacking()))
    removed |= dict.fromkeys(tag for one in beside for tag in one.removed)
    tags = [(name, f"{score:.4f}") for name, score in wish.tags if name not in removed]
    record = draft.set_tags(tags, wish.root or (), wish.date)
    model = f"{wish.model.name} {wish.model.version}" if wish.model else ""
    text = "" if wish.text is None else escape(str(wish.text))
    record = dataclasses.replace(record, removed=tuple(removed), model=model, text=text)
    draft.record = record if packet is None or record.is_needed else None
    return draft


def with_pinned(packet: Packet | None, wish: Wish, image: Foreign | None = None) -> Draft:
    """Put a person's tags into a packet in place of ours, and note that a person chose them.

    Keywords that are not ours stay. Unlike a model, a person may put in again what someone took
    out. The outcome does not depend on how often this is done. Arguments and errors as for
    :func:`with_tags`.
    """
    draft = Draft(packet)
    draft.look_around(wish, image)
    former = draft.former
    tags = [(name, "" if score is None else f"{score:.4f}") for name, score in wish.tags]
    record = draft.set_tags(tags, former.root if wish.root is None else wish.root, wish.date)
    if former.settled and record.says_the_same_tags(former):
        draft.record = dataclasses.replace(former, was=record.was, copied=record.copied)
    else:
        draft.record = dataclasses.replace(record, removed=(), settled=wish.date)
    return draft


def without_tags(packet: Packet, *, settled: bool) -> Edit:
    """Take our tags out of a packet, see :meth:`Holder.take_out`."""
    record = packet.record
    if record is None:
        return UNCHANGED
    if record.settled and not settled:
        return SETTLED
    left = Draft(packet).left()
    tags = tuple(entry.tag for entry in record.entries)
    return Edit(State.REMOVED if left is None else State.CHANGED, left, removed=tags)
