"""Keywords of other people, and those that a list of ours would hide.

Programs take the keywords of the first list that they prefer and that holds any, so a list that we
make has to hold what they showed before.

Sources: digiKam, ``DMetadataSettingsContainer`` (order of its namespaces) and
``MetaEngine::Private::loadSidecarData``; Immich, ``MetadataService.getTagList``; darktable,
``exif.cc`` (``_exif_decode_xmp_data``, ``_exif_decode_iptc_data``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tagger.errors import CannotChange
from tagger.holders.xml.elements import Node, parse
from tagger.holders.xml.source import Source
from tagger.holders.xmp.names import CATEGORIES, FIELDS, OTHER_FIELDS, RDF, RECORD, Path
from tagger.holders.xmp.packet import places_of
from tagger.holders.xmp.record import NOTHING, OurTag, Record, parse_record
from tagger.text import same_keyword

#: The name of a list of keywords, in lower case → what stands in it.
Keywords = Mapping[str, Sequence[Path]]

#: What the lists outside XMP are called here: IPTC's, and Windows' in Exif.
IPTC, XP = "iptc", "xp"
# In digiKam's order, the first one that holds any.
_DIGIKAM = (
    "tagslist", "lastkeywordxmp", "hierarchicalsubject", "catalogsets", "categories", "subject",
    IPTC, XP, "keywords",
)  # fmt: skip
# In Immich's, which looks for each list in the sidecar first, and then in the image.
_IMMICH = ("tagslist", "hierarchicalsubject", IPTC, "keywords")
_DARKTABLE = ("hierarchicalsubject", "subject")

# Nobody gave an image so many: a file that claims so would only fill disks.
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Foreign:
    """What other people did in one file.

    Attributes:
        keywords: those that are not ours.
        removed: tags of ours that they took out.
        has_record: whether there are lists of ours.
    """

    keywords: Keywords = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    has_record: bool = False


def keywords_in(descriptions: Sequence[Node], record: Record) -> dict[str, list[Path]]:
    """Return the keywords in descriptions that a record does not call ours."""
    found: dict[str, list[Path]] = {}
    for one in (*FIELDS, *OTHER_FIELDS):
        texts: list[str] = []
        with contextlib.suppress(CannotChange):  # it is in a form that nobody shows
            texts = [text for place in places_of(descriptions, one) for text in place.texts()]
        if one in FIELDS:
            index = FIELDS.index(one)
            ours = {same_keyword(entry.written[index] or "") for entry in record.listed}
            texts = [text for text in texts if same_keyword(text) not in ours]
        found.setdefault(one.name[1].lower(), []).extend(filter(None, map(one.path, texts)))
    mirrored = _mirrored(record)
    for node in descriptions:
        texts = [child.text for child in node.children if child.name == CATEGORIES]
        for text in (node.attributes.get(CATEGORIES, ""), *texts):
            found.setdefault("categories", []).extend(_categories(text))
    others = {one.name[1].lower() for one in FIELDS}
    return {
        name: [
            path for path in paths if name in others or same_keyword("|".join(path)) not in mirrored
        ]
        for name, paths in found.items()
    }


def _mirrored(record: Record) -> set[str]:
    """Return our tags as digiKam writes them into its other fields, having read ours."""
    written = (text for entry in record.entries for text in (entry.tag, entry.written[1]) if text)
    return {same_keyword(text) for text in written} - {
        same_keyword(one.tag) for one in record.copied
    }


def read_foreign(data: bytes) -> tuple[Foreign, Record]:
    """Return what other people did in XMP, as far as it can be read, and our record in it."""
    try:
        root = Source(data).root
    except CannotChange:
        return Foreign(), NOTHING
    descriptions = [node for rdf in _named(root, "RDF") for node in rdf.children]
    nodes = (node for one in descriptions for node in one.children if node.name == RECORD)
    record = next(map(parse_record, nodes), None)
    if record is None:
        return Foreign(keywords_in(descriptions, NOTHING)), NOTHING
    removed: tuple[str, ...] = ()
    with contextlib.suppress(CannotChange):
        if not record.settled:
            removed = (*record.removed, *lacking(descriptions, record))
    return Foreign(keywords_in(descriptions, record), removed, has_record=True), record


def lacking(descriptions: Sequence[Node], record: Record) -> list[str]:
    """Return the tags in a record that are gone from a field, even as the last level of a keyword.

    Raises:
        CannotChange: a field has a form that holds no keywords.
    """
    tags = [entry.tag for entry in record.entries]
    gone: set[str] = set()
    for one in FIELDS if tags else ():
        places = places_of(descriptions, one)
        leaves = {one.leaf(text) for place in places for text in place.texts()}
        gone.update(tag for tag in tags if one.leaf(one.text((), tag)) not in leaves)
    return [tag for tag in tags if tag in gone]


def copies(views: Sequence[Keywords]) -> list[OurTag]:
    """Return what lists of ours have to hold of keywords that programs see, together or apart.

    All of them, but not a flat keyword that is also a level of another one, unless a program showed
    it as such.

    Raises:
        CannotChange: there are too many.
    """
    lists = [paths for view in views for name in _DIGIKAM if (paths := view.get(name))]
    found = {same_keyword("|".join(path)): path for paths in lists for path in paths}
    if len(found) > _MOST:
        raise CannotChange(f"an image with over {_MOST:,} keywords, which would be hidden")
    levels = {same_keyword(level) for path in found.values() if len(path) > 1 for level in path}
    shown: dict[str, set[Path]] = {one.name[1].lower(): set() for one in FIELDS}
    for view in views:
        shown["tagslist"].update(_first(view, _DIGIKAM), _first(view, _IMMICH))
        shown["hierarchicalsubject"].update(_first(view, _DARKTABLE), view.get(IPTC, ()))
    return [
        OurTag(
            "|".join(path),
            "",
            tuple(
                one.spelled(path)
                if one.separator is None
                or len(path) > 1
                or same_keyword(path[0]) not in levels
                or path in shown[one.name[1].lower()]
                else None
                for one in FIELDS
            ),
        )
        for path in found.values()
    ]


def views(own: Keywords, beside: Sequence[Foreign], *, in_image: bool) -> list[Keywords]:
    """Return the keywords that lists of ours, made where ``own`` are, may hide.

    Most programs see nothing of an image if there is a sidecar, and of a sidecar without keywords
    nothing. Immich sees both: of each list that in the sidecar, else that in the image.
    """
    others = [one.keywords for one in beside]
    if not in_image and not any(own.values()):
        return others
    if in_image and any(one.has_record for one in beside):
        return [own]
    for name in _IMMICH:
        for one in (*others, own) if in_image else (own, *others):
            if one.get(name):
                return [own] if one is own else [own, {name: one[name]}]
    return [own]


def _first(view: Keywords, names: Iterable[str]) -> Sequence[Path]:
    return next((paths for name in names if (paths := view.get(name))), ())


def _named(node: Node, local: str) -> list[Node]:
    """Return the outermost elements of a name in RDF's namespace."""
    found, waiting = [], [node]
    while waiting:
        one = waiting.pop()
        if one.name == (RDF, local):
            found.append(one)
        else:
            waiting.extend(one.children)
    return found


def _categories(text: str) -> list[Path]:
    """Read ACDSee's: nested elements, and whether each one is assigned."""
    if not text.strip():
        return []
    try:
        waiting: list[tuple[Node, Path]] = [(parse(text.encode())[0], ())]
    except (CannotChange, UnicodeEncodeError):
        return []
    found = []
    while waiting:
        node, path = waiting.pop()
        if node.name[1] == "Category" and node.text:
            path = (*path, " ".join(node.text.split()))
            if node.attributes.get(("", "Assigned")) == "1":
                found.append(path)
        waiting.extend((child, path) for child in reversed(node.children))
    return found
