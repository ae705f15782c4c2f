"""Where an image's sidecars lie."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass

from tagger.files import IMAGE_SUFFIXES


@dataclass(frozen=True)
class SidecarNames:
    """Image path → sidecar path.

    Attributes:
        replace_ending: ``poster.xmp`` instead of ``poster.jpg.xmp``.
        folder: mirror the tree there instead of writing beside the images; None writes beside.
        base: absolute folder whose tree is mirrored.
    """

    replace_ending: bool = False
    folder: str | None = None
    base: str = ""

    def __call__(self, image: str, kind: str) -> str:
        """Return the sidecar's path."""
        return self._name(image, kind, replace_ending=self.replace_ending)

    def other(self, image: str, kind: str) -> str:
        """Return the path that the sidecar would have by the other way of naming."""
        return self._name(image, kind, replace_ending=not self.replace_ending)

    def _name(self, image: str, kind: str, *, replace_ending: bool) -> str:
        place = image
        if self.folder is not None:
            place = os.path.join(self.folder, os.path.relpath(os.path.abspath(image), self.base))
        stem = os.path.splitext(place)[0] if replace_ending else place
        return f"{stem}.{kind}"


class SharedStems:
    """Tells images whose name up to the ending is another image's too (``a.jpg``, ``a.png``).

    Images come sorted, so only the last folder's names are kept.
    """

    def __init__(self) -> None:
        self._folder: str | None = None
        self._first: dict[str, str] = {}
        self._shared: frozenset[str] = frozenset()

    def holds(self, image: str) -> bool:
        """Return whether an image shares its stem.

        Raises:
            OSError: its folder cannot be listed.
        """
        return os.path.splitext(self._listed(image))[0] in self._shared

    def first(self, image: str) -> str:
        """Return the first image, in bytewise order, of those with an image's stem.

        Raises:
            OSError: its folder cannot be listed.
        """
        name = self._listed(image)
        return os.path.join(
            os.path.dirname(image), self._first.get(os.path.splitext(name)[0], name)
        )

    def _listed(self, image: str) -> str:
        """Look into an image's folder unless it is the last one's; return its name there."""
        folder, name = os.path.split(image)
        if folder != self._folder:
            names = [
                os.path.splitext(other)
                for other in sorted(os.listdir(folder or "."), key=os.fsencode, reverse=True)
            ]
            images = [(stem, ending) for stem, ending in names if ending.lower() in IMAGE_SUFFIXES]
            self._first = {stem: stem + ending for stem, ending in images}
            counts = Counter(stem for stem, _ in images)
            self._shared = frozenset(stem for stem, count in counts.items() if count > 1)
            self._folder = folder
        return name


class Places:
    """Which sidecars are an image's, as far as those that are there decide it.

    Images come sorted bytewise.

    Attributes:
        names: how sidecars are called.
    """

    def __init__(self, names: SidecarNames) -> None:
        self.names = names
        self._shared_stems = SharedStems()
        self._recent: dict[str, str] = {}

    def taken(self, image: str, kind: str) -> str | None:
        """Return an image's sidecar if a previous image has the same one (``a.jpg``, ``a.png``).

        Those that share a stem come close together: whatever does not start with this stem is past.
        """
        if not self.names.replace_ending:
            return None
        self._recent = {
            other: stem for other, stem in self._recent.items() if image.startswith(stem)
        }
        target = self.names(image, kind)
        if target in self._recent:
            return target
        self._recent[target] = os.path.splitext(image)[0] + "."
        return None

    def owner(self, image: str) -> str:
        """Return the image whose sidecar an image's is: itself, or the first of its stem.

        Unlike :meth:`taken` it looks at all images of the folder.
        """
        if not self.names.replace_ending:
            return image
        try:
            return self._shared_stems.first(image)
        except OSError:
            return image

    def to_merge(self, image: str) -> list[str]:
        """Return the XMP sidecars that an image's tags go into: also that of the other name.

        Programs take the first name that they find: a new ``photo.jpg.xmp`` would hide from them
        all that ``photo.xmp`` holds, so it is made only where neither is there.
        """
        target, other = self.names(image, "xmp"), self.names.other(image, "xmp")
        if other == target or not os.path.lexists(other) or not self._belongs_to(image):
            return [target]
        is_hidden = not self.names.replace_ending and not os.path.lexists(target)
        return [other] if is_hidden else [target, other]

    def _belongs_to(self, image: str) -> bool:
        """Return whether a sidecar of the other way of naming is this image's alone."""
        if self.names.replace_ending:  # then the other one bears the image's whole name
            return True
        try:
            return not self._shared_stems.holds(image)
        except OSError:
            return False
