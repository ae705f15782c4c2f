"""Genres into films' ``.nfo`` files: which image speaks for a film, and what is passed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

from tagger.errors import CannotChange, os_reason
from tagger.holders.attempts import Attempts
from tagger.holders.nfo.document import LeftAlone, Why
from tagger.holders.nfo.films import Films
from tagger.holders.nfo.merge import merge_genres
from tagger.holders.xmp.files import change_sidecar
from tagger.results import Tagged

_MOST_EXAMPLES = 5


class Passed(Enum):
    """Why no genres went into an ``.nfo`` though nothing failed.

    Attributes:
        key: for programs.
        sentence: for people, what follows a number.
    """

    def __init__(self, key: str, sentence: str) -> None:
        self.key = key
        self.sentence = sentence

    MISSING = ("without_nfo", "images have no .nfo of a film beside them")
    OUTRANKED = ("outranked", "images left the .nfo to a better poster of the same film")
    LOCKED = ("locked", ".nfo files are locked and were left alone")
    NO_XML = ("no_xml", ".nfo files hold no XML and were left alone")
    OTHER_KIND = ("other_kind", ".nfo files are of no film and were left alone")


_PASSED = {
    Why.LOCKED: Passed.LOCKED,
    Why.NO_XML: Passed.NO_XML,
    Why.OTHER_KIND: Passed.OTHER_KIND,
}


@dataclass
class Tally:
    """How many there are, and the first few."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, path: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.examples) < _MOST_EXAMPLES:
            self.examples.append(path)


class FilmNfoWriter:
    """Puts an image's genres into the ``.nfo`` of its film; none is ever made.

    Args:
        attempts: what changes are tried by.
        backup: whether the former content is kept as ``NAME.bak``.
        failed: called with an image whose ``.nfo`` is not clear, and why.

    Attributes:
        passed: what was passed over.
    """

    def __init__(
        self, attempts: Attempts, *, backup: bool, failed: Callable[[str, str], None]
    ) -> None:
        self._attempts = attempts
        self._backup = backup
        self._failed = failed
        self._films = Films()
        self.passed: dict[Passed, Tally] = {reason: Tally() for reason in Passed}

    def targets(self, image: str) -> tuple[str, ...]:
        """Return the ``.nfo`` files that an image's genres go into, and report where none is."""
        try:
            film = self._films.of(image)
        except CannotChange as error:
            self._failed(image, f"{error}, so none was changed")
            return ()
        except OSError as error:
            self._failed(image, f"its folder cannot be listed: {os_reason(error)}")
            return ()
        if film is None:
            self.passed[Passed.MISSING].add(image)
        elif not film.is_shown_by(image):
            self.passed[Passed.OUTRANKED].add(image)
        else:
            return film.nfos
        return ()

    def write(self, nfo: str, result: Tagged) -> None:
        """Put an image's genres into an ``.nfo``.

        Raises:
            OutputError: the disk is full or read-only.
        """
        change = partial(merge_genres, genres=[tag.name for tag in result.tags])
        try:
            self._attempts.attempt(nfo, partial(change_sidecar, nfo, change, backup=self._backup))
        except LeftAlone as reason:
            self.passed[_PASSED[reason.why]].add(nfo)
