"""What Python programs pass: checked before the work, and named as such in messages."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral, Real
from typing import Any

from tagger.errors import TaggerError, UsageError

# Options whose arguments have other names, and ways out that Python does not have.
_NAMES = {"threshold": "thresholds", "sidecar": "sidecars"}
_WORDS = (
    (r", or pass --format", ""),
    (r"start over with --overwrite, or choose", "choose"),
    (r"start over with --overwrite", "choose another output"),
    (r"--overwrite to replace (it|them)", r"remove \1 first"),
    (r"pass (remove)", r"\1"),
    (r"--resume or (?=--update)", "resume=True or "),
    (r"(--resume )?--retry-failed", 'resume="failed"'),
    (r"--update", 'resume="changed"'),
    (r"--no-thumbnails", "thumbnails=False"),
    (r"-o FILE", "output"),
)
_OPTION = re.compile(r"(?<![\w-])(?:-o(?= )|--([a-z]+(?:-[a-z]+)*))")


@contextlib.contextmanager
def in_python(arguments: Iterable[str]) -> Iterator[None]:
    """Name options in errors like the ``arguments`` of the functions that Python programs call."""
    known = frozenset(arguments)

    def named(match: re.Match[str]) -> str:
        option = match[1] or "output"
        name = _NAMES.get(option, option.replace("-", "_"))
        return name if name in known else match[0]

    try:
        yield
    except TaggerError as error:
        message = str(error)
        for words, instead in _WORDS:
            message = re.sub(words, instead, message)
        error.args = (_OPTION.sub(named, message),)
        raise


def whole(name: str, value: Any, least: int, most: int) -> int | None:
    """Return a whole number, or None where none is given.

    Raises:
        UsageError: it is something else, or beyond its ends.
    """
    if value is None:
        return None
    if not isinstance(value, Integral) or not least <= int(value) <= most:
        raise UsageError(f"{name}: {value!r} is not a whole number from {least:,} to {most:,}.")
    return int(value)


def probability(name: str, value: Any) -> float:
    """Return a probability.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise UsageError(f"{name}: {value!r} is not a number from 0 to 1.")
    return float(value)


def text(name: str, value: Any) -> str:
    """Return a text, or raise UsageError."""
    if not isinstance(value, str):
        raise UsageError(f"{name}: {value!r} is not text.")
    return value


def texts(name: str, values: Any) -> list[str]:
    """Return texts as a list, even a single one, or raise UsageError."""
    return [text(name, value) for value in listed(name, values)]


def text_to_text(name: str, values: Any) -> dict[str, str]:
    """Return a mapping of texts to texts, or raise UsageError."""
    if not isinstance(values, Mapping):
        raise UsageError(f"{name}: {values!r} is not a mapping.")
    return {text(name, key): text(name, value) for key, value in values.items()}


def path(name: str, value: Any) -> str:
    """Return a path as text, or raise UsageError."""
    try:
        found = os.fsdecode(value)
    except TypeError:
        raise UsageError(f"{name}: {value!r} is not a path.") from None
    if "\0" in found:
        raise UsageError(f"{name}: {value!r} holds the character NUL.")
    return found


def listed(name: str, values: Any) -> list[Any]:
    """Return values as a list, even a single one, or raise UsageError."""
    if isinstance(values, str | bytes | os.PathLike):
        return [values]
    if not isinstance(values, Iterable):
        raise UsageError(f"{name}: {values!r} is not a list.")
    return list(values)
