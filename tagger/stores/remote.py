"""Images on other machines, by URL: object stores, web servers, whatever fsspec reads.

Nothing else in this package loads fsspec or opens a connection, and nothing loads this module
before a path is a URL.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tagger.errors import ImageError, MissingExtraError, TaggerError, UsageError, first_line
from tagger.stores.item import Item, Look
from tagger.text import printable

#: What the reason of an image begins with whose store does not answer.
UNREACHABLE: Final = "no answer from its store"

#: So many images one after the other mean that the store is gone.
MOST_UNREACHABLE: Final = 16

#: Errors of connections; each library has its own, and none is loaded to name them.
_CONNECTION: Final = frozenset(
    ("ConnectionError", "TimeoutError", "HTTPClientError", "ClientConnectionError",
     "ClientPayloadError", "IncompleteReadError", "ResponseStreamingError", "FSTimeoutError")
)  # fmt: skip
_NO_CREDENTIALS: Final = frozenset(
    ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError")
)
_PIECE: Final = 1024 * 1024

_DENIED: Final = (401, 403)
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies in a folder, as :class:`os.DirEntry` has it."""

    name: str
    folder: bool

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether it is a folder."""
        return self.folder

    def is_symlink(self) -> bool:
        """Return False: stores have no links."""
        return False


def is_folder(url: str) -> bool:
    """Return whether a URL is that of a folder, by asking its store; a web server has none.

    Raises:
        UsageError: there is nothing, or the scheme is unknown.
        TaggerError: the store denies it, or does not answer.
    """
    system, path = _system(url)
    if _is_web(url):
        return False
    try:
        return bool(system.info(path)["type"] == "directory")
    except Exception as error:  # each library raises errors of its own
        reason = _reason(error)
        if isinstance(error, FileNotFoundError):
            raise UsageError(f"No such file or folder: '{printable(url)}'.") from None
        raise TaggerError(f"{printable(url)} cannot be read: {reason}.") from None


@contextmanager
def scandir(url: str) -> Iterator[Iterator[Entry]]:
    """List a folder, as :func:`os.scandir` does.

    Raises:
        OSError: it cannot be listed.
    """
    system, path = _system(url)
    try:
        found = system.ls(path, detail=True)
    except Exception as error:  # each library raises errors of its own
        raise OSError(0, _reason(error)) from None
    yield (_entry(one) for one in found if one["name"].rstrip("/") != path.rstrip("/"))


def _entry(found: dict[str, Any]) -> Entry:
    return Entry(found["name"].rstrip("/").rpartition("/")[2], found["type"] == "directory")


def item(url: str) -> Item:
    """Return the image at a URL.

    Raises:
        ImageError: the store has none, or gives none.
    """
    try:
        system, path = _system(url)
        about = system.info(path)
        if about["type"] == "directory":
            raise ImageError("a folder, not an image")
        size = about.get("size")
    except ImageError:
        raise
    except Exception as error:  # each library raises errors of its own
        raise ImageError(_reason(error)) from None

    def load(look: Look) -> bytes:
        look(-1)
        try:
            data = _streamed(system, path, size, look) if _is_web(url) else system.cat_file(path)
        except ImageError:
            raise
        except Exception as error:  # likewise
            raise ImageError(_reason(error)) from None
        look(-1)
        if len(data) != size:
            raise ImageError("it was changed while it was read")
        return data

    if size is None:
        return Item(0, None, load, "its server does not tell its size")
    return Item(size, _changed(about), load)


def _streamed(system: Any, path: str, size: int, look: Look) -> bytes:
    """Read no more than a web server has said that there is, whatever it sends."""
    data = bytearray()
    with system.open(path, block_size=0, size=size) as file:
        while len(data) <= size and (piece := file.read(_PIECE)):
            look(_PIECE)
            data += piece
    return bytes(data)


def _changed(about: dict[str, Any]) -> int:
    """Return when an object was changed, and below a second what else shows a change."""
    keys = ("LastModified", "mtime", "updated", "created")
    moment = next((about[key] for key in keys if about.get(key)), None)
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    mark = about.get("ETag") or about.get("etag") or about.get("md5Hash") or moment or 0
    return int(moment or 0) * 10**9 + zlib.crc32(str(mark).encode()) % 10**9


def _system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it.

    Raises:
        MissingExtraError: fsspec is not installed, or what it needs for such URLs.
        UsageError: it knows no such scheme.
        TaggerError: its settings are wrong.
    """
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError(f"Reading {printable(url)}", "remote", "fsspec") from None
    try:
        # A listing of millions would stay in memory. What was opened once is kept by fsspec.
        system, path = fsspec.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise TaggerError(
            f"{printable(url)} cannot be read: {first_line(error)}; pip installs it."
        ) from None
    except ValueError as error:
        raise UsageError(f"{printable(url)} cannot be read: {first_line(error)}.") from None
    return system, path


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _reason(error: BaseException) -> str:
    """Say why a store gives nothing."""
    status = getattr(error, "status", None)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, FileNotFoundError) and error.__cause__ is not None:  # of a web server
        return _reason(error.__cause__)
    if isinstance(error, FileNotFoundError) or status == _NOT_FOUND:
        return "no such file or directory"
    if isinstance(error, PermissionError) or status in _DENIED:
        return "access is denied"
    if kinds & _NO_CREDENTIALS:
        return "no credentials were found for it"
    if isinstance(status, int):
        return f"its server answers with status {status}"
    if kinds & _CONNECTION:
        return f"{UNREACHABLE} ({first_line(error)})"
    return first_line(error)
