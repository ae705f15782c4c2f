"""Files that are complete or absent: written to a temporary file, then renamed."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import secrets
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from tagger.files.rights import RUNS_AS_ROOT, give, give_to_folder, is_read_only, take_after

_numbers = itertools.count()
_tokens: dict[int, str] = {}  # one per process: a forked one has a token of its own


def process_token() -> str:
    """Return 8 hexadecimal digits that the names of files begin with while we write them.

    Names of new files hold them, so that a later run knows which ones a killed run left behind.
    """
    return _tokens.setdefault(os.getpid(), secrets.token_hex(4))


def opener(path: str, flags: int) -> int:
    """Open a file for :func:`open`; what root makes belongs to the owner of its folder."""
    descriptor = os.open(path, flags, 0o666)
    if flags & os.O_CREAT and RUNS_AS_ROOT:
        folder = os.stat(os.path.dirname(path) or os.curdir)
        if folder.st_uid or folder.st_gid:
            give(descriptor, path)
    return descriptor


def private(path: str, flags: int) -> int:
    """Open a file for :func:`open` that nobody else may read until it has other permissions."""
    return os.open(path, flags, 0o600)


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
def replacing(
    target: str | os.PathLike[str], *, ending: str | None = None, asked: bool = False
) -> Iterator[Path]:
    """Provide a new name in the target's folder; the file written there replaces the target.

    On any error the new file is removed and the target is unchanged. The name keeps the target's
    extension, or gets ``ending``, and is short, so that it is possible wherever the target's is.

    Args:
        target: what is replaced, see :func:`put_in_place`, or made.
        ending: extension of the new name.
        asked: whether nothing is there, or it is known that it can be replaced: then the new file
            is only renamed.

    Raises:
        OSError: writing or renaming failed.
    """
    final = Path(target)
    ending = final.suffix if ending is None else ending
    beside = final.with_name(f".{process_token()}-{next(_numbers):x}.part{ending}")
    try:
        yield beside
        if asked:
            os.replace(beside, final)
        else:
            put_in_place(beside, final)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def write_whole(target: str | os.PathLike[str], data: bytes, *, asked: bool = False) -> None:
    """Write a file completely or not at all; ``asked`` as for :func:`replacing`.

    Raises:
        OSError: it cannot be written; nothing has changed.
    """
    with replacing(target, asked=asked) as beside, open(beside, "xb", opener=opener) as file:
        file.write(data)


def write_new(
    target: str | os.PathLike[str],
    blocks: Iterable[bytes],
    *,
    like: str | os.PathLike[str] | None = None,
    made: str | None = None,
) -> None:
    """Create a file, completely or not at all.

    Args:
        target: its name.
        blocks: its content.
        like: a file that it takes after, as far as possible.
        made: its name until it is whole, see :func:`beside`; None takes one that no other process
            takes.

    Raises:
        FileExistsError: it exists, and is unchanged.
        OSError: it cannot be written; nothing has changed.
    """
    final = Path(target)
    new = Path(made or final.with_name(f".{process_token()}-{next(_numbers):x}.part"))
    try:
        with open(new, "xb", opener=opener if like is None else private) as file:
            file.writelines(blocks)
        if like is not None:
            take_after(new, like, keep_time=True)
        if os.name == "nt":  # where renaming does not replace files
            os.rename(new, final)
            return
        try:
            os.link(new, final)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            os.close(os.open(final, os.O_CREAT | os.O_EXCL))
            os.replace(new, final)
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def rewrite_whole(target: str | os.PathLike[str], data: bytes) -> None:
    """Replace the content of an existing file, see :func:`put_in_place`, even if the power fails.

    Raises:
        OSError: it cannot be written; nothing has changed.
    """
    with replacing(target) as beside:
        write_synced(beside, (data,))


def beside(name: str) -> str:
    """Return the temporary name of a file that a lock protects from others.

    It is always the same, so it is found and removed after a kill.
    """
    return f"{name}.new"


def take_place(new: str, old: str) -> None:
    """Put a file that is flushed to disk in another's place, and flush that too.

    Raises:
        OSError: as for :func:`put_in_place`.
    """
    put_in_place(Path(new), old)
    # Not every system can open folders; the rename then reaches the disk later.
    with contextlib.suppress(OSError):
        folder = os.open(os.path.dirname(os.path.abspath(old)), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def put_in_place(new: Path, old: str | os.PathLike[str]) -> None:
    """Let a finished file take another's name, owner, group, permissions and attributes.

    Where a new file cannot have these, as those of another user, the old file gets the content of
    the new one instead, which is then removed. Renaming asks only the folder, so the old file is
    asked first whether it may be written.

    Raises:
        OSError: the old file is read-only, or it does not go; nothing has changed.
    """
    try:
        is_file = stat.S_ISREG(os.lstat(old).st_mode)
    except FileNotFoundError:
        is_file = False
    if is_file and is_read_only(old):
        raise PermissionError(errno.EACCES, "it is read-only", os.fspath(old))
    if is_file and not take_after(new, old):
        _write_into(old, new)
        return
    if not is_file:
        give_to_folder(new)
    os.replace(new, old)


def write_synced(target: Path, blocks: Iterable[bytes]) -> None:
    """Write a new file, which must not exist and nobody else may read, and flush it to disk."""
    with open(target, "xb", opener=private) as file:
        file.writelines(blocks)
        file.flush()
        os.fsync(file.fileno())


def _write_into(old: str | os.PathLike[str], new: Path) -> None:
    """Put a file's content into another one, and remove it; space is taken before that."""
    with open(new, "rb") as source, open(old, "r+b", buffering=0) as file:
        size, former = os.fstat(source.fileno()).st_size, os.fstat(file.fileno()).st_size
        if size > former and hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), former, size - former)
            except OSError:
                file.truncate(former)
                raise
        shutil.copyfileobj(source, file)
        file.truncate()
        os.fsync(file.fileno())
    os.unlink(new)
