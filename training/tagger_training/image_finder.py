"""The images of a folder, found by the ids of a table."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from tagger.errors import DataError
from tagger.files.kinds import IMAGE_SUFFIXES
from tagger.files.litter import is_litter
from tagger.text import unescape

# A number, without zeros before it and behind a decimal mark.
_NUMBER = re.compile(r"0*(\d+)(?:[.,]0+)?")


class ImageFinder:
    """Finds the image for an id: its path or its bare name, with or without an extension.

    Args:
        folder: searched with its subfolders.

    Raises:
        DataError: it is not a folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder.")
        self._alike: dict[str, list[Path]] | None = None
        self._by_path: dict[str, list[Path]] = {}
        self._by_bare_path: dict[str, list[Path]] = {}
        self._by_name: dict[str, list[Path]] = {}
        for file in sorted(folder.rglob("*")):
            if file.suffix.lower() not in IMAGE_SUFFIXES or not file.is_file():
                continue
            path = file.relative_to(folder).as_posix()
            self._by_path[path] = [file]
            if is_litter(path):  # which a bare name does not mean: trash, thumbnails
                continue
            self._by_bare_path.setdefault(path[: -len(file.suffix)], []).append(file)
            for name in (file.name, file.stem):
                self._by_name.setdefault(name, []).append(file)

    def find(self, name: str) -> list[Path]:
        """Return the image; none if there is none, several if the id is ambiguous."""
        parts = PurePosixPath(unescape(name).replace("\\", "/")).parts
        # A table from elsewhere may contain other leading folders: drop them until the path fits.
        for start in range(len(parts)):
            path = "/".join(parts[start:])
            for known in (self._by_path, self._by_bare_path):
                if path in known:
                    return known[path]
        return self._by_name.get(parts[-1], []) if parts else []

    def find_alike(self, name: str) -> list[Path]:
        """Return images whose names differ from an id by what spreadsheets and cameras change.

        That is the case of letters, and zeros before a number.
        """
        if self._alike is None:
            self._alike = {}
            for known in (self._by_name, self._by_bare_path, self._by_path):
                for spelling, files in known.items():
                    kept = self._alike.setdefault(_plain(spelling), [])
                    kept += [file for file in files if file not in kept]
        parts = PurePosixPath(unescape(name).replace("\\", "/")).parts
        spellings = ("/".join(parts[start:]) for start in range(len(parts)))
        return next(filter(None, (self._alike.get(_plain(one)) for one in spellings)), [])

    def example(self) -> str | None:
        """Return the path of an image below the folder; None if there is none."""
        return next(iter(self._by_path), None)


def _plain(name: str) -> str:
    """Return a name as it is compared where spreadsheets have been at it."""
    if number := _NUMBER.fullmatch(name):
        return number[1]
    return name.casefold()
