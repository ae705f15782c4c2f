"""Folders of Kodi, Jellyfin, Emby and Plex: which images are posters, which folders hold none.

The names are those that the programs look for: Kodi's wiki (*Artwork*, *Movie artwork*, *TV-Show
artwork*), Jellyfin's and Emby's ``LocalImageProvider`` with ``IgnorePatterns``, and Plex's local
media assets. All of them compare without case.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

#: What a film's own folder calls its poster, in the order in which the programs look.
FOLDER_POSTERS = ("poster", "folder", "cover", "default", "movie")

_NUMBER = r"(?:[-_. ]?([0-9]+))?"
_OF_FOLDER = re.compile(rf"({'|'.join(FOLDER_POSTERS)}){_NUMBER}", re.IGNORECASE)
_OF_NAMED = re.compile(rf"(.+)-poster{_NUMBER}", re.IGNORECASE | re.DOTALL)
_OF_SERIES = re.compile(rf"show{_NUMBER}|season[-_. ]?[0-9]+[a-z]?", re.IGNORECASE)

# Other art, actors, previews and what was thrown away. Folders for extras are entered: they are
# called like collections of films (Shorts, Interviews), and no poster shall be lost.
_OTHER_FOLDERS = frozenset(
    (
        "extrafanart",
        "extrathumbs",
        "backdrops",
        "metadata",
        "trailers",
        "@eadir",
        "eadir",
        "#recycle",
        "@recycle",
        "$recycle.bin",
        "lost+found",
        "system volume information",
    )
)


@dataclass(frozen=True)
class PosterName:
    """What the name of a poster says.

    Attributes:
        kind: one of :data:`FOLDER_POSTERS`; ``poster`` also where it bears a film's name.
        film: the name that stands before ``-poster``, or None for a poster of the folder's film.
        numbered: whether it is one of several, such as ``poster2``.
    """

    kind: str
    film: str | None
    numbered: bool


def film_poster(stem: str) -> PosterName | None:
    """Read a poster's name without its ending; None where it is no film's.

    A season's poster that ends in ``-poster`` looks like that of a film of this name.
    """
    if match := _OF_FOLDER.fullmatch(stem):
        return PosterName(match[1].lower(), None, numbered=match[2] is not None)
    if match := _OF_NAMED.fullmatch(stem):
        return PosterName("poster", match[1], numbered=match[2] is not None)
    return None


def is_poster(name: str) -> bool:
    """Say whether a file's name is that of a poster: of a film, a set of films, a series or season.

    Hidden files are none: macOS puts a ``._poster.jpg`` beside what it copies.
    """
    stem = os.path.splitext(name)[0]
    if stem.startswith("."):
        return False
    return film_poster(stem) is not None or _OF_SERIES.fullmatch(stem) is not None


def holds_posters(folder: str) -> bool:
    """Say whether posters may lie in a folder of this name: not where other art is kept."""
    return not folder.startswith(".") and folder.lower() not in _OTHER_FOLDERS
