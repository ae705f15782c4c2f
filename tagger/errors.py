"""Errors that end a command: each is one sentence for a person and an exit code.

An image that cannot be read ends nothing: an :class:`ImageError` becomes a
:class:`tagger.results.Failed` value, and the run continues.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator


class TaggerError(Exception):
    """The command cannot continue: a model, a device or an output is unusable.

    Args:
        message: one sentence.
        options: the long names of the options that it is about, such as ``max-tags``. Where a
            configuration file sets one of them, the command line names the file.
    """

    exit_code = 3

    def __init__(self, message: str, *options: str) -> None:
        super().__init__(message)
        self.options = options


class UsageError(TaggerError):
    """The request itself is invalid, whatever the state of the machine."""

    exit_code = 2


class ModelError(TaggerError):
    """A model file or its card is missing, damaged or not a poster-tagger model."""


class DeviceError(TaggerError):
    """The requested device is not available."""


class OutputError(TaggerError):
    """Results cannot be written to the requested output."""


class TableError(TaggerError):
    """A table of results cannot be read back."""


class DataError(TaggerError):
    """A labelled set cannot be used for training or evaluation."""


class MissingExtraError(TaggerError):
    """A command needs packages of an extra."""

    def __init__(self, what: str, extra: str, package: str | None) -> None:
        lacking = f" ({package} is not installed)" if package else ""
        super().__init__(
            f"{what} needs the '{extra}' extra{lacking}: pip install 'poster-tagger[{extra}]'"
        )


class ImageError(Exception):
    """A file cannot be read as an image; the message says why in words for a person."""


class CannotChange(ValueError):  # noqa: N818 (it reads as what it says)
    """A file is left alone; the message gives the reason, for the middle of a sentence."""


@contextlib.contextmanager
def about(*options: str) -> Iterator[None]:
    """Note which options errors are about that come from code which knows no options."""
    try:
        yield
    except TaggerError as error:
        error.options = error.options or options
        raise


def spoils_the_rest(error: OSError) -> bool:
    """Return whether every further write would fail in the same way: the disk is full, or gone."""
    return error.errno in (errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT)


def os_reason(error: OSError) -> str:
    """Return the system's reason, in lower case for the middle of a sentence."""
    return (error.strerror or "unknown error").lower()


def first_line(error: BaseException) -> str:
    """Return the first line of a library's message, at most 200 characters, without a full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(".")
