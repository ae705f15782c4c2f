"""How a command reports its work, and where defaults come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from tagger.cli.help import OUTPUT
from tagger.cli.options.groups import OptionGroup

JsonOption = Annotated[
    bool, typer.Option("--json", rich_help_panel=OUTPUT, help="Print JSON instead of text.")
]


@dataclass(frozen=True, kw_only=True)
class ReportOptions(OptionGroup):
    """What a command prints while it runs, and at its end."""

    panel: ClassVar[str] = OUTPUT

    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only errors.")] = False
    verbose: Annotated[
        int,
        typer.Option(
            "-v",
            "--verbose",
            count=True,
            help="Explain decisions on stderr; -vv for details.",
            show_default=False,
        ),
    ] = 0
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the summary to FILE, as JSON.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class ConfigOptions(OptionGroup):
    """Files with default values; read before the command is called."""

    panel: ClassVar[str] = OUTPUT

    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Read default options from FILE instead of tagger.toml in the current folder; "
            "--no-NAME resets an option.",
        ),
    ] = None
    no_config: Annotated[
        bool, typer.Option(help="Ignore tagger.toml here and in your configuration folder.")
    ] = False
