"""Names in archives → paths below the archive, which cannot lead out of it however they are used.

Nothing is ever unpacked, so no name could overwrite a file. But the paths stand in tables, and
other programs may join, shorten and open them.
"""

from __future__ import annotations

import re
from typing import Final

#: Longer names than any file system takes are shortened.
_LONGEST: Final = 4096

_SEPARATOR: Final = re.compile(r"([/\\])")
_DRIVE: Final = re.compile(r"[A-Za-z]:")


def spelled(name: str) -> tuple[str, str | None]:
    """Return how a member is spelled below its archive, and why it is refused, or None.

    ``./a//b.jpg`` is ``a/b.jpg``. What would lead elsewhere is percent-encoded.

    Args:
        name: in the archive, with slashes between folders.
    """
    path = "/".join(part for part in name.split("/") if part not in ("", "."))
    why = None
    # Backslashes separate folders for programs on Windows.
    parts = _SEPARATOR.split(path)
    if ".." in parts:
        path = "".join("%2E%2E" if part == ".." else part for part in parts)
        why = "its name leads out of its archive (..)"
    if name.startswith(("/", "\\")):
        encoded = "%2F" if name[0] == "/" else "%5C"
        path, why = encoded + path.removeprefix("\\"), "its name is an absolute path"
    elif _DRIVE.match(path):
        path, why = f"{path[0]}%3A{path[2:]}", "its name begins with a drive letter"
    if "\0" in path:
        path, why = path.replace("\0", "%00"), "its name contains a NUL character"
    if len(path) > _LONGEST:
        path, why = path[:_LONGEST], f"its name is longer than {_LONGEST:,} characters"
    return path, why
