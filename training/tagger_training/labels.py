"""Read a labelled set: a table of labels and a folder of images → files and a target matrix.

Two shapes of table are supported, recognised by their columns:

* multi-hot: a column that names the file and one 0/1 column per label;
* tags: a column that names the file and a column of tags joined by a separator, as written by
  ``tagger tag`` (``list`` and ``wide`` layouts), or one row per tag (``long``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagger.errors import DataError, UsageError
from tagger.network.card import label_problem
from tagger.results import ImageText
from tagger.text import (
    TAG_SEPARATOR,
    counted,
    pieces_of,
    seems_joined,
    split_tags,
    undivided,
)
from tagger_training.image_finder import ImageFinder
from tagger_training.label_table import ERROR_COLUMN, read_label_table, truth
from tagger_training.settings import DataSource, TextSource

# A year, also of a spreadsheet, which makes numbers and dates of it.
_YEAR = re.compile(r"(\d{4})(?:[.,]0+|-\d\d?-\d\d?.*)?")
# What a spreadsheet makes of a long number, whose digits are lost.
_ROUNDED = re.compile(r"\d[.,]\d+E[+]\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Notice:
    """Something in the data that was skipped: what it is, what happened to it, and its names."""

    noun: str
    what: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        """One line: the count, the kind, up to five names."""
        return f"{counted(len(self.names), self.noun)} {self.what}: {_first_few(self.names)}"


def _first_few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


@dataclass(frozen=True)
class LabelledSet:
    """Images with their labels, in the order of the table.

    Attributes:
        ids: the table's id of each image.
        files: the image file of each id.
        labels: label names, in the order of the columns of ``targets``.
        targets: uint8 0/1, shape ``(images, labels)``.
        notices: what was skipped, and why.
        texts: what the table says of each image in words; None if it was not asked.
    """

    ids: tuple[str, ...]
    files: tuple[Path, ...]
    labels: tuple[str, ...]
    targets: npt.NDArray[np.uint8]
    notices: tuple[Notice, ...] = field(default=())
    texts: tuple[ImageText, ...] | None = None

    def take(self, keep: Sequence[int], notice: Notice | None = None) -> LabelledSet:
        """Return the set of the images at the given positions, with an additional notice."""
        return LabelledSet(
            ids=tuple(self.ids[i] for i in keep),
            files=tuple(self.files[i] for i in keep),
            labels=self.labels,
            targets=self.targets[list(keep)],
            notices=self.notices + ((notice,) if notice else ()),
            texts=None if self.texts is None else tuple(self.texts[i] for i in keep),
        )


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with their labels, for which there are no images.

    Attributes:
        ids: of what they describe; those of validation images are never learned from.
        texts: a text for each.
        targets: uint8 0/1, shape ``(texts, labels)``, labels in the order of the run's.
    """

    ids: tuple[str, ...]
    texts: tuple[ImageText, ...]
    targets: npt.NDArray[np.uint8]


def read_labelled_set(
    table: Path,
    images: Path,
    *,
    labels: Sequence[str] | None = None,
    id_column: str | None = None,
    tags_column: str | None = None,
    separator: str = TAG_SEPARATOR,
    text: TextSource | None = None,
) -> LabelledSet:
    """Join a table of labels with a folder of images.

    Args:
        table: CSV, TSV, JSON Lines, Parquet or XLSX, see
            :func:`tagger_training.label_table.read_label_table`.
        images: folder, searched with its subfolders.
        labels: use these labels in this order (a model's); None means the table's own.
        id_column: column that names the file; None finds it (``id``, ``path``, …, or the first).
        tags_column: column of joined tags; None means ``tags`` or ``labels`` if there is one,
            otherwise the table is multi-hot.
        separator: separates the tags in a cell.
        text: the columns of texts and years, which are no labels.

    Raises:
        UsageError: the separator is empty.
        DataError: the table cannot be read, or contains no usable image.
        MissingExtraError: the library of the table's format is not installed.
    """
    rows = _read_rows(table, labels, id_column, tags_column, separator, text)
    return _with_files(rows, images, table)


def read_labelled_texts(
    table: Path,
    source: DataSource,
    labels: Sequence[str],
) -> LabelledTexts:
    """Read a table of labelled texts without images.

    Args:
        table: in any format and shape of :func:`read_labelled_set`.
        source: names the columns, of which the ids' may have another name here.
        labels: the labels and their order.

    Raises:
        DataError: the table cannot be read, or has no such columns.
        MissingExtraError: the library of the table's format is not installed.
    """
    rows = _read_rows(table, labels, None, source.tags_column, source.separator, source.text)
    return LabelledTexts(rows.ids, rows.texts or (), rows.targets)


