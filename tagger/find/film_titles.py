"""What film an image is of: as its ``.nfo`` says, else as names do.

Kodi's wiki, *NFO files/Movies*: ``<title>``, ``<originaltitle>``, ``<premiered>``, and ``<year>``,
which older versions and Jellyfin write.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache

from tagger.errors import CannotChange
from tagger.find.names.text import visible
from tagger.find.titles import title_and_year
from tagger.holders.change import read_sidecar
from tagger.holders.holder import LeftAlone
from tagger.holders.nfo.document import Nfo
from tagger.holders.nfo.films import Films
from tagger.results import ImageText

# With all actors of a film they stay far below.
_MOST_BYTES = 4 * 1024 * 1024
_LONGEST = 255
_YEAR = re.compile(r"(?:18[7-9][0-9]|19[0-9][0-9]|20[0-9][0-9])(?![0-9])")
_MOST_KEPT = 64
_NOTHING = ImageText()
_OF_YEAR = ("year", "premiered", "releasedate")


class FilmTitles:
    """Finds the titles of images, whatever thread asks; paths come about sorted.

    The folder of an image is listed once, and an ``.nfo`` is read once for all posters of its film.
    """

    def __init__(self) -> None:
        self._films = Films()
        self._read = lru_cache(maxsize=_MOST_KEPT)(_read)

    def of(self, path: str) -> ImageText | None:
        """Return what is known of an image's film, None if nothing; the image need not exist.

        The words are the title, and the original one if it is another. An ``.nfo`` that has no
        title, or cannot be read, says nothing. A year that stands alone in a name says nothing.
        """
        said = self._said(path)
        if said.words and said.year is not None:
            return said
        title, year = title_and_year(path)
        if said.words:
            return said if year is None else ImageText(said.words, year, "nfo+names")
        if title is None:
            return None if said.year is None else said
        if said.year is None:
            return ImageText(title, year, "names")
        return ImageText(title, said.year, "names+nfo")

    def _said(self, path: str) -> ImageText:
        try:
            nfos = self._films.nfos(path)
        except ValueError:  # no path that a system could have
            return _NOTHING
        return next((said for nfo in nfos if (said := self._read(nfo)) != _NOTHING), _NOTHING)


def _read(nfo: str) -> ImageText:
    try:
        if os.stat(nfo).st_size > _MOST_BYTES:
            return _NOTHING
        film = Nfo(read_sidecar(nfo)[0])
    except (CannotChange, LeftAlone, OSError):
        return _NOTHING
    titles = dict.fromkeys(filter(None, (_text(film, "title"), _text(film, "originaltitle"))))
    years = (_YEAR.match(text) for name in _OF_YEAR for text in film.texts(name))
    year = next((int(found[0]) for found in years if found), None)
    return ImageText(" ".join(titles), year, "nfo") if titles or year else _NOTHING


def _text(film: Nfo, name: str) -> str | None:
    """Return what the first element of a name says, on one line; None if it says nothing."""
    lines = (" ".join(visible(text[:_LONGEST]).split()) for text in film.texts(name))
    return next((line for line in lines if line), None)
