"""The names in a folder, as far as they tell whose a sidecar is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from tagger.files.kinds import IMAGE_SUFFIXES

# fmt: off
#: What else has XMP sidecars: other images, raw files, films, sound, documents.
_OTHERS_WITH_SIDECARS = frozenset((
    ".3fr", ".3gp", ".ai", ".ari", ".arw", ".avi", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr",
    ".dng", ".eps", ".erf", ".fff", ".gpr", ".heic", ".heif", ".hif", ".iiq", ".indd", ".insp",
    ".insv", ".j2c", ".j2k", ".jp2", ".jpf", ".jpx", ".jxl", ".jxr", ".k25", ".kdc", ".m2ts",
    ".m4a", ".m4v", ".mef", ".mkv", ".mos", ".mov", ".mp3", ".mp4", ".mpeg", ".mpg", ".mpo",
    ".mrw", ".mts", ".nef", ".nrw", ".orf", ".ori", ".pdf", ".pef", ".psb", ".psd", ".ptx", ".raf",
    ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".svg", ".tga", ".wav", ".wdp", ".webm",
    ".wmv", ".x3f", ".xcf",
))
# fmt: on

# darktable's sidecar of another version of an image: photo_01.jpg.xmp is of photo.jpg.
_VERSION = re.compile(r"(.+)_(?:0[1-9]|[1-9][0-9]+)(\.[^.]+)\.xmp", re.DOTALL)


class Listing:
    """The names in a folder, as far as they tell whose a sidecar is.

    Attributes:
        is_known: whether it could be listed.
        sharing: stem → several files with sidecars that share it, sorted bytewise.
        spelled: name of an XMP sidecar → as it stands there, where its ending has another case.
        versions: image → darktable's sidecars of its other versions, as far as names tell.
    """

    def __init__(self, names: Iterable[str] | None) -> None:
        self.is_known = names is not None
        self.sharing: dict[str, list[str]] = {}
        self.spelled: dict[str, str] = {}
        self.versions: dict[str, list[str]] = {}
        there = set(names or ())
        for name in there:
            stem, ending = os.path.splitext(name)
            if has_sidecars(name):
                self.sharing.setdefault(stem, []).append(name)
            elif ending.lower() == ".xmp":
                if ending != ".xmp":
                    self.spelled[f"{stem}.xmp"] = max(name, self.spelled.get(f"{stem}.xmp", ""))
                match = _VERSION.fullmatch(f"{stem}.xmp")
                if match and stem not in there and match[1] + match[2] in there:
                    self.versions.setdefault(match[1] + match[2], []).append(name)
        self.sharing = {
            stem: sorted(found, key=os.fsencode)
            for stem, found in self.sharing.items()
            if len(found) > 1
        }


def has_sidecars(name: str) -> bool:
    """Return whether programs make XMP sidecars for such a file."""
    return is_image(name) or os.path.splitext(name)[1].lower() in _OTHERS_WITH_SIDECARS


def is_image(name: str) -> bool:
    """Return whether a file is an image by its name."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def ending_of(name: str) -> str:
    """Return a name's ending without the dot, in lower case."""
    return os.path.splitext(name)[1][1:].lower()
