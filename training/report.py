"""What a run leaves for people: tables of its epochs and of its validation, and two pictures.

The page that shows everything at a glance is made by :mod:`training.report_page`.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from tagger.card import TAG_SEPARATOR
from training.history import Epoch, TrainingState
from training.metrics import Evaluation
from training.run_folder import RunFolder

_MODEL_COLOUR = "#2f6db5"
_BASELINE_COLOUR = "#c9ced6"
_SECOND_COLOUR = "#d1762b"

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Validation:
    """What the model says of the images that it was not trained on.

    Attributes:
        ids: the labelled table's id of each image.
        labels: label names, in the order of the columns.
        truth: 0/1, shape ``(images, labels)``.
        scores: probabilities, the same shape; calibrated by what other images taught.
        emitted: 0/1, the same shape: which labels became tags, by the same rule.
    """

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    truth: Array
    scores: Array
    emitted: Array


def write_history(run: RunFolder, state: TrainingState) -> None:
    """Write ``history.csv``: a row an epoch."""
    rows = (
        [round(value, 6) if isinstance(value, float) else value for value in asdict(epoch).values()]
        for epoch in state.epochs
    )
    _write_table(run, run.history, [item.name for item in fields(Epoch)], rows)


def write_validation(run: RunFolder, validation: Validation) -> None:
    """Write ``validation.csv``: a row a held-out image.

    The columns are ``id``, each label's probability, ``tags`` (most probable first) and
    ``true_tags``, so that mistakes can be sorted and looked at.
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


def draw_learning_curves(run: RunFolder, state: TrainingState) -> None:
    """Draw ``learning_curves.png``: losses on the left, validation macro-AP on the right."""
    figure, (losses, quality) = _figure(1, 2, width=10, height=4)
    numbers = [epoch.number for epoch in state.epochs]
    losses.plot(
        numbers, [epoch.loss for epoch in state.epochs],
        label="training loss", color=_SECOND_COLOUR,
    )  # fmt: skip
    losses.plot(
        numbers, [epoch.validation_log_loss for epoch in state.epochs],
        label="validation log-loss", color=_MODEL_COLOUR,
    )  # fmt: skip
    losses.set(xlabel="epoch", ylabel="binary cross-entropy (nats)")
    losses.legend(frameon=False)
    quality.plot(
        numbers, [epoch.validation_macro_ap for epoch in state.epochs], color=_MODEL_COLOUR
    )
    if state.best:
        quality.plot(state.best.number, state.best.validation_macro_ap, "o", color=_MODEL_COLOUR)
        quality.set_title(
            f"kept: epoch {state.best.number}, {state.best.validation_macro_ap:.3f}", fontsize=10
        )
    quality.set(xlabel="epoch", ylabel="validation macro-AP")
    run.write(run.curves, lambda beside: figure.savefig(beside, dpi=120))


def draw_per_label(run: RunFolder, evaluation: Evaluation) -> None:
    """Draw ``per_label.png``: average precision of each label over its frequency."""
    labels = sorted(
        (item for item in evaluation.labels if not math.isnan(item.average_precision)),
        key=lambda item: item.average_precision,
    )
    figure, axes = _figure(1, 1, width=8, height=1.2 + 0.26 * len(labels))
    places = range(len(labels))
    axes.barh(
        places, [item.average_precision for item in labels], color=_MODEL_COLOUR, label="model"
    )
    axes.barh(
        places, [item.baseline_average_precision for item in labels],
        color=_BASELINE_COLOUR, height=0.4, label="label frequency alone",
    )  # fmt: skip
    axes.set_yticks(
        places,
        [f"{item.label}{'' if item.scored else ' *'} ({item.positives})" for item in labels],
        parse_math=False,
    )
    axes.set(xlabel="average precision on validation (images with the label; * too rare to score)")
    axes.margins(y=0.01)
    axes.legend(frameon=False, loc="lower right")
    run.write(run.per_label, lambda beside: figure.savefig(beside, dpi=120))


def _figure(rows: int, columns: int, *, width: float, height: float) -> tuple[Any, Any]:
    # A Figure by itself, without pyplot, asks for no display.
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns)
    for each in [axes] if rows == columns == 1 else axes.flat:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes
