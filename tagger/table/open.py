"""Opens a table: its first bytes tell the format."""

from __future__ import annotations

import codecs
import io
import itertools
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from tagger.errors import TableError, UsageError, os_reason
from tagger.table.formats import Format
from tagger.table.rows import LONGEST_LINE, TableRows
from tagger.table.text import text_rows
from tagger.text import printable

if TYPE_CHECKING:
    from typing_extensions import Buffer

STDIN = "-"

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def open_rows(file: str, *, torn: bool = False, edited: bool = False) -> TableRows:
    """Open a table.

    Args:
        file: its name; ``-`` for standard input.
        torn: whether a last row of text that has no end is passed over; else it is damage.
        edited: whether another program may have saved it: whatever its columns are called, and
            where cells are missing at the end of rows.

    Raises:
        UsageError: it cannot be opened.
        TableError: it is none.
        MissingExtraError: the format's library is not installed.
    """
    name = "The table on stdin" if file == STDIN else printable(file)
    try:
        stream: BinaryIO = sys.stdin.buffer if file == STDIN else open(file, "rb")  # noqa: SIM115
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {os_reason(error)}.") from None
    # Standard input is not ours to close.
    close: Callable[[], None] = (lambda: None) if file == STDIN else stream.close
    try:
        lines = _lines(stream, name, torn=torn)
        first = next(lines, b"")
        told = next((one for one in Format if one.start and first.startswith(one.start)), None)
        if told is not None:
            if file == STDIN:
                raise UsageError(
                    f"A table in {told} cannot be read from a pipe: pass its file name."
                )
            close()
            return told.book(name, reads=True).read(file, name, edited=edited)
        return text_rows(file, name, first, lines, close, torn=torn, edited=edited)
    except BaseException:
        close()
        raise


def _lines(stream: BinaryIO, name: str, *, torn: bool) -> Iterator[bytes]:
    try:
        first = stream.readline(LONGEST_LINE)
        others = iter(lambda: stream.readline(LONGEST_LINE), b"")
        lines: Iterator[bytes] = itertools.chain([first] if first else [], others)
        if first.startswith(_UTF_16) and not first.startswith(_UTF_32):
            lines = _as_utf8(first, stream)
        for line in lines:
            if torn and not line.endswith(b"\n"):
                return
            if len(line) >= LONGEST_LINE:
                raise TableError(
                    f"{name} is not a table written by 'tagger tag': it has a line without an end."
                )
            yield line
    except UnicodeError:
        raise TableError(
            f"{name} is damaged: it is not valid UTF-16; in a spreadsheet program, save it as CSV "
            "in UTF-8."
        ) from None
    except OSError as error:
        raise TableError(f"{name} cannot be read: {os_reason(error)}.") from None


def _as_utf8(first: bytes, stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a text in UTF-16, as Excel's "Unicode text" is, in UTF-8 with its mark.

    Raises:
        UnicodeError: it is not valid.
    """
    raw = io.BufferedReader(_Rest(first, stream))
    texts = io.TextIOWrapper(raw, "utf-16", newline="\n")
    mark = codecs.BOM_UTF8
    while text := texts.readline(LONGEST_LINE):
        yield mark + text.encode("utf-8")
        mark = b""


class _Rest(io.RawIOBase):
    """A stream whose beginning was read already, and that is not ours to close."""

    def __init__(self, beginning: bytes, stream: BinaryIO) -> None:
        self._beginning = beginning
        self._stream = stream

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Read what comes next."""
        view = memoryview(buffer).cast("B")
        data = self._beginning[: len(view)] or self._stream.read(len(view))
        self._beginning = self._beginning[len(view) :]
        view[: len(data)] = data
        return len(data)
