"""A film's ``.nfo``: its genres, and our record of those that are ours."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from tagger.errors import CannotChange
from tagger.holders.holder import LeftAlone, Reason
from tagger.holders.xml.elements import Node, escape_value
from tagger.holders.xml.source import Source
from tagger.holders.xmp.names import TAGGER

_FILM = "movie"
# What else Kodi and Jellyfin describe in such files.
_OTHER_KINDS = frozenset(
    ("album", "artist", "collection", "episodedetails", "musicvideo", "season", "set", "tvshow")
)
_RECORD = (TAGGER, "record")
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BLANKS = b" \t\n\r\f\v\0"
# What tells damaged XML from release notes that happen to begin with "<".
_MARKUP = re.compile(
    rb"<\?xml\s|<!DOCTYPE|<(?:%s)[\s/>]" % "|".join(sorted({_FILM, *_OTHER_KINDS})).encode()
)
# What joins genres in the record.
_JOINT = "|"

LOCKED = Reason("locked", "left alone: the .nfo is locked")
NO_XML = Reason("no_xml", "left alone: the .nfo contains no XML")
OTHER_KIND = Reason("other_kind", "left alone: the .nfo does not describe a film")


@dataclass(frozen=True)
class GenreRecord:
    """What we note in an ``.nfo``.

    It is an element of a namespace of our own: media centres pass over it, and those that write
    the file again (Jellyfin, Emby, MediaElch) keep elements that they do not know, but neither
    comments nor attributes. It is empty, so that nobody finds a genre in it.

    Attributes:
        genres: those that we put in.
        removed: genres of ours that someone took out, which we do not put in again.
        opened: whether the outermost element was ``<movie/>``.
    """

    genres: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    opened: bool = False

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to note."""
        return bool(self.genres or self.removed)

    def element(self) -> str:
        """Return the element, on one line."""
        values = (
            ("genres", _JOINT.join(self.genres)),
            ("removed", _JOINT.join(self.removed)),
            ("opened", "true" if self.opened else ""),
        )
        attributes = "".join(f' {key}="{escape_value(value)}"' for key, value in values if value)
        return f'<tagger:record xmlns:tagger="{TAGGER}"{attributes}/>'


class Nfo:
    """An ``.nfo`` that was parsed; behind its XML may stand text: Kodi reads a site's link there.

    Attributes:
        genres: its ``<genre>`` elements.
        record_node: where our record lies, or None.
        record: what it says; that nothing is ours where it is missing.

    Raises:
        LeftAlone: it is not XML, or describes something else than a film.
        CannotChange: it is damaged, or no ``.nfo`` at all.
    """

    def __init__(self, data: bytes) -> None:
        if not _begins_as_xml(data):
            raise LeftAlone(NO_XML)
        try:
            self.source = Source(data, has_tail=True)
        except CannotChange:
            if _MARKUP.search(data.replace(b"\0", b"")) is None:
                raise LeftAlone(NO_XML) from None
            raise
        self.root = self.source.root
        uri, name = self.root.name
        if name in _OTHER_KINDS:
            raise LeftAlone(OTHER_KIND)
        if name != _FILM or self.root.prefix:
            raise CannotChange(f"no .nfo of a film (its outermost element is {name})")
        self.genres = [node for node in self.root.children if node.name == (uri, "genre")]
        records = [node for node in self.root.children if node.name == _RECORD]
        if len(records) > 1:
            raise CannotChange("an .nfo with two records of our genres")
        self.record_node = records[0] if records else None
        self.record = _record(records[0]) if records else GenreRecord()

    @property
    def is_locked(self) -> bool:
        """Whether a person forbids all programs to change it, or its genres.

        In Jellyfin and Emby that is *Lock this item to prevent future changes*, or the lock beside
        the genres.
        """
        for node in self.root.children:
            text = node.text.lower()
            if node.name[1] == "lockdata" and text == "true":
                return True
            fields = (field.strip() for field in text.split("|"))
            if node.name[1] == "lockedfields" and "genres" in fields:
                return True
        return False

    def texts(self, name: str) -> list[str]:
        """Return what the film's elements of a name hold, such as ``title``; no empty texts."""
        wanted = (self.root.name[0], name)
        return [node.text for node in self.root.children if node.name == wanted and node.text]

    def ours(self) -> dict[str, Node]:
        """Return the genres that we put in and that are still there."""
        found: dict[str, Node] = {}
        names = set(self.record.genres)
        for node in self.genres:
            is_plain = b"<" not in self.source.text[node.inner : node.inner_end]
            if node.text in names and is_plain and not node.attributes:
                found.setdefault(node.text, node)
        return found


def _begins_as_xml(data: bytes) -> bool:
    for bom in _BOMS:
        data = data.removeprefix(bom)
    return data.lstrip(_BLANKS).startswith(b"<")


def _record(node: Node) -> GenreRecord:
    def names(attribute: str) -> tuple[str, ...]:
        text = node.attributes.get(("", attribute), "")
        return tuple(name for name in text.split(_JOINT) if name)

    opened = node.attributes.get(("", "opened")) == "true"
    return GenreRecord(names("genres"), names("removed"), opened)
