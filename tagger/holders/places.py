"""Where an image's sidecars lie."""

from __future__ import annotations

import os
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

    def __call__(self, image: str, kind: str, *, other: bool = False) -> str:
        """Return the sidecar's path; ``other`` names it by the other way of naming."""
        place = image
        if self.folder is not None:
            place = os.path.join(self.folder, os.path.relpath(os.path.abspath(image), self.base))
        stem = place if self.replace_ending == other else os.path.splitext(place)[0]
        return f"{stem}.{kind}"


class SharedStems:
    """Tells images whose name up to the ending is another image's too (``a.jpg``, ``a.png``).

    Images come sorted, so only the last folder's names are kept.
    """

    def __init__(self) -> None:
        self._folder: str | None = None
        self._of_stem: dict[str, list[str]] = {}

    def holds(self, image: str) -> bool:
        """Return whether an image shares its stem; if its folder cannot be listed, it may."""
        try:
            return len(self._sharing(image)) > 1
        except OSError:
            return True

    def first(self, image: str) -> str:
        """Return the first image, in bytewise order, of those with an image's stem."""
        folder, name = os.path.split(image)
        try:
            return os.path.join(folder, next(iter(self._sharing(image)), name))
        except OSError:
            return image

    def _sharing(self, image: str) -> list[str]:
        """Return the names of the images with an image's stem; lists its folder if it is new."""
        folder, name = os.path.split(image)
        if folder != self._folder:
            found: dict[str, list[str]] = {}
            for other in sorted(os.listdir(folder or "."), key=os.fsencode):
                stem, ending = os.path.splitext(other)
                if ending.lower() in IMAGE_SUFFIXES:
                    found.setdefault(stem, []).append(other)
            self._folder, self._of_stem = folder, found
        return self._of_stem.get(os.path.splitext(name)[0], [])


class Places:
    """Which sidecars are an image's, as far as those that are there decide it.

    Images come sorted bytewise.
    """

    def __init__(self, names: SidecarNames) -> None:
        self.names = names
        self._shared_stems = SharedStems()
        self._recent: dict[str, tuple[str, str]] = {}

    def taken_by(self, image: str) -> str | None:
        """Return the previous image whose sidecars an image's are (``a.jpg`` of ``a.png``), if any.

        Those that share a stem come close together: whatever does not start with this stem is past.
        """
        if not self.names.replace_ending:
            return None
        recent = self._recent.items()
        self._recent = {name: kept for name, kept in recent if image.startswith(kept[0])}
        stem = os.path.splitext(image)[0]
        _, first = self._recent.setdefault(self.names(image, ""), (f"{stem}.", image))
        return None if first == image else first

    def owner(self, image: str) -> str:
        """Return the image whose sidecar an image's is: itself, or the first of its stem.

        Unlike :meth:`taken_by` it looks at all images of the folder.
        """
        return self._shared_stems.first(image) if self.names.replace_ending else image

    def to_merge(self, image: str) -> list[str]:
        """Return the XMP sidecars that an image's tags go into: also that of the other name.

        Programs take the first name that they find: a new ``photo.jpg.xmp`` would hide from them
        all that ``photo.xmp`` holds, so it is made only where neither is there.
        """
        target, other = self.names(image, "xmp"), self.names(image, "xmp", other=True)
        if other == target or not os.path.lexists(other):
            return [target]
        if self.names.replace_ending:  # then the other one bears the image's whole name
            return [target, other]
        if self._shared_stems.holds(image):
            return [target]
        return [target, other] if os.path.lexists(target) else [other]
