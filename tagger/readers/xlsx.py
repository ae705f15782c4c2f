"""Rows of an XLSX file: of the sheet ``tags``, or of the first one."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from tagger.errors import TableError, UsageError, first_line, os_reason
from tagger.readers.rows import Cells, TableRows

_SHEET = "tags"
# How every OpenDocument file begins, behind 30 bytes of the first entry's head.
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument"


def open_xlsx(file: str, name: str, *, edited: bool = False) -> TableRows:
    """Open a file.

    Args:
        file: its name.
        name: what to call it in a message.
        edited: whether cells may stand where no column has a name; they are not read.

    Raises:
        UsageError: it cannot be opened.
        TableError: it is damaged.
    """
    try:
        stream = open(file, "rb")  # noqa: SIM115 (openpyxl asks files for their endings)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {os_reason(error)}.") from None
    if stream.read(30 + len(_OPEN_DOCUMENT)).endswith(_OPEN_DOCUMENT):
        stream.close()
        raise TableError(f"{name} is an OpenDocument file: save it as .xlsx, or as CSV in UTF-8.")
    stream.seek(0)
    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        sheet = book[_SHEET] if _SHEET in book.sheetnames else book.worksheets[0]
        rows = sheet.iter_rows(values_only=True)
        header = _without_empty_end(next(rows, ()))
    except (InvalidFileException, zipfile.BadZipFile, ParseError, LookupError, ValueError) as error:
        stream.close()
        raise TableError(f"{name} is damaged: {first_line(error)}.") from None

    def close() -> None:
        book.close()
        stream.close()

    if edited:
        rows = (row[: len(header)] for row in rows)
    return TableRows(name, header, _rows(rows, len(header), name), close)


def _rows(rows: Iterator[tuple[Any, ...]], columns: int, name: str) -> Iterator[Cells]:
    try:
        for row in rows:
            cells = _without_empty_end(row)
            if cells:  # a spreadsheet may leave empty rows behind
                yield [*cells, *[None] * (columns - len(cells))]
    except (zipfile.BadZipFile, ParseError, LookupError, ValueError, OSError) as error:
        raise TableError(f"{name} is damaged: {first_line(error)}.") from None


def _without_empty_end(row: tuple[Any, ...]) -> tuple[Any, ...]:
    length = len(row)
    while length and row[length - 1] is None:
        length -= 1
    return row[:length]
