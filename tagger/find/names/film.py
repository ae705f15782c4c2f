"""The name of one file or folder → what it says of a film."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from tagger.find.names.marks import plain, without_ending, without_ids, without_marks
from tagger.find.names.nameless import is_hash, is_nameless, is_number, may_be_title
from tagger.find.names.part import BLANKS, TitlePart, bracketed_year, title_part
from tagger.find.names.words import (
    ARTWORK,
    BESIDE_ARTWORK,
    KINDS_OF_ARTWORK,
    LANGUAGE_CODES,
    TECHNICAL,
)

# "Open Season 2 (2008)" is a film: the year of a show does not stand behind its seasons' numbers.
_YEAR_BEHIND = r"[ ._-]*[(\[]?(?:18[7-9]|19[0-9]|20[0-3])[0-9](?![0-9])"
_EPISODE = re.compile(
    r"(?<![^\W_])(?:s[0-9]{1,4}[ ._-]?e[0-9]{1,4}|s[0-9]{2}(?=[ ._-]|\Z)|[0-9]{1,2}x[0-9]{2,3}"
    r"(?![^\W_]| *[(\[])|(?:season|staffel|saison|temporada|stagione)[ ._-]?"
    rf"(?:0[0-9]|[0-9]{{1,2}}(?!{_YEAR_BEHIND})|all|specials?)(?![^\W_]))"
    r"|\A(?:episode|episodio|folge|épisode)[ ._-]?[0-9]{1,3}(?![^\W_])",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"[0-9]+")
_WORD = re.compile(r"[^\W_]*[^\W\d_](?=[0-9]*(?:[\W_]|\Z))")
_LONGEST_COUNT = 2


class Says(Enum):
    """What a name tells."""

    #: A film's or a show's title.
    FILM = auto()
    #: Which artwork, season or episode it is of the film or show that its folder names.
    ARTWORK = auto()
    #: Nothing: a number, a camera's name, a hash.
    NOTHING = auto()


@dataclass(frozen=True)
class FilmName:
    """A name that was read.

    Attributes:
        title: None unless it is that of a film.
        year: the film's, or None.
    """

    says: Says
    title: str | None = None
    year: int | None = None


@lru_cache(maxsize=64)  # the files of a folder come one after the other
def folder_name(name: str) -> FilmName:
    """Read the name of a folder."""
    return _read(plain(name))


def file_name(name: str) -> FilmName:
    """Read the name of a file, with its ending."""
    return _read(without_ending(plain(name)))


def _read(name: str) -> FilmName:
    text = without_marks(name)
    says = _of_artwork(text)
    if says is None and _of_artwork(name) is Says.ARTWORK:
        says = Says.ARTWORK
    if says is not None:
        return FilmName(says)
    text = without_ids(text)
    if episode := _EPISODE.search(text):
        text = text[: episode.start()]
        if not text.strip(f"{BLANKS}([{{"):
            return FilmName(Says.ARTWORK)
    elif not _is_dated(text) and (is_hash(name) or is_nameless(text)):
        return FilmName(Says.NOTHING)
    return _judged(title_part(text))


def _is_dated(text: str) -> bool:
    """Return whether a name says of a film what no camera does: its year, or a video's kind."""
    return bracketed_year(text) is not None or TECHNICAL.search(text) is not None


def _of_artwork(text: str) -> Says | None:
    """Read a name that only says which artwork it is; return None if it says more.

    With a number of more than two digits it is one of a heap: movie_0123.
    """
    words = _WORD.findall(text.casefold())
    if not any(word in ARTWORK for word in words) or words[0] not in KINDS_OF_ARTWORK:
        return None
    known = (ARTWORK, BESIDE_ARTWORK, LANGUAGE_CODES)
    if not all(any(word in some for some in known) for word in words) or bracketed_year(text):
        return None
    is_one_of_many = any(len(digits) > _LONGEST_COUNT for digits in _DIGITS.findall(text))
    return Says.NOTHING if is_one_of_many else Says.ARTWORK


def _judged(found: TitlePart) -> FilmName:
    """Return what is known from a name with this title and year."""
    title, year = found.title, found.year
    if title is None:
        return FilmName(Says.NOTHING, None, year)
    if is_number(title):
        is_title = year is not None and may_be_title(title, is_sure=found.is_sure)
    elif found.is_sure:
        is_title = True
    else:  # a letter alone says as little as a number
        is_letter = len(title) == 1 and title.isascii() and year is None
        is_title = not is_letter and not is_nameless(title)
    return FilmName(Says.FILM, title, year) if is_title else FilmName(Says.NOTHING)
