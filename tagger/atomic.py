"""Files that are there whole or not at all: written beside, then renamed."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a fresh name in the target's folder; what is written there takes the target's place.

    On any error the new file is removed and the target stays as it was. The name keeps the
    target's ending and is short, so that it exists wherever the target can.

    Args:
        target: the file to appear or to be replaced.

    Raises:
        OSError: what the writing or the rename raised.
    """
    final = Path(target)
    beside = final.with_name(f".{secrets.token_hex(4)}.part{final.suffix}")
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


def rewrite_whole(target: str | os.PathLike[str], data: bytes) -> None:
    """Replace the content of a file that is there, whole or not at all, even if the power fails.

    Owner, permissions and extended attributes stay, as far as the system lets us; the time of
    change is now.

    Raises:
        OSError: it cannot be written; nothing has changed.
    """
    with replacing(target) as beside:
        with open(beside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _take_after(beside, target)


def _take_after(beside: Path, target: str | os.PathLike[str]) -> None:
    state = os.stat(target)
    if hasattr(os, "chown"):  # not on Windows
        # As root the file would change hands; anyone else may give it to a group of their own.
        with contextlib.suppress(OSError):
            os.chown(beside, state.st_uid, state.st_gid)
    with contextlib.suppress(OSError):  # a file system without permissions
        shutil.copystat(target, beside)
    os.utime(beside)  # programs look at the time to see that a file has changed
