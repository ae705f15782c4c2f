"""Which images already have tags, next to them or inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tagger.errors import CannotChange
from tagger.holders.holder import IMAGE, Genres, Holder, holder
from tagger.holders.places import Places, SidecarNames


class Untagged:
    """Passes on only images that have no tags of ours yet, nor any genre as a keyword.

    A sidecar counts under either naming scheme, next to the image and in a mirrored tree. One that
    may be another file's (``a.xmp`` for ``a.jpg`` and ``a.png``) does not count, since nobody knows
    whose tags it has. Inside an image its XMP counts. Unreadable files count as having no
    tags: writing to them reports the problem.

    Args:
        places: where sidecars are looked for.
        genres: names that count as tags whoever wrote them, in any case.
        in_nfos: whether those in the ``.nfo`` of an image's film count too. Nearly every film has
            some there, so this only makes sense when writing there.

    Attributes:
        left_out: number of images that have some.
    """

    def __init__(
        self, places: Iterable[SidecarNames], genres: Iterable[str], *, in_nfos: bool
    ) -> None:
        self._beside_images = [Places(names) for names in places]
        self._genres = Genres(genres)
        self._places = Places(SidecarNames())
        self._beside = [holder(kind) for kind in ("xmp", "txt", "json")]
        self._others = [holder(kind) for kind in (IMAGE, *(("nfo",) if in_nfos else ()))]
        self.left_out = 0

    def of(
        self, images: Iterable[str], always: Callable[[str], bool] | None = None
    ) -> Iterator[str]:
        """Yield the images without tags, and those that ``always`` selects in any case."""
        for image in images:
            if (always is None or not always(image)) and self._has_tags(image):
                self.left_out += 1
            else:
                yield image

    def _has_tags(self, image: str) -> bool:
        return any(self._has_beside(one, image) for one in self._beside) or any(
            self._has(one, file)
            for one in self._others
            for file in one.sources(image, self._places)
        )

    def _has_beside(self, one: Holder, image: str) -> bool:
        return any(
            self._has(one, path)
            for places in self._beside_images
            for path in places.beside(image, one.kind)
        )

    def _has(self, one: Holder, file: str) -> bool:
        try:
            content = one.look(file)
            return content is not None and one.has(content, self._genres)
        except (OSError, CannotChange):
            return False
