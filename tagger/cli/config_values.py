"""Values of ``tagger.toml`` → what the command line would give."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import typer

from tagger.cli.config_files import ConfigFile
from tagger.text import printable

if TYPE_CHECKING:
    from typer.core import TyperOption

#: Paths that are only read, and whose content goes nowhere: a file in the current folder may name
#: any.
_HARMLESS_PATHS = frozenset({"model", "relative-to"})
#: Switches for which such a file may not ask: they change images.
_CHANGES_IMAGES = frozenset({"embed"})

_MOST_NUMBER = 2**63  # TOML's own limit


def option_key(option: TyperOption) -> str:
    """Return an option's key in a file: its long name without dashes."""
    return next(name for name in option.opts if name.startswith("--"))[2:]


def checked(value: Any, option: TyperOption, context: typer.Context, file: ConfigFile) -> Any:
    """Turn a TOML value into what the command line would give, and let the option judge it.

    Raises:
        ValueError: it has a type that the option does not take; the message says which it takes.
        typer.BadParameter: the option refuses it.
    """
    if option.is_flag:
        if not isinstance(value, bool):
            raise ValueError("expected true or false")
        if value and file.is_local and option_key(option) in _CHANGES_IMAGES:
            raise ValueError(
                "this modifies images, which is only allowed on the command line, in your own "
                "configuration or in a file given by --config"
            )
        return value
    if option.multiple:
        values = value if isinstance(value, list) else [value]
        wanted = "expected text, a number, or a list of these"
    else:
        values = [value]
        wanted = "expected a single text or number"
    texts = [_text(item, wanted) for item in values]
    if names_a_path(option):
        texts = [_placed(text, option, file) for text in texts]
    as_given = texts if option.multiple else texts[0]
    option.process_value(context, as_given)
    return as_given


def _text(value: Any, wanted: str) -> str:
    """Spell a value as on the command line; whoever writes a number or a date may leave quotes."""
    from datetime import date

    if isinstance(value, str):
        if "\0" in value:  # the system takes none, and no command line can hold one
            raise ValueError("text cannot contain the character NUL")
        return value
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(wanted)
    if not abs(value) < _MOST_NUMBER:  # nan is not less than anything
        raise ValueError("expected a number that fits in 64 bits")
    return str(value)


def names_a_path(option: TyperOption) -> bool:
    """Return whether an option's value is a path."""
    words = set(re.findall(r"[A-Z]+", option.metavar or ""))
    return bool(words & {"FILE", "DIR", "PATH"})


def _placed(text: str, option: TyperOption, file: ConfigFile) -> str:
    """Let a relative path start in the file's folder.

    Raises:
        ValueError: a file that was not requested names a place outside its folder.
    """
    if text in ("", "-"):
        return text
    folder = "" if file.is_local else os.path.dirname(file.path)
    path = os.path.join(folder, os.path.expanduser(text))
    if file.is_local and option_key(option) not in _HARMLESS_PATHS and not _is_inside(path):
        raise ValueError(
            f"'{printable(text)}' is outside this folder, which is only allowed on the command "
            "line, in your own configuration or in a file given by --config"
        )
    return path


def _is_inside(path: str) -> bool:
    here = os.path.realpath(os.curdir)
    try:
        return os.path.commonpath((here, os.path.realpath(path))) == here
    except ValueError:  # another drive
        return False
