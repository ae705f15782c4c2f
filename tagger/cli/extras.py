"""Commands and formats that need an extra say so in one sentence when it is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tagger.errors import MissingExtraError


@contextlib.contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    """Turn a missing package of an extra into one sentence.

    Args:
        what: needs it, as the sentence begins.
        extra: its name.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(what, extra, error.name) from None


def needs_train_extra(command: str) -> contextlib.AbstractContextManager[None]:
    """Turn a missing package of the ``train`` extra into one sentence."""
    return needs_extra(f"'tagger {command}'", "train")
