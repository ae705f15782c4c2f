"""Which ``.nfo`` is a film's, among the names in its folder.

The rules are those of the programs: ``movie.nfo`` or ``<video>.nfo`` (Kodi's wiki, *NFO
files/Movies*; Jellyfin's ``MovieNfoSaver``), the one ``.nfo`` of a film's own folder whatever it is
called (Kodi's ``VideoTagLoaderNFO``), and those of DVD and Blu-ray folders. Several versions of a
film are told from several films as Jellyfin does it, by the folder's name in front.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tagger.errors import CannotChange
from tagger.files.kinds import IMAGE_SUFFIXES
from tagger.holders.posters import FOLDER_POSTERS, film_poster
from tagger.text import printable

# fmt: off
_VIDEOS = frozenset((
    ".3gp", ".asf", ".avi", ".disc", ".divx", ".dvr-ms", ".flv", ".img", ".iso", ".m2ts", ".m4v",
    ".mk3d", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".ogm", ".ogv", ".rm",
    ".rmvb", ".strm", ".ts", ".webm", ".wmv", ".wtv",
))
# fmt: on
_EXTRA = re.compile(
    r"(?:.*[-._ ])?(?:trailer|sample)|theme|.*-(?:behindthescenes|clip|deleted|deletedscene|extra"
    r"|featurette|interview|other|scene|short)",
    re.IGNORECASE,
)
_PART = re.compile(
    r"[ _.-]+[(\[]?(?:cd|dvd|part|pt|dis[ck])[ _.-]*(?:[0-9]+|[a-d])[)\]]?\Z", re.IGNORECASE
)
_EPISODE = re.compile(r"(?:^|[^a-z0-9])s[0-9]+[ ._-]*e[0-9]+", re.IGNORECASE)
_SERIES = frozenset(("tvshow.nfo", "season.nfo"))
_MOVIE = "movie"
_MOST_NAMED = 3

# Under which posters are kept that bear no film's name: no name is empty.
_OF_FOLDER = ""


@dataclass(frozen=True)
class Film:
    """A film as far as its folder tells.

    Attributes:
        nfos: its ``.nfo`` files; none if nothing describes it.
        posters: names of its posters, first the one that programs show.
    """

    nfos: tuple[str, ...]
    posters: tuple[str, ...]

    def is_shown_by(self, image: str) -> bool:
        """Return whether programs show the film by this image, of all posters that it has."""
        name = os.path.basename(image)
        if not self.posters or name in self.posters:
            return self.posters[:1] in ((), (name,))
        return _key(name) == _key(self.posters[0])  # spelled as the file system does not care


class FilmFolder:
    """The names in a folder, as media centres read them.

    Args:
        name: of the folder.
        files: names of what lies in it.
        disc_nfos: those of DVD and Blu-ray structures in it, from the folder on.
        is_series: whether a series lies around it; else its names tell.
    """

    def __init__(
        self, name: str, files: Iterable[str], disc_nfos: tuple[str, ...], *, is_series: bool
    ) -> None:
        self._name, self._is_series = _key(name), is_series
        self._nfos: dict[str, list[str]] = defaultdict(list)
        self._posters: dict[str, list[tuple[bool, bool, int, str]]] = defaultdict(list)
        #: Names that a film goes by: those of its videos, with and without the number of the part.
        self._films: dict[str, set[str]] = defaultdict(set)
        for file in sorted(files):
            if not file.startswith("."):
                self._take(file, *os.path.splitext(file))
        if all(self._is_version(film) for film in self._films):
            names = {name for film in self._films.values() for name in film}
            self._films = {self._name: names} if names else {}
        self._film_of = {name: names for names in self._films.values() for name in names}
        self._candidates, self._is_clear = self._folder_nfos(disc_nfos)
        self._own = self._own_names() if self._is_clear else set()

    def film_of(self, image: str) -> Film | None:
        """Return an image's film; None if it is not a film's poster, or nothing describes it.

        Raises:
            CannotChange: several ``.nfo`` files may be meant.
        """
        stem = os.path.splitext(image)[0]
        poster = film_poster(stem)
        of_folder = poster is not None and poster.film is None
        name = _key(stem if poster is None or poster.film is None else poster.film)
        if of_folder or name in self._own:
            if self._is_series or not self._candidates:
                return None
            if not self._is_clear:
                raise _several(self._candidates)
            return Film(self._candidates, self._ranked({_OF_FOLDER, *self._own}))
        names = self._film_of.get(name, {name})
        nfos = self._named({name}) or self._named(names)
        if len(nfos) > 1:
            raise _several(nfos)
        if not nfos:
            return None
        described = _key(os.path.splitext(nfos[0])[0])
        return Film(nfos, self._ranked({described}) + self._ranked(names - {described}))

    def _take(self, file: str, stem: str, ending: str) -> None:
        ending = ending.lower()
        if file.lower() in _SERIES:
            self._is_series = True
        elif ending == ".nfo":
            self._nfos[_key(stem)].append(file)
        elif ending in _VIDEOS and _EPISODE.search(stem):
            self._is_series = True
        elif ending in _VIDEOS and not _EXTRA.fullmatch(stem):
            whole = _PART.sub("", stem)
            self._films[_key(whole)] |= {_key(stem), _key(whole)}
        elif ending in IMAGE_SUFFIXES:
            self._take_image(file, stem)

    def _take_image(self, file: str, stem: str) -> None:
        poster = film_poster(stem)
        if poster is None:  # an image that bears the video's name is shown where nothing else is
            self._posters[_key(stem)].append((True, False, 0, file))
        elif poster.film is None:
            place = 1 + FOLDER_POSTERS.index(poster.kind)
            self._posters[_OF_FOLDER].append((False, poster.numbered, place, file))
        else:
            self._posters[_key(poster.film)].append((False, poster.numbered, 0, file))

    def _is_version(self, film: str) -> bool:
        rest = film.removeprefix(self._name).strip()
        return film.startswith(self._name) and (not rest or rest[0] in "-[{")

    def _folder_nfos(self, disc_nfos: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
        """Return what may describe the folder's film, and whether it is clear that it does."""
        movie = self._named({_MOVIE})
        named = self._named(self._film_of.keys() - {_MOVIE})
        if len(self._films) > 1:
            found = movie + named
            if movie and not named:
                return found, True
            return (found, False) if len(found) > 1 else ((), True)
        named = named or self._named({self._name} - {_MOVIE})
        found = movie + named + disc_nfos
        if found:
            return found, len(named) < 2
        others = tuple(nfo for same in self._nfos.values() for nfo in same)
        if len(others) > 1 and self._films:  # nothing bears the video's name
            return (), True
        return others, len(others) < 2

    def _own_names(self) -> set[str]:
        """Return all names of the one film that a folder is of; none if it holds several."""
        if self._is_series or len(self._films) > 1:
            return set()
        own = {self._name, *self._film_of}
        if not self._films:  # the videos lie elsewhere: the other files' names tell
            named = {name for name, found in self._posters.items() if name and not min(found)[0]}
            own |= named if _MOVIE in self._nfos and len(named) == 1 else set()
            own |= self._nfos.keys() if len(self._nfos) == 1 else set()
        return {name for name in own if set(self._named({name})) <= set(self._candidates)}

    def _named(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(nfo for name in sorted(names) for nfo in self._nfos.get(name, ()))

    def _ranked(self, names: Iterable[str]) -> tuple[str, ...]:
        found = [poster for name in names for poster in self._posters.get(name, ())]
        return tuple(file for *_, file in sorted(found))


def _several(nfos: tuple[str, ...]) -> CannotChange:
    shown = ", ".join(printable(nfo) for nfo in nfos[:_MOST_NAMED])
    more = ", …" if len(nfos) > _MOST_NAMED else ""
    return CannotChange(f"several .nfo files may be its film's ({shown}{more})")


def _key(name: str) -> str:
    """Return what names have in common that programs and file systems take for the same."""
    return unicodedata.normalize("NFC", name).casefold()
