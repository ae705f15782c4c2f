"""What a walk of folders takes: endings, patterns, posters."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from tagger.files.kinds import IMAGE_SUFFIXES
from tagger.files.litter import file_litter, is_litter_folder
from tagger.find.left_out import Why
from tagger.find.library import holds_posters, is_poster
from tagger.find.shard import Shard
from tagger.stores.paths import is_archive
from tagger.stores.store import exists


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
        sniff: whether files with other endings, or none, are taken if they begin as an image does.
        everything: whether trash, thumbnails and the like are taken too, see
            :mod:`tagger.files.litter`.
        library: whether only posters are taken, see :mod:`tagger.find.library`.
        archives: whether archives in folders are entered, too.
        newer_than: seconds since 1970; only what was changed after that is taken, also of the files
            that are named. None takes all.
        shard: the part of all images that is taken, also of the files that are named.
        seconds: how long listing a folder may take; None waits forever.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    recursive: bool = True
    follow_links: bool = False
    suffixes: frozenset[str] = IMAGE_SUFFIXES
    sniff: bool = False
    everything: bool = False
    library: bool = False
    archives: bool = False
    newer_than: float | None = None
    shard: Shard | None = None
    seconds: float | None = None


class Filter:
    """Decides by name what a walk takes; patterns match the name, or the path when they hold /."""

    def __init__(self, options: WalkOptions) -> None:
        self.options = options
        self._include = [_pattern(glob) for glob in options.include]
        self._exclude = [_pattern(glob) for glob in options.exclude]

    def leaves_file(self, relative: str) -> Why | None:
        """Return why a walk leaves out a file, by its path below the root with slashes, or None."""
        name = relative.rpartition("/")[2]
        if self._exclude and self._excludes(relative):
            return Why.EXCLUDE
        if self.options.library and not is_poster(name):
            return Why.LIBRARY
        if self._include:
            if not any(matches(relative) for matches in self._include):
                return Why.INCLUDE
        elif _ending(name).lower() not in self.options.suffixes:
            return Why.ENDING
        return None if self.options.everything or not file_litter(name) else Why.LITTER

    def leaves_folder(self, relative: str) -> Why | None:
        """Return why a walk does not enter a folder, by its path below the root, or None."""
        name = relative.rpartition("/")[2]
        if self._excludes(relative):
            return Why.EXCLUDE
        if not self.options.everything and is_litter_folder(name):
            return Why.LITTER
        if self.options.library and not holds_posters(name):
            return Why.LIBRARY
        return None if self.options.recursive else Why.NO_RECURSIVE

    def may_be_image(self, relative: str) -> bool:
        """Return whether a file that is left out for its ending must be asked whether it is one."""
        if not self.options.sniff:
            return False
        from tagger.find.sniff import may_be_image

        name = relative.rpartition("/")[2]
        return may_be_image(name) and (self.options.everything or not file_litter(name))

    def is_image(self, path: str) -> bool:
        """Return whether a file begins as an image does; False if it cannot be read."""
        from tagger.find.sniff import is_image

        try:
            return is_image(path)
        except OSError:
            return False

    def _excludes(self, relative: str) -> bool:
        return any(matches(relative) for matches in self._exclude)

    def reaches(self, root: str, file: str) -> bool:
        """Return whether a walk of ``root`` would yield ``file``; both are absolute."""
        *folders, name = _steps(root, file) or [""]
        if not name or any(map(self.leaves_folder, folders)):
            return False
        linked = any(os.path.islink(os.path.join(root, folder)) for folder in folders)
        if linked and not self.options.follow_links:
            return False
        why = self.leaves_file(name)
        if why is Why.ENDING and self.may_be_image(name):
            return self.is_image(file)
        return (os.path.lexists(file) or exists(file)) and not why

    def reaches_folder(self, root: str, folder: str) -> bool:
        """Return whether a walk of ``root`` enters ``folder`` below it; both are real paths."""
        steps = _steps(root, folder) if folder != root else []
        if is_archive(folder) and not self.options.archives:
            return False
        return bool(steps) and not any(map(self.leaves_folder, steps))


def _ending(name: str) -> str:
    """Return the same as ``os.path.splitext(name)[1]`` for a bare name; most are not hidden."""
    if name.startswith("."):
        return os.path.splitext(name)[1]
    return name[place:] if (place := name.rfind(".")) > 0 else ""


def _steps(root: str, path: str) -> list[str]:
    """Return what a walk passes on its way to ``path``, below ``root``; nothing if it is not."""
    start = root.rstrip(os.sep) + os.sep
    if not path.startswith(start):
        return []
    names = path[len(start) :].replace(os.sep, "/").split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]


def _pattern(glob: str) -> Callable[[str], bool]:
    matches = re.compile(fnmatch.translate(glob.rstrip("/")), re.IGNORECASE).match
    if "/" in glob.rstrip("/"):
        return lambda relative: matches(relative) is not None
    return lambda relative: matches(relative.rpartition("/")[2]) is not None
