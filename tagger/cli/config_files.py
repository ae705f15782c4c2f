"""Where ``tagger.toml`` may lie, and what is read there."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Any

from tagger.errors import UsageError, os_reason
from tagger.text import printable

FILE_NAME = "tagger.toml"
TABLE = "tag"

_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ConfigFile:
    """A place where a configuration may lie.

    Attributes:
        path: as it is shown; what it says of relative paths starts in its folder.
        asked_for: whether it was named on the command line, and so must be there.
        is_local: whether it applies only since it lies in the current folder. Whoever handed over
            the drive may have put it there.
    """

    path: str
    asked_for: bool = False
    is_local: bool = False


def files_to_read(named: str | None, *, alone: bool) -> list[ConfigFile]:
    """Return where configurations may lie, the most telling first.

    Args:
        named: by ``--config``, in place of the one in the current folder.
        alone: whether no file counts that is not named.
    """
    if named is not None:
        files = [ConfigFile(named, asked_for=True)]
    elif alone:
        files = []
    else:
        files = [ConfigFile(os.path.join(os.curdir, FILE_NAME), is_local=True)]
    if not alone:
        from platformdirs import user_config_dir

        folder = user_config_dir("poster-tagger", appauthor=False)
        files.append(ConfigFile(os.path.join(folder, FILE_NAME)))
    return files


def shown(file: ConfigFile) -> str:
    """Return a file's path for a message."""
    return printable(file.path)


def read_table(file: ConfigFile) -> dict[str, Any] | None:
    """Return what a file says of ``tagger tag``; None if there is no such file.

    Raises:
        UsageError: it cannot be read, or says something else.
    """
    text = _read(file)
    return None if text is None else _table(text, file)


def _read(file: ConfigFile) -> str | None:
    try:
        # Before it is opened: a named pipe that just lies there would be waited for.
        if not file.asked_for and not stat.S_ISREG(os.stat(file.path).st_mode):
            raise UsageError(_unreadable(file, "it is not a regular file"))
        with open(file.path, "rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        if file.asked_for:
            raise UsageError(f"The configuration file '{shown(file)}' does not exist.") from None
        return None
    except OSError as error:
        raise UsageError(_unreadable(file, os_reason(error))) from None
    if len(data) > _MOST_BYTES:
        raise UsageError(_unreadable(file, "it is larger than 1 MB"))
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(_unreadable(file, f"line {line} is not UTF-8")) from None


def _unreadable(file: ConfigFile, reason: str) -> str:
    way_out = "" if file.asked_for else "; pass --no-config to ignore it"
    return f"The configuration file {shown(file)} cannot be read: {reason}{way_out}."


def _table(text: str, file: ConfigFile) -> dict[str, Any]:
    import tomllib

    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"{shown(file)} is not valid TOML: it is nested too deeply.") from None
    except ValueError as error:  # also of numbers with thousands of digits
        raise UsageError(f"{shown(file)} is not valid TOML: {error}.") from None
    hint = f"options of 'tagger tag' stand below a line [{TABLE}]"
    for key, value in content.items():
        if key == TABLE and not isinstance(value, dict):
            raise UsageError(f"{shown(file)}: '{TABLE}' is no table: {hint}.")
        if key != TABLE:
            what = "is no table of ours" if isinstance(value, dict) else "stands outside of a table"
            raise UsageError(f"{shown(file)}: '{printable(key)}' {what}: {hint}.")
    found: dict[str, Any] = content.get(TABLE, {})
    return found
