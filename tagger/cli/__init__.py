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
from tagger.cli import (
    bench,
    doctor,
    evaluate,
    export,
    info,
    refit,
    retag,
    streams,
    tag,
    train,
    untag,
)
from tagger.cli.native_output import native_stderr_silenced
from tagger.errors import TaggerError

EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="tagger",
    help="Tag folders of images, offline: movie posters with genres, or any labels you train.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for command in (tag, retag, untag, train, refit, export, evaluate, info, doctor, bench):
    command.add_to(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"poster-tagger {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options that stand before the command, and show help where there is none."""
    if context.invoked_subcommand is None:
        streams.say(context.get_help())
        raise typer.Exit(2)


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
    streams.open_closed()
    with native_stderr_silenced():
        return streams.hand_over(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    try:
        return int(app(arguments, prog_name="tagger", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _say(_sentence(error.format_message()), error.exit_code)
    except TaggerError as error:
        return _say(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _say("Interrupted.", EXIT_INTERRUPTED)
    except SystemExit:  # how typer answers a pipe that its reader closed
        return streams.EXIT_READER_GONE
    except OSError as error:  # commands name the files that they know; the rest is said here
        if error.strerror is None:
            raise
        name = error.filename or "The output"
        return _say(f"{name} cannot be used: {error.strerror.lower()}.", TaggerError.exit_code)


def _sentence(message: str) -> str:
    """Typer's messages pass on words of its validator, and not all end in a full stop."""
    message = message.replace("Value error, ", "").rstrip()
    return message if message.endswith((".", "?", "!")) else f"{message}."


def _say(message: str, code: int) -> int:
    streams.say(f"tagger: {message}")
    return code


def _interrupt_on_termination() -> None:
    """Let a polite kill keep what is done, as Ctrl-C does."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
