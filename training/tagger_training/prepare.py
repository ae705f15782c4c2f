"""Preparation of a training: the labelled set is read, decoded, split, and described."""

from __future__ import annotations

import csv
import io
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tagger import __version__
from tagger.errors import DataError, UsageError
from tagger_training.cache import decoded_images
from tagger_training.fit import FitData
from tagger_training.labels import (
    LabelledSet,
    LabelledTexts,
    Notice,
    read_labelled_set,
    read_labelled_texts,
)
from tagger_training.metrics import scored_labels
from tagger_training.run_folder import RunFolder
from tagger_training.settings import DataSource, TrainSettings
from tagger_training.split import validation_mask
from tagger_training.text_learning import TEXT_INPUT, RunTexts

#: Labels with these names stand for a missing label: scored, never emitted.
MISSING_LABELS = frozenset({"n/a", "na", "unknown", "none"})

_COMPARED_SHARE = 0.15


class DataListener(Protocol):
    """Receives progress on reading the data; the command line displays it."""

    def notice(self, notice: Notice) -> None:
        """Called when some of the data was skipped."""

    def data_ready(self, training: int, validation: int, labels: int, scored: int) -> None:
        """Called with the number of images and labels."""

    def images_decoded(self, done: int, total: int) -> None:
        """Called with the progress of decoding."""


@dataclass(frozen=True)
class Prepared:
    """A labelled set that is ready for training.

    Attributes:
        labelled: all images with their labels.
        data: their pixels and their split.
        never: labels that are never tags.
        scored: labels that macro averages include.
        texts: what is known of the images in words; None if it was not asked.
    """

    labelled: LabelledSet
    data: FitData
    never: tuple[str, ...]
    scored: tuple[str, ...]
    texts: RunTexts | None


def prepare(
    source: DataSource,
    settings: TrainSettings,
    run: RunFolder,
    listener: DataListener,
    cache: Path | None,
) -> Prepared:
    """Read a labelled set, and write its description and its split into a run folder.

    Args:
        source: its location.
        settings: input size and split.
        run: the run folder; created if it does not exist.
        listener: receives progress.
        cache: folder for decoded images; None keeps them in the run folder.

    Raises:
        DataError: there is no usable image or label.
        UsageError: the folder contains a run on other data.
        OutputError: the folder cannot be written.
    """
    labelled = read_labelled_set(
        source.table,
        source.images,
        id_column=source.id_column,
        tags_column=source.tags_column,
        separator=source.separator,
        text=source.text,
    )
    others = [
        read_labelled_texts(table, source, labelled.labels)
        for table in (source.text.tables if source.text else ())
    ]
    run.create()
    images, labelled = _decoded(labelled, settings, cache or run.cache, listener)
    never = _never(labelled.labels, settings.never)
    data, scored = _split(labelled, images, settings, never)
    labelled = _with_unmeasured(labelled, data, never)
    for notice in labelled.notices:
        listener.notice(notice)
    description = _describe(source, settings, labelled)
    if run.settings.exists():
        check_same(run, "data", description["data"])
    texts = _texts(source, labelled, data, others)
    run.write_json(run.settings, description)
    _write_split(run, labelled, data)
    listener.data_ready(len(data.training), len(data.validation), len(labelled.labels), len(scored))
    return Prepared(labelled, data, never, scored, texts)


def check_same(run: RunFolder, part: str, now: dict[str, Any]) -> None:
    """Refuse to resume with other settings or data: the result would belong to neither run."""
    before = run.read_json(run.settings).get(part, {})
    for key, value in now.items():
        old = before.get(key)
        if (tuple(old) if isinstance(old, list) else old) != (
            tuple(value) if isinstance(value, list) else value
        ):
            raise UsageError(
                f"{run.folder} was started with a different {key} ({_short(old)}, now "
                f"{_short(value)}): use the same options, or another folder."
            )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _decoded(
    labelled: LabelledSet, settings: TrainSettings, cache: Path, listener: DataListener
) -> tuple[Any, LabelledSet]:
    """Decode everything; unreadable images are removed from the set and reported."""
    images, failures = decoded_images(
        labelled.files, settings.height, settings.width, cache, listener.images_decoded
    )
    if not failures:
        return images, labelled
    keep = [i for i in range(len(labelled.ids)) if i not in failures]
    if not keep:
        raise DataError("None of the labelled images can be read.")
    names = tuple(f"{labelled.files[i]} ({reason})" for i, reason in sorted(failures.items()))
    return _Rows(images, np.array(keep)), labelled.take(
        keep, Notice("image", "skipped (unreadable)", names)
    )


