"""Files, folders and lists → a sorted stream of image paths, each once.

Paths are spelled as ``find`` spells them (the argument, a slash, the rest), with undecodable bytes
as Python's surrogate escapes; :mod:`tagger.text` turns those into UTF-8.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tagger.errors import UsageError
from tagger.find.filter import Filter
from tagger.find.filter import WalkOptions as WalkOptions  # what :func:`scan` takes
from tagger.find.identity import real_folder, real_paths
from tagger.find.left_out import LeftOut, Why
from tagger.find.walk import joined, walk
from tagger.stores.paths import COMPRESSED, container_of, is_archive
from tagger.stores.store import exists
from tagger.text import is_url, printable


@dataclass(frozen=True)
class Scan:
    """Where to look for images.

    Attributes:
        folders: folders and archives to walk, as given.
        files: paths that are used whatever they are; a missing one is reported by name later.
        options: what the walks select.
    """

    folders: tuple[str, ...]
    files: tuple[str, ...]
    options: WalkOptions

    def paths(
        self,
        unreadable: Callable[[str, str], None],
        left_out: LeftOut | None = None,
        order: Callable[[str], str] = str,
    ) -> Iterator[str]:
        """Yield every path once, sorted bytewise, while walking.

        Args:
            unreadable: called with a folder that cannot be listed, and why.
            left_out: counts what the walks leave out.
            order: of several folders and files, returns what a path is sorted by, which must not
                change the order of paths below a folder.

        Raises:
            StalledError: many folders take too long.
        """
        takes = Filter(self.options)
        left_out = LeftOut() if left_out is None else left_out
        left_out.sniffs = self.options.sniff
        # A link that is named is so as the link, and as what it leads to.
        named = frozenset(map(real_folder, self.folders)).union(
            map(real_paths(), self.folders + self.files)
        )
        walks = [
            walk(folder, takes, named, unreadable, left_out)
            for folder in _outermost(self.folders, takes)
        ]
        extra = sorted(self._extra_files(takes), key=lambda path: os.fsencode(order(path)))
        found = joined([*walks, extra], self.options, left_out, order)
        return found if self.options.shard is None else self._share(found, left_out)

    def _share(self, found: Iterable[str], left_out: LeftOut) -> Iterator[str]:
        """Yield the images of a shard."""
        assert self.options.shard is not None
        left_out.shard = self.options.shard
        here = dataclasses.replace(
            self,
            folders=tuple(one for one in self.folders if not is_url(one)),
            files=tuple(one for one in self.files if not is_url(one)),
        )
        try:
            base = here.base()
        except UsageError:  # different drives, whose letters are part of the paths
            base = ""
        takes = self.options.shard.takes(base)
        for path in found:
            if takes(path):
                left_out.taken += 1
                yield path
            else:
                left_out.add(Why.SHARD, path)

    def base(self) -> str:
        """Return the absolute path of the deepest folder that contains everything scanned.

        Raises:
            UsageError: there is none (different drives, other machines).
        """
        if (url := next(filter(is_url, (*self.folders, *self.files)), None)) is not None:
            raise UsageError(f"What lies on another machine cannot be mirrored: {printable(url)}.")
        folders = {os.path.abspath(folder) for folder in self.folders}
        folders |= {os.path.dirname(os.path.abspath(file)) for file in self.files}
        try:
            return os.path.commonpath(folders) if folders else os.getcwd()
        except ValueError:
            raise UsageError(
                "The paths are on different drives and cannot be mirrored in one folder: tag one "
                "drive at a time."
            ) from None

    @property
    def has_urls(self) -> bool:
        """Return whether anything that was given lies on another machine."""
        return any(map(is_url, self.folders)) or any(map(is_url, self.files))

    def sealed(self) -> str | None:
        """Return the first place given that nothing can be written beside: an archive or a URL.

        ``--archives`` stands for archives that will be found.
        """
        first = next((one for one in self.folders if is_url(one) or is_archive(one)), None)
        if first is not None:
            return first
        if self.options.archives:
            return "--archives"
        return next((one for one in self.files if is_url(one) or container_of(one)), None)

    def _extra_files(self, takes: Filter) -> list[str]:
        """The given files, each once in any spelling, without those that a walk will find."""
        walked = {real_folder(folder) for folder in _outermost(self.folders, takes)}
        roots = [
            os.path.abspath(folder) for folder in self.folders if real_folder(folder) in walked
        ]
        real_path = real_paths()
        first = {real_path(file): file for file in reversed(self.files)}
        return [
            file
            for real, file in first.items()
            if not any(takes.reaches(root, real) for root in walked)
            and not any(takes.reaches(root, os.path.abspath(file)) for root in roots)
        ]


def scan(arguments: Iterable[str], options: WalkOptions) -> Scan:
    """Sort arguments into folders and archives, which are walked, and files, used as they are.

    Args:
        arguments: paths as given.
        options: what the walks select.

    Raises:
        UsageError: an argument does not exist, or is an archive that is not read.
        TaggerError: a store does not answer, or what reads it is not installed.
    """
    folders: list[str] = []
    files: list[str] = []
    for argument in arguments:
        if is_url(argument):
            from tagger.stores.remote import is_folder

            (folders if is_folder(argument) else files).append(argument)
        elif os.path.isdir(argument) or is_archive(argument):
            folders.append(argument)
        elif argument.lower().endswith(COMPRESSED) and os.path.isfile(argument):
            raise UsageError(
                f"{printable(argument)} is compressed as a whole, so its images cannot be read one "
                "by one: unpack it, or pack them as .tar or .zip."
            )
        elif not os.path.lexists(argument) and not exists(argument):
            raise UsageError(f"No such file or folder: '{printable(argument)}'.")
        else:
            files.append(argument)
    return Scan(tuple(dict.fromkeys(folders)), tuple(dict.fromkeys(files)), options)


def _outermost(folders: Sequence[str], takes: Filter) -> list[str]:
    """Drop folders that are identical to another one or inside its walk."""
    real = {folder: real_folder(folder) for folder in folders}
    kept: dict[str, str] = {}
    for folder in folders:
        if not any(takes.reaches_folder(real[other], real[folder]) for other in folders):
            kept.setdefault(real[folder], folder)
    return list(kept.values())
