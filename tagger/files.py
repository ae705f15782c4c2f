"""Files that are complete or absent: written under another name, then renamed."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

#: Endings of the files that are taken for images; compared without case.
IMAGE_SUFFIXES = frozenset(
    (
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".apng",
        ".webp",
        ".gif",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".avif",
    )
)

_numbers = itertools.count()
_tokens: dict[int, str] = {}  # one per process: a forked one has a token of its own


def process_token() -> str:
    """Return 8 hexadecimal digits that the names of files begin with while we write them.

    Names of new files hold them, so that a later run knows which ones a killed run left behind.
    """
    return _tokens.setdefault(os.getpid(), secrets.token_hex(4))


def remove_left_by(processes: Collection[str], folder: str) -> None:
    """Remove files that killed processes were writing in a folder; what cannot be removed stays.

    Args:
        processes: their tokens, see :func:`process_token`.
        folder: where to look; subfolders are not entered.
    """
    starts = tuple(f".{token}-" for token in processes)
    with contextlib.suppress(OSError), os.scandir(folder or os.curdir) as entries:
        left = [entry.path for entry in entries if starts and entry.name.startswith(starts)]
        for path in left:
            with contextlib.suppress(OSError):
                os.unlink(path)


@contextlib.contextmanager
def replacing(target: str | os.PathLike[str], *, ending: str | None = None) -> Iterator[Path]:
    """Give a fresh name in the target's folder; what is written there takes the target's place.

    On any error the new file is removed and the target stays as it was. The name keeps the
    target's ending and is short, so that it exists wherever the target can.

    Args:
        target: the file to appear or to be replaced.
        ending: of the new name; None keeps that of the target.

    Raises:
        OSError: what the writing or the rename raised.
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
    """Write a file whole or not at all.

    Raises:
        OSError: it cannot be written; nothing has changed.
    """
    with replacing(target) as beside:
        beside.write_bytes(data)


def write_new(target: str | os.PathLike[str], blocks: Iterable[bytes]) -> None:
    """Write a file that is not there yet, whole or not at all.

    Raises:
        FileExistsError: it is there, and stays as it is.
        OSError: it cannot be written; nothing has changed.
    """
    final = Path(target)
    beside = final.with_name(f".{process_token()}-{next(_numbers):x}.part")
    try:
        with open(beside, "xb") as file:
            file.writelines(blocks)
        if os.name == "nt":  # where a rename replaces nothing
            os.rename(beside, final)
            return
        try:
            os.link(beside, final)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            os.close(os.open(final, os.O_CREAT | os.O_EXCL))
            os.replace(beside, final)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def rewrite_whole(target: str | os.PathLike[str], data: bytes) -> None:
    """Replace the content of a file that is there, whole or not at all, even if the power fails.

    Owner, permissions and extended attributes stay, as far as the system lets us; the time of
    change is now.

    Raises:
        OSError: it cannot be written; nothing has changed.
    """
    with replacing(target) as beside:
        write_synced(beside, (data,))
        take_after(beside, target)


def beside(name: str) -> str:
    """Return the name under which a file is rewritten where a lock protects it.

    Being always the same, it is found and removed after a kill.
    """
    return f"{name}.new"


def take_place(new: str, old: str) -> None:
    """Rename a file whose content is on the disk, and see the rename there too.

    Raises:
        OSError: it cannot be renamed; nothing has changed.
    """
    os.replace(new, old)
    # Not every system opens folders; the rename then reaches the disk in its own time.
    with contextlib.suppress(OSError):
        folder = os.open(os.path.dirname(os.path.abspath(old)), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_synced(target: Path, blocks: Iterable[bytes]) -> None:
    """Write a new file that is on the disk when this returns.

    Raises:
        OSError: it is there already, or cannot be written.
    """
    with open(target, "xb") as file:
        file.writelines(blocks)
        file.flush()
        os.fsync(file.fileno())


def take_after(beside: Path, target: str | os.PathLike[str], *, keep_time: bool = False) -> None:
    """Give a new file the owner, permissions and extended attributes of the one it will replace.

    Args:
        beside: the new file.
        target: the former one.
        keep_time: whether also the time of the last change.

    Raises:
        OSError: the former one is not there.
    """
    state = os.stat(target)
    if hasattr(os, "chown"):  # not on Windows
        # As root the file would change hands; anyone else may give it to a group of their own.
        try:
            os.chown(beside, state.st_uid, state.st_gid)
        except OSError:  # users of a shared folder still read it as its group
            with contextlib.suppress(OSError):
                os.chown(beside, -1, state.st_gid)
    with contextlib.suppress(OSError):  # a file system without permissions
        shutil.copystat(target, beside)
    if keep_time:
        os.utime(beside, ns=(state.st_atime_ns, state.st_mtime_ns))
    else:
        os.utime(beside)  # programs look at the time to see that a file has changed
