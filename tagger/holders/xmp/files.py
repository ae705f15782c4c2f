"""Sidecar files that are changed in place: whole or not at all, and over nobody's work."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from tagger.errors import CannotChange
from tagger.files import rewrite_whole, write_new
from tagger.holders.xmp.merge import TakenOut, take_out
from tagger.holders.xmp.names import TAGGER
from tagger.holders.xmp.pin import SettledError, is_settled

# Larger than any sidecar that a program writes: it is not read into memory.
_MOST_BYTES = 64 * 1024 * 1024
_ATTEMPTS = 3
_BLOCK = 1024 * 1024


def read_sidecar(path: str) -> tuple[bytes, os.stat_result]:
    """Return a sidecar's content, and its state when it was read.

    Raises:
        CannotChange: it is no regular file, or too large.
        OSError: it cannot be read.
    """
    # Before it is opened: opening a named pipe would wait for ever.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise CannotChange("no regular file")
    with open(path, "rb") as file:
        state = os.fstat(file.fileno())
        if state.st_size > _MOST_BYTES:
            raise CannotChange(f"larger than {_MOST_BYTES // 1024**2} MB")
        return file.read(_MOST_BYTES), state


def has_our_tags(content: bytes) -> bool:
    """Say quickly whether a sidecar may hold tags of ours, in whatever encoding."""
    return TAGGER.encode() in content.replace(b"\0", b"")


def change_sidecar(path: str, change: Callable[[bytes], bytes | None], *, backup: bool) -> bool:
    """Change a sidecar; a link stays, and the file it leads to is changed.

    Owner, permissions and extended attributes stay. If another program writes the file meanwhile,
    its new content is changed instead.

    Args:
        path: the sidecar.
        change: the content → the new one, the very same object to change nothing, or None to
            remove the file.
        backup: keep the former content beside it, see :func:`keep_backup`.

    Returns:
        Whether anything was changed.

    Raises:
        CannotChange: it cannot be changed, as ``change`` says, or since others keep writing it.
        OSError: it cannot be read or written.
    """
    real = os.path.realpath(path)
    for _ in range(_ATTEMPTS):
        content, state = read_sidecar(real)
        changed = change(content)
        if changed is content:
            return False
        if not is_unchanged(real, state):
            continue
        if backup:
            keep_backup(path, content)
        if changed is None:
            os.unlink(real)
            if os.path.islink(path):
                os.unlink(path)
        else:
            rewrite_whole(real, changed)
        return True
    raise CannotChange("being written by another program")


def untag_sidecar(
    path: str, *, backup: bool, dry_run: bool, settled: bool = False
) -> TakenOut | None:
    """Take our tags out of a sidecar; one that is ours altogether is removed.

    Args:
        path: the sidecar.
        backup: keep its former content, see :func:`keep_backup`.
        dry_run: only say what would change.
        settled: also tags that a person has settled.

    Returns:
        What is left of it, or None where nothing in it was ours.

    Raises:
        SettledError: a person has settled its tags.
        CannotChange, OSError: as for :func:`change_sidecar`.
    """

    def taking(content: bytes) -> TakenOut | None:
        if not settled and is_settled(content):
            raise SettledError("a person has settled its tags")
        return take_out(content)

    return take_out_of(path, taking, backup=backup, dry_run=dry_run)


def take_out_of(
    path: str, taking: Callable[[bytes], TakenOut | None], *, backup: bool, dry_run: bool
) -> TakenOut | None:
    """Take our tags out of a file of any kind; errors and the rest as in :func:`untag_sidecar`.

    Args:
        path: the file.
        taking: its content → what is left, or None where nothing in it is ours.
        backup: keep its former content.
        dry_run: only say what would change.
    """
    taken: TakenOut | None = None

    def change(content: bytes) -> bytes | None:
        nonlocal taken
        # Whatever has no mark of ours is no concern of ours, damaged or not.
        taken = taking(content) if has_our_tags(content) else None
        return content if taken is None else taken.content

    if dry_run:
        change(read_sidecar(path)[0])
    else:
        change_sidecar(path, change, backup=backup)
    return taken


def keep_backup(path: str, content: bytes | BinaryIO) -> None:
    """Write ``NAME.bak``, or ``NAME.bak2`` and so on: a backup is never overwritten.

    Where the newest one holds just that already, a run that was killed before it could change the
    file has kept it, and no second one is made.

    Args:
        path: NAME, whose times and permissions the backup gets.
        content: what is kept, or a file that holds it.

    Raises:
        OSError: it cannot be written.
    """
    newest: Path | None = None
    for number in itertools.count(1):
        name = Path(f"{path}.bak{number if number > 1 else ''}")
        if os.path.lexists(name):
            newest = name
            continue
        if newest is not None and _holds(newest, content):
            return
        try:
            write_new(name, _blocks(content))
        except FileExistsError:
            continue
        with contextlib.suppress(OSError):
            shutil.copystat(path, name)
        return


def _blocks(content: bytes | BinaryIO) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    content.seek(0)
    while block := content.read(_BLOCK):
        yield block


def _holds(file: Path, content: bytes | BinaryIO) -> bool:
    try:
        with open(file, "rb") as stream:
            same = all(stream.read(len(block)) == block for block in _blocks(content))
            return same and not stream.read(1)
    except OSError:
        return False


def is_unchanged(path: str, state: os.stat_result) -> bool:
    """Say whether a file is the one that was read, in the state in which it was read.

    Raises:
        OSError: it is not there.
    """
    now = os.stat(path)
    return (now.st_ino, now.st_size, now.st_mtime_ns) == (
        state.st_ino,
        state.st_size,
        state.st_mtime_ns,
    )
