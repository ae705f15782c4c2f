"""Which files are images whatever their name: by their first bytes."""

from __future__ import annotations

import os
import stat

from tagger.decode.pillow import BYTES_THAT_TELL_FORMATS, recognised
from tagger.find.left_out import ending_of, is_odd

# Copies, what is being written, and the thumbnails that cameras put beside videos.
_NEVER = frozenset({".bak", ".part", ".tmp", ".crdownload", ".download", ".thm"})

# Where a BMP says the size of its next header, and the sizes there are: its name, BM, says little.
_BMP_HEADER = slice(14, 18)
_BMP_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)


def may_be_image(name: str) -> bool:
    """Return whether a file whose name does not say that it is an image is worth a look."""
    return ending_of(name) not in _NEVER


def is_image(path: str) -> bool:
    """Return whether a file begins as an image in a supported format does.

    Most camera raw formats begin as TIFF does, so a TIFF counts only by a name that other programs
    have garbled, or that has no ending.

    Raises:
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        return False
    # Should it have become a pipe since, opening it must not wait.
    descriptor = os.open(
        path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        head = os.read(descriptor, max(BYTES_THAT_TELL_FORMATS, _BMP_HEADER.stop))
    finally:
        os.close(descriptor)
    name = recognised(head[:BYTES_THAT_TELL_FORMATS])
    if name == "BMP":
        return int.from_bytes(head[_BMP_HEADER], "little") in _BMP_SIZES
    if name == "TIFF":
        return is_odd(ending_of(os.path.basename(path)))
    return name not in (None, "DIB")  # whose first bytes are those of many files