class _Rows:
    """Some rows of a memory-mapped array, indexed as if the others did not exist."""

    def __init__(self, array: Any, rows: Any) -> None:
        self._array = array
        self._rows = rows

    def __getitem__(self, index: Any) -> Any:
        return self._array[self._rows[index]]


def _describe(source: DataSource, settings: TrainSettings, labelled: LabelledSet) -> dict[str, Any]:
    """Return everything needed to reproduce the run."""
    packages = ("keras", "tensorflow", "numpy", "pillow", "scikit-learn")
    return {
        "settings": asdict(settings),
        "data": {
            "images": str(source.images.absolute()),
            "table": str(source.table.absolute()),
            "id_column": source.id_column,
            "tags_column": source.tags_column,
            "separator": source.separator,
            "text": source.text.to_dict() if source.text else None,
            "labels": list(labelled.labels),
            "image_count": len(labelled.ids),
        },
        "software": {
            "poster-tagger": __version__,
            "python": platform.python_version(),
            **{package: version(package) for package in packages},
        },
        "notices": [str(notice) for notice in labelled.notices],
    }


def _never(labels: Sequence[str], wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    if wanted is None:
        return tuple(label for label in labels if label.lower() in MISSING_LABELS)
    for label in wanted:
        if label not in labels:
            raise UsageError(f"Unknown label {label!r}; the labels are {', '.join(labels)}.")
    return wanted


def _split(
    labelled: LabelledSet, images: Any, settings: TrainSettings, never: tuple[str, ...]
) -> tuple[FitData, tuple[str, ...]]:
    mask = validation_mask(labelled.ids, settings.validation_share)
    if mask.all() or (settings.validation_share > 0 and not mask.any()):
        raise DataError(
            f"Too few labelled images ({len(mask)}) to split into training and validation."
        )
    scored = scored_labels(labelled.labels, labelled.targets.sum(axis=0), never)
    # A small set has no label with enough positives to measure well; a rough metric is better than
    # none.
    scored = scored or tuple(label for label in labelled.labels if label not in never)
    data = FitData(
        images=images,
        targets=labelled.targets,
        taught=labelled.targets.astype(np.float32),
        training=np.flatnonzero(~mask),
        validation=np.flatnonzero(mask),
        scored=np.array([label in scored for label in labelled.labels], dtype=np.bool_),
    )
    return data, scored


def _with_unmeasured(labelled: LabelledSet, data: FitData, never: Sequence[str]) -> LabelledSet:
    """Return the set with a notice of the labels that no held-out image has, if there are any."""
    held_out = labelled.targets[data.validation].sum(axis=0)
    names = tuple(
        label
        for label, count in zip(labelled.labels, held_out, strict=True)
        if not count and label not in never
    )
    if not names or not len(data.validation):
        return labelled
    notice = Notice("label", "not measured (no held-out image has it)", names)
    return replace(labelled, notices=(*labelled.notices, notice))


def _texts(
    source: DataSource, labelled: LabelledSet, data: FitData, others: Sequence[LabelledTexts]
) -> RunTexts | None:
    """Return the texts of the images, if they were asked for, and of other tables.

    Raises:
        DataError: no image for training, or for validation, has a text.
    """
    if source.text is None or labelled.texts is None:
        return None
    known = [one if one.words or one.year else None for one in labelled.texts]
    for rows, purpose in ((data.training, "training"), (data.validation, "validation")):
        if len(rows) and not any(known[row] for row in rows):
            raise DataError(
                f"{source.table} has no text in the column {source.text.column!r} for any image "
                f"for {purpose}."
            )
    takes = replace(TEXT_INPUT, year=source.text.year_column is not None)
    return RunTexts({source.text.column: known}, others, takes)


def _write_split(run: RunFolder, labelled: LabelledSet, data: FitData) -> None:
    validation = set(data.validation.tolist())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", "split"))
    # A run on all images compares precisions on those that would have been used for validation.
    compared = validation_mask(labelled.ids, _COMPARED_SHARE)
    for i, image_id in enumerate(labelled.ids):
        part = "validation" if i in validation else "training"
        if not validation and compared[i]:
            part = "both"
        writer.writerow((image_id, part))
    run.write(run.split, lambda beside: beside.write_text(text.getvalue(), encoding="utf-8"))
