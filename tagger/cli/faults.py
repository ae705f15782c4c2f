"""What is said when the program itself, or a library that it needs, does not work."""

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

#: As programs of Unix report an internal error (EX_SOFTWARE of sysexits.h).
EXIT_FAULT = 70

_OURS = ("tagger", "tagger_training", "tagger_export")
#: What is installed with the program, as it is imported.
_LIBRARIES = {"PIL", "filelock", "numpy", "onnxruntime", "platformdirs", "rich", "typer"}
_REMEDIES = {
    "onnxruntime": "; on Windows it needs the Microsoft Visual C++ Redistributable, too",
}
_MOST_LINES = 20


def debugging() -> bool:
    """Say whether ``TAGGER_DEBUG`` asks for tracebacks of all errors."""
    return os.environ.get("TAGGER_DEBUG", "") not in ("", "0")


def say_fault(error: Exception, native: NativeOutput) -> int:
    """Say what happened that should not; return the exit code.

    Args:
        error: unexpected.
        native: what native code wrote meanwhile.
    """
    shown = show_traceback(error, always=native.goes_through)
    if text := native.said():
        say("Libraries wrote to stderr before:")
        for line in text.splitlines()[-_MOST_LINES:]:
            say(f"  {line}")
    name = type(error).__name__
    message = str(error).strip() and f": {first_line(error)}"
    more = "" if shown else "run again with TAGGER_DEBUG=1 to see where it happened, and "
    say(f"tagger: {name}{message}. This is a fault of tagger: {more}please report it.")
    return EXIT_FAULT


def show_traceback(error: BaseException, *, always: bool) -> bool:
    """Print where an error was raised, if anyone wants to know; say whether it was printed.

    Args:
        error: that ended the command.
        always: print it though ``TAGGER_DEBUG`` does not ask for it.
    """
    wanted = always or debugging()
    if wanted:
        say("".join(traceback.format_exception(error)).rstrip())
    return wanted


def what_cannot_be_loaded(error: ImportError) -> TaggerError | None:
    """Return what to say of a library that is missing or broken; None where the fault is ours.

    Args:
        error: raised while something was imported.
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
    """Return the package of others whose own code could not be imported, if it is one."""
    package = None
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        if name in _OURS:
            package = None
        elif package is None and name != "importlib":
            package = name
        trace = trace.tb_next
    return package
