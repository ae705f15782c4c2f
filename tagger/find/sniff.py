"""Which files are images whatever their name: by their first bytes."""

from __future__ import annotations

import os
import stat

from tagger.decode.budget import DEFAULT_LIMITS
from tagger.errors import ImageError
from tagger.files.kinds import HEAD_BYTES, decoded_format
from tagger.find.left_out import ending_of, is_odd
from tagger.stores.store import find

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
    try:
        status = os.stat(path)
    except OSError:
        return _begins_so(path, _head_elsewhere(path))
    if not stat.S_ISREG(status.st_mode):
        return False
    # Should it have become a pipe since, opening it must not wait.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        return _begins_so(path, os.read(descriptor, HEAD_BYTES))
    finally:
        os.close(descriptor)


def _head_elsewhere(path: str) -> bytes:
    """Return how a file in an archive or on another machine begins."""
    try:
        item = find(path)
        if item is None or item.refused or item.size > DEFAULT_LIMITS.memory:
            return b""
        return item.load(lambda size: None)[:HEAD_BYTES]
    except ImageError as error:
        raise OSError(str(error)) from None


def _begins_so(path: str, head: bytes) -> bool:
    found = decoded_format(head)
    return found is not None and (found != "TIFF" or is_odd(ending_of(os.path.basename(path))))
