"""What a walk of folders takes: endings, patterns, posters."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from tagger.files import IMAGE_SUFFIXES
from tagger.find.library import holds_posters, is_poster


@dataclass(frozen=True)
class WalkOptions:
    """What a folder walk takes.

    Attributes:
        include: shell patterns; when there are any, a file must match one (instead of having one of
            the endings).
        exclude: shell patterns; a file or folder that matches one is left out.
        recursive: whether subfolders are entered.
        follow_links: whether links to folders are entered.
        suffixes: endings of the files that are taken where ``include`` is empty, in lower case.
        library: whether only posters are taken, see :mod:`tagger.find.library`.
        newer_than: seconds since 1970; only what was changed after that is taken, also of the files
            that are named. None takes all.
        seconds: how long listing a folder may take; None waits forever.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    recursive: bool = True
    follow_links: bool = False
    suffixes: frozenset[str] = IMAGE_SUFFIXES
    library: bool = False
    newer_than: float | None = None
    seconds: float | None = None


class Filter:
    """Decides by name what a walk takes; patterns match the name, or the path when they hold /."""

    def __init__(self, options: WalkOptions) -> None:
        self.options = options
        self._include = [_pattern(glob) for glob in options.include]
        self._exclude = [_pattern(glob) for glob in options.exclude]

    def takes_file(self, relative: str) -> bool:
        """Return whether a walk yields a file, by its path below the root with slashes."""
        if self._excludes(relative):
            return False
        if self.options.library and not is_poster(relative.rpartition("/")[2]):
            return False
        if self._include:
            return any(matches(relative) for matches in self._include)
        return os.path.splitext(relative)[1].lower() in self.options.suffixes

    def enters(self, relative: str) -> bool:
        """Return whether a walk goes into a folder, by its path below the root with slashes."""
        if self.options.library and not holds_posters(relative.rpartition("/")[2]):
            return False
        return not self._excludes(relative)

    def _excludes(self, relative: str) -> bool:
        return any(matches(relative) for matches in self._exclude)

    def reaches(self, root: str, file: str) -> bool:
        """Return whether a walk of ``root`` would yield ``file``; both are absolute."""
        steps = _steps(root, file)
        if not steps or (len(steps) > 1 and not self.options.recursive):
            return False
        *folders, name = steps
        if not all(map(self.enters, folders)):
            return False
        linked = any(os.path.islink(os.path.join(root, folder)) for folder in folders)
        if linked and not self.options.follow_links:
            return False
        return os.path.lexists(file) and self.takes_file(name)

    def reaches_folder(self, root: str, folder: str) -> bool:
        """Return whether a walk of ``root`` enters ``folder`` below it; both are real paths."""
        steps = _steps(root, folder) if self.options.recursive and folder != root else []
        return bool(steps) and all(map(self.enters, steps))


def _steps(root: str, path: str) -> list[str]:
    """Return what a walk passes on its way to ``path``, below ``root``; nothing if it is not."""
    start = root.rstrip(os.sep) + os.sep
    if not path.startswith(start):
        return []
    names = path[len(start) :].replace(os.sep, "/").split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]


def list_folder(folder: str, inner: str, takes: Filter, found: list[bytes]) -> None:
    """Add what a walk takes of a folder: bare names, as a folder can hold a million.

    Args:
        folder: to list.
        inner: its path below the root, with slashes and one at the end.
        takes: decides by name.
        found: is extended by encoded names; those of folders end in a slash.

    Raises:
        OSError: it cannot be listed, or not to its end; what was found so far is in ``found``.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            relative = inner + entry.name
            if _is_folder(entry, takes.options.follow_links):
                if takes.options.recursive and takes.enters(relative):
                    found.append(os.fsencode(entry.name) + b"/")
            elif takes.takes_file(relative) and not _is_linked_folder(entry):
                found.append(os.fsencode(entry.name))


def _pattern(glob: str) -> Callable[[str], bool]:
    matches = re.compile(fnmatch.translate(glob.rstrip("/")), re.IGNORECASE).match
    if "/" in glob.rstrip("/"):
        return lambda relative: matches(relative) is not None
    return lambda relative: matches(relative.rpartition("/")[2]) is not None


def _is_folder(entry: os.DirEntry[str], follow_links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_links)
    except OSError:  # a link that leads back to itself: it fails by name when it is opened
        return False


def _is_linked_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether it is a link to a folder, which is not an image whatever its ending."""
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False
