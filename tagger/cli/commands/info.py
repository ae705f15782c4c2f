"""``tagger info``: the content of a model's card, and which options apply."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.command import register
from tagger.cli.console import show
from tagger.cli.options.groups import Only
from tagger.cli.options.model import ModelArgument
from tagger.cli.options.report import JsonOption, ReportOptions

if TYPE_CHECKING:
    from tagger.network.card import ModelCard

_EXAMPLES = """Examples:

\b
  tagger info
  tagger info my-model.onnx --json
  tagger info --config
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    register(app, info, _EXAMPLES)


def info(
    context: typer.Context,
    model: ModelArgument = None,
    config: Annotated[
        bool,
        typer.Option(
            "--config",
            help="Instead, list every option of 'tagger tag' in this folder, its value and its "
            "origin. A configuration file may be given in place of a model, as in 'tagger tag "
            "--config FILE'.",
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
        from tagger.cli.config_listing import print_configuration

        print_configuration(context, model, as_json=as_json)
        return 0
    from tagger.network.model import BUNDLED_MODEL, read_card

    file = model or BUNDLED_MODEL
    card = read_card(file)
    if as_json:
        show(json.dumps(json.loads(card.to_json()), indent=2, ensure_ascii=False))
        return 0
    for line in _lines(str(file), file.stat().st_size, card):
        show(line)
    return 0


def _lines(file: str, size: int, card: ModelCard) -> list[str]:
    lines = [
        f"{card.name} {card.version} ({card.precision}, {size / 1e6:.1f} MB)",
        f"file        {file}",
        f"input       {card.height} × {card.width} RGB (height × width), {card.resize}",
        f"tags        at least {card.min_tags}, at most {card.max_tags}",
        f"never tags  {', '.join(card.never) or 'none'}",
        f"labels      {len(card.labels)}, with the minimum probability of each tag:",
    ]
    width = max(len(label) for label in card.labels)
    lines += [
        f"  {label:<{width}}  {threshold:.2f}"
        for label, threshold in zip(card.labels, card.thresholds, strict=True)
    ]
    for key, value in card.provenance.items():
        if isinstance(value, dict):
            text = ", ".join(f"{name} {item}" for name, item in value.items())
        else:
            text = str(value)
        if not isinstance(value, list):  # lists have one number per label: only shown with --json
            lines.append(f"{key.replace('_', ' ')}: {text}")
    return lines
