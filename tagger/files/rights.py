"""What a file is besides its content: whose, who may do what, and what else is attached to it."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path
from typing import Final

from tagger.errors import CannotChange

#: Whether what is made here would belong to root, whosever the folder is.
RUNS_AS_ROOT: Final = hasattr(os, "geteuid") and os.geteuid() == 0

# Extended attributes that say something of a content, which a new file does not have.
_OF_THE_CONTENT = frozenset(("security.capability", "security.evm", "security.ima"))


def is_read_only(file: str | os.PathLike[str]) -> bool:
    """Return whether a file may not be written: what is marked so is not for root either.

    On a file system that is read-only it counts as writable: there, writing says why it fails.

    Raises:
        OSError: it is not there.
    """
    if not os.stat(file).st_mode & 0o222:
        return True
    if os.access(file, os.W_OK):
        return False
    return not (hasattr(os, "statvfs") and os.statvfs(file).f_flag & os.ST_RDONLY)


def refuse_read_only(file: str) -> None:
    """Check that a file may be changed: renaming another one into its place asks only the folder.

    Raises:
        CannotChange: it is read-only.
        OSError: it is not there.
    """
    if is_read_only(file):
        raise CannotChange("read-only")


def give_to_folder(file: Path) -> None:
    """Give a file that root has made by other means to the owner of its folder."""
    if RUNS_AS_ROOT:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            give(descriptor, os.fspath(file))
        finally:
            os.close(descriptor)


def make_folders(path: str) -> None:
    """Make a folder and those around it, as far as they are missing; owners as in :func:`opener`.

    Raises:
        OSError: it cannot be made.
    """
    if os.path.isdir(path or os.curdir):
        return
    around = os.path.dirname(path.rstrip(os.sep))
    if not os.path.exists(around or os.curdir):
        make_folders(around)
    try:
        os.mkdir(path)
    except FileExistsError:
        if not os.path.isdir(path):  # else another program was faster
            raise
        return
    if RUNS_AS_ROOT:
        state = os.stat(around or os.curdir)
        with contextlib.suppress(OSError):  # a file system without owners
            os.chown(path, state.st_uid, state.st_gid, follow_symlinks=False)


def take_after(new: Path, old: str | os.PathLike[str], *, keep_time: bool = False) -> bool:
    """Give a file owner, group, permissions and extended attributes of another.

    Access control lists are such attributes on Linux. Where the group cannot be had, its members
    get no more than all others have.

    Returns:
        Whether all of them could be had.

    Raises:
        OSError: the other one does not exist.
    """
    state = os.stat(old)
    if not hasattr(os, "listxattr"):  # macOS, Windows
        with contextlib.suppress(OSError):
            shutil.copystat(old, new)
        if keep_time:
            os.utime(new, ns=(state.st_atime_ns, state.st_mtime_ns))
        else:
            os.utime(new)
    if os.name == "nt":
        return True
    # By its descriptor: whoever may write the folder cannot make root change another file.
    descriptor = os.open(new, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        for owner in (state.st_uid, -1):  # only root may give files away
            with contextlib.suppress(OSError):
                os.fchown(descriptor, owner, state.st_gid)
                break
        now = os.fstat(descriptor)
        has_group = now.st_gid == state.st_gid
        mode = stat.S_IMODE(state.st_mode) & 0o777
        if not has_group:
            mode = mode & 0o707 | (mode & 0o007) << 3
        has_attributes = has_group and _copy_attributes(old, descriptor)
        with contextlib.suppress(OSError):  # a file system without permissions
            os.fchmod(descriptor, mode)
        if keep_time:
            os.utime(descriptor, ns=(state.st_atime_ns, state.st_mtime_ns))
        return has_attributes and now.st_uid == state.st_uid
    finally:
        os.close(descriptor)


def _copy_attributes(old: str | os.PathLike[str], descriptor: int) -> bool:
    """Give a file the extended attributes of another, and no more; return whether it has them."""
    wanted, there = _attributes(old), _attributes(descriptor)
    if wanted == there:
        return True
    for name in there.keys() - wanted.keys():  # such as a list that the folder gives to new files
        with contextlib.suppress(OSError):
            os.removexattr(descriptor, name)
    for name, value in wanted.items():
        with contextlib.suppress(OSError):
            os.setxattr(descriptor, name, value)
    return _attributes(descriptor) == wanted


def _attributes(file: str | os.PathLike[str] | int) -> dict[str, bytes]:
    """Return extended attributes, without those that the system makes from the content."""
    found: dict[str, bytes] = {}
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):  # a file system without any
            for name in os.listxattr(file):
                if name not in _OF_THE_CONTENT:
                    found[name] = os.getxattr(file, name)
    return found


def give(descriptor: int, path: str) -> None:
    """Give a file that root has made to its folder's owner.

    Not where its name is a link, or another file has it too: whoever may write the folder could
    have made that, to be given any file.
    """
    state, named = os.fstat(descriptor), os.lstat(path)
    is_alone = os.path.samestat(state, named) and state.st_nlink == 1
    if stat.S_ISREG(state.st_mode) and is_alone and state.st_uid == 0:
        folder = os.stat(os.path.dirname(path) or os.curdir)
        with contextlib.suppress(OSError):  # a file system without owners
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
