"""Which files are images whatever their name: by their first bytes."""

from __future__ import annotations

import os
import stat

from tagger.files.kinds import HEAD_BYTES, decoded_format
from tagger.find.left_out import ending_of, is_odd

# Copies, what is being written, and the thumbnails that cameras put beside videos.
_NEVER = frozenset({".bak", ".part", ".tmp", ".crdownload", ".download", ".thm"})


def may_be_image(name: str) -> bool:
    """Return whether a file whose name does not say that it is an image is worth a look."""
    return ending_of(name) not in _NEVER


def is_image(path: str) -> bool:
    """Return whether a file begins as an image that is decoded does.

    Most camera raw formats begin as TIFF does, so a TIFF counts only by a name that other programs
    have garbled, or that has no ending.

    Raises:
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        return False
    # Should it have become a pipe since, opening it must not wait.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        found = decoded_format(os.read(descriptor, HEAD_BYTES))
    finally:
        os.close(descriptor)
    return found is not None and (found != "TIFF" or is_odd(ending_of(os.path.basename(path))))
