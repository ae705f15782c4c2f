"""Memory that a process shares with those that it starts.

It has no name in a file system that could be left behind: the system frees it when the last process
that uses it ends, however that comes about.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
from typing import Any


class SharedBytes:
    """Zeros at first; pages that nobody touches take no memory.

    Args:
        size: in bytes.

    Attributes:
        bytes: the memory.
        handle: by which a process that was started with :attr:`inherited` opens it.
        inherited: arguments of :class:`subprocess.Popen` for a process that is to open it.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._descriptor: int | None = None
        self.inherited: dict[str, Any] = {}
        if sys.platform == "win32":
            import secrets

            # Gone with its last handle; nobody can guess the name.
            self.handle = f"poster-tagger-{secrets.token_hex(16)}"
            self.bytes = mmap.mmap(-1, size, tagname=self.handle)
            return
        self._descriptor = _nameless_file()
        os.truncate(self._descriptor, size)
        self.handle = str(self._descriptor)
        self.inherited["pass_fds"] = (self._descriptor,)
        self.bytes = mmap.mmap(self._descriptor, size)

    def close(self) -> None:
        """Let no further process open it; it is freed when nobody refers to it any longer."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        with contextlib.suppress(BufferError):  # arrays still refer to it
            self.bytes.close()


def open_shared(handle: str, size: int) -> mmap.mmap:
    """Open what another process shares with this one."""
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=handle)
    return mmap.mmap(int(handle), size)


def _nameless_file() -> int:
    if sys.platform == "linux":
        return os.memfd_create("poster-tagger")
    import tempfile

    with tempfile.TemporaryFile() as file:  # elsewhere a file that is removed while it is open
        return os.dup(file.fileno())
