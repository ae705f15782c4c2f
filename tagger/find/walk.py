"""The walk of one folder and all below it, or of an archive."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, TypeAlias

from tagger.decode.facts import file_stamp
from tagger.decode.patience import Patience
from tagger.find.filter import Filter, WalkOptions
from tagger.find.identity import real_folder
from tagger.find.left_out import LeftOut, Why
from tagger.stores.paths import ARCHIVES, is_archive
from tagger.text import is_url

if TYPE_CHECKING:
    from tagger.stores.remote import Entry as RemoteEntry

    Entry: TypeAlias = os.DirEntry[str] | RemoteEntry


def walk(
    root: str,
    takes: Filter,
    named: frozenset[str],
    unreadable: Callable[[str, str], None],
    left_out: LeftOut,
) -> Iterator[str]:
    """Yield the files below a folder, sorted bytewise by their whole path.

    Entries are sorted with a slash appended to folders' names: since a name contains no slash, this
    yields the order of the complete paths, with only one folder's names in memory at a time.

    Args:
        root: the folder or archive, as given; or the URL of a folder.
        takes: decides by name.
        named: real paths of all that a person named, which is not counted as left out.
        unreadable: called with a folder that cannot be listed, and why.
        left_out: counts what is not taken.
    """
    separator = "/" if is_url(root) else os.sep
    prefix = root if root.endswith(("/", separator)) else root + separator
    real_root = real_folder(root)

    def is_named(relative: str) -> bool:
        # Most walks are of one folder, and then nothing below it is named.
        return len(named) > 1 and os.path.join(real_root, relative) in named

    identify = _identity if takes.options.follow_links else lambda folder: None
    with closing(Patience(takes.options.seconds)) as listed:
        into = partial(_list_folder, takes=takes, is_named=is_named)
        entries = partial(_entries, prefix, separator, into, unreadable, left_out, listed)
        ancestors = [identify(root)]
        stack = [entries("")]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
                ancestors.pop()
                continue
            relative, end = entry
            path = prefix + relative.replace("/", separator)
            if end != "/":
                if not end or _holds_image(path, takes, unreadable, listed):
                    yield path
                elif not is_named(relative):
                    left_out.add(Why.ENDING, os.path.basename(path))
                continue
            identity = identify(path)
            if identity is not None and identity in ancestors:
                unreadable(path, "a link that leads back to a folder above it")
                continue
            ancestors.append(identity)
            stack.append(entries(relative + "/"))


def joined(
    sources: Iterable[Iterable[str]],
    options: WalkOptions,
    left_out: LeftOut,
    order: Callable[[str], str],
) -> Iterator[str]:
    """Yield every path of several sorted sources once, in order, if its file is new enough.

    ``order`` returns what a path is sorted by.

    Raises:
        StalledError: many files take too long.
    """
    previous = ""
    with closing(Patience(options.seconds)) as asked:
        for path in heapq.merge(*sources, key=lambda path: os.fsencode(order(path))):
            if path != previous:
                if options.newer_than is None or _is_newer(path, options.newer_than, asked):
                    yield path
                else:
                    left_out.add(Why.NEWER_THAN, path)
            previous = path


def _is_newer(path: str, than: float, asked: Patience) -> bool:
    """Return whether a file was changed after a time; True if unknown, to be reported later."""
    try:
        return asked(lambda: _changed(path)) > than
    except OSError:
        return True


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        stamp = file_stamp(path)
        if stamp is None or not stamp.modified_ns:
            raise
        return stamp.modified_ns / 1e9


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def _entries(
    prefix: str,
    separator: str,
    list_into: Callable[..., None],
    unreadable: Callable[[str, str], None],
    left_out: LeftOut,
    listed: Patience,
    inner: str,
) -> Iterator[tuple[str, str]]:
    """List one folder in order: (path below the root with slashes, end as in :class:`_Listing`)."""
    folder = prefix + inner.replace("/", separator)
    listing = _Listing()  # on an error, entries found so far are used
    try:
        listed(lambda: list_into(folder, inner, listing=listing))
    except TimeoutError as error:
        listing = _Listing()  # a thread may still add to the old one
        unreadable(folder, f"listing it {error}" if error.errno is None else _reason(error))
    except OSError as error:
        unreadable(folder, _reason(error))
    left_out.update(listing.left_out)
    # Bytewise; plain names sort so by themselves.
    listing.taken.sort(key=None if all(map(str.isascii, listing.taken)) else os.fsencode)
    for name in listing.taken:
        if name[-1] in "/\0":
            yield inner + name[:-1], name[-1]
        else:
            yield inner + name, ""


def _holds_image(
    path: str, takes: Filter, unreadable: Callable[[str, str], None], asked: Patience
) -> bool:
    try:
        return asked(lambda: takes.is_image(path))
    except TimeoutError as error:
        unreadable(path, f"looking into it {error}")
        return False


def _reason(error: OSError) -> str:
    why = error.strerror or "cannot be listed"
    return why.lower() if error.errno else why  # else it is ours


@dataclass
class _Listing:
    """What a walk takes of a folder: bare names, as a folder can hold a million.

    Attributes:
        taken: names; those of folders end in a slash, and those of files that must be asked whether
            they are images in a NUL: neither is in a name, and both keep the order.
        left_out: what it does not take.
    """

    taken: list[str] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)


def _list_folder(
    folder: str, inner: str, takes: Filter, is_named: Callable[[str], bool], listing: _Listing
) -> None:
    """Add to a listing what there is in a folder.

    Args:
        folder: to list.
        inner: its path below the root, with slashes and one at the end.
        takes: decides by name.
        is_named: says of a path below the root whether a person named it: then it is not left out.
        listing: is extended.

    Raises:
        OSError: it cannot be listed, or not to its end; what was found so far is in the listing.
    """
    if is_archive(archive := folder.rstrip("/" + os.sep)):
        _list_archive(archive, inner, takes, is_named, listing)
        return
    with _scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            relative, end = inner + name, ""
            if _is_folder(entry, takes.options.follow_links) or _is_entered(entry, takes):
                why, end = takes.leaves_folder(relative), "/"
            elif _is_linked_folder(entry):  # which is not an image whatever its ending
                why = takes.leaves_folder(relative) or Why.LINK
            else:
                why = takes.leaves_file(relative)
                if why is Why.ENDING and takes.may_be_image(relative):
                    why, end = None, "\0"
            if why is None:
                listing.taken.append(name + end)
            elif not is_named(relative):
                listing.left_out.add(why, name)


def _scandir(folder: str) -> AbstractContextManager[Iterator[Entry]]:
    if not is_url(folder):
        return os.scandir(folder)
    from tagger.stores.remote import scandir

    return scandir(folder)


def _list_archive(
    archive: str, inner: str, takes: Filter, is_named: Callable[[str], bool], listing: _Listing
) -> None:
    """Add to a listing the members of an archive, with their paths below it; otherwise as above."""
    from tagger.stores.archive import members

    paths, damage = members(archive)
    left: dict[str, Why | None] = {}  # folder → why it is left out, with all below it
    for path in paths:
        *folders, _ = accumulate(path.split("/"), "{}/{}".format)
        for around, folder in pairwise(("", *folders)):
            if folder not in left:
                left[folder] = left.get(around) or takes.leaves_folder(inner + folder)
                why = left[folder]
                if why is not None and not left.get(around):
                    listing.left_out.add(why, folder.rpartition("/")[2])
        if folders and left[folders[-1]] is not None:
            continue
        why, end = takes.leaves_file(inner + path), ""
        if why is Why.ENDING and takes.may_be_image(path):
            why, end = None, "\0"
        if why is None:
            listing.taken.append(path + end)
        elif not is_named(inner + path):
            listing.left_out.add(why, path.rpartition("/")[2])
    if damage is not None:
        raise OSError(0, damage)


def _is_entered(entry: Entry, takes: Filter) -> bool:
    """Return whether it is an archive that is entered."""
    return (
        takes.options.archives
        and entry.name.lower().endswith(ARCHIVES)
        and isinstance(entry, os.DirEntry)
        and entry.is_file()
    )


def _is_folder(entry: Entry, follow_links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_links)
    except OSError:  # a link that leads back to itself: it fails by name when it is opened
        return False


def _is_linked_folder(entry: Entry) -> bool:
    """Return whether it is a link to a folder; only links are asked for."""
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False
