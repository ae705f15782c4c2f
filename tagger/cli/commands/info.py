"""``tagger info``: the content of a model's card, and which options apply."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tagger.cli.command import Command, Configuration, configuration_of
from tagger.cli.console import show, show_json
from tagger.cli.options.groups import Only
from tagger.cli.options.model import ModelArgument
from tagger.cli.options.report import JsonOption, ReportOptions
from tagger.text import printable

if TYPE_CHECKING:
    from tagger.network.card import ModelCard

_BUILT_IN = "built in"

EXAMPLES = """\
tagger info
tagger info my-model.onnx --json
tagger info --config
"""


def info(
    context: typer.Context,
    model: ModelArgument = None,
    config: Annotated[
        bool,
        typer.Option(
            help="Instead, list every option of 'tagger tag' in this folder, its value and its "
            "origin. A configuration file may be given in place of a model, as in 'tagger tag "
            "--config FILE'."
        ),
    ] = False,
    as_json: JsonOption = False,
    *,
    report: Annotated[ReportOptions, Only("verbose")],
) -> int:
    """Show a model's labels, thresholds and metrics.

    Also its input and provenance, from the card in the file.
    """
    if config:
        _print_configuration(context, model, as_json=as_json)
        return 0
    from tagger.network.model import BUNDLED_MODEL, read_card

    file = model or BUNDLED_MODEL
    card = read_card(file)
    if as_json:
        show_json({**json.loads(card.to_json()), "provenance": _provenance(card)})
        return 0
    for line in _lines(str(file), file.stat().st_size, card):
        show(line)
    return 0


def _provenance(card: ModelCard) -> dict[str, Any]:
    """Return what a card says of its origin, without accuracy on images that it was trained on.

    After ``tagger refit``, precisions are compared on such images, for want of others.
    """
    shown = dict(card.provenance)
    check = shown.get("precision_check")
    if shown.get("validation_images") == 0 and isinstance(check, dict):
        shown["precision_check"] = {
            key: value for key, value in check.items() if not key.endswith("macro_ap")
        }
    return shown


def _lines(file: str, size: int, card: ModelCard) -> list[str]:
    unless = f" (none below {card.unsure:.2f})" if card.unsure else ""
    lines = [
        f"{card.name} {card.version} ({card.precision}, {size / 1e6:.1f} MB)",
        f"file        {file}",
        f"input       {card.height} × {card.width} RGB (height × width), {card.resize}",
        f"tags        at least {card.min_tags}{unless}, at most {card.max_tags}",
        f"never tags  {', '.join(card.never) or 'none'}",
        f"labels      {len(card.labels)}, with the minimum probability of each tag:",
    ]
    width = max(len(label) for label in card.labels)
    lines += [
        f"  {label:<{width}}  {threshold:.2f}"
        for label, threshold in zip(card.labels, card.thresholds, strict=True)
    ]
    if card.precision_thresholds:
        counts = ", ".join(
            f"{share:g}: {_reaching(card, share)}" for share in sorted(card.precision_thresholds)
        )
        lines.append(f"labels that reach --precision {counts}")
    for key, value in _provenance(card).items():
        lines += _described(key.replace("_", " "), value)
    return lines


def _described(name: str, value: Any) -> list[str]:
    if isinstance(value, list):  # one number per label: only shown with --json
        return []
    if not isinstance(value, dict):
        return [f"{name}: {value}"]
    if value and all(isinstance(item, dict) for item in value.values()):
        return [line for key, item in value.items() for line in _described(f"{name}, {key}", item)]
    return [f"{name}: " + ", ".join(f"{key} {item}" for key, item in value.items())]


def _reaching(card: ModelCard, share: float) -> int:
    """Return the number of labels whose tags can be right that often."""
    row = zip(card.labels, card.precision_thresholds[share], strict=True)
    return sum(value is not None and label not in card.never for label, value in row)


def _print_configuration(context: typer.Context, named: Path | None, *, as_json: bool) -> None:
    """Print what applies in the current folder, or with a named file in place of the one there."""
    root = context.find_root()
    command = root.command.get_command(root, "tag")  # type: ignore[attr-defined]
    assert isinstance(command, Command)
    arguments = [] if named is None else ["--config", os.fspath(named)]
    # Parsed as the command itself would be, so that nothing can differ.
    with command.make_context("tag", arguments, parent=root) as parsed:
        configuration = configuration_of(parsed.meta)
        options = [
            (key, _plain(parsed.params[option.name]), _origin(option, configuration))
            for key, option in command.options().items()
        ]
    if as_json:
        content = {
            "files": [{"path": str(file), "found": found} for file, found in configuration.files],
            "options": {key: {"value": value, "from": origin} for key, value, origin in options},
        }
        show_json(content)
        return
    for line in _listing(configuration, options):
        show(line)


def _origin(option: Any, configuration: Configuration) -> str:
    setting = configuration.settings.get(option.name)
    return _BUILT_IN if setting is None else str(setting.file)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return os.fspath(value) if isinstance(value, Path) else value


def _listing(configuration: Configuration, options: list[tuple[str, Any, str]]) -> Iterator[str]:
    for file, found in configuration.files:
        yield f"{file}: {'applies' if found else 'not there'}"
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
