"""The standard streams, even if they are closed, full, or no longer read."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from typing import TextIO

from tagger.errors import os_reason
from tagger.text import harmless

# What a shell reports for a program ended by SIGPIPE: `tagger tag … | head -1` is not a failure.
EXIT_READER_GONE = 141
#: The command finished, and something failed.
EXIT_SOME_FAILED = 1
_EXIT_CANNOT_GO_ON = 3

#: Further failures are counted, and not shown one by one.
MOST_FAILURES_SHOWN = 20


def open_closed() -> None:
    """Replace streams that were closed from the start (``>&-``).

    Otherwise notices would go to stdout, and the first file opened would get the stream's number.
    Writing to a closed stdout is still an error; notices are simply lost.
    """
    for name, mode, access in (
        ("stdin", "r", os.O_RDONLY),
        ("stdout", "w", os.O_RDONLY),
        ("stderr", "w", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, access)
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: SIM115 (it stays)


@contextlib.contextmanager
def any_text() -> Iterator[None]:
    r"""Let the standard streams take and give any text, whatever their encoding.

    Many encodings lack most names: a pipe on Windows, a locale of a container. A character that a
    stream lacks is spelled as in Python: ``\u6620``.
    """
    former: list[tuple[io.TextIOWrapper, str | None]] = []
    for stream, errors in (
        (sys.stdin, "replace"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            former.append((stream, stream.errors))
            stream.reconfigure(errors=errors)
    try:
        yield
    finally:
        for stream, before in former:
            with contextlib.suppress(OSError, ValueError):  # closed meanwhile, or its reader gone
                stream.reconfigure(errors=before)


def hand_over(code: int) -> int:
    """Flush both streams, so that their errors appear here, not when Python exits.

    Returns:
        The final exit code: the one so far if it signals an error.
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
        say(f"tagger: standard output cannot be written: {os_reason(problem)}.")
        code = _EXIT_CANNOT_GO_ON
    try:
        sys.stderr.flush()
    except OSError:
        forget(sys.stderr)
    return code


def say(text: str) -> None:
    """Print to stderr, safely for a terminal; a log that is full or closed does not matter."""
    # In one piece: a thread that shows progress may speak at the same time.
    _print_error(harmless(f"{text}\n", keep="\n\t"))


def draw(text: str, *, stays: bool) -> None:
    """Print a line to stderr over the last one that does not stay; for where :func:`can_draw`."""
    line = harmless(text, keep="\n\t")
    _print_error(f"\r\x1b[2K{line}\n" if stays else f"\r\x1b[2K{line}")


def can_draw() -> bool:
    """Return whether lines on stderr can be drawn over: it is a terminal, and no dumb one.

    The variables are those that Rich heeds.
    """
    return (
        sys.stderr.isatty()
        and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")
        and "0" not in (os.environ.get("TTY_COMPATIBLE"), os.environ.get("TTY_INTERACTIVE"))
    )


def is_pipe(stream: TextIO) -> bool:
    """Return whether a stream leads into another program, which may show it on this screen."""
    try:
        kind = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):  # none of the system's
        return False
    return stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)


def _print_error(text: str) -> None:
    try:
        print(text, end="", file=sys.stderr, flush=True)
    except OSError:
        forget(sys.stderr)


def show(text: str) -> None:
    """Print to stdout, safely for a terminal, since names and labels come from others."""
    print(harmless(text, keep="\n\t") if sys.stdout.isatty() else text)


def show_json(content: object) -> None:
    """Print JSON to stdout; in ASCII where that has an encoding that lacks characters."""
    import json

    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    show(json.dumps(content, indent=2, ensure_ascii=not is_unicode))


def forget(stream: TextIO) -> None:
    """Redirect a stream to nowhere, so that its error is not raised again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def sentence(message: str) -> str:
    """Return Typer's message on a wrong command line in the form of our own messages."""
    message = message.replace("Value error, ", "").rstrip()  # of Typer's validator
    return message if message.endswith((".", "?", "!")) else f"{message}."


@contextlib.contextmanager
def logs(verbosity: int) -> Iterator[None]:
    """Print the modules' log on stderr, with details from the second ``-v`` on."""
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