@dataclass(frozen=True)
class _Rows:
    """The usable rows of a table: ids, labels, 0/1 targets, texts if asked for, and notices."""

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    targets: npt.NDArray[np.uint8]
    texts: tuple[ImageText, ...] | None
    notices: tuple[Notice, ...]


def _read_rows(
    table: Path,
    labels: Sequence[str] | None,
    id_column: str | None,
    tags_column: str | None,
    separator: str,
    text: TextSource | None,
) -> _Rows:
    if not separator:
        raise UsageError("The separator between tags cannot be empty.")
    read = read_label_table(
        table,
        id_column=id_column,
        tags_column=tags_column,
        separator=separator,
        more_columns=text.columns if text else (),
    )
    id_name, tags_name = read.id_column, read.tags_column
    rows, notices = _usable_rows(read.rows, id_name)
    if tags_name is not None:
        if separator == TAG_SEPARATOR:
            _refuse_undivided(rows, id_name, tags_name, table, labels or ())
        names, targets = _targets_from_tags(rows, tags_name, separator)
    else:
        names, targets, left_out = _targets_from_columns(
            rows, [name for name in read.others if name != ERROR_COLUMN]
        )
        notices += left_out
    if not names:
        raise DataError(f"{table} has no labels: neither 0/1 columns nor a column 'tags'.")
    for name in names:
        if problem := label_problem(name):
            raise DataError(f"{table}: {problem}.")
    if labels is not None:
        names, targets, left_out = _in_order_of(labels, names, targets)
        notices += left_out
    ids = tuple(row[id_name].strip() for row in rows)
    texts = tuple(_text_of(row, text) for row in rows) if text else None
    return _Rows(ids, tuple(names), targets, texts, notices)


def _text_of(row: Mapping[str, str], source: TextSource) -> ImageText:
    """Return the text and the year of a row; a cell that is no year is none."""
    year = _YEAR.fullmatch(row[source.year_column].strip()) if source.year_column else None
    words = row[source.column].strip()
    return ImageText(words, int(year[1]) if year else None, "table")


def _usable_rows(
    rows: list[dict[str, str]], id_name: str
) -> tuple[list[dict[str, str]], tuple[Notice, ...]]:
    kept: dict[str, dict[str, str]] = {}
    repeated, failed = [], []
    for row in rows:
        name = row[id_name].strip()
        if row.get(ERROR_COLUMN):
            failed.append(name)
        elif name in kept:
            repeated.append(name)
        else:
            kept[name] = row
    notices = []
    if failed:
        notices.append(Notice("row", "skipped (marked as failed in the table)", tuple(failed)))
    if repeated:
        notices.append(Notice("row", "skipped (duplicate id)", tuple(repeated)))
    return list(kept.values()), tuple(notices)


def _refuse_undivided(
    rows: Sequence[Mapping[str, str]],
    id_name: str,
    column: str,
    table: Path,
    labels: Sequence[str],
) -> None:
    """Refuse tags that are joined by a different separator.

    Raises:
        DataError: all parts of a cell are tags in other cells or labels of a model, or different
            cells share a part and none has our separator.
    """
    known = {tag for row in rows for tag in split_tags(row[column])}.union(labels)
    joined = seems_joined([row[column] for row in rows])
    for row in rows:
        pieces = undivided(row[column], known)
        if row[column].strip() == joined:
            pieces = pieces_of(joined)
        if pieces:
            raise DataError(
                f"{table}: tags are joined by '{TAG_SEPARATOR}', so for {row[id_name]} write "
                f"{TAG_SEPARATOR.join(pieces)}, or pass --separator; {row[column].strip()}"
                f"{TAG_SEPARATOR} is one tag."
            )


def _targets_from_tags(
    rows: Sequence[Mapping[str, str]], column: str, separator: str
) -> tuple[list[str], npt.NDArray[np.uint8]]:
    tags = [set(split_tags(row[column], separator)) for row in rows]
    names = sorted(set().union(*tags)) if tags else []
    place = {name: i for i, name in enumerate(names)}
    targets = np.zeros((len(rows), len(names)), np.uint8)
    for row_targets, row_tags in zip(targets, tags, strict=True):
        row_targets[[place[tag] for tag in row_tags]] = 1
    return names, targets


