"""Packages that only an extra installs: which command needs them is said where one is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tagger.errors import MissingExtraError

#: Package, as it is imported → the extra that installs it. A module that is missing and not named
#: here is no missing extra but a fault.
EXTRAS = {
    **dict.fromkeys(
        ("h5py", "keras", "matplotlib", "onnx", "scipy", "sklearn", "tensorflow", "tf2onnx"),
        "train",
    ),
    "openpyxl": "xlsx",
    "openvino": "openvino",
    "pyarrow": "parquet",
    "xlsxwriter": "xlsx",
}


@contextlib.contextmanager
def needs_extras(command: str) -> Iterator[None]:
    """Turn a missing package of an extra into one sentence.

    Args:
        command: needs it.

    Raises:
        MissingExtraError: such a package is missing.
        ModuleNotFoundError: another module is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if missing := missing_extra(error, f"'tagger {command}'"):
            raise missing from None
        raise


def missing_extra(error: ImportError, what: str) -> MissingExtraError | None:
    """Return what to say where a package of an extra is missing; None if another one is.

    Args:
        error: raised while something was imported.
        what: needs it, as the sentence begins.
    """
    package = error.name or ""
    extra = EXTRAS.get(package)
    return MissingExtraError(what, extra, package) if extra else None
