"""A table that a person corrected → the images and labels that a model learns from."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tagger.errors import DataError
from tagger.network.card import ModelCard
from tagger.results import Pixels
from tagger.table.open import open_rows
from tagger_training.cache import decoded_images
from tagger_training.label_table import read_label_table
from tagger_training.labels import Notice, read_labelled_set

#: A column that says what a person did to an image; one without is as the model tagged it.
CORRECTED_COLUMN = "corrected"


class CorrectionsListener(Protocol):
    """Receives what happens while the images are read."""

    def notice(self, notice: Notice) -> None:
        """Called for what is skipped."""

    def images_decoded(self, done: int, total: int) -> None:
        """Called after every group of images."""


@contextmanager
def read_corrected(
    table: Path,
    images: Path,
    card: ModelCard,
    listener: CorrectionsListener,
    *,
    id_column: str | None = None,
    tags_column: str | None = None,
    separator: str = "|",
    cache: Path | None = None,
) -> Iterator[tuple[Pixels, npt.NDArray[np.uint8]]]:
    """Provide the pixels and the labels of corrected images.

    Where the table has a column :data:`CORRECTED_COLUMN`, only images count for which it says
    something: the tags of others are the model's own, from which it would learn to be surer.

    Args:
        table: of any form of :func:`tagger_training.labels.read_labelled_set`.
        images: their folder.
        card: of the model that is to learn.
        listener: receives progress.
        id_column: column that names the file; None finds it.
        tags_column: column of joined tags; None finds it.
        separator: of tags in a cell.
        cache: folder for decoded images; None keeps them for as long as they are used.

    Yields:
        uint8, shape ``(images, height, width, 3)``, and 0/1, shape ``(images, labels)``.

    Raises:
        DataError: the table cannot be read, or no image was corrected.
    """
    labelled = read_labelled_set(
        table,
        images,
        labels=card.labels,
        id_column=id_column,
        tags_column=tags_column,
        separator=separator,
    )
    touched = _touched(table, id_column, tags_column, separator)
    if touched is not None:
        keep = [place for place, name in enumerate(labelled.ids) if name in touched]
        if not keep:
            raise DataError(f"In {table} no image is marked as {CORRECTED_COLUMN}.")
        labelled = labelled.take(keep)
    for notice in labelled.notices:
        listener.notice(notice)
    with tempfile.TemporaryDirectory(prefix="tagger-train-") as scratch:
        folder = cache or Path(scratch)
        pixels, failures = decoded_images(
            labelled.files, card.height, card.width, folder, listener.images_decoded
        )
        keep = [place for place in range(len(labelled.ids)) if place not in failures]
        if failures:
            names = tuple(f"{labelled.files[i]} ({why})" for i, why in sorted(failures.items()))
            listener.notice(Notice("image", "skipped (unreadable)", names))
        if not keep:
            raise DataError("None of the corrected images can be read.")
        kept: Any = pixels if not failures else pixels[keep]
        yield kept, labelled.targets[keep]
        del kept, pixels


def _touched(
    table: Path, id_column: str | None, tags_column: str | None, separator: str
) -> set[str] | None:
    """Return the ids that a person touched; None if the table does not say."""
    with open_rows(str(table), edited=True) as rows:
        if CORRECTED_COLUMN not in rows.header:
            return None
    read = read_label_table(
        table,
        id_column=id_column,
        tags_column=tags_column,
        separator=separator,
        more_columns=(CORRECTED_COLUMN,),
    )
    return {row[read.id_column].strip() for row in read.rows if row[CORRECTED_COLUMN].strip()}
