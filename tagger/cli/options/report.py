"""What a command says of its work, and where defaults come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from tagger.cli.options.groups import REST, OptionGroup

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@dataclass(frozen=True, kw_only=True)
class ReportOptions(OptionGroup):
    """What is said while a command works, and at its end."""

    panel: ClassVar[str] = REST

    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Say nothing on stderr but errors.")
    ] = False
    verbose: Annotated[
        int,
        typer.Option(
            "-v",
            "--verbose",
            count=True,
            help="Say on stderr why things are done; -vv says more.",
            show_default=False,
        ),
    ] = 0
    summary: Annotated[
        Path | None,
        typer.Option("--summary", metavar="FILE", help="Write the closing summary as JSON."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ConfigOptions(OptionGroup):
    """Which files give defaults; read before the command is called."""

    panel: ClassVar[str] = REST

    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Defaults of your own, in place of tagger.toml in the current folder; --no-NAME "
            "undoes what a file says of an option.",
        ),
    ] = None
    no_config: Annotated[
        bool,
        typer.Option(
            "--no-config",
            help="Read no tagger.toml, neither here nor in your configuration folder.",
        ),
    ] = False
