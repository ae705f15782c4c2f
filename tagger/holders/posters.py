"""How the posters of films are called in the folders of media centres; sources as in library."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: What a film's own folder calls its poster, in the order in which the programs look.
FOLDER_POSTERS = ("poster", "folder", "cover", "default", "movie")

#: What tells several posters of a film apart.
NUMBER = r"(?:[-_. ]?([0-9]+))?"
_OF_FOLDER = re.compile(rf"({'|'.join(FOLDER_POSTERS)}){NUMBER}", re.IGNORECASE)
_OF_NAMED = re.compile(rf"(.+)-poster{NUMBER}", re.IGNORECASE | re.DOTALL)


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
    """Read a poster's name without its ending; None if it is not a film's.

    A season's poster that ends in ``-poster`` looks like that of a film of this name.
    """
    if match := _OF_FOLDER.fullmatch(stem):
        return PosterName(match[1].lower(), None, numbered=match[2] is not None)
    if match := _OF_NAMED.fullmatch(stem):
        return PosterName("poster", match[1], numbered=match[2] is not None)
    return None
