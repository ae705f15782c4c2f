"""Files, folders and lists → a sorted stream of image paths, each once.

Paths are texts spelled the way ``find`` spells them (the argument, a slash, the rest), with
undecodable bytes as Python's surrogate escapes; :mod:`tagger.text` turns those into UTF-8.
"""

from __future__ import annotations

import fnmatch
import heapq
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from tagger.decode.patience import Patience
from tagger.errors import UsageError
from tagger.files import IMAGE_SUFFIXES
from tagger.find.library import holds_posters, is_poster
from tagger.text import printable


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
        seconds: how long listing a folder may take; None waits for ever.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    recursive: bool = True
    follow_links: bool = False
    suffixes: frozenset[str] = IMAGE_SUFFIXES
    library: bool = False
    newer_than: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Scan:
    """Where images are looked for.

    Attributes:
        folders: folders to walk, as given.
        files: paths that are taken whatever they are: a missing one fails by name later.
        options: what the walks take.
    """

    folders: tuple[str, ...]
    files: tuple[str, ...]
    options: WalkOptions

    def paths(self, unreadable: Callable[[str, str], None]) -> Iterator[str]:
        """Yield every path once, sorted bytewise, walking as it goes.

        Args:
            unreadable: called with a folder that cannot be listed, and why.

        Raises:
            StalledError: many folders take too long.
        """
        takes = _Filter(self.options)
        walks: list[Iterable[tuple[bytes, str]]] = [
            _keyed(_walk(folder, takes, unreadable)) for folder in _outermost(self.folders, takes)
        ]
        walks.append(_keyed(sorted(self._extra_files(takes), key=os.fsencode)))
        previous = b""
        asked = Patience(self.options.seconds)
        try:
            for key, path in heapq.merge(*walks, key=itemgetter(0)):
                if key != previous and _is_newer(path, self.options.newer_than, asked):
                    yield path
                previous = key
        finally:
            asked.close()

    def base(self) -> str:
        """Return the absolute path of the deepest folder that holds everything scanned.

        Raises:
            UsageError: there is none (different drives).
        """
        folders = {os.path.abspath(folder) for folder in self.folders}
        folders |= {os.path.dirname(os.path.abspath(file)) for file in self.files}
        try:
            return os.path.commonpath(folders) if folders else os.getcwd()
        except ValueError:
            raise UsageError(
                "The paths lie on different drives, so no one folder can mirror them: tag one "
                "drive at a time."
            ) from None

    def _extra_files(self, takes: _Filter) -> Iterator[str]:
        """The given files, each once however spelled, without those that a walk will meet."""
        walked = {os.path.realpath(folder) for folder in _outermost(self.folders, takes)}
        roots = [
            os.path.abspath(folder) for folder in self.folders if os.path.realpath(folder) in walked
        ]
        seen = set()
        for file in self.files:
            absolute = os.path.abspath(file)
            if absolute in seen:
                continue
            seen.add(absolute)
            if not any(takes.reaches(root, absolute) for root in roots):
                yield file


def _is_newer(path: str, than: float | None, asked: Patience) -> bool:
    """Say whether a file was changed after a moment; what cannot be asked fails by name later."""
    if than is None:
        return True
    try:
        return asked(lambda: os.stat(path).st_mtime) > than
    except OSError:
        return True


def scan(arguments: Iterable[str], options: WalkOptions, *, must_exist: bool = True) -> Scan:
    """Sort arguments into folders, which are walked, and files, which are taken as they are.

    Args:
        arguments: paths as given.
        options: what the walks take.
        must_exist: whether a path that is not there is an error of usage; if not, it fails as an
            image would.

    Raises:
        UsageError: an argument is not there.
    """
    folders, files = [], []
    for argument in arguments:
        if os.path.isdir(argument):
            folders.append(argument)
        elif must_exist and not os.path.lexists(argument):
            raise UsageError(f"There is no file or folder '{printable(argument)}'.")
        else:
            files.append(argument)
    return Scan(tuple(dict.fromkeys(folders)), tuple(dict.fromkeys(files)), options)


class _Filter:
    """Decides by name what a walk takes; patterns match the name, or the path when they hold /."""

    def __init__(self, options: WalkOptions) -> None:
        self.options = options
        self._include = [_pattern(glob) for glob in options.include]
        self._exclude = [_pattern(glob) for glob in options.exclude]

    def takes_file(self, relative: str) -> bool:
        if self.excludes(relative):
            return False
        if self.options.library and not is_poster(relative.rpartition("/")[2]):
            return False
        if self._include:
            return any(matches(relative) for matches in self._include)
        return os.path.splitext(relative)[1].lower() in self.options.suffixes

    def enters(self, relative: str) -> bool:
        if self.options.library and not holds_posters(relative.rpartition("/")[2]):
            return False
        return not self.excludes(relative)

    def excludes(self, relative: str) -> bool:
        return any(matches(relative) for matches in self._exclude)

    def reaches(self, root: str, file: str) -> bool:
        """Say whether a walk of ``root`` would yield ``file``; both are absolute."""
        start = root.rstrip(os.sep) + os.sep
        if not file.startswith(start):
            return False
        parts = file[len(start) :].replace(os.sep, "/").split("/")
        folders = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        if folders and not self.options.recursive:
            return False
        if not all(self.enters(folder) for folder in folders):
            return False
        linked = any(os.path.islink(start + folder) for folder in folders)
        if linked and not self.options.follow_links:
            return False
        return os.path.lexists(file) and self.takes_file("/".join(parts))


