"""The command line. Only modules of this package print or exit.

Nothing heavy is imported at the top of any of them, so that ``tagger --help`` is quick and works
where an extra is missing.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from tagger import __version__
from tagger.cli import signals, streams
from tagger.cli.commands import (
    apply,
    average,
    bench,
    doctor,
    evaluate,
    export,
    info,
    refit,
    retag,
    tag,
    train,
    untag,
)
from tagger.cli.libraries import quiet_libraries
from tagger.cli.native_output import native_stderr_silenced
from tagger.cli.wording import sentence
from tagger.errors import TaggerError

# What typer makes of KeyboardInterrupt, whatever signal was behind it.
_TYPER_INTERRUPTED = 130

app = typer.Typer(
    name="tagger",
    help="Tag folders of images, offline: movie posters with genres, or any labels you train.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for command in (
    tag, retag, apply, untag, train, average, refit, export, evaluate, info, doctor, bench,
):  # fmt: skip
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
    quiet_libraries()
    code = run()
    patience = sys.modules.get("tagger.decode.patience")
    if patience is not None and patience.threads_left_behind():
        os._exit(code)  # both streams are flushed, and no file is open that is not finished
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; every expected error becomes one sentence on stderr.

    Args:
        arguments: without the program's name; None takes the process's own.

    Returns:
        The exit code.
    """
    streams.open_closed()
    with native_stderr_silenced():
        with signals.heeded() as heeded:
            try:
                code = _run(arguments)
            except (KeyboardInterrupt, typer.Abort):
                code = _TYPER_INTERRUPTED
            if code == _TYPER_INTERRUPTED:
                code = _say(heeded.sentence, heeded.exit_code)
        return streams.hand_over(code)


def _run(arguments: list[str] | None) -> int:
    try:
        return int(app(arguments, prog_name="tagger", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _say(sentence(error.format_message()), error.exit_code)
    except TaggerError as error:
        return _say(str(error), error.exit_code)
    except MemoryError:
        return _say(
            "The memory does not suffice: fewer --workers or a smaller --batch-size need less.",
            TaggerError.exit_code,
        )
    except SystemExit:  # how typer answers a pipe that its reader closed
        return streams.EXIT_READER_GONE
    except OSError as error:  # commands name the files that they know; the rest is said here
        if error.strerror is None:
            raise
        name = error.filename or "The output"
        return _say(f"{name} cannot be used: {error.strerror.lower()}.", TaggerError.exit_code)


def _say(message: str, code: int) -> int:
    streams.say(f"tagger: {message}")
    return code
