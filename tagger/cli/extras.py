"""Commands that need an extra say so in one sentence when it is missing."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from tagger.errors import MissingExtraError


@contextlib.contextmanager
def needs_train_extra(command: str) -> Iterator[None]:
    """Turn a missing package of the ``train`` extra into one sentence."""
    try:
        with native_stderr_silenced():
            yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"'tagger {command}'", "train", error.name) from None


@contextlib.contextmanager
def native_stderr_silenced() -> Iterator[None]:
    """Turn the raw stderr away: TensorFlow's native lines heed no log level. Errors are raised."""
    try:
        number = sys.stderr.fileno()
        kept = os.dup(number)
    except (OSError, ValueError, AttributeError):  # stderr is closed or no real file
        yield
        return
    sys.stderr.flush()
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), number)
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
