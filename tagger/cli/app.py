"""The application: its commands, and how it exits."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Annotated, NoReturn

import typer

from tagger import __version__
from tagger.cli import completing, console, signals
from tagger.cli.command import Commands
from tagger.cli.faults import say_fault, show_traceback, what_cannot_be_loaded
from tagger.cli.help import plain_help
from tagger.cli.native import NativeOutput, native_output_kept
from tagger.errors import MissingExtraError, TaggerError

# What typer converts KeyboardInterrupt to, whatever the signal was.
_TYPER_INTERRUPTED = 130

app = typer.Typer(
    name="tagger",
    cls=Commands,
    help="Tag folders of images, offline: movie posters with genres, or your own labels.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


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
            "-V",
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    """Handle the options before the command, and show help if there is no command."""
    if context.invoked_subcommand is None:
        console.say(plain_help(context))
        raise typer.Exit(2)


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    _quiet_libraries()
    code = run()
    patience = sys.modules.get("tagger.decode.patience")
    # Native threads that are still at work, and some of Ray always are, could crash the
    # interpreter while it shuts down.
    if "ray" in sys.modules or (patience is not None and patience.threads_left_behind()):
        os._exit(code)  # both streams are flushed, and no file is open and incomplete
    sys.exit(code)


def _quiet_libraries() -> None:
    """Hide what would break up the progress line; the result reports what became of an image.

    A program that imports the package has its own rules for warnings and logging, and keeps them.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    # Without a handler of its own, Python prints what a library logs.
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; every error becomes one sentence on stderr.

    Args:
        arguments: without the program's name; None means the process's own.

    Returns:
        The exit code.
    """
    console.open_closed()
    with console.any_text(), native_output_kept() as native:
        with signals.heeded() as heeded:
            try:
                code = _run(arguments, native, heeded)
            except (KeyboardInterrupt, typer.Abort):
                code = _TYPER_INTERRUPTED
            if code == _TYPER_INTERRUPTED:
                code = _say(heeded.sentence, heeded.exit_code)
        return console.hand_over(code)


def _run(arguments: list[str] | None, native: NativeOutput, heeded: signals.Heeded) -> int:
    if completing.is_asked():
        completing.prepare()
    try:
        return int(app(arguments, prog_name="tagger", standalone_mode=False, obj=native) or 0)
    except typer.TyperException as error:
        return _say(console.sentence(error.format_message()), error.exit_code)
    except SystemExit as error:
        if completing.is_asked():  # with it, typer answers a shell
            return int(error.code or 0)
        return console.EXIT_READER_GONE  # typer's reaction to a closed pipe
    except typer.Abort:  # Ctrl-D where a command asks
        raise
    except Exception as error:
        # Native code that is interrupted while it is imported makes this of KeyboardInterrupt.
        if heeded.first is not None and isinstance(error, ImportError | MissingExtraError):
            return _TYPER_INTERRUPTED
        known = _known(error)
        if known is None:
            return say_fault(error, native)
        show_traceback(error, always=False)
        return _say(str(known), known.exit_code)


def _known(error: Exception) -> TaggerError | None:
    """Return an error that a person can do something about; None for a bug in the program."""
    if isinstance(error, TaggerError):
        return error
    if isinstance(error, MemoryError):
        return TaggerError("Out of memory: reduce --workers or --batch-size.")
    if cannot_be_loaded := what_cannot_be_loaded(error):
        return cannot_be_loaded
    if isinstance(error, OSError) and error.strerror is not None:
        # Commands name the files that they know; the rest is reported here.
        name = error.filename or "The output"
        return TaggerError(f"{name} cannot be used: {error.strerror.lower()}.")
    return None


def _say(message: str, code: int) -> int:
    console.say(f"tagger: {message}")
    return code
