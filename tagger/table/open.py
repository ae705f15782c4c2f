"""Opens a table: its first bytes tell the format."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO

from tagger.errors import TableError, UsageError, os_reason
from tagger.table.formats import Format
from tagger.table.rows import LONGEST_LINE, TableRows
from tagger.table.text import text_rows
from tagger.text import printable

STDIN = "-"


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
        while line := stream.readline(LONGEST_LINE):
            if torn and not line.endswith(b"\n"):
                return
            if len(line) == LONGEST_LINE:
                raise TableError(
                    f"{name} is not a table written by 'tagger tag': it has a line without an end."
                )
            yield line
    except OSError as error:
        raise TableError(f"{name} cannot be read: {os_reason(error)}.") from None
