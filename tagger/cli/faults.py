"""Messages for bugs in the program, and for libraries that do not work."""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import TYPE_CHECKING

from tagger.cli.console import say
from tagger.cli.extras import EXTRAS, missing_extra
from tagger.errors import TaggerError, first_line

if TYPE_CHECKING:
    from tagger.cli.native import NativeOutput

#: How Unix programs report an internal error (EX_SOFTWARE in sysexits.h).
EXIT_FAULT = 70

_OURS = ("tagger", "tagger_training", "tagger_export")
#: Packages installed with the program, by their import names.
_LIBRARIES = {"PIL", "filelock", "numpy", "onnxruntime", "platformdirs", "rich", "typer"}
_REMEDIES = {"onnxruntime": "; on Windows it needs the Microsoft Visual C++ Redistributable, too"}
_MOST_LINES = 20


def debugging() -> bool:
    """Return whether ``TAGGER_DEBUG`` asks for tracebacks of all errors."""
    return os.environ.get("TAGGER_DEBUG", "") not in ("", "0")


def say_fault(error: Exception, native: NativeOutput) -> int:
    """Report an unexpected error; return the exit code.

    Args:
        error: the error.
        native: what native code wrote in the meantime.
    """
    shown = show_traceback(error, always=native.goes_through)
    if text := native.said():
        say("Earlier output of libraries on stderr:")
        for line in text.splitlines()[-_MOST_LINES:]:
            say(f"  {line}")
    name = type(error).__name__
    message = str(error).strip() and f": {first_line(error)}"
    more = "" if shown else "run again with TAGGER_DEBUG=1 to see where it happened, and "
    say(f"tagger: {name}{message}. This is a bug in tagger: {more}please report it.")
    return EXIT_FAULT


def show_traceback(error: BaseException, *, always: bool) -> bool:
    """Print the traceback of an error, if requested; return whether it was printed.

    Args:
        error: the error that ended the command.
        always: print it even without ``TAGGER_DEBUG``.
    """
    wanted = always or debugging()
    if wanted:
        say("".join(traceback.format_exception(error)).rstrip())
    return wanted


def what_cannot_be_loaded(error: ImportError) -> TaggerError | None:
    """Return a message on a library that is missing or broken; None if the bug is ours.

    Args:
        error: raised during an import.
    """
    if missing_from := missing_extra(error, "This"):
        return missing_from
    missing = (error.name or "").partition(".")[0]
    package = _failing(error.__traceback__) or (
        missing if missing in {*_LIBRARIES, *EXTRAS} else None
    )
    if package is None:
        return None
    remedy = _REMEDIES.get(package, "")
    return TaggerError(
        f"The Python package '{package}' cannot be loaded ({first_line(error)}): install it "
        f"again{remedy}."
    )


def _failing(trace: TracebackType | None) -> str | None:
    """Return the third-party package whose code could not be imported, if it is one."""
    package = None
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        if name in _OURS:
            package = None
        elif package is None and name != "importlib":
            package = name
        trace = trace.tb_next
    return package
