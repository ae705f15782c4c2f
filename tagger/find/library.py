"""Kodi, Jellyfin, Emby and Plex folders: which images are posters, which folders have none.

The names are those that the programs look for: Kodi's wiki (*Artwork*, *Movie artwork*, *TV-Show
artwork*), Jellyfin's and Emby's ``LocalImageProvider`` with ``IgnorePatterns``, and Plex's local
media assets. All of them ignore case.
"""

from __future__ import annotations

import os
import re

from tagger.holders.posters import NUMBER, film_poster

_OF_SERIES = re.compile(rf"show{NUMBER}|season[-_. ]?[0-9]+[a-z]?", re.IGNORECASE)

# Other artwork, actors and previews. Folders for extras are entered, because they have the same
# names as collections of films (Shorts, Interviews), and no poster may be missed.
_OTHER_FOLDERS = re.compile("extrafanart|extrathumbs|backdrops|metadata|trailers|eadir")


def is_poster(name: str) -> bool:
    """Return whether a file has a poster's name: of a film, a set of films, a series or season.

    Hidden files are not posters: macOS adds a ``._poster.jpg`` next to files it copies.
    """
    stem = os.path.splitext(name)[0]
    if stem.startswith("."):
        return False
    return film_poster(stem) is not None or _OF_SERIES.fullmatch(stem) is not None


def holds_posters(folder: str) -> bool:
    """Return whether a folder of this name may contain posters, as opposed to other artwork."""
    return not folder.startswith(".") and not _OTHER_FOLDERS.fullmatch(folder.lower())
