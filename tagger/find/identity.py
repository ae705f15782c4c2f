"""Which image a path is, however it is spelled."""

from __future__ import annotations

import functools
import os
import unicodedata
from collections.abc import Callable

from tagger.text import is_url


def real_paths() -> Callable[[str], str]:
    """Return a function: path of a file → its absolute path in the folder where it really is.

    Links to folders are resolved; a link to a file is an image of its own and stays one. The
    function remembers folders, since files of a folder mostly come together. A URL stays as it is.
    """
    real = functools.lru_cache(maxsize=64)(os.path.realpath)

    def real_path(file: str) -> str:
        if is_url(file):
            return file
        parent, name = os.path.split(os.path.abspath(file))
        return os.path.join(real(parent), name)

    return real_path


def real_folder(folder: str) -> str:
    """Return the absolute path of a folder or archive without links; a URL without slashes last."""
    return folder.rstrip("/") if is_url(folder) else os.path.realpath(folder)


class Identity:
    """Compares paths of images, also where one of them no longer exists as it is spelled."""

    def __init__(self) -> None:
        self.real = real_paths()
        self._folds_case: dict[str, bool] = {}

    def __reduce__(self) -> tuple[type[Identity], tuple[()]]:
        """Pickle nothing: another process may see other folders."""
        return Identity, ()

    def form(self, path: str) -> str:
        """Return a form that paths have in common if they may be the same image's.

        Accents may be composed or not; case counts, except where the file system ignores it.
        """
        real = self.real(path)
        form = composed(real)
        return form.casefold() if self._ignores_case(real) else form

    def key(self, path: str) -> str:
        """Return a text that is equal for paths of the same image, and for no others."""
        form = self.form(path)
        return self.real(path) if form != self.real(path) and self.has_twin(path) else form

    def has_twin(self, path: str) -> bool:
        """Return whether another file differs from an image in how its accents are composed."""
        real = self.real(path)
        return any(
            other != real and os.path.lexists(other) and not _is_same(other, real)
            for other in _compositions(real)
        )

    def _ignores_case(self, real: str) -> bool:
        folder, name = os.path.split(real)
        swapped = name.swapcase()
        if folder not in self._folds_case and swapped != name and os.path.lexists(real):
            self._folds_case[folder] = _is_same(os.path.join(folder, swapped), real)
        return self._folds_case.get(folder, False)


def on_disk(path: str) -> str | None:
    """Return a path as the disk spells it; None if there is no such file.

    A path that was on a Mac, or in a spreadsheet, may have other accents than the file.
    """
    if os.path.lexists(path):
        return path
    return next(filter(os.path.lexists, _compositions(path)), None)


def composed(path: str, form: str = "NFC") -> str:
    """Return a path with its accents composed, or decomposed by the form ``NFD``."""
    if path.isascii():
        return path
    # Name by name: a long sequence of accents takes quadratic time.
    names = path.split("/")
    return "/".join(unicodedata.normalize(form, name) for name in names)  # type: ignore[arg-type]


def _compositions(path: str) -> list[str]:
    """Return a path with the accents of its folder and of its name composed or not."""
    if path.isascii():
        return []
    folder, name = os.path.split(path)
    return [
        os.path.join(a, b)
        for a in dict.fromkeys((folder, composed(folder), composed(folder, "NFD")))
        for b in dict.fromkeys((name, composed(name), composed(name, "NFD")))
    ]


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samestat(os.lstat(one), os.lstat(other))
    except OSError:
        return False
