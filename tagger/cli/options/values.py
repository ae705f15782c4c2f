"""Texts from the command line → what the stages take."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tagger.decode.budget import DEFAULT_LIMITS, ImageLimits
from tagger.errors import UsageError, about, os_reason
from tagger.find.scan import Scan, WalkOptions, scan
from tagger.network.card import ModelCard
from tagger.rules import Rules, adjusted_rules, is_tag_name, known_label
from tagger.text import TAG_SEPARATOR

STDIN = "-"


def gather_paths(
    arguments: Sequence[str],
    files_from: Path | None,
    options: WalkOptions,
    *,
    null: bool,
    verb: str = "tag",
) -> Scan:
    """Join the paths of the command line and of lists.

    A path of the command line must be there; one of a list may have vanished since, and then
    fails as an image does.

    Raises:
        UsageError: there are no paths, one is missing, or a list cannot be read.
    """
    lists = [name for name in arguments if name == STDIN][:1]
    if files_from is not None and os.fspath(files_from) not in lists:
        lists.append(os.fspath(files_from))
    direct = [name for name in arguments if name != STDIN]
    if not direct and not lists:
        raise UsageError(f"Nothing to {verb}: pass a folder, images, or - for a list on stdin.")
    named = scan(direct, options)
    listed = scan(
        [path for name in lists for path in _read_list(name, null=null)], options, must_exist=False
    )
    return Scan(
        tuple(dict.fromkeys(named.folders + listed.folders)),
        tuple(dict.fromkeys(named.files + listed.files)),
        options,
    )


def _read_list(name: str, *, null: bool) -> Iterator[str]:
    try:
        data = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        reason = os_reason(error)
        raise UsageError(f"The list {name} cannot be read: {reason}.", "files-from") from None
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    if b"\0" in data and not null:  # no name holds one
        raise UsageError(f"The list {name} is NUL-separated: add -0.", "files-from", "null")
    for line in data.split(b"\0" if null else b"\n"):
        path = os.fsdecode(line)
        # A list made on Windows ends its lines with CR LF; a name may end in CR, so look.
        if not null and path.endswith("\r") and not os.path.lexists(path):
            path = path[:-1]
        if path:
            yield path


def tagging_rules(
    card: ModelCard,
    *,
    thresholds: Sequence[str],
    min_tags: int | None,
    max_tags: int | None,
    ignored: Sequence[str],
    renamed: Sequence[str],
) -> Rules:
    """Lay the user's wishes over the card's rules.

    Raises:
        UsageError: a label is unknown, a number is off, or the limits contradict each other.
    """
    if min_tags is not None and max_tags is not None and min_tags > max_tags:
        raise UsageError(
            f"--min-tags {min_tags} is more than --max-tags {max_tags}.", "min-tags", "max-tags"
        )
    for_all: float | None = None
    by_label: dict[str, float] = {}
    for text in thresholds:
        label, _, number = text.rpartition("=")
        probability = _probability(number, text)
        if label:
            with about("threshold"):
                by_label[known_label(label, card)] = probability
        else:
            for_all = probability
    with about("ignore"):
        never = [known_label(label, card) for label in ignored]
    return adjusted_rules(
        card,
        threshold=for_all,
        thresholds=by_label,
        min_tags=min_tags,
        max_tags=max_tags,
        ignored=never,
        renamed=dict(_renaming(text, card) for text in renamed),
    )


def _probability(number: str, text: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(
            f"--threshold {text}: give a probability from 0 to 1, or LABEL=PROBABILITY.",
            "threshold",
        )
    return value


def _renaming(text: str, card: ModelCard) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not equals:
        raise UsageError(f"--rename {text}: give OLD=NEW.", "rename")
    new = new.strip()
    if not is_tag_name(new):
        raise UsageError(
            f"--rename {text}: the new name must be printable text without '{TAG_SEPARATOR}'.",
            "rename",
        )
    with about("rename"):
        return known_label(old, card), new


def xmp_levels(text: str | None) -> tuple[str, ...]:
    """Read the levels above every tag, such as ``Movies|Genre``.

    Raises:
        UsageError: a level is empty, cannot be printed, or holds a slash.
    """
    if text is None:
        return ()
    levels = tuple(level.strip() for level in text.split(TAG_SEPARATOR))
    if "/" in text:  # digiKam's separator: whether levels or a name are meant, nobody can tell
        raise UsageError(
            f"--xmp-root {text}: separate levels by '{TAG_SEPARATOR}', not by '/'.", "xmp-root"
        )
    if not all(level and level.isprintable() for level in levels):
        raise UsageError(
            f"--xmp-root {text}: give printable names, separated by '{TAG_SEPARATOR}'.", "xmp-root"
        )
    return levels


def image_limits(seconds: float | None, memory: str | None) -> ImageLimits:
    """Return what one image may cost; None is the default, and 0 seconds is no limit.

    Raises:
        UsageError: the memory is not a size.
    """
    size = memory_size(memory, "--image-memory") or DEFAULT_LIMITS.memory
    if seconds is None:
        return ImageLimits(memory=size)
    return ImageLimits(seconds or None, seconds or None, size)


def memory_size(text: str | None, option: str = "--gpu-mem-limit") -> int | None:
    """Read an amount of memory such as ``4G``, ``512M`` or a number of bytes.

    Args:
        text: as given.
        option: whose, for the message.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    size = int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " ")) if match else 0
    if size <= 0:
        raise UsageError(f"{option} {text}: give a size such as 4G or 512M.", option[2:])
    return size
