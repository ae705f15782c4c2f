"""What film an image is of: as its ``.nfo`` says, else as names do.

Kodi's wiki, *NFO files/Movies*: ``<title>``, ``<originaltitle>``, ``<premiered>``, and ``<year>``,
which older versions and Jellyfin write.
"""

from __future__ import annotations

import os
import re

from tagger.errors import CannotChange
from tagger.find.names.text import visible
from tagger.find.titles import FilmTitle, title_and_year
from tagger.holders.change import read_sidecar
from tagger.holders.holder import LeftAlone
from tagger.holders.nfo.document import Nfo
from tagger.holders.nfo.films import Films

# With all actors of a film they stay far below.
_MOST_BYTES = 4 * 1024 * 1024
_LONGEST = 255
_YEAR = re.compile(r"(?:18[7-9][0-9]|19[0-9][0-9]|20[0-9][0-9])(?![0-9])")
_OF_YEAR = ("year", "premiered", "releasedate")


class FilmTitles:
    """Finds the titles of images; paths come sorted.

    The folder of an image is listed once, and an ``.nfo`` is read once for all posters of its film.
    """

    def __init__(self) -> None:
        self._films = Films()
        self._last: tuple[str, FilmTitle] = ("", FilmTitle())

    def of(self, path: str) -> FilmTitle:
        """Return what is known of an image's film; the image need not exist.

        An ``.nfo`` that has no title, or cannot be read, says nothing.
        """
        said = self._said(path)
        if said.title is not None and said.year is not None:
            return said
        title, year = title_and_year(path)
        if said.title is None:
            return FilmTitle(title, None, said.year or year)
        return FilmTitle(said.title, said.original, year)

    def _said(self, path: str) -> FilmTitle:
        try:
            nfos = self._films.nfos(path)
        except ValueError:  # no path that a system could have
            return FilmTitle()
        return next((said for nfo in nfos if (said := self._read(nfo)) != FilmTitle()), FilmTitle())

    def _read(self, nfo: str) -> FilmTitle:
        if self._last[0] != nfo:
            self._last = (nfo, _read(nfo))
        return self._last[1]


def _read(nfo: str) -> FilmTitle:
    try:
        if os.stat(nfo).st_size > _MOST_BYTES:
            return FilmTitle()
        film = Nfo(read_sidecar(nfo)[0])
    except (CannotChange, LeftAlone, OSError):
        return FilmTitle()
    title, original = _text(film, "title"), _text(film, "originaltitle")
    years = (_YEAR.match(text) for name in _OF_YEAR for text in film.texts(name))
    year = next((int(found[0]) for found in years if found), None)
    return FilmTitle(title or original, original if title not in (None, original) else None, year)


def _text(film: Nfo, name: str) -> str | None:
    """Return what the first element of a name says, on one line; None if it says nothing."""
    lines = (" ".join(visible(text[:_LONGEST]).split()) for text in film.texts(name))
    return next((line for line in lines if line), None)
