"""Where an image's sidecars lie, and which of those that are there are its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypeVar

from tagger.errors import CannotChange
from tagger.holders.listing import Listing, ending_of, has_sidecars, is_image
from tagger.text import printable

T = TypeVar("T")


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


def around(folder: str, kept: dict[str, T]) -> dict[str, T]:
    """Return what is kept of a folder and those around it: a sorted walk needs no others again."""
    return {
        name: value
        for name, value in kept.items()
        if folder == name or not name or folder.startswith(name.rstrip(os.sep) + os.sep)
    }


class Places:
    """Which sidecars are an image's, as far as those that are there decide it.

    Images come sorted bytewise.
    """

    def __init__(self, names: SidecarNames) -> None:
        self.names = names
        self._listings: dict[str, Listing] = {}
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
        if not self.names.replace_ending:
            return image
        folder, name = os.path.split(image)
        return os.path.join(folder, next(filter(is_image, self._sharing(image) or ()), name))

    def own(self, image: str) -> str:
        """Return the XMP sidecar that bears an image's name as sidecars are called.

        Raises:
            CannotChange: it is that of another file.
        """
        own = self._on_disk(self.names(image, "xmp"))
        if self.names.replace_ending and (other := self._other_owner(image, own)):
            raise CannotChange(f"{printable(own)} is the sidecar of {other}, so it gets none")
        return own

    def to_merge(self, image: str) -> list[str]:
        """Return the XMP sidecars that an image's tags go into: also that of the other name.

        Programs take the first name that they find: a new ``photo.jpg.xmp`` would hide from them
        all that ``photo.xmp`` holds, so it is made only where neither is there.

        Raises:
            CannotChange: as for :meth:`own`.
        """
        own, other = self.own(image), self._on_disk(self.names(image, "xmp", other=True))
        found = [own]
        if other != own and os.path.lexists(other):
            if self.names.replace_ending:  # then the other one bears the image's whole name
                found = [own, other]
            elif self._is_of(image, other):
                found = [own, other] if os.path.lexists(own) else [other]
        return [*found, *self.versions(image)]

    def beside(self, image: str, kind: str) -> list[str]:
        """Return the sidecars of a kind that are an image's if they are there, whatever their name.

        A name without the image's ending may be that of another file.
        """
        long, short = self._both_names(image, kind)
        if long == short:
            return [long]
        if kind != "xmp":
            return [long] if self._is_shared(image) else [long, short]
        return [long, short] if os.path.lexists(short) and self._is_of(image, short) else [long]

    def named(self, image: str) -> list[str]:
        """Return the XMP sidecars that programs may take for an image's, whosever they are.

        That of ``a.CR2`` is not ``a.CR2.jpg``'s for any of them.
        """
        long, short = self._both_names(image, "xmp")
        named = [long] if _continues_another(image) else dict.fromkeys((long, short))
        return [*named, *self.versions(image)]

    def versions(self, image: str) -> list[str]:
        """Return darktable's sidecars of other versions of an image, which name it."""
        folder, name = os.path.split(image)
        if self.names.folder is not None:
            return []
        paths = [os.path.join(folder, one) for one in self._listing(folder).versions.get(name, ())]
        return [path for path in paths if _said(path)[1] == name]

    def _is_of(self, image: str, sidecar: str) -> bool:
        """Return whether a sidecar with an image's name without the ending is clearly its own."""
        sharing = self._sharing(image)
        if (said := _said(sidecar)[0]) is not None:
            same = [one for one in sharing or () if ending_of(one) == said]
            return ending_of(image) == said and len(same) < 2
        return sharing == [] and not _continues_another(image)

    def _other_owner(self, image: str, sidecar: str) -> str | None:
        """Return whose a sidecar is that should be made or changed under the name of an image."""
        if _continues_another(image):
            return printable(os.path.splitext(image)[0])
        said = _said(sidecar)[0] if os.path.lexists(sidecar) else None
        return None if said in (None, ending_of(image)) else f"a .{said} file"

    def _both_names(self, image: str, kind: str) -> tuple[str, str]:
        """Return the names of a sidecar with the image's ending, and without."""
        names = (self.names(image, kind), self.names(image, kind, other=True))
        first, second = map(self._on_disk, names) if kind == "xmp" else names
        return (second, first) if self.names.replace_ending else (first, second)

    def _is_shared(self, image: str) -> bool:
        """Return whether other images have an image's stem; where nobody may list them, they do."""
        sharing = self._sharing(image)
        return sharing is None or sum(map(is_image, sharing)) > 1

    def _sharing(self, image: str) -> list[str] | None:
        """Return the files with sidecars that have an image's stem, if there are several."""
        folder, name = os.path.split(image)
        listing = self._listing(folder)
        return listing.sharing.get(os.path.splitext(name)[0], []) if listing.is_known else None

    def _on_disk(self, sidecar: str) -> str:
        """Return a sidecar's path as it is spelled there, where only that of its ending differs."""
        folder, name = os.path.split(sidecar)
        spelled = self._listing(folder).spelled.get(name)
        if spelled is None or os.path.lexists(sidecar):
            return sidecar
        return os.path.join(folder, spelled)

    def _listing(self, folder: str) -> Listing:
        if folder not in self._listings:
            self._listings = around(folder, self._listings)
            try:
                self._listings[folder] = Listing(os.listdir(folder or os.curdir))
            except FileNotFoundError:
                self._listings[folder] = Listing(())
            except OSError:
                self._listings[folder] = Listing(None)
        return self._listings[folder]


def _continues_another(image: str) -> bool:
    """Return whether an image's name without its ending is that of a file with sidecars."""
    stem = os.path.splitext(image)[0]
    return os.path.lexists(stem) and has_sidecars(stem)


def _said(sidecar: str) -> tuple[str | None, str | None]:
    """Return of which ending, and of which file, a sidecar says that it is; None if it does not."""
    from tagger.holders.change import read_sidecar
    from tagger.holders.xmp.packet import Packet

    try:
        content = read_sidecar(sidecar)[0]
        squeezed = content.replace(b"\0", b"")
        if not (b"SidecarForExtension" in squeezed or b"DerivedFrom" in squeezed):
            return None, None
        return Packet(content).said_owner()
    except (CannotChange, OSError):  # whoever writes there says what is wrong
        return None, None
