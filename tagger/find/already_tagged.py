"""Which images have tags already: beside them, or inside."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Iterator

from tagger.errors import CannotChange
from tagger.holders.image.container import EmbedError
from tagger.holders.image.files import read_embedded_xmp
from tagger.holders.nfo.document import LeftAlone, Nfo
from tagger.holders.nfo.films import Films
from tagger.holders.nfo.genres import meanings
from tagger.holders.places import SharedStems, SidecarNames
from tagger.holders.xmp.files import read_sidecar
from tagger.holders.xmp.names import FIELDS, TAGGER
from tagger.holders.xmp.packet import Packet
from tagger.text import same_keyword

# A sidecar without any of these words is not parsed; a history of darktable's is long.
_WORDS = (TAGGER.encode(), *(field.name[1].encode() for field in FIELDS))

_OUR_JSON = frozenset({"path", "tags", "scores", "model"})


class EarlierTags:
    """Tells images with tags from those without.

    A sidecar counts by either way of naming, beside the image and in a mirrored tree. One whose
    name other images share (``a.xmp`` of ``a.jpg`` and ``a.png``) does not: nobody can tell whose
    tags it holds. Inside an image its XMP counts. What cannot be read holds none: whoever writes
    there meets the problem, and says so.

    Args:
        places: where sidecars are looked for.
        genres: names that count as tags whoever wrote them, in any case.
        in_nfos: whether those in the ``.nfo`` of an image's film count too. Nearly every film has
            some there, so only who writes there wants that.
    """

    def __init__(
        self, places: Iterable[SidecarNames], genres: Iterable[str], *, in_nfos: bool
    ) -> None:
        self._names = [
            dataclasses.replace(names, replace_ending=replaced)
            for names in places
            for replaced in (False, True)
        ]
        names = set(genres)
        self._meanings = {meaning for name in names for meaning in meanings(name)}
        self._films = Films() if in_nfos else None
        # digiKam puts a backslash where a name holds its separator.
        self._genres = {_folded(name) for name in names}
        self._genres |= {name.replace("/", "\\") for name in self._genres}
        self._shared_stems = SharedStems()
        self._kinds: dict[str, Callable[[bytes], bool]] = {
            "xmp": self._is_tagged_xmp,
            "txt": self._names_a_genre,
            "json": _is_our_json,
        }

    def are_there(self, image: str) -> bool:
        """Say whether an image has tags of ours, or any genre as a keyword."""
        beside = any(
            tells(content)
            for kind, tells in self._kinds.items()
            for content in self._sidecars(image, kind)
        )
        return beside or self._is_tagged_inside(image) or self._is_tagged_film(image)

    def _sidecars(self, image: str, kind: str) -> Iterator[bytes]:
        # An image without an ending has one name for both ways.
        for path, names in {names(image, kind): names for names in reversed(self._names)}.items():
            try:
                content = read_sidecar(path)[0]
                if names.replace_ending and self._shared_stems.holds(image):
                    continue
            except (OSError, CannotChange):
                continue
            yield content

    def _is_tagged_inside(self, image: str) -> bool:
        try:
            packet = read_embedded_xmp(image)
        except (OSError, EmbedError):
            return False
        return packet is not None and self._is_tagged_xmp(packet)

    def _is_tagged_film(self, image: str) -> bool:
        if self._films is None:
            return False
        try:
            film = self._films.of(image)
        except (OSError, CannotChange):
            return False
        return any(self._is_tagged_nfo(path) for path in (film.nfos if film else ()))

    def _is_tagged_nfo(self, path: str) -> bool:
        try:
            nfo = Nfo(read_sidecar(path)[0])
        except (OSError, CannotChange, LeftAlone):
            return False
        found = {meaning for node in nfo.genres for meaning in meanings(node.text)}
        return nfo.record_node is not None or bool(found & self._meanings)

    def _is_tagged_xmp(self, content: bytes) -> bool:
        squeezed = content.replace(b"\0", b"")  # UTF-16 and UTF-32 too
        if not any(word in squeezed for word in _WORDS):
            return False
        try:
            packet = Packet(content)
            if packet.record is not None:
                return True
            texts = [
                text for field in FIELDS for place in packet.places(field) for text in place.texts()
            ]
        except CannotChange:
            return False
        return any(self._is_genre(level) for text in texts for level in _levels(text))

    def _names_a_genre(self, content: bytes) -> bool:
        text = content.decode("utf-8-sig", "replace")
        return any(self._is_genre(name) for name in re.split(r"[,;|\n]", text))

    def _is_genre(self, text: str) -> bool:
        return _folded(text) in self._genres


class Untagged:
    """Lets only those images through that have no tags yet.

    Attributes:
        left_out: how many had some.
    """

    def __init__(self, earlier: EarlierTags) -> None:
        self._earlier = earlier
        self.left_out = 0

    def of(
        self, images: Iterable[str], always: Callable[[str], bool] | None = None
    ) -> Iterator[str]:
        """Yield the images without tags; nothing is kept of the others but their number.

        Args:
            images: paths.
            always: says of which images it does not matter; None for none.
        """
        for image in images:
            if always is not None and always(image):
                yield image
            elif self._earlier.are_there(image):
                self.left_out += 1
            else:
                yield image


def _levels(keyword: str) -> set[str]:
    """A keyword, and every level of it where it is a path of names."""
    return {keyword, *keyword.split("|"), *keyword.split("/")}


def _folded(keyword: str) -> str:
    return same_keyword(keyword).casefold()


def _is_our_json(content: bytes) -> bool:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and data.keys() >= _OUR_JSON
