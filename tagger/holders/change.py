"""Sidecar files that are changed: whole or not at all, and over nobody's work."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

from tagger.errors import CannotChange, OutputError, os_reason, spoils_the_rest
from tagger.files.rights import make_folders, refuse_read_only
from tagger.files.write import rewrite_whole, write_new, write_whole
from tagger.holders.holder import UNCHANGED, Edit, Holder, State
from tagger.holders.plan import HolderPlan
from tagger.results import Failed
from tagger.text import printable

# Larger than any sidecar that a program writes: it is not read into memory.
_MOST_BYTES = 64 * 1024 * 1024
_ATTEMPTS = 3
_BLOCK = 1024 * 1024
_identity = attrgetter("st_ino", "st_size", "st_mtime_ns")


class SidecarHolder(Holder):
    """A holder whose files are read as a whole."""

    def take_out(self, content: bytes | None, *, settled: bool) -> Edit:
        """Change nothing: where there is no mark of ours, nobody can tell what is ours."""
        return UNCHANGED

    def look(self, file: str) -> bytes | None:
        """See :meth:`Holder.look`."""
        return read_sidecar(file)[0] if os.path.lexists(file) else None

    def change(
        self,
        file: str,
        edit: Callable[[bytes | None], Edit],
        plan: HolderPlan,
        *,
        anew: bool = False,
    ) -> Edit:
        """See :meth:`Holder.change`. A file that is empty counts as not there."""
        state = _state(file)
        if not anew and (_counts(state) or not self.is_made):
            return change_in_place(file, edit, backup=plan.backup)
        made = edit(None)
        if made.state is not State.CHANGED:
            return UNCHANGED
        if state is None:
            if plan.folder is not None:
                make_folders(os.path.dirname(file))
            write_whole(file, made.content, asked=True)
            return made
        if holds_just(file, made.content):
            return UNCHANGED
        if stat.S_ISREG(state.st_mode):  # a link is replaced, and what it leads to stays
            refuse_read_only(file)
        if plan.backup and _counts(state) and os.path.exists(file):
            keep_backup(file, read_sidecar(file)[0])
        write_whole(file, made.content)
        return made


def failed(file: str, error: CannotChange | OSError) -> Failed:
    """Return what is said of a file that could not be changed.

    Raises:
        OutputError: the disk is full or read-only, so nothing else can be changed either.
    """
    if isinstance(error, CannotChange):
        return Failed(file, f"{error}, so it was left alone")
    reason = os_reason(error)
    if spoils_the_rest(error):
        raise OutputError(f"{printable(file)} cannot be written: {reason}.") from None
    return Failed(file, reason)


def sharing(image: str, first: str) -> Failed:
    """Return what is said of an image whose sidecar is that of a previous one."""
    return Failed(image, f"it shares its sidecar with {printable(first)}, so it gets none")


def is_there(file: str) -> bool:
    """Return whether there is a sidecar: a file that is empty is what a power cut leaves of one."""
    return _counts(_state(file))


def _state(file: str) -> os.stat_result | None:
    try:
        return os.lstat(file)
    except OSError:
        return None


def _counts(state: os.stat_result | None) -> bool:
    return state is not None and (state.st_size > 0 or not stat.S_ISREG(state.st_mode))


def holds_just(file: str, content: bytes) -> bool:
    """Return whether a sidecar has that content already, as after a run that was killed."""
    try:
        return os.path.getsize(file) == len(content) and Path(file).read_bytes() == content
    except OSError:
        return False


def read_sidecar(path: str) -> tuple[bytes, os.stat_result]:
    """Return a sidecar's content, and its state when it was read.

    Raises:
        CannotChange: it is not a regular file, or too large.
        OSError: it cannot be read.
    """
    # Before it is opened: opening a named pipe would wait forever.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise CannotChange("not a regular file")
    with open(path, "rb") as file:
        state = os.fstat(file.fileno())
        if state.st_size > _MOST_BYTES:
            raise CannotChange(f"larger than {_MOST_BYTES // 1024**2} MB")
        return file.read(_MOST_BYTES), state


def change_in_place(path: str, edit: Callable[[bytes], Edit], *, backup: bool) -> Edit:
    """Change a sidecar that is there; a link stays, and the file it leads to is changed.

    Owner, permissions and extended attributes stay, see :func:`tagger.files.write.put_in_place`. If
    another program writes the file meanwhile, its new content is changed instead.

    Raises:
        CannotChange: it is read-only, others keep writing it, or as ``edit`` says.
        OSError: it cannot be read or written.
    """
    real = os.path.realpath(path)
    for _ in range(_ATTEMPTS):
        content, state = read_sidecar(real)
        edited = edit(content)
        if edited.state not in (State.CHANGED, State.REMOVED):
            return edited
        if not is_unchanged(real, state):
            continue
        refuse_read_only(real)
        if backup:
            keep_backup(path, content)
        if edited.state is State.CHANGED:
            rewrite_whole(real, edited.content)
        else:
            os.unlink(real)
            if os.path.islink(path):
                os.unlink(path)
        return edited
    raise CannotChange("being written by another program")


def keep_backup(path: str, content: bytes | BinaryIO, made: str | None = None) -> str:
    """Write ``NAME.bak``, or ``NAME.bak2`` and so on, and return it: a backup is never overwritten.

    Where the newest one holds just that already, a run that was killed before it could change the
    file has kept it, and no second one is made. It belongs to whom ``path`` does, with the same
    times and permissions, as far as possible. ``made`` as for :func:`tagger.files.write.write_new`.

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
            return os.fspath(newest)
        try:
            write_new(name, _blocks(content), like=path, made=made)
        except FileExistsError:
            continue
        return os.fspath(name)
    raise AssertionError("numbers end")


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
    """Return whether a file is the one that was read, in the state in which it was read.

    Raises:
        OSError: it is not there.
    """
    return bool(_identity(os.stat(path)) == _identity(state))
