"""Opens images wherever they lie, once no file of this machine has their path."""

from __future__ import annotations

import threading
import time
from typing import Final

from tagger.errors import ImageError
from tagger.stores.item import Item
from tagger.stores.paths import container_of
from tagger.text import is_url

# An image is asked for its facts and opened right after.
_SECONDS_KEPT: Final = 2.0

_last = threading.local()


def find(path: str) -> Item | None:
    """Return an image in an archive or on another machine; None if there is none by that path.

    Raises:
        ImageError: its archive is damaged, or its store gives none.
        OSError: its archive cannot be read.
    """
    known, at, found = getattr(_last, "found", ("", 0.0, None))
    if known != path or time.monotonic() - at > _SECONDS_KEPT:
        try:
            found = _look_for(path)
        except ImageError as error:  # a store that does not answer is not asked twice
            found = str(error)
        _last.found = path, time.monotonic(), found
    if isinstance(found, str):
        raise ImageError(found)
    return found if isinstance(found, Item) else None


def _look_for(path: str) -> Item | None:
    if is_url(path):
        from tagger.stores import remote

        return remote.item(path)
    if (parts := container_of(path)) is not None:
        from tagger.stores import archive

        return archive.member(*parts)
    return None


def exists(path: str) -> bool:
    """Return whether there is such an image; one that cannot be read for now is there."""
    try:
        return find(path) is not None
    except (ImageError, OSError):
        return True
