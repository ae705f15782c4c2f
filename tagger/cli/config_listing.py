"""What ``tagger info --config`` prints: every option of ``tagger tag``, its value, its origin."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from tagger.cli.config_files import shown
from tagger.cli.config_values import option_key
from tagger.cli.configurable import ConfigurableCommand, Configuration, configuration_of
from tagger.cli.console import show
from tagger.text import printable

_BUILT_IN = "built in"


def print_configuration(context: typer.Context, named: Path | None, *, as_json: bool) -> None:
    """Print what applies in the current folder.

    Args:
        context: of any command.
        named: a file in place of the one in the current folder.
        as_json: for programs.

    Raises:
        UsageError: a file cannot be read, or says what no option understands.
    """
    root = context.find_root()
    command = root.command.get_command(root, "tag")  # type: ignore[attr-defined]
    assert isinstance(command, ConfigurableCommand)
    arguments = [] if named is None else ["--config", os.fspath(named)]
    # Parsed as the command itself would be, so that nothing can differ.
    with command.make_context("tag", arguments, parent=root) as parsed:
        configuration = configuration_of(parsed.meta)
        options = [
            (option_key(option), _plain(parsed.params[option.name]), _origin(option, configuration))
            for option in command.configurable_options()
        ]
    if as_json:
        content = {
            "files": [{"path": shown(file), "found": found} for file, found in configuration.files],
            "options": {key: {"value": value, "from": origin} for key, value, origin in options},
        }
        show(json.dumps(content, indent=2, ensure_ascii=False))
        return
    for line in _lines(configuration, options):
        show(line)


def _origin(option: Any, configuration: Configuration) -> str:
    setting = configuration.settings.get(option.name)
    return _BUILT_IN if setting is None else shown(setting.file)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return os.fspath(value) if isinstance(value, Path) else value


def _lines(configuration: Configuration, options: list[tuple[str, Any, str]]) -> Iterator[str]:
    for file, found in configuration.files:
        yield f"{shown(file)}: {'applies' if found else 'not there'}"
    yield ""
    rows = [("option", "value", "from")]
    rows += [(key, _text(value), origin) for key, value, origin in options]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for key, text, origin in rows:
        yield f"{key:<{widths[0]}}  {text:<{widths[1]}}  {origin}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value) or "none"
    return "not set" if value is None else printable(str(value))