def _targets_from_columns(
    rows: Sequence[Mapping[str, str]], columns: Sequence[str]
) -> tuple[list[str], npt.NDArray[np.uint8], tuple[Notice, ...]]:
    names, values, left_out = [], [], []
    for column in columns:
        cells = [truth(row[column]) for row in rows]
        if wrong := cells.count(None):
            left_out.append(f"{column} ({counted(wrong, 'other value')})")
        else:
            names.append(column)
            values.append(cells)
    targets = np.array(values, np.uint8).reshape(len(names), len(rows)).T
    notices = (Notice("column", "skipped (not 0/1)", tuple(left_out)),) if left_out else ()
    return names, np.ascontiguousarray(targets), notices


def _in_order_of(
    labels: Sequence[str], names: Sequence[str], targets: npt.NDArray[np.uint8]
) -> tuple[list[str], npt.NDArray[np.uint8], tuple[Notice, ...]]:
    if not set(labels) & set(names):
        raise DataError(
            f"The table and the model have no label in common: the table has {_first_few(names)}; "
            f"the model has {_first_few(labels)}."
        )
    ordered = np.zeros((len(targets), len(labels)), np.uint8)
    place = {name: i for i, name in enumerate(names)}
    for i, label in enumerate(labels):
        if label in place:
            ordered[:, i] = targets[:, place[label]]
    unknown = tuple(name for name in names if name not in set(labels))
    absent = tuple(label for label in labels if label not in place)
    notices = (
        Notice("label", "skipped (not in the model)", unknown),
        Notice("label", "treated as false everywhere (not in the table)", absent),
    )
    return list(labels), ordered, tuple(notice for notice in notices if notice.names)


def _with_files(rows: _Rows, images: Path, table: Path) -> LabelledSet:
    finder = ImageFinder(images)
    ids, notices = rows.ids, rows.notices
    found = [finder.find(name) for name in ids]
    found, respelled = _found_alike(finder, ids, found)
    if respelled:
        notices += (Notice("id", "found in another spelling", respelled),)
    missing = tuple(name for name, files in zip(ids, found, strict=True) if not files)
    if missing:
        notices += (Notice("id", "skipped (no such image)", missing),)
    doubtful = tuple(name for name, files in zip(ids, found, strict=True) if len(files) > 1)
    if doubtful:
        notices += (Notice("id", "skipped (several images have that name)", doubtful),)
    keep = [i for i, files in enumerate(found) if len(files) == 1]
    if not keep:
        raise DataError(_none_matches(ids, finder, images, table))
    return LabelledSet(
        ids=tuple(ids[i] for i in keep),
        files=tuple(found[i][0] for i in keep),
        labels=rows.labels,
        targets=rows.targets[keep],
        notices=notices,
        texts=None if rows.texts is None else tuple(rows.texts[i] for i in keep),
    )


def _found_alike(
    finder: ImageFinder, ids: Sequence[str], found: Sequence[list[Path]]
) -> tuple[list[list[Path]], tuple[str, ...]]:
    """Find images for the ids that have none, in another spelling; no image that has an id."""
    taken = {files[0] for files in found if len(files) == 1}
    all_found, respelled = [], []
    for name, files in zip(ids, found, strict=True):
        others = [] if files else finder.find_alike(name)
        if len(others) == 1:
            if others[0] in taken:
                others = []
            else:
                taken.add(others[0])
                respelled.append(f"{name} ({others[0].name})")
        all_found.append(files or others)
    return all_found, tuple(respelled)


def _none_matches(ids: Sequence[str], finder: ImageFinder, images: Path, table: Path) -> str:
    """Say that no id names an image, with an example of both sides."""
    none = "The only id" if len(ids) == 1 else f"None of the {len(ids):,} ids"
    matches = "does not match" if len(ids) == 1 else "matches"
    message = f"{none} in {table} {matches} an image below {images}"
    example = finder.example()
    if example is None or not ids:
        return f"{message}."
    if (rounded := next(filter(_ROUNDED.fullmatch, ids), None)) is not None:
        return (
            f"{message}: a spreadsheet has rounded ids, such as {rounded}, where an image is "
            f"called {example}; format that column as text before you fill it."
        )
    return f"{message}: the table has {ids[0]}, an image is called {example}."
