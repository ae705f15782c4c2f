"""The film that an image shows, and its ``.nfo`` files on disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from tagger.errors import CannotChange
from tagger.holders.nfo.folder import Film, FilmFolder
from tagger.holders.places import around

# DVD and Blu-ray structures, and what Kodi and Jellyfin read in them.
_DISCS = {"video_ts": "VIDEO_TS.nfo", "bdmv": "index.nfo"}

# Those of the images that are at work, and the folders around them.
_FOLDERS_KEPT = 32


class Films:
    """Finds the film of an image, whatever thread asks; paths come about sorted."""

    def __init__(self) -> None:
        self._folder = lru_cache(maxsize=_FOLDERS_KEPT)(_listed)

    def of(self, image: str) -> Film | None:
        """Return an image's film, its ``.nfo`` files as paths; None if it is not a film's poster.

        Raises:
            CannotChange: several ``.nfo`` files may be meant.
            OSError: the folder cannot be listed.
        """
        path, name = os.path.split(image)
        film = self._folder(path).film_of(name)
        if film is None:
            return None
        return replace(film, nfos=tuple(os.path.join(path, nfo) for nfo in film.nfos))

    def nfos(self, image: str) -> tuple[str, ...]:
        """Return the ``.nfo`` files of an image's film; none where it is not clear which."""
        with contextlib.suppress(CannotChange, OSError):
            film = self.of(image)
            return film.nfos if film is not None else ()
        return ()


class NfosOnce:
    """Finds the ``.nfo`` files that are there, each once; paths come sorted."""

    def __init__(self) -> None:
        self._films = Films()
        self._met: dict[str, set[str]] = {}

    def of(self, path: str) -> Iterator[str]:
        """Yield the ``.nfo`` files of an image, or the ``.nfo`` itself, unless they were met."""
        if os.path.splitext(path)[1].lower() == ".nfo":
            found: tuple[str, ...] = (path,) if os.path.lexists(path) else ()
        else:  # where it is not clear whose an .nfo is, it is met by itself
            found = self._films.nfos(path)
        for nfo in found:
            folder = _film_folder(nfo)
            self._met = around(folder, self._met)
            met = self._met.setdefault(folder, set())
            if nfo not in met:
                met.add(nfo)
                yield nfo


def _film_folder(nfo: str) -> str:
    """Return the folder of the film that an ``.nfo`` describes: a disc's structure lies in it."""
    folder = os.path.dirname(nfo)
    return os.path.dirname(folder) if os.path.basename(folder).lower() in _DISCS else folder


def _listed(path: str) -> FilmFolder:
    whole = os.path.abspath(path)
    names = os.listdir(whole)
    within = (os.path.join(name, _DISCS[name.lower()]) for name in names if name.lower() in _DISCS)
    discs = tuple(disc for disc in within if os.path.lexists(os.path.join(whole, disc)))
    # A folder of a million images is not worth sorting where nothing describes any of them.
    if not discs and not any(name.lower().endswith(".nfo") for name in names):
        return FilmFolder(os.path.basename(whole), (), (), is_series=False)
    return FilmFolder(
        os.path.basename(whole),
        names,
        discs,
        is_series=os.path.lexists(os.path.join(os.path.dirname(whole), "tvshow.nfo")),
    )
