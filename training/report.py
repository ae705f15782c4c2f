"""What a run leaves for people: history as a table, curves and per-label figures as pictures."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from training.fit import Epoch, TrainingState
from training.metrics import Evaluation
from training.run_folder import RunFolder

_MODEL_COLOUR = "#2f6db5"
_BASELINE_COLOUR = "#c9ced6"
_SECOND_COLOUR = "#d1762b"


def write_history(run: RunFolder, state: TrainingState) -> None:
    """Write ``history.csv``: a row an epoch."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [item.name for item in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    for epoch in state.epochs:
        writer.writerow(
            {
                key: round(value, 6) if isinstance(value, float) else value
                for key, value in asdict(epoch).items()
            }
        )
    run.write(run.history, lambda beside: beside.write_text(text.getvalue(), encoding="utf-8"))


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
    _save(run, run.curves, figure)


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
    )
    axes.set(xlabel="average precision on validation (images with the label; * too rare to score)")
    axes.margins(y=0.01)
    axes.legend(frameon=False, loc="lower right")
    _save(run, run.per_label, figure)


def _figure(rows: int, columns: int, *, width: float, height: float) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")  # no display is needed, and none may be there
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, columns, figsize=(width, height), layout="constrained")
    for each in [axes] if rows == columns == 1 else axes.flat:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(run: RunFolder, file: Path, figure: Any) -> None:
    from matplotlib import pyplot

    run.write(file, lambda beside: figure.savefig(beside, dpi=120))
    pyplot.close(figure)
