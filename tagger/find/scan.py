"""Files, folders and lists → a sorted stream of image paths, each once.

Paths are spelled as ``find`` spells them (the argument, a slash, the rest), with undecodable bytes
as Python's surrogate escapes; :mod:`tagger.text` turns those into UTF-8.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from tagger.decode.patience import Patience
from tagger.errors import UsageError
from tagger.find.filter import Filter, list_folder
from tagger.find.filter import WalkOptions as WalkOptions  # what :func:`scan` takes
from tagger.text import printable


@dataclass(frozen=True)
class Scan:
    """Where to look for images.

    Attributes:
        folders: folders to walk, as given.
        files: paths that are used whatever they are; a missing one is reported by name later.
        options: what the walks select.
    """

    folders: tuple[str, ...]
    files: tuple[str, ...]
    options: WalkOptions

    def paths(self, unreadable: Callable[[str, str], None]) -> Iterator[str]:
        """Yield every path once, sorted bytewise, while walking.

        Args:
            unreadable: called with a folder that cannot be listed, and why.

        Raises:
            StalledError: many folders take too long.
        """
        takes = Filter(self.options)
        walks = [_walk(folder, takes, unreadable) for folder in _outermost(self.folders, takes)]
        extra = sorted(self._extra_files(takes), key=os.fsencode)
        previous = b""
        with closing(Patience(self.options.seconds)) as asked:
            for path in heapq.merge(*walks, extra, key=os.fsencode):
                key = os.fsencode(path)
                if key != previous and _is_newer(path, self.options.newer_than, asked):
                    yield path
                previous = key

    def base(self) -> str:
        """Return the absolute path of the deepest folder that contains everything scanned.

        Raises:
            UsageError: there is none (different drives).
        """
        folders = {os.path.abspath(folder) for folder in self.folders}
        folders |= {os.path.dirname(os.path.abspath(file)) for file in self.files}
        try:
            return os.path.commonpath(folders) if folders else os.getcwd()
        except ValueError:
            raise UsageError(
                "The paths are on different drives and cannot be mirrored in one folder: tag one "
                "drive at a time."
            ) from None

    def _extra_files(self, takes: Filter) -> list[str]:
        """The given files, each once in any spelling, without those that a walk will find."""
        walked = {os.path.realpath(folder) for folder in _outermost(self.folders, takes)}
        roots = [
            os.path.abspath(folder) for folder in self.folders if os.path.realpath(folder) in walked
        ]
        first = {os.path.abspath(file): file for file in reversed(self.files)}
        return [
            file
            for absolute, file in first.items()
            if not any(takes.reaches(root, absolute) for root in roots)
        ]


def _is_newer(path: str, than: float | None, asked: Patience) -> bool:
    """Return whether a file was changed after a time; True if unknown, to be reported later."""
    if than is None:
        return True
    try:
        return asked(lambda: os.stat(path).st_mtime) > than
    except OSError:
        return True


def scan(arguments: Iterable[str], options: WalkOptions, *, must_exist: bool = True) -> Scan:
    """Sort arguments into folders, which are walked, and files, which are used as they are.

    Args:
        arguments: paths as given.
        options: what the walks select.
        must_exist: whether a missing path is wrong usage; otherwise it fails like an image.

    Raises:
        UsageError: an argument does not exist.
    """
    folders, files = [], []
    for argument in arguments:
        if os.path.isdir(argument):
            folders.append(argument)
        elif must_exist and not os.path.lexists(argument):
            raise UsageError(f"No such file or folder: '{printable(argument)}'.")
        else:
            files.append(argument)
    return Scan(tuple(dict.fromkeys(folders)), tuple(dict.fromkeys(files)), options)


def _outermost(folders: Sequence[str], takes: Filter) -> list[str]:
    """Drop folders that are identical to another one or inside its walk."""
    real = {folder: os.path.realpath(folder) for folder in folders}
    kept: dict[str, str] = {}
    for folder in folders:
        if not any(takes.reaches_folder(real[other], real[folder]) for other in folders):
            kept.setdefault(real[folder], folder)
    return list(kept.values())


def _walk(root: str, takes: Filter, unreadable: Callable[[str, str], None]) -> Iterator[str]:
    """Yield the files below a folder, sorted bytewise by their whole path.

    Entries are sorted with a slash appended to folders' names: since a name contains no slash, this
    yields the order of the complete paths, with only one folder's names in memory at a time.
    """
    prefix = root if root.endswith(("/", os.sep)) else root + os.sep
    identify = _identity if takes.options.follow_links else lambda folder: None
    with closing(Patience(takes.options.seconds)) as listed:
        entries = partial(_entries, prefix, takes, unreadable, listed)
        ancestors = [identify(root)]
        stack = [entries("")]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
                ancestors.pop()
                continue
            relative, is_folder = entry
            path = prefix + relative.replace("/", os.sep)
            if not is_folder:
                yield path
                continue
            identity = identify(path)
            if identity is not None and identity in ancestors:
                unreadable(path, "a link that leads back to a folder above it")
                continue
            ancestors.append(identity)
            stack.append(entries(relative + "/"))


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def _entries(
    prefix: str, takes: Filter, unreadable: Callable[[str, str], None], listed: Patience, inner: str
) -> Iterator[tuple[str, bool]]:
    """List one folder in order: (path below the root with slashes, whether it is a folder)."""
    folder = prefix + inner.replace("/", os.sep)
    found: list[bytes] = []  # on an error, entries found so far are used
    try:
        listed(lambda: list_folder(folder, inner, takes, found))
    except TimeoutError as error:
        found = []  # a thread may still append to the old one
        unreadable(folder, f"listing it {error}" if error.errno is None else _reason(error))
    except OSError as error:
        unreadable(folder, _reason(error))
    found.sort()
    return ((inner + os.fsdecode(name.rstrip(b"/")), name.endswith(b"/")) for name in found)


def _reason(error: OSError) -> str:
    return (error.strerror or "cannot be listed").lower()
