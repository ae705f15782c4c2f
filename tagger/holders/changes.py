"""Sidecars on disk, one by one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tagger.files import write_whole
from tagger.holders.attempts import Attempts
from tagger.holders.xmp.files import change_sidecar, keep_backup, read_sidecar


class SidecarFiles(Attempts):
    """Writes sidecars, whole or not at all, and counts; what fails is reported.

    Args:
        backup: whether a sidecar's former content is kept as ``NAME.bak``.
        makes_folders: whether a folder that is missing is made.
        failed: called with a sidecar that cannot be written, and why.
    """

    def __init__(
        self, *, backup: bool, makes_folders: bool, failed: Callable[[str, str], None]
    ) -> None:
        super().__init__(failed)
        self._backup = backup
        self._makes_folders = makes_folders

    def update(self, target: str, content: Callable[[bytes | None], bytes]) -> None:
        """Change a sidecar in place, or make it.

        Args:
            target: its path.
            content: its former content, or None where it is not there, → the new one; the very
                same object to change nothing.

        Raises:
            OutputError: the disk is full or read-only.
        """
        if is_there(target):
            change = partial(change_sidecar, target, content, backup=self._backup)
            self.attempt(target, change)
        else:
            self.attempt(target, lambda: self._put(target, content(None)))

    def replace(self, target: str, content: bytes) -> None:
        """Put a new file in a sidecar's place; errors as in :meth:`update`."""
        self.attempt(target, partial(self._put, target, content))

    def _put(self, target: str, content: bytes) -> bool:
        if holds_just(target, content):
            return False
        if self._makes_folders:
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        if self._backup and is_there(target) and os.path.exists(target):
            keep_backup(target, read_sidecar(target)[0])
        write_whole(target, content)
        return True


def is_there(target: str) -> bool:
    """Say whether there is a sidecar: a file that is empty is what a power cut leaves of one."""
    try:
        state = os.lstat(target)
    except OSError:
        return False
    return state.st_size > 0 or not stat.S_ISREG(state.st_mode)


def holds_just(target: str, content: bytes) -> bool:
    """Say whether a sidecar has that content already, as after a run that was killed."""
    try:
        return os.path.getsize(target) == len(content) and Path(target).read_bytes() == content
    except OSError:
        return False
