"""Files that are complete or absent: written to a temporary file, then renamed."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

#: Extensions of image files; case is ignored.
IMAGE_SUFFIXES = frozenset((".jpg", ".jpeg", ".jpe", ".jfif")) | frozenset(
    (".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".avif")
)

_numbers = itertools.count()
_tokens: dict[int, str] = {}  # one per process: a forked one has a token of its own


def process_token() -> str:
    """Return 8 hexadecimal digits that the names of files begin with while we write them.

    Names of new files hold them, so that a later run knows which ones a killed run left behind.
    """
    return _tokens.setdefault(os.getpid(), secrets.token_hex(4))


def remove_left_by(processes: Collection[str], folder: str) -> None:
    """Remove temporary files of killed processes from a folder, as far as possible.

    The processes are given by their tokens, see :func:`process_token`.
    """
    starts = tuple(f".{token}-" for token in processes)
    with contextlib.suppress(OSError), os.scandir(folder or os.curdir) as entries:
        left = [entry.path for entry in entries if starts and entry.name.startswith(starts)]
        for path in left:
            with contextlib.suppress(OSError):
                os.unlink(path)


@contextlib.contextmanager
def replacing(target: str | os.PathLike[str], *, ending: str | None = None) -> Iterator[Path]:
    """Provide a new name in the target's folder; the file written there replaces the target.

    On any error the new file is removed and the target is unchanged. The name keeps the target's
    extension, or gets ``ending``, and is short, so that it is possible wherever the target's is.

    Raises:
        OSError: writing or renaming failed.
    """
    final = Path(target)
    ending = final.suffix if ending is None else ending
    beside = final.with_name(f".{process_token()}-{next(_numbers):x}.part{ending}")
    try:
        yield beside
        os.replace(beside, final)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def write_whole(target: str | os.PathLike[str], data: bytes) -> None:
    """Write a file completely or not at all.

    Raises:
        OSError: it cannot be written; nothing has changed.
    """
    with replacing(target) as beside:
        beside.write_bytes(data)


def write_new(target: str | os.PathLike[str], blocks: Iterable[bytes]) -> None:
    """Create a file, completely or not at all.

    Raises:
        FileExistsError: it exists, and is unchanged.
        OSError: it cannot be written; nothing has changed.
    """
    final = Path(target)
    beside = final.with_name(f".{process_token()}-{next(_numbers):x}.part")
    try:
        with open(beside, "xb") as file:
            file.writelines(blocks)
        if os.name == "nt":  # where renaming does not replace files
            os.rename(beside, final)
            return
        try:
            os.link(beside, final)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            os.close(os.open(final, os.O_CREAT | os.O_EXCL))
            os.replace(beside, final)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def rewrite_whole(target: str | os.PathLike[str], data: bytes) -> None:
    """Replace the content of an existing file atomically, even if the power fails.

    Owner, permissions and extended attributes are kept, as far as the system allows; the
    modification time is updated.

    Raises:
        OSError: it cannot be written; nothing has changed.
    """
    with replacing(target) as beside:
        write_synced(beside, (data,))
        take_after(beside, target)


def beside(name: str) -> str:
    """Return the temporary name of a file that a lock protects from others.

    It is always the same, so it is found and removed after a kill.
    """
    return f"{name}.new"


def take_place(new: str, old: str) -> None:
    """Rename a file that is flushed to disk, and flush the rename too.

    Raises:
        OSError: it cannot be renamed; nothing has changed.
    """
    os.replace(new, old)
    # Not every system can open folders; the rename then reaches the disk later.
    with contextlib.suppress(OSError):
        folder = os.open(os.path.dirname(os.path.abspath(old)), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_synced(target: Path, blocks: Iterable[bytes]) -> None:
    """Write a new file, which must not exist, and flush it to disk."""
    with open(target, "xb") as file:
        file.writelines(blocks)
        file.flush()
        os.fsync(file.fileno())


def take_after(beside: Path, target: str | os.PathLike[str], *, keep_time: bool = False) -> None:
    """Copy owner, permissions and extended attributes from the file that will be replaced.

    Raises:
        OSError: the file to be replaced does not exist.
    """
    state = os.stat(target)
    if hasattr(os, "chown"):  # not on Windows
        # As root, the owner would change; other users may set a group that they are in.
        try:
            os.chown(beside, state.st_uid, state.st_gid)
        except OSError:  # in a shared folder, others keep access through the group
            with contextlib.suppress(OSError):
                os.chown(beside, -1, state.st_gid)
    with contextlib.suppress(OSError):  # a file system without permissions
        shutil.copystat(target, beside)
    if keep_time:
        os.utime(beside, ns=(state.st_atime_ns, state.st_mtime_ns))
    else:
        os.utime(beside)  # programs use the time to detect changes
