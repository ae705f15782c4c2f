"""Facts about an image's file that do not need its pixels."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Collection

from tagger.decode.budget import DEFAULT_LIMITS
from tagger.errors import ImageError
from tagger.results import FileFacts, Stamp
from tagger.stores.item import Item
from tagger.stores.store import find

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
            try:
                status = os.stat(path)
            except OSError:
                return _elsewhere(path, wanted, stamp)
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
    except OSError:
        item = _item(path)
        # A store that knows no time of change is trusted for the size.
        return None if item is None else Stamp(item.size, item.modified_ns or 0)
    except ValueError:  # a name with a NUL, from a list
        return None
    return Stamp(status.st_size, status.st_mtime_ns)


def _elsewhere(path: str, wanted: Collection[str], stamp: Stamp | None) -> FileFacts:
    """Measure an image in an archive or on another machine."""
    item, size, digest = _item(path), None, None
    if item is not None and item.refused is None:
        size = item.size if "bytes" in wanted else None
        if "sha256" in wanted and item.size <= DEFAULT_LIMITS.memory:
            import hashlib

            with contextlib.suppress(ImageError, OSError):
                digest = hashlib.sha256(item.load(lambda size: None)).hexdigest()
    return FileFacts(bytes=size, sha256=digest, stamp=stamp)


def _item(path: str) -> Item | None:
    try:
        return find(path)
    except (ImageError, OSError):
        return None
