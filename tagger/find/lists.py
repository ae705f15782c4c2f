"""Lists of paths: what other programs write as one → paths, or a sentence on what it is instead.

A list must never lead where nobody pointed: one that is misread (UTF-16 as if it were
NUL-separated) has paths such as ``/``. So it is refused as soon as it looks like anything else than
a list, and folders in it are walked only on request.
"""

from __future__ import annotations

import codecs
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn
from urllib.parse import unquote, urlsplit

from tagger.errors import UsageError
from tagger.find.identity import real_folder
from tagger.stores.paths import is_archive
from tagger.stores.store import exists
from tagger.text import counted, is_url, printable

# The longer mark first: that of UTF-32 begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32-LE"),
    (codecs.BOM_UTF32_BE, "UTF-32-BE"),
    (codecs.BOM_UTF16_LE, "UTF-16-LE"),
    (codecs.BOM_UTF16_BE, "UTF-16-BE"),
    (codecs.BOM_UTF8, "UTF-8"),
)

# Two characters, each between NULs, or a line break between them.
_WIDE: Final = re.compile(rb"(?:\A|\0)[^\0]\0+[^\0](?:\0|\Z)|(?:\A|\0)\n\0")

#: Paths that are looked at to say why none exists.
_MOST_LOOKED_AT: Final = 1000


@dataclass(frozen=True)
class PathList:
    """The paths of a list, in its order.

    Attributes:
        name: of the list, for messages.
        folders: those that are folders.
        files: all others; missing ones fail by name later.
    """

    name: str
    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def read_list(data: bytes, name: str, *, null: bool, folders: bool) -> PathList:
    """Read a list of paths.

    Args:
        data: the list: a path per line, in UTF-8 or with a byte order mark.
        name: of the list, for messages; ``-`` for standard input.
        null: whether the paths are separated by NUL instead.
        folders: whether it may name folders.

    Raises:
        UsageError: it is in another encoding or separated otherwise, names a folder though it must
            not, or none of its paths exists.
    """
    found = PathList(name)
    for path in _paths(_as_utf8(data, name), name, null=null):
        (found.folders if _is_folder(path) else found.files).append(path)
    if found.folders:
        _check_folders(found, allowed=folders)
    elif found.files and not any(map(_may_be_read, found.files)):
        _refuse_missing(found)
    return found


def _is_folder(path: str) -> bool:
    """Return whether a path is to be walked; of URLs, the last slash says so."""
    return path.endswith("/") if is_url(path) else os.path.isdir(path) or is_archive(path)


def _may_be_read(path: str) -> bool:
    return os.path.lexists(path) or is_url(path) or exists(path)


def _as_utf8(data: bytes, name: str) -> bytes:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            data = data[len(mark) :]
            if encoding == "UTF-8":
                return data
            try:
                return data.decode(encoding).encode("utf-8")
            except UnicodeError:
                what = f"begins like {encoding[:6]} text, but is not"
                _refuse(f"The list {name} {what}: save it as UTF-8.")
    return data


def _paths(data: bytes, name: str, *, null: bool) -> Iterator[str]:
    if _WIDE.search(data) and b"\0" in data:
        _refuse(
            f"The list {name} is UTF-16 without a byte order mark, or names files of one character:"
            " save it as UTF-8, or write ./a for a.",
        )
    if b"\0" in data and not null:  # no name holds one
        if any(map(_is_there, data.split(b"\0")[:_MOST_LOOKED_AT])):
            _refuse(f"The list {name} is NUL-separated: add -0.", "null")
        _refuse(f"The list {name} is not a list of paths: it contains NUL characters.")
    if null and b"\0" not in data and b"\n" in data and not _is_there(data):
        _refuse(f"The list {name} is not NUL-separated: omit -0.", "null")
    separator = b"\0" if null else b"\n"
    if separator not in data and b"\r" in data and not _is_there(data):  # as old Macs ended lines
        separator = b"\r"
    for line in data.split(separator):
        if path := _without_marks(_decoded(line, name), null=null):
            yield path


def _decoded(line: bytes, name: str) -> str:
    try:
        return os.fsdecode(line)
    except UnicodeError:  # on Windows, where names are text
        _refuse(f"The list {name} is not in UTF-8: save it as UTF-8.")


def _is_there(path: bytes) -> bool:
    return bool(path) and os.path.lexists(os.fsdecode(path))


