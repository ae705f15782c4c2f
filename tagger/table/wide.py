"""A wide table's rows → results, with tags chosen again from its probabilities."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator

import numpy as np

from tagger.errors import TableError, UsageError
from tagger.network.card import ModelCard
from tagger.results import DECIMALS, Failed, FileFacts, ImageText, Result, Scores, Tagged
from tagger.rules import Rules, select
from tagger.table.columns import EXTRA_COLUMNS
from tagger.table.edited import CORRECTED, own_names, probability
from tagger.table.rows import Cells, TableRows
from tagger.text import unescape

#: Columns that only a look at the file can fill.
OF_THE_FILE = ("width", "height", "bytes", "sha256")
#: The text that the model got; all other columns follow from the path.
_TEXT = "text"

_LONGEST_SHOWN = 40

_OWN = ("path", "tags", "error")


class WideTable:
    """Reads results back.

    Args:
        rows: of a table that ``tagger tag`` wrote in the layout ``wide``.
        card: of the model that gave the probabilities.
        columns: extra columns that will be asked for.

    Raises:
        TableError: it is not such a table, or another model's.
        UsageError: it lacks a column that is asked for.
    """

    def __init__(self, rows: TableRows, card: ModelCard, columns: Collection[str] = ()) -> None:
        self._rows = rows
        self._name = rows.name
        self._labels = card.labels
        self._facts = [column for column in OF_THE_FILE if column in columns]
        self._wants_text = _TEXT in columns
        self._header = own_names(rows.header)
        self._places = {name: place for place, name in enumerate(self._header)}
        if rows.header:  # JSON Lines without a row have none
            self._check_header(card)
            self._path, self._error = self._places["path"], self._places.get("error")
            self._scores = [self._places[label] for label in card.labels]
        elif rows.name.lower().endswith((".csv", ".tsv")):
            raise TableError(f"{rows.name} is not a table written by 'tagger tag'.")

    def results(self, rules: Rules) -> Iterator[Result]:
        """Yield a result a row, in the order of the rows.

        Raises:
            TableError: a row is damaged.
        """
        for number, cells in self._rows:
            # A spreadsheet may leave such rows.
            if "" in cells and all(cell in (None, "") for cell in cells):
                continue
            path = unescape(self._text(number, "path", cells[self._path]))
            if not path:
                raise self._damaged(number, "has no path")
            if "\0" in path:
                raise self._damaged(number, "has a path that is not a valid file name")
            error = None if self._error is None else cells[self._error]
            reason = self._text(number, "error", error)
            facts = self._file_facts(number, cells)
            if reason:
                yield Failed(path, reason, facts)
            else:
                scores = self._probabilities(number, cells)
                text = self._image_text(number, cells)
                yield Tagged(path, select(scores, rules), scores, facts, text)

    def _check_header(self, card: ModelCard) -> None:
        header = self._header
        twice = [name for name, count in Counter(header).items() if count > 1 and name]
        if twice:
            raise TableError(f"{self._name} has the column '{twice[0]}' twice.")
        if "path" not in header or not {"tags", "tag", *self._labels} & set(header):
            raise TableError(f"{self._name} is not a table written by 'tagger tag'.")
        rest = set(header) - {"", *_OWN, *EXTRA_COLUMNS, CORRECTED, *self._labels}
        missing = [label for label in self._labels if label not in header]
        if len(missing) == len(self._labels) and rest <= {"tag", "score"}:
            raise TableError(
                f"{self._name} has no probabilities: only a table with the layout wide can be "
                "tagged again."
            )
        model = f"the model {card.name} {card.version}"
        way_out = "pass the model that was used as --model."
        if missing:
            raise TableError(
                f"{self._name} has no column for the label '{missing[0]}' of {model}: {way_out}"
            )
        if rest:
            first = next(name for name in header if name in rest)
            raise TableError(
                f"{self._name} has a column '{first}', which is not a label of {model}: {way_out}"
            )
        for column in (*self._facts, *((_TEXT,) if self._wants_text else ())):
            if column not in header:
                raise UsageError(
                    f"--columns: {self._name} has no column '{column}', and 'tagger retag' does "
                    "not open images: omit it, or use 'tagger tag'."
                )

    def _probabilities(self, number: int, cells: Cells) -> Scores:
        values = np.empty(len(self._labels), dtype=np.float64)
        for label, place in enumerate(self._scores):
            value = probability(cells[place])
            if value is None or math.isnan(value):
                shown = repr(cells[place])
                shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
                found = "nothing" if cells[place] in (None, "") else shown
                raise self._damaged(
                    number,
                    f"has no probability for '{self._labels[label]}', but {found} where a number "
                    "such as 0.6234 belongs",
                )
            values[label] = value
        # Whoever has been at the table: tags are chosen from what will be written.
        return np.asarray(np.round(values, DECIMALS), dtype=np.float64)

    def _file_facts(self, number: int, cells: Cells) -> FileFacts:
        found: dict[str, int | None] = {}
        digest = None
        for column in self._facts:
            cell = cells[self._places[column]]
            if column == "sha256":
                digest = self._text(number, column, cell) or None
            else:
                found[column] = self._whole(number, column, cell)
        return FileFacts(found.get("width"), found.get("height"), found.get("bytes"), digest)

    def _image_text(self, number: int, cells: Cells) -> ImageText | None:
        if not self._wants_text:
            return None
        said = self._text(number, _TEXT, cells[self._places[_TEXT]])
        if not said:
            return None
        text = ImageText.parse(unescape(said))
        if text is None:
            raise self._damaged(number, "has a text that does not say where it comes from")
        return text

    def _whole(self, number: int, column: str, cell: object) -> int | None:
        if cell is None or cell == "":
            return None
        try:
            value = int(cell)  # type: ignore[call-overload]
        except (TypeError, ValueError, OverflowError):
            value = -1
        if value < 0:
            raise self._damaged(number, f"has a {column} that is not a whole number")
        return int(value)

    def _text(self, number: int, column: str, cell: object) -> str:
        if cell is None:
            return ""
        if isinstance(cell, str):
            try:
                cell.encode("utf-8")  # half a character, as JSON can spell it, has no UTF-8
            except UnicodeEncodeError:
                pass
            else:
                return cell
        raise self._damaged(number, f"has a {column} that is not text")

    def _damaged(self, number: int, what: str) -> TableError:
        return TableError(f"{self._name} is damaged: row {number:,} {what}.")
