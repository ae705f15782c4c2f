"""Keep what native libraries write to the raw stderr out of ours."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def native_stderr_silenced() -> Iterator[None]:
    """Give Python a stderr of its own and turn the raw one away.

    libtiff comments on damaged files there, TensorFlow and ONNX Runtime on their start; no log
    level holds them all, and their lines would tear the progress bar. What matters is raised.
    """
    python_stderr = sys.stderr
    try:
        number = python_stderr.fileno()
        own = os.fdopen(
            os.dup(number), "w", buffering=1, encoding=python_stderr.encoding, errors="replace"
        )
    except (OSError, ValueError, AttributeError):  # stderr is closed, or no real file
        yield
        return
    python_stderr.flush()
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), number)
    sys.stderr = own
    try:
        yield
    finally:
        own.flush()
        os.dup2(own.fileno(), number)
        sys.stderr = python_stderr
        own.close()
