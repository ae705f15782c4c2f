"""A film's title and year from the names of posters and folders, as in docs/formats.md."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from tagger.find.names.film import FilmName, Says, file_name, folder_name
from tagger.find.names.marks import LONGEST
from tagger.find.names.words import GENRES, INSIDE, MANY, PICTURES
from tagger.stores.paths import ARCHIVES
from tagger.text import is_url

_HIGHEST = 4
_YEAR = re.compile(r"18[7-9][0-9]|19[0-9][0-9]|20[0-3][0-9]")
# Folders of people and drives lie in these.
_OF_ALL = frozenset(("home", "users", "media", "mnt", "volumes", ""))
_BETWEEN_WORDS = re.compile(r"[-_. ]+")
_COUNT = re.compile(r"(?<![-_ ])[-_ ]*+(?:\([0-9]+\)|[0-9]+)\Z")


def title_and_year(path: str) -> tuple[str | None, int | None]:
    """Read title and year from a file's name, or from its folder's if the file's has none.

    Args:
        path: of the image; the file need not exist.

    Returns:
        The title of the film or show, or None if the names hold none; its year, or None.
    """
    folder, name = os.path.split(path)
    read = file_name(name)
    if read.says is Says.FILM:
        return _dated(read, folder) if read.year is None else (read.title, read.year)
    found = _around(folder, must_have_year=read.says is Says.NOTHING)
    return (found.title, found.year) if found else (None, read.year)


def _dated(read: FilmName, folder: str) -> tuple[str | None, int | None]:
    """Return title and year of a film whose folder may tell the year."""
    around = _around(folder, must_have_year=True)
    if around is not None and _key(around.title) == _key(read.title):
        return around.title, around.year
    name = os.path.basename(folder)
    return read.title, int(name) if _YEAR.fullmatch(name) else None


def _around(folder: str, *, must_have_year: bool) -> FilmName | None:
    """Return the film or show of the folders around a file; None if they tell none.

    Args:
        folder: of the file.
        must_have_year: whether a title counts with its year alone, as where the file's name does
            not tell that it is of the folder's film.
    """
    for name, parent in _upwards(folder):
        if INSIDE.fullmatch(name):
            continue
        read = folder_name(name)
        kind = _kind(name if read.title is None else read.title)
        if kind in PICTURES:
            must_have_year = True
        elif kind in MANY or read.says is Says.NOTHING:
            return None
        elif read.says is Says.FILM:
            is_of_film = kind not in GENRES and parent not in _OF_ALL and not must_have_year
            return read if read.year is not None or is_of_film else None
    return None


def _upwards(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the names of a folder and those around it, each with that of the folder it is in."""
    at = folder if is_url(folder) else os.path.abspath(folder)
    for _ in range(_HIGHEST):
        at, name = os.path.split(at)
        if not name or name.endswith(":"):  # the start of a URL
            return
        if name.lower().endswith(ARCHIVES):
            name = os.path.splitext(name)[0]
        yield name[:LONGEST], os.path.basename(at).casefold()


def _kind(name: str) -> str:
    """Return a folder's name as the lists spell it: ``New Folder (2)`` is ``new-folder``."""
    folded = name.casefold()
    return _BETWEEN_WORDS.sub("-", _COUNT.sub("", folded) or folded)


def _key(title: str | None) -> str:
    return "".join(filter(str.isalnum, (title or "").casefold()))
