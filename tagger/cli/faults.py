"""Messages for bugs in the program, and for libraries that are missing or do not work."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from tagger.cli.console import say
from tagger.errors import MissingExtraError, TaggerError, first_line
from tagger.table.formats import Format

if TYPE_CHECKING:
    from tagger.cli.native import NativeOutput

#: How Unix programs report an internal error (EX_SOFTWARE in sysexits.h).
EXIT_FAULT = 70

#: Package, as it is imported → the extra that installs it. A module that is missing and not named
#: here is no missing extra but a fault.
EXTRAS = {
    **dict.fromkeys(
        ("h5py", "keras", "matplotlib", "onnx", "scipy", "sklearn", "tensorflow", "tf2onnx"),
        "train",
    ),
    "openvino": "openvino",
    "fsspec": "remote",
    "ray": "ray",
    **{library: extra for extra in Format for library in extra.libraries},
}

_OURS = ("tagger", "tagger_training", "tagger_export")
#: Packages installed with the program, by their import names.
_LIBRARIES = {"PIL", "filelock", "numpy", "onnxruntime", "platformdirs", "rich", "typer"}
_REMEDIES = {"onnxruntime": "; on Windows it needs the Microsoft Visual C++ Redistributable, too"}
# What the system says → the way out, where another installation would not help.
_CAUSES = {
    "executable stack": "this system refuses it, so install another version of it",
    "GLIBC": "this system is too old for it, so install an earlier version of it",
}
_MOST_LINES = 20


def say_fault(error: Exception, native: NativeOutput) -> int:
    """Report an unexpected error, and what native code wrote meanwhile; return the exit code."""
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
    """Print an error's traceback ``always``, or if TAGGER_DEBUG asks; return whether it did."""
    wanted = always or os.environ.get("TAGGER_DEBUG", "") not in ("", "0")
    if wanted:
        say("".join(traceback.format_exception(error)).rstrip())
    return wanted


def what_cannot_be_loaded(error: Exception) -> TaggerError | None:
    """Return a message on a library that is missing or broken; None if that is not the error."""
    missing = None
    if isinstance(error, ImportError):
        if missing_from := _missing_extra(error, "This"):
            return missing_from
        missing = (error.name or "").partition(".")[0]
    package = _failing(error.__traceback__, any_error=isinstance(error, ImportError)) or (
        missing if missing in {*_LIBRARIES, *EXTRAS} else None
    )
    if package is None:
        return None
    reason = first_line(error)
    remedy = next((way_out for cause, way_out in _CAUSES.items() if cause in reason), None)
    remedy = remedy or f"install it again{_REMEDIES.get(package, '')}"
    return TaggerError(f"The Python package '{package}' cannot be loaded ({reason}): {remedy}.")


@contextlib.contextmanager
def needs_extras(command: str) -> Iterator[None]:
    """Turn a missing package of an extra, which a command needs, into one sentence.

    Raises:
        MissingExtraError: such a package is missing.
        ModuleNotFoundError: another module is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if missing := _missing_extra(error, f"'tagger {command}'"):
            raise missing from None
        raise


def _missing_extra(error: ImportError, what: str) -> MissingExtraError | None:
    package = error.name or ""
    extra = EXTRAS.get(package)
    return MissingExtraError(what, extra, package) if extra else None


def _failing(trace: TracebackType | None, *, any_error: bool) -> str | None:
    """Return the third-party package whose code could not be imported, if it is one.

    An error of another kind than ImportError counts where the package was being imported.
    """
    package = None
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        if name in _OURS:
            package = None
        elif package is None and name != "importlib" and (any_error or _imports(trace)):
            package = name
        trace = trace.tb_next
    return package


def _imports(trace: TracebackType) -> bool:
    return trace.tb_frame.f_code.co_name == "<module>"
