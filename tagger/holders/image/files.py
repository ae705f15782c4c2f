"""Image files that get other metadata: whole or not at all, and with the same pixels."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tagger.files import replacing, take_after, write_synced
from tagger.holders.image.container import Container, EmbedError, Reader
from tagger.holders.image.formats import NoPlaceError, read_container
from tagger.holders.image.keywords import Target, split_packet, with_tags, without_tags
from tagger.holders.xmp.files import is_unchanged, keep_backup
from tagger.holders.xmp.merge import TakenOut, Wish
from tagger.holders.xmp.names import TAGGER
from tagger.holders.xmp.pin import Settled, Verdict, settle

_ATTEMPTS = 3
_BLOCK = 1024 * 1024


def read_embedded_xmp(path: str) -> bytes | None:
    """Return the XMP packet inside an image; None where there is none, or no place for one.

    Only the file's structure is read, not its pixels.

    Raises:
        EmbedError: the file is damaged, or no regular file.
        OSError: it cannot be read.
    """
    with _opened(path) as file:
        try:
            return _container(file, path).metadata.xmp
        except NoPlaceError:
            return None


def would_settle(path: str, verdict: Verdict) -> Settled | None:
    """Say what a person's tags would change in an image; None where it says them already.

    Raises:
        CannotChange: it cannot be changed safely.
        OSError: it cannot be read.
    """
    with _opened(path) as file:
        container = _container(file, path)
        if with_tags(container, verdict).metadata == container.metadata:
            return None
        return settle(split_packet(container.metadata.xmp)[0] or None, verdict)


def embed_tags(path: str, wish: Wish | Verdict, *, backup: bool, keep_time: bool) -> bool:
    """Put tags into an image in place of our earlier ones.

    A link stays, and the file it leads to is replaced in one step. Owner, permissions and extended
    attributes stay. If another program writes the file meanwhile, its new content is changed.

    Args:
        path: the image.
        wish: what it shall say.
        backup: keep the former file beside it, see :func:`tagger.holders.xmp.files.keep_backup`.
        keep_time: keep the time of its last change.

    Returns:
        Whether anything was changed.

    Raises:
        CannotChange: it cannot be changed safely, so it was not.
        OSError: it cannot be read or written.
    """
    return _change(
        path, lambda container: with_tags(container, wish), backup=backup, keep_time=keep_time
    )


def untag_image(
    path: str, *, backup: bool, keep_time: bool, dry_run: bool, settled: bool = False
) -> TakenOut | None:
    """Take our tags out of an image.

    Args:
        path: the image.
        backup: as for :func:`embed_tags`.
        keep_time: likewise.
        dry_run: only say what would change.
        settled: also tags that a person has settled.

    Returns:
        What is left of its XMP, or None where nothing in the image was ours.

    Raises:
        SettledError: a person has settled its tags.
        CannotChange, OSError: as for :func:`embed_tags`. What has no mark of ours is no concern of
            ours, damaged or not.
    """
    taken: TakenOut | None = None

    def change(container: Container) -> Target | None:
        nonlocal taken
        target = without_tags(container, settled=settled)
        taken = None if target is None else target.taken
        return None if dry_run else target

    try:
        _change(path, change, backup=backup, keep_time=keep_time)
    except (NoPlaceError, FileNotFoundError):
        return None
    except EmbedError:
        if _has_our_mark(path):
            raise
        return None
    return taken


class _ChangedMeanwhile(Exception):  # noqa: N818 (no error: it is tried again)
    """Another program has written the file since it was read."""


def _change(
    path: str, wanted: Callable[[Container], Target | None], *, backup: bool, keep_time: bool
) -> bool:
    real = os.path.realpath(path)
    for _ in range(_ATTEMPTS):
        with _opened(real) as file:
            container = _container(file, real)
            target = wanted(container)
            if target is None or target.metadata == container.metadata:
                return False
            state = os.fstat(file.fileno())
            _refuse_read_only(real, state)
            pieces = container.changed(target.metadata, plain=target.plain)
            try:
                # Without the image's ending: a later run must not take what a kill leaves for one.
                with replacing(real, ending="") as beside:
                    write_synced(beside, container.reader.blocks(pieces))
                    _verify(beside, real, target, container)
                    take_after(beside, real, keep_time=keep_time)
                    if not is_unchanged(real, state):
                        raise _ChangedMeanwhile
                    if backup:
                        keep_backup(path, file)
                    file.close()  # Windows replaces no file that is open
            except _ChangedMeanwhile:
                continue
        return True
    raise EmbedError("being written by another program")


def _verify(beside: Path, name: str, target: Target, former: Container) -> None:
    """Read the new file before it takes the old one's place.

    Raises:
        EmbedError: it holds other metadata than it should, or anything else is not what it was.
    """
    with open(beside, "rb") as file:
        new = read_container(Reader(file), name)
        is_safe = new.metadata == target.metadata and (
            new.reader.digest(new.rest) == former.reader.digest(former.rest)
        )
    if not is_safe:
        raise EmbedError("an image in which more than its tags would change")


def _refuse_read_only(path: str, state: os.stat_result) -> None:
    # A rename needs no right to write the file, and root has them all: what is marked stays.
    if not state.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise EmbedError("read-only")


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    # Before it is opened: opening a named pipe would wait for ever.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise EmbedError("no regular file")
    with open(path, "rb") as file:
        yield file


def _container(file: BinaryIO, path: str) -> Container:
    return read_container(Reader(file), path)


def _has_our_mark(path: str) -> bool:
    """Look for our namespace in a file that cannot be read as an image."""
    mark = TAGGER.encode()
    before = b""
    try:
        with _opened(path) as file:
            while block := file.read(_BLOCK):
                if mark in before + block:
                    return True
                before = block[-len(mark) :]
    except EmbedError:  # no regular file
        pass
    return False