def _pattern(glob: str) -> Callable[[str], bool]:
    matches = re.compile(fnmatch.translate(glob.rstrip("/")), re.IGNORECASE).match
    if "/" in glob.rstrip("/"):
        return lambda relative: matches(relative) is not None
    return lambda relative: matches(relative.rpartition("/")[2]) is not None


def _keyed(paths: Iterable[str]) -> Iterator[tuple[bytes, str]]:
    return ((os.fsencode(path), path) for path in paths)


def _outermost(folders: Sequence[str], takes: _Filter) -> list[str]:
    """Leave out folders that are another one, differently spelled, or that its walk enters."""
    real = {folder: os.path.realpath(folder) for folder in folders}
    kept: dict[str, str] = {}
    for folder in folders:
        inside = any(_enters(real[other], real[folder], takes) for other in folders)
        if not inside:
            kept.setdefault(real[folder], folder)
    return list(kept.values())


def _enters(root: str, folder: str, takes: _Filter) -> bool:
    """Say whether a walk of ``root`` goes through ``folder`` below it; both are real paths."""
    start = root.rstrip(os.sep) + os.sep
    if not takes.options.recursive or not folder.startswith(start):
        return False
    parts = folder[len(start) :].replace(os.sep, "/").split("/")
    return folder != root and all(
        takes.enters("/".join(parts[:depth])) for depth in range(1, len(parts) + 1)
    )


def _walk(root: str, takes: _Filter, unreadable: Callable[[str, str], None]) -> Iterator[str]:
    """Yield the files below a folder, sorted bytewise by their whole path.

    Entries are sorted with a slash behind folders' names: as a name holds no slash, going through
    a folder in that order gives the order of the whole paths, and only one folder's names are in
    memory at a time.
    """
    prefix = root if root.endswith(("/", os.sep)) else root + os.sep
    visited = {_identity(root)} if takes.options.follow_links else set()
    listed = Patience(takes.options.seconds)
    try:
        yield from _walk_below(prefix, takes, unreadable, listed, visited)
    finally:
        listed.close()


def _walk_below(
    prefix: str,
    takes: _Filter,
    unreadable: Callable[[str, str], None],
    listed: Patience,
    visited: set[tuple[int, int] | None],
) -> Iterator[str]:
    stack = [_entries(prefix, "", takes, unreadable, listed)]
    ancestors: list[tuple[int, int] | None] = [None]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            visited.discard(ancestors.pop())
            continue
        relative, is_folder = entry
        if not is_folder:
            yield prefix + relative.replace("/", os.sep)
            continue
        folder = prefix + relative.replace("/", os.sep)
        identity = _identity(folder) if takes.options.follow_links else None
        if identity is not None and identity in visited:
            unreadable(folder, "a link that leads back to a folder above it")
            continue
        if identity is not None:
            visited.add(identity)
        ancestors.append(identity)
        stack.append(_entries(prefix, relative + "/", takes, unreadable, listed))


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def _entries(
    prefix: str,
    inner: str,
    takes: _Filter,
    unreadable: Callable[[str, str], None],
    listed: Patience,
) -> Iterator[tuple[str, bool]]:
    """List one folder: (path below the root with slashes, whether it is a folder), in order."""
    folder = prefix + inner.replace("/", os.sep)
    found: list[bytes] = []  # what an error leaves of it is taken
    try:
        listed(lambda: _list(folder, inner, takes, found))
    except TimeoutError as error:
        found = []  # a thread may still be at it
        unreadable(folder, f"listing it {error}" if error.errno is None else _reason(error))
    except OSError as error:
        unreadable(folder, _reason(error))
    found.sort()
    return ((inner + os.fsdecode(name.rstrip(b"/")), name.endswith(b"/")) for name in found)


def _list(folder: str, inner: str, takes: _Filter, found: list[bytes]) -> None:
    """Add what a walk takes of a folder: bare names, as a folder can hold a million."""
    with os.scandir(folder) as entries:
        for entry in entries:
            relative = inner + entry.name
            if _is_folder(entry, takes.options.follow_links):
                if takes.options.recursive and takes.enters(relative):
                    found.append(os.fsencode(entry.name) + b"/")
            elif takes.takes_file(relative) and not _is_linked_folder(entry):
                found.append(os.fsencode(entry.name))


def _reason(error: OSError) -> str:
    return (error.strerror or "cannot be listed").lower()


def _is_folder(entry: os.DirEntry[str], follow_links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_links)
    except OSError:  # a link that leads back to itself: it fails by name when it is opened
        return False


def _is_linked_folder(entry: os.DirEntry[str]) -> bool:
    """A link to a folder, which the walk does not follow: no image, whatever its ending."""
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False
