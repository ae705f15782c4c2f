"""The film that an image shows, and its ``.nfo`` files on disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Generic, TypeVar

from tagger.errors import CannotChange
from tagger.holders.nfo.folder import Film, FilmFolder

# DVD and Blu-ray structures, and what Kodi and Jellyfin read in them.
_DISCS = {"video_ts": "VIDEO_TS.nfo", "bdmv": "index.nfo"}

T = TypeVar("T")


class OpenFolders(Generic[T]):
    """What is kept of the folders that a path lies in.

    Paths come sorted, so a walk comes back only to folders around the one that it leaves.

    Args:
        opened: what is kept of a folder when it is met.
    """

    def __init__(self, opened: Callable[[str], T]) -> None:
        self._opened = opened
        self._kept: dict[str, T] = {}

    def at(self, folder: str) -> T:
        """Return what is kept of a folder."""
        self._kept = {name: kept for name, kept in self._kept.items() if _holds(name, folder)}
        if folder not in self._kept:
            self._kept[folder] = self._opened(folder)
        return self._kept[folder]


class Films:
    """Finds the film of an image."""

    def __init__(self) -> None:
        self._folders = OpenFolders(_listed)

    def of(self, image: str) -> Film | None:
        """Return an image's film, its ``.nfo`` files as paths; None if it is not a film's poster.

        Raises:
            CannotChange: several ``.nfo`` files may be meant.
            OSError: the folder cannot be listed.
        """
        path, name = os.path.split(image)
        film = self._folders.at(path).film_of(name)
        if film is None:
            return None
        return replace(film, nfos=tuple(os.path.join(path, nfo) for nfo in film.nfos))


class NfosOnce:
    """Finds the ``.nfo`` files that are there, each once; paths come sorted."""

    def __init__(self) -> None:
        self._films = Films()
        self._met: OpenFolders[set[str]] = OpenFolders(lambda _: set())

    def of(self, path: str) -> Iterator[str]:
        """Yield the ``.nfo`` files of an image, or the ``.nfo`` itself, unless they were met."""
        for nfo in self._there(path):
            met = self._met.at(film_folder(nfo))
            if nfo not in met:
                met.add(nfo)
                yield nfo

    def _there(self, path: str) -> tuple[str, ...]:
        if os.path.splitext(path)[1].lower() == ".nfo":
            return (path,) if os.path.lexists(path) else ()
        # Where it is not clear whose an .nfo is, no image is asked about it: it is met by itself.
        with contextlib.suppress(CannotChange, OSError):
            film = self._films.of(path)
            return film.nfos if film is not None else ()
        return ()


def film_folder(nfo: str) -> str:
    """Return the folder of the film that an ``.nfo`` describes: a disc's structure lies in it."""
    folder = os.path.dirname(nfo)
    return os.path.dirname(folder) if os.path.basename(folder).lower() in _DISCS else folder


def _listed(path: str) -> FilmFolder:
    whole = os.path.abspath(path)
    names = os.listdir(whole)
    discs = (os.path.join(name, _DISCS[name.lower()]) for name in names if name.lower() in _DISCS)
    return FilmFolder(
        os.path.basename(whole),
        names,
        tuple(disc for disc in discs if os.path.lexists(os.path.join(whole, disc))),
        is_series=os.path.lexists(os.path.join(os.path.dirname(whole), "tvshow.nfo")),
    )


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or not outer or inner.startswith(outer.rstrip(os.sep) + os.sep)
