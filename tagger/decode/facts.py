"""Facts about an image's file that do not need its pixels."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Collection

from tagger.results import FileFacts, Stamp

#: What :func:`measure` is asked for to know of each file when it changes.
STAMP = "stamp"


def measure(path: str, wanted: Collection[str]) -> FileFacts:
    """Measure a file; None for what was not asked for.

    What cannot be measured is None too: a file that is gone or may not be read. A pipe is not
    waited for, nor a device started. Names in ``wanted`` other than ``bytes``, ``sha256`` and
    :data:`STAMP` are passed over.
    """
    # Before all else: a change from now on is seen.
    stamp = file_stamp(path) if STAMP in wanted else None
    size = digest = None
    if "bytes" in wanted or "sha256" in wanted:
        with contextlib.suppress(OSError, ValueError):  # ValueError: a name with a NUL, from a list
            status = os.stat(path)
            if stat.S_ISREG(status.st_mode):
                size = status.st_size if "bytes" in wanted else None
                if "sha256" in wanted:
                    import hashlib

                    with open(path, "rb") as file:
                        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileFacts(bytes=size, sha256=digest, stamp=stamp)


def file_stamp(path: str) -> Stamp | None:
    """Return what shows whether a file has changed since; None if it is inaccessible."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # a name with a NUL, from a list, is a ValueError
        return None
    return Stamp(status.st_size, status.st_mtime_ns)
