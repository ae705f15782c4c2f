"""The command line. Only modules of this package print or exit.

Nothing heavy is imported at the top of any of them, so that ``tagger --help`` is quick and works
where an extra is missing.
"""

from __future__ import annotations

import signal
import sys
from typing import Annotated, NoReturn

import typer

from tagger import __version__
from tagger.cli import doctor, evaluate, export, info, tag, train
from tagger.errors import TaggerError

EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="tagger",
    help="Tag folders of images, offline: movie posters with genres, or any labels you train.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for command in (tag, train, export, evaluate, info, doctor):
    command.add_to(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"poster-tagger {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Hold the options that stand before the command."""


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    sys.exit(run())


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; every expected error becomes one sentence on stderr.

    Args:
        arguments: without the program's name; None takes the process's own.

    Returns:
        The exit code.
    """
    _interrupt_on_termination()
    try:
        return int(app(arguments, prog_name="tagger", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _say(error.format_message(), error.exit_code)
    except TaggerError as error:
        return _say(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _say("Interrupted.", EXIT_INTERRUPTED)


def _say(message: str, code: int) -> int:
    print(f"tagger: {message}", file=sys.stderr)
    return code


def _interrupt_on_termination() -> None:
    """Let a polite kill keep what is done, as Ctrl-C does."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
