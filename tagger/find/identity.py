"""Which image a path is, however it is spelled."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable


def real_paths() -> Callable[[str], str]:
    """Return a function: path of a file → its absolute path in the folder where it really is.

    Links to folders are resolved; a link to a file is an image of its own and stays one. The
    function remembers folders, since files of a folder mostly come together.
    """
    real_folder = functools.lru_cache(maxsize=64)(os.path.realpath)

    def real_path(file: str) -> str:
        parent, name = os.path.split(os.path.abspath(file))
        return os.path.join(real_folder(parent), name)

    return real_path
