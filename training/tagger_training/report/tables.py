"""A run's tables: its epochs, and its probabilities for held-out images."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from tagger.text import TAG_SEPARATOR
from tagger_training.history import Epoch, TrainingState
from tagger_training.report.data import Array, Validation
from tagger_training.run_folder import RunFolder


def write_history(run: RunFolder, state: TrainingState) -> None:
    """Write ``history.csv``: one row per epoch."""
    rows = (
        [round(value, 6) if isinstance(value, float) else value for value in asdict(epoch).values()]
        for epoch in state.epochs
    )
    _write_table(run, run.history, [item.name for item in fields(Epoch)], rows)


def write_validation(run: RunFolder, validation: Validation) -> None:
    """Write ``validation.csv``: one row per held-out image.

    The columns are ``id``, each label's probability, ``tags`` (most probable first) and
    ``true_tags``, so that errors can be sorted and examined.
    """
    rows = (
        [
            image_id,
            *(f"{score:.4f}" for score in scores),
            _joined(validation.labels, emitted, by=scores),
            _joined(validation.labels, truth, by=scores),
        ]
        for image_id, scores, emitted, truth in zip(
            validation.ids, validation.scores, validation.emitted, validation.truth, strict=True
        )
    )
    header = ("id", *validation.labels, "tags", "true_tags")
    _write_table(run, run.validation, header, rows)


def _joined(labels: Sequence[str], marked: Array, by: Array) -> str:
    order = np.argsort(-by, kind="stable")
    return TAG_SEPARATOR.join(labels[place] for place in order if marked[place])


def _write_table(
    run: RunFolder, file: Path, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    run.write(file, lambda beside: beside.write_text(text.getvalue(), encoding="utf-8"))
