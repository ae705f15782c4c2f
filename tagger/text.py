r"""Paths as text and back, text that is safe for a terminal, and tags as text.

A path becomes UTF-8 text that can be turned back into the exact name on disk. Names on Linux are
bytes; some are not UTF-8. Such a byte is written as ``\xHH``, and a name that really contains a
backslash followed by ``xHH`` has that backslash written as ``\x5c``. Other names are unchanged.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet

from tagger.errors import UsageError

#: Joins tags; no label and no tag may contain it.
TAG_SEPARATOR = "|"

#: Maximum length of text that is normalised: for a sequence of accents this takes quadratic time.
LONGEST_NORMALISED = 500

# Not so under some locales: then a table's text is not how Python spells the name.
_NAMES_ARE_UTF8 = sys.getfilesystemencoding() == "utf-8"

_OTHER_SEPARATORS = re.compile("[,;]")
_LOOKS_ESCAPED = re.compile(r"\\(?=x[0-9a-fA-F]{2})")
# A scheme of one letter would be a drive of Windows.
_URL = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_ESCAPED = re.compile(rb"\\x([0-9a-fA-F]{2})")


def escape(path: str) -> str:
    """Convert a path (as returned by :func:`os.fsdecode`) to text that is valid in UTF-8."""
    if path.isascii() and "\\" not in path:
        return path
    text = _LOOKS_ESCAPED.sub(r"\\x5c", path)
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def unescape(text: str) -> str:
    """Reverse :func:`escape`."""
    if "\\x" not in text and (_NAMES_ARE_UTF8 or text.isascii()):
        return text
    raw = text.encode("utf-8", "surrogateescape")
    return os.fsdecode(_ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), raw))


def is_url(path: str) -> bool:
    """Return whether a path is that of an image or folder on another machine: ``s3://b/a.jpg``."""
    return "://" in path and _URL.match(path) is not None


def printable(path: str) -> str:
    """Escape a path for a terminal, including control characters, which could control it."""
    return harmless(escape(path))


def harmless(text: str, *, keep: str = "") -> str:
    """Escape characters that could control a terminal, or change the direction of its text.

    Args:
        text: any text; surrogates stay, because a stream handles them in its own way.
        keep: characters that are not escaped.
    """
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char in keep or "\ud800" <= char <= "\udfff"
        else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def counted(number: int, noun: str, nouns: str | None = None) -> str:
    """Return a number and its noun: ``1 image``, ``2 images``; ``nouns`` is an irregular plural."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def relative_to(folder: str) -> Callable[[str], str]:
    """Return a function: path → path relative to ``folder``.

    A path below the folder keeps its spelling. A ``..`` leads to the parent of the folder that a
    symlink points to, as for the operating system.

    A URL stays as it is.

    Raises:
        UsageError: by the function, for a path on another drive (Windows).
    """
    start = os.path.abspath(folder)
    real_start = os.path.realpath(folder)

    # Paths are sorted, so those of a folder are consecutive.
    @functools.lru_cache(maxsize=1)
    def way(parent: str) -> str:
        try:
            if os.path.commonpath((start, parent)) == start:
                return os.path.relpath(parent, start)
            return os.path.relpath(os.path.realpath(parent), real_start)
        except ValueError:
            raise UsageError(
                f"{printable(parent)} is on another drive than {printable(start)}, so it has no "
                "relative path: use --absolute."
            ) from None

    def spell(path: str) -> str:
        if is_url(path):
            return path
        parent, name = os.path.split(os.path.abspath(path))
        return os.path.normpath(os.path.join(way(parent), name))

    return spell


def same_keyword(text: str) -> str:
    """Return a form that is equal for equal keywords: macOS decomposes accents."""
    text = text.strip()
    return text if len(text) > LONGEST_NORMALISED else unicodedata.normalize("NFC", text)


def split_tags(cell: str, separator: str = TAG_SEPARATOR) -> list[str]:
    """Return the tags in a cell, without surrounding spaces."""
    return [tag for tag in map(str.strip, cell.split(separator)) if tag]


def undivided(cell: str, known: AbstractSet[str]) -> list[str]:
    """Return the tags in a cell that joins them by commas or semicolons; none if it does not.

    A tag may contain a comma, so this only applies if all pieces are known: labels, or tags in any
    cell. A single tag can be marked as such by a separator after it.
    """
    pieces = pieces_of(cell)
    if TAG_SEPARATOR in cell or pieces in ([], [cell.strip()]) or not set(pieces) <= known:
        return []
    return pieces


def seems_joined(cells: Sequence[str]) -> str | None:
    """Return a cell that joins its tags by commas or semicolons, as far as cells alone can tell.

    It can be told where no cell has our separator and different cells share a piece.
    """
    if any(TAG_SEPARATOR in cell for cell in cells):
        return None
    first: dict[str, str] = {}  # piece → the cell that had it first
    for cell in map(str.strip, cells):
        pieces = pieces_of(cell)
        for piece in pieces if len(pieces) > 1 else ():
            if first.setdefault(piece, cell) != cell:
                return first[piece]
    return None


def pieces_of(cell: str) -> list[str]:
    """Return what a cell joins by commas or semicolons."""
    return [piece for piece in map(str.strip, _OTHER_SEPARATORS.split(cell)) if piece]


def each_once(texts: Sequence[str], foreign: Collection[str] = ()) -> list[str | None]:
    """Return each keyword that is not there yet, None for one that is.

    Those of others are given as ``foreign``, in the form of :func:`same_keyword`.
    """
    seen = set(foreign)
    written: list[str | None] = []
    for text, key in zip(texts, map(same_keyword, texts), strict=True):
        written.append(None if key in seen else text)
        seen.add(key)
    return written
