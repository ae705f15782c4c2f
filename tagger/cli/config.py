"""``tagger.toml``: a user's own defaults for the options of ``tagger tag``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from tagger.cli.config_files import ConfigFile, read_table, shown
from tagger.cli.config_values import checked, names_a_path, option_key
from tagger.cli.console import sentence
from tagger.errors import UsageError
from tagger.text import printable

if TYPE_CHECKING:
    from typer.core import TyperOption

#: Options about these files, or about none.
NOT_IN_FILES = frozenset({"config", "no-config", "help", "verbose"})


@dataclass(frozen=True)
class Setting:
    """What a file says of an option.

    Attributes:
        value: as the command line would give it: texts, a list of them, or True and False.
        file: where it stands.
    """

    value: Any
    file: ConfigFile


def read_settings(
    file: ConfigFile, options: Sequence[TyperOption], context: typer.Context
) -> dict[str, Setting] | None:
    """Read a configuration and check every value as the command line checks it.

    Args:
        file: where it may lie.
        options: those of the command.
        context: of the command.

    Returns:
        Parameter name → what the file says; None if there is no such file.

    Raises:
        UsageError: the file cannot be read, or says what no option understands.
    """
    table = read_table(file)
    if table is None:
        return None
    by_key = {option_key(option): option for option in options}
    settings = {}
    for key, value in table.items():
        option = by_key.get(key)
        if option is None or key in NOT_IN_FILES:
            raise UsageError(_unknown(key, file, by_key))
        try:
            settings[option.name] = Setting(checked(value, option, context, file), file)
        except ValueError as error:
            raise UsageError(f"{shown(file)}: {key}: {error}.") from None
        except typer.BadParameter as error:
            raise UsageError(f"{shown(file)}: {key}: {sentence(error.message)}") from None
    return settings


def _unknown(key: str, file: ConfigFile, known: dict[str, TyperOption]) -> str:
    if key in NOT_IN_FILES:
        return f"{shown(file)}: '{key}' is only allowed on the command line."
    close = difflib.get_close_matches(key, known.keys() - NOT_IN_FILES, n=1)
    hint = f"did you mean '{close[0]}'?" if close else "'tagger tag --help' lists them."
    return f"{shown(file)}: 'tagger tag' has no option '{printable(key)}': {hint}"


def mentioned(message: str, settings: dict[str, Setting], options: Sequence[TyperOption]) -> str:
    """Return which files, and which keys in them, an error speaks of, to stand before it."""
    found: dict[str, list[str]] = {}
    for option in options:
        setting = settings.get(option.name)
        if setting is not None and any(_is_said(text, message) for text in _names(option, setting)):
            found.setdefault(shown(setting.file), []).append(option_key(option))
    return "".join(f"{file}: {', '.join(keys)}: " for file, keys in found.items())


def _names(option: TyperOption, setting: Setting) -> Iterator[str]:
    """Yield what an error may call an option, or a text that it got."""
    yield from option.opts
    if option.is_flag:
        return
    values = setting.value if isinstance(setting.value, list) else [setting.value]
    for text in values:
        if names_a_path(option):
            yield text
        else:
            yield from (f"'{part}'" for part in {text, *text.split("=")})


def _is_said(text: str, message: str) -> bool:
    pattern = rf"(?<![\w-]){re.escape(text)}(?![\w-]|\.\d)"  # -0 is not said in -0.1
    return bool(text) and re.search(pattern, message) is not None
