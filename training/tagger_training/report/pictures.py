"""A run's charts as picture files, to paste elsewhere."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.figure import Figure

from tagger_training.history import TrainingState
from tagger_training.metrics import Evaluation
from tagger_training.run_folder import RunFolder

_MODEL_COLOUR = "#2f6db5"
_BASELINE_COLOUR = "#c9ced6"
_SECOND_COLOUR = "#d1762b"


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
    # A Figure without pyplot needs no display.
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns)
    for each in [axes] if rows == columns == 1 else axes.flat:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes
