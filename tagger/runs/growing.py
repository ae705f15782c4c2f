"""Files that grow by whole pieces."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Self

from tagger.files.write import opener


class GrowingFile:
    """A file that grows by whole pieces: what a full disk cuts off is taken back.

    Args:
        file: its name.
        size: bytes of it that stay; 0 starts an empty file.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, file: str, size: int = 0) -> None:
        self._file = open(  # noqa: SIM115 (see close)
            file, "r+b" if size else "wb", buffering=0, opener=opener
        )
        self._file.truncate(size)
        self._has_name = self._is_linked()

    def write_at(self, place: int, data: bytes | bytearray) -> int:
        """Put data at a place; what lies behind it was never finished and is cut off.

        Returns:
            The place behind the data, the end of the file.

        Raises:
            OSError: it cannot be written; the file ends at ``place``.
        """
        if self._has_name and not self._is_linked():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        try:
            self._file.seek(place)
            view = memoryview(data)
            while view:  # an unbuffered file may take less than it is given
                view = view[self._file.write(view) :]
            self._file.truncate(place + len(data))
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(place)
            raise
        return place + len(data)

    def _is_linked(self) -> bool:
        """Return whether the file still has a name: rows would otherwise go nowhere, silently."""
        return os.fstat(self._file.fileno()).st_nlink > 0

    def sync(self) -> None:
        """See the content on the disk; an OSError says that it does not get there."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close."""
        self._file.close()

    def __enter__(self) -> Self:
        """Do nothing: the file is open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()
