"""The standard streams where they are not what a program expects: closed, full, or read no more."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from tagger.errors import os_reason
from tagger.text import harmless

# What a shell reports for a program that SIGPIPE ended: `tagger tag … | head -1` is no failure.
EXIT_READER_GONE = 141

#: The command came to its end, and something failed.
EXIT_SOME_FAILED = 1

_EXIT_CANNOT_GO_ON = 3


def open_closed() -> None:
    """Give streams that were closed from the start (``>&-``) a place.

    Else notices would land on stdout, and the first file to be opened would take the stream's
    number. Whoever writes to a closed stdout still gets an error; lost notices are no loss.
    """
    for name, mode, access in (
        ("stdin", "r", os.O_RDONLY),
        ("stdout", "w", os.O_RDONLY),
        ("stderr", "w", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, access)
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: SIM115 (it stays)


def hand_over(code: int) -> int:
    """Flush both streams: what is wrong with them must show here, not when Python exits.

    Args:
        code: the exit code so far.

    Returns:
        The exit code that is due: the one so far if it tells of an error.
    """
    problem: OSError | None = None
    try:
        sys.stdout.flush()
    except OSError as error:
        problem = error
        forget(sys.stdout)
    if isinstance(problem, BrokenPipeError) and code < 2:
        code = EXIT_READER_GONE
    elif problem is not None and code < 2:
        reason = os_reason(problem)
        say(f"tagger: standard output cannot be written: {reason}.")
        code = _EXIT_CANNOT_GO_ON
    try:
        sys.stderr.flush()
    except OSError:
        forget(sys.stderr)
    return code


def say(text: str) -> None:
    """Print to stderr what can drive no terminal; a log that is full or closed stops nothing."""
    try:
        # In one piece: a thread that shows progress may speak at the same time.
        print(harmless(f"{text}\n", keep="\n\t"), end="", file=sys.stderr, flush=True)
    except OSError:
        forget(sys.stderr)


def show(text: str) -> None:
    """Print to stdout; names and labels of others shall not drive a terminal."""
    print(harmless(text, keep="\n\t") if sys.stdout.isatty() else text)


def forget(stream: TextIO) -> None:
    """Turn a stream to nowhere, so that nothing complains about it once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def sentence(message: str) -> str:
    """Return what Typer says of a wrong command line in the form of our own messages."""
    message = message.replace("Value error, ", "").rstrip()  # of Typer's validator
    return message if message.endswith((".", "?", "!")) else f"{message}."


@contextlib.contextmanager
def logs(verbosity: int) -> Iterator[None]:
    """Print on stderr why things are done, as the modules log it.

    Args:
        verbosity: how often ``-v`` was given; the second one asks for all details.
    """
    import logging

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(self.format(record))

    logger = logging.getLogger("tagger")
    handler = Lines()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    level, propagates = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagates
