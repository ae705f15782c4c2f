"""What can be known of an image's file without looking at its pixels."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection

from tagger.results import Stamp

#: What :func:`tagger.pipeline.loading.load_into` is asked for to know of each file when it changes.
STAMP = "stamp"

#: What costs a look at the file, and is measured only where it is wanted.
MEASURED = ("bytes", "sha256")


def measure(path: str, wanted: Collection[str]) -> tuple[int | None, str | None]:
    """Return the size of a file in bytes and its SHA-256; None for what was not asked for.

    What cannot be measured is None too: a file that is gone or may not be read. A pipe is not
    waited for, nor a device started.

    Args:
        path: the file.
        wanted: names from :data:`MEASURED`; others are passed over.
    """
    size = digest = None
    if not set(wanted) & set(MEASURED):
        return size, digest
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return size, digest
        if "bytes" in wanted:
            size = status.st_size
        if "sha256" in wanted:
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):  # a name with a NUL, from a list, is a ValueError
        pass
    return size, digest


def file_stamp(path: str) -> Stamp | None:
    """Return what tells whether a file has changed since; None for one that cannot be asked."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # a name with a NUL, from a list, is a ValueError
        return None
    return Stamp(status.st_size, status.st_mtime_ns)