def _without_marks(path: str, *, null: bool) -> str:
    """Return a path without what a list leaves at its ends, unless the file is called so.

    A list made on Windows ends its lines with CR LF, and one that was put together of several has
    their byte order marks inside.
    """
    shorter = path.removeprefix("\ufeff")
    shorter = shorter if null else shorter.removesuffix("\r")
    return path if path == shorter or os.path.lexists(path) else shorter


def _check_folders(found: PathList, *, allowed: bool) -> None:
    """Raise UsageError for folders where none is allowed, and for the whole file system."""
    for folder in found.folders:
        real = real_folder(folder)
        if real == os.path.dirname(real):
            _refuse(
                f"The list {found.name} names '{printable(folder)}', which is everything on this "
                "machine: pass it as PATH if that is what you mean.",
            )
    if not allowed:
        first, count = printable(found.folders[0]), len(found.folders)
        several = f"{count:,} folders, such as '{first}'" if count > 1 else f"a folder, '{first}'"
        them = "them" if count > 1 else "it"
        _refuse(
            f"The list {found.name} names {several}: --list-folders searches {them}.",
            "list-folders",
        )


def _refuse_missing(found: PathList) -> NoReturn:
    """Raise UsageError: none of the paths exists, and why, as far as it can be found out."""
    paths = found.files[:_MOST_LOOKED_AT]
    example, the_list = printable(paths[0]), f"the list {found.name}"
    for what, reads in _MISREADINGS:
        if any(os.path.lexists(path) for path in filter(None, map(reads, paths))):
            _refuse(f"None of the paths in {the_list} exists, such as '{example}': {what}.")
    folder = os.path.dirname(found.name)
    if found.name != "-" and any(os.path.lexists(os.path.join(folder, path)) for path in paths):
        _refuse(
            f"None of the paths in {the_list} exists from here, but they do in "
            f"{printable(folder)}: start the command there."
        )
    for what, reads in _MISREADINGS[:_EVIDENT]:
        if all(map(reads, paths)):
            _refuse(f"None of the paths in {the_list} exists, such as '{example}': {what}.")
    way_on = "is its drive connected?"
    if not os.path.isabs(paths[0]):
        way_on = f"relative ones start from the current folder, {printable(os.getcwd())}."
    many = f"None of the {counted(len(found.files), 'path')} in {the_list} exists, such as"
    one = f"The only path in {the_list} does not exist,"
    _refuse(f"{many if len(found.files) > 1 else one} '{example}': {way_on}")


def _unquoted(path: str) -> str | None:
    text = path.strip().rstrip(",;")
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'" else None


def _of_url(path: str) -> str | None:
    return unquote(urlsplit(path).path) if path.lower().startswith("file:") else None


def _without_spaces(path: str) -> str | None:
    return path.strip() if path != path.strip() else None


def _with_slashes(path: str) -> str | None:
    return path.replace("\\", "/") if "\\" in path else None


def _first_cell(path: str) -> str | None:
    cells = re.split(r"[,;\t]", path)
    return cells[0].strip("\"' ") if len(cells) > 1 else None


def _otherwise_encoded(path: str) -> str | None:
    for encoding in ("cp1252", "cp850"):
        try:
            other = os.fsdecode(os.fsencode(path).decode(encoding).encode("utf-8"))
        except UnicodeError:
            continue
        if other != path and os.path.lexists(other):
            return other
    return None


def _otherwise_composed(path: str) -> str | None:
    forms = (unicodedata.normalize(form, path) for form in ("NFC", "NFD"))
    return next((form for form in forms if form != path and os.path.lexists(form)), None)


# What lists contain instead of paths, and how to read that; the first two are evident in itself.
_MISREADINGS: Final[Sequence[tuple[str, Callable[[str], str | None]]]] = (
    ("write them without quotes", _unquoted),
    ("write plain paths instead of file:// URLs", _of_url),
    ("there are spaces around them", _without_spaces),
    ("it is not in UTF-8; save it as UTF-8", _otherwise_encoded),
    ("accents are composed otherwise than in the names on disk; make the list here",
     _otherwise_composed),
    ("write / instead of \\", _with_slashes),
    ("it is a table; pass the column of paths alone", _first_cell),
)  # fmt: skip
_EVIDENT: Final = 2


def _refuse(sentence: str, *options: str) -> NoReturn:
    raise UsageError(sentence, "files-from", *options)
