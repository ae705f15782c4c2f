"""Reads XLSX row by row, as a spreadsheet program or this one saved it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from tagger.errors import TableError, UsageError, first_line, os_reason
from tagger.table.rows import Cells, TableRows

#: Rows that a sheet holds, in any program.
MOST_ROWS = 1_048_576

#: The sheet that is read; without one of this name it is the first.
SHEET = "tags"

# Bytes of a member that are never too many, and how many times its size in the archive are.
_SMALL = 16 * 1024 * 1024
_MOST_TIMES = 100

# How every OpenDocument file begins, behind 30 bytes of the first entry's head.
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument"


def read_xlsx(file: str, name: str, *, edited: bool) -> TableRows:
    """Open a file; with ``edited``, cells where no column has a name are not read.

    Raises:
        UsageError: it cannot be opened.
        TableError: it is damaged.
    """
    import openpyxl

    try:
        stream = open(file, "rb")  # noqa: SIM115 (openpyxl asks files for their endings)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {os_reason(error)}.") from None
    if stream.read(30 + len(_OPEN_DOCUMENT)).endswith(_OPEN_DOCUMENT):
        stream.close()
        raise TableError(f"{name} is an OpenDocument file: save it as .xlsx, or as CSV in UTF-8.")
    stream.seek(0)
    try:
        _refuse_bomb(stream, name)
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        sheet = book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]
        # What a sheet says of its size would be believed, row by row.
        sheet.reset_dimensions()
        header = _without_empty_end(next(sheet.iter_rows(max_row=1, values_only=True), ()))
        rows = sheet.iter_rows(min_row=2, max_col=len(header) + 1, values_only=True)
    except TableError:
        stream.close()
        raise
    except Exception as error:  # openpyxl raises whatever comes of a damaged file
        stream.close()
        raise TableError(f"{name} is damaged: {first_line(error)}.") from None

    def close() -> None:
        book.close()
        stream.close()

    if not header:
        close()
        raise TableError(f"{name} has no header in the first row of its sheet.")
    if edited:
        rows = (row[: len(header)] for row in rows)
    return TableRows(name, header, _rows(rows, len(header), name), close)


def _rows(rows: Iterator[tuple[Any, ...]], columns: int, name: str) -> Iterator[Cells]:
    try:
        for number, row in enumerate(rows, start=2):
            if number > MOST_ROWS:
                raise TableError(
                    f"{name} is damaged: it has more rows than an XLSX sheet can have."
                )
            cells = _without_empty_end(row)
            if cells:  # a spreadsheet may leave empty rows behind
                yield [*cells, *[None] * (columns - len(cells))]
    except TableError:
        raise
    except Exception as error:  # as above
        raise TableError(f"{name} is damaged: {first_line(error)}.") from None


def _refuse_bomb(stream: BinaryIO, name: str) -> None:
    """Refuse a file that would unpack to far more than a table can.

    The measure is that of Apache POI (``ZipSecureFile``); sheets shrink to a twentieth. No more
    is ever unpacked of a member than it says.
    """
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            if member.file_size > max(_SMALL, _MOST_TIMES * member.compress_size):
                raise TableError(
                    f"{name} would unpack to {member.file_size / 1e6:,.0f} MB: too large."
                )
    stream.seek(0)


def _without_empty_end(row: tuple[Any, ...]) -> tuple[Any, ...]:
    length = len(row)
    while length and row[length - 1] is None:
        length -= 1
    return row[:length]
