"""Folders of Kodi, Jellyfin, Emby and Plex: which images are posters, which folders hold none.

The names are those that the programs look for: Kodi's wiki (*Artwork*, *Movie artwork*, *TV-Show
artwork*), Jellyfin's and Emby's ``LocalImageProvider`` with ``IgnorePatterns``, and Plex's local
media assets. All of them compare without case.
"""

from __future__ import annotations

import os
import re

from tagger.holders.posters import NUMBER, film_poster

_OF_SERIES = re.compile(rf"show{NUMBER}|season[-_. ]?[0-9]+[a-z]?", re.IGNORECASE)

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
