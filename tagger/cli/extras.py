"""Commands that need an extra say so in one sentence when it is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tagger.errors import MissingExtraError


@contextlib.contextmanager
def needs_train_extra(command: str) -> Iterator[None]:
    """Turn a missing package of the ``train`` extra into one sentence."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"'tagger {command}'", "train", error.name) from None
