"""Which paths do not lie in folders of this machine, as far as their text tells."""

from __future__ import annotations

import os
import re
from typing import Final

TAR: Final = ".tar"

#: Extensions of archives that are read as folders.
ARCHIVES: Final = (".zip", ".cbz", TAR)

#: Those of archives in which nothing can be found without unpacking all that stands before it.
COMPRESSED: Final = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")

_INSIDE: Final = re.compile(r"\.(?:zip|cbz|tar)(?=/)", re.IGNORECASE)


def is_archive(path: str) -> bool:
    """Return whether a path is an archive's, by its name and as there is a regular file."""
    return path.lower().endswith(ARCHIVES) and os.path.isfile(path)


def container_of(path: str) -> tuple[str, str] | None:
    """Return the archive that a path leads into, and the rest; None if it leads into none."""
    text = path.replace(os.sep, "/")
    for found in _INSIDE.finditer(text):
        archive = path[: found.end()]
        if os.path.isfile(archive):
            return archive, text[found.end() + 1 :]
    return None
