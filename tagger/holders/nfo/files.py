"""The ``.nfo`` files of images, and how they lose our genres again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from tagger.errors import CannotChange
from tagger.holders.nfo.films import Films, OpenFolders, film_folder
from tagger.holders.nfo.merge import take_genres_out
from tagger.holders.xmp.files import take_out_of
from tagger.holders.xmp.merge import TakenOut


def is_nfo(path: str) -> bool:
    """Say whether a file is an ``.nfo`` by its name."""
    return os.path.splitext(path)[1].lower() == ".nfo"


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
        if is_nfo(path):
            return (path,) if os.path.lexists(path) else ()
        # Where it is not clear whose an .nfo is, no image is asked about it: it is met by itself.
        with contextlib.suppress(CannotChange, OSError):
            film = self._films.of(path)
            return film.nfos if film is not None else ()
        return ()


def untag_nfo(path: str, *, backup: bool, dry_run: bool) -> TakenOut | None:
    """Take our genres out of an ``.nfo``; arguments, result and errors as for XMP sidecars.

    See :func:`tagger.holders.xmp.files.untag_sidecar`.
    """
    return take_out_of(path, take_genres_out, backup=backup, dry_run=dry_run)
