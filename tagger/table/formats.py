"""The shapes of a table and its formats, by name.

A format is a line here and, unless it is text, a module that writes and reads it.
"""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

from tagger.errors import MissingExtraError

if TYPE_CHECKING:
    from tagger.table.book import Book


class LayoutName(StrEnum):
    """Shapes of the table."""

    WIDE = "wide"
    LIST = "list"
    LONG = "long"


class Format(StrEnum):
    """A format, by its name.

    A format that is not text has a module of its name with a class ``FORMAT``, see
    :class:`tagger.table.book.Book`, and libraries, which the extra of its name installs.

    Attributes:
        endings: of its files; the first one is the usual one.
        start: what its files begin with; nothing for text.
        libraries: the one that writes it, and the one that reads it.
    """

    CSV = "csv", (".csv",)
    TSV = "tsv", (".tsv",)
    JSONL = "jsonl", (".jsonl", ".ndjson")
    PARQUET = "parquet", (".parquet",), b"PAR1", ("pyarrow", "pyarrow")
    XLSX = "xlsx", (".xlsx",), b"PK\x03\x04", ("xlsxwriter", "openpyxl")
    SQLITE = "sqlite", (".db", ".sqlite", ".sqlite3"), b"SQLite format 3\0", ("sqlite3", "sqlite3")

    endings: tuple[str, ...]
    start: bytes
    libraries: tuple[str, ...]

    def __new__(
        cls,
        name: str,
        endings: tuple[str, ...],
        start: bytes = b"",
        libraries: tuple[str, ...] = (),
    ) -> Format:
        """Make a format of its line."""
        self = str.__new__(cls, name)
        self._value_ = name
        self.endings, self.start, self.libraries = endings, start, libraries
        return self

    @property
    def is_text(self) -> bool:
        """Whether its rows are a table as soon as they are written."""
        return not self.libraries

    @property
    def for_excel(self) -> bool:
        """Whether a table in it can be made safe for Excel."""
        return self in (Format.CSV, Format.TSV, Format.XLSX)

    def book(self, what: str, *, reads: bool = False) -> type[Book]:
        """Load what writes, or reads, a format that is not text.

        Args:
            what: needs it, as a sentence begins.
            reads: whether it is to be read.

        Raises:
            MissingExtraError: the library is not installed.
        """
        library = self.libraries[reads]
        try:
            import_module(library)
        except ModuleNotFoundError as error:
            if error.name != library:
                raise
            raise MissingExtraError(what, self, library) from None
        found: type[Book] = import_module(f"tagger.table.{self}").FORMAT
        return found
