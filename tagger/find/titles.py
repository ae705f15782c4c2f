"""A film's title and year from the names of posters and folders, as in docs/formats.md."""

from __future__ import annotations

import os
import re

from tagger.holders.posters import film_poster

_YEAR = r"(18[7-9][0-9]|19[0-9][0-9]|20[0-9][0-9])"
_IN_BRACKETS = re.compile(rf"[(\[]{_YEAR}[)\]]")
# Only after a title: the name of the film 1917 begins with its title.
_BARE = re.compile(rf"(?<=[-_. ]){_YEAR}(?=[-_. ]|\Z)")


def title_and_year(path: str) -> tuple[str | None, int | None]:
    """Read title and year from a file's name, or from its folder's if the file's is generic.

    Args:
        path: of the image; the file need not exist.

    Returns:
        The title, or None if nothing is left of the name; the year, or None.
    """
    name = os.path.splitext(os.path.basename(path))[0]
    if poster := film_poster(name):
        name = poster.film or os.path.basename(os.path.dirname(os.path.abspath(path)))
    if " " not in name:
        name = re.sub("[._]", " ", name)
    year = _last(_IN_BRACKETS, name) or _last(_BARE, name)
    if year is None:
        return _words(name), None
    return _words(name[: year.start()]) or _words(name[year.end() :]), int(year[1])


def _last(pattern: re.Pattern[str], name: str) -> re.Match[str] | None:
    """Return the last match: a year in the title precedes the film's own."""
    found = list(pattern.finditer(name))
    return found[-1] if found else None


def _words(text: str) -> str | None:
    return " ".join(text.split()).strip("-_ ") or None
