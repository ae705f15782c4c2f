"""A table that names the films of images: path, title, and perhaps year."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections import Counter
from collections.abc import Mapping

from tagger.errors import TableError, UsageError
from tagger.find.identity import Identity, on_disk
from tagger.find.names.text import visible
from tagger.results import ImageText
from tagger.table.corrections import as_on_disk
from tagger.table.edited import cell_text
from tagger.table.open import open_rows
from tagger.table.rows import Cells, TableRows
from tagger.table.text import without_apostrophe
from tagger.text import escape, printable, unescape

_NEEDED = ("path", "title")
_YEAR = "year"
_WRITTEN_YEAR = re.compile(r"[0-9]{4}(?:\.0+)?")
_FIRST_YEAR, _LAST_YEAR = 1870, 2099
# A title of more is none; every one that a film bears is far shorter.
_LONGEST = 255
_SHOWN = 12


class GivenTitles:
    """The titles that a table gives; an image is found however its path is spelled.

    Attributes:
        name: of the table's file.
        were_used: whether any image that was asked for is in it.
    """

    def __init__(self, name: str, titles: Mapping[str, ImageText], identity: Identity) -> None:
        self.name = name
        self._titles = titles
        self._identity = identity
        self.were_used = False

    def of(self, path: str) -> ImageText | None:
        """Return what the table says of an image; None if the image is not in it.

        One without words and year is there since a person gave none.
        """
        found = self._titles.get(self._identity.key(path))
        self.were_used = self.were_used or found is not None
        return found

    def __len__(self) -> int:
        """Return how many images are named."""
        return len(self._titles)

    def __str__(self) -> str:
        """Name the table, and say what is in it by a digest: ``films.csv (SHA-256 0123…)``."""
        digest = hashlib.sha256()
        for path, text in sorted(self._titles.items()):
            said = json.dumps([os.path.relpath(path), text.words, text.year])
            digest.update(said.encode())
        return f"{escape(self.name)} (SHA-256 {digest.hexdigest()[:_SHOWN]}…)"


def read_titles(file: str) -> GivenTitles:
    """Read a table in any format; other columns are passed over.

    Paths are as ``tagger tag`` writes them, from the current folder. Since spreadsheets take
    apostrophes off and leave them on, it is looked up which paths are files.

    Args:
        file: its name; ``-`` for standard input.

    Raises:
        UsageError: it cannot be read, lacks a column, or a row of it is wrong.
        MissingExtraError: the format's library is not installed.
    """
    try:
        with open_rows(file, edited=True) as rows:
            identity = Identity()
            return GivenTitles(os.path.basename(file), _read(rows, identity), identity)
    except TableError as error:
        raise UsageError(str(error), "titles") from None
    except UsageError as error:
        error.options = error.options or ("titles",)
        raise


def _read(table: TableRows, identity: Identity) -> dict[str, ImageText]:
    places = _places(table)
    titles: dict[str, ImageText] = {}
    for number, cells in table:
        if all(cell in (None, "") for cell in cells):
            continue
        row = _Row(table.name, number + 1, cells, places)
        path = as_on_disk(row.path(), on_disk)
        said = ImageText(row.title(), row.year(), "table")
        if titles.setdefault(identity.key(path), said) != said:
            raise TableError(
                f"{table.name} has two rows for {printable(path)} with other titles or years: keep "
                "only one."
            )
    return titles


def _places(table: TableRows) -> dict[str, int]:
    names = [name.strip().casefold() for name in table.header]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        columns = " and no ".join(f"column '{name}'" for name in missing)
        raise TableError(
            f"{table.name} has no {columns}: a table of titles has the columns path, title "
            "and, if you know it, year."
        )
    for name, count in Counter(names).items():
        if count > 1 and name in (*_NEEDED, _YEAR):
            raise TableError(f"{table.name} has the column '{name}' twice.")
    return {name: place for place, name in enumerate(names)}


class _Row:
    """A row, as its cells are read."""

    def __init__(self, table: str, number: int, cells: Cells, places: Mapping[str, int]) -> None:
        self._where = f"{table}: row {number:,}"
        self._cells, self._places = cells, places

    def path(self) -> str:
        path = unescape(self._text("path"))
        if not path:
            raise TableError(f"{self._where} has no path.")
        if "\0" in path:
            raise TableError(f"{self._where}: the path is not a valid file name.")
        return path

    def title(self) -> str:
        text = visible(unescape(without_apostrophe(self._text("title")))[:_LONGEST])
        return " ".join(text.split())

    def year(self) -> int | None:
        text = self._text(_YEAR).strip()
        if not text:
            return None
        # pandas writes 1995.0 where a year is missing elsewhere.
        if _WRITTEN_YEAR.fullmatch(text) and _FIRST_YEAR <= int(text[:4]) <= _LAST_YEAR:
            return int(text[:4])
        raise TableError(
            f"{self._where}: the year '{printable(text)}' is not a number from {_FIRST_YEAR} to "
            f"{_LAST_YEAR}."
        )

    def _text(self, column: str) -> str:
        place = self._places.get(column)
        cell = None if place is None else self._cells[place]
        is_missing = cell is None or (isinstance(cell, float) and math.isnan(cell))
        text = "" if is_missing else cell_text(cell)
        if text is None:
            raise TableError(f"{self._where}: {column} is not text: {cell!r}.")
        return text
