"""A command: its options stand in groups, in its signature and in its help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand

from tagger.cli.console import logs
from tagger.cli.options.groups import REST, spread


class Command(TyperCommand):
    """Shows each group of options under its own heading in ``--help``, and heeds ``-v``."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of arguments and options.

        Args:
            ctx: the context of the command.
            formatter: takes the text.
        """
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                is_argument = param.param_type_name == "argument"
                panel = getattr(param, "rich_help_panel", None)
                heading = "Arguments" if is_argument else panel or REST
                sections.setdefault(heading, []).append(record)
        sections[REST] = sections.pop(REST)  # last; --help is always among them
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Args:
            ctx: its context; as object it has what native code writes to stderr.
        """
        verbosity = ctx.params.get("verbose")
        if not verbosity:
            return super().invoke(ctx)
        ctx.obj.let_through()
        with logs(verbosity):
            return super().invoke(ctx)


def register(
    app: typer.Typer,
    command: Callable[..., int],
    examples: str | None = None,
    *,
    cls: type[Command] = Command,
) -> None:
    """Add a command to the application, under the name of its function.

    Args:
        app: the application.
        command: takes groups of options, see :mod:`tagger.cli.options.groups`.
        examples: shown at the end of its help.
        cls: what makes a command of it.
    """
    app.command(command.__name__, cls=cls, epilog=examples)(spread(command))
