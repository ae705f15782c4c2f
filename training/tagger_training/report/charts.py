"""The charts of the report page, each an ``<svg>`` element; pure functions.

Widths are those of a phone, so that text stays readable there; wide screens place charts side by
side or enlarge them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.ticker import MaxNLocator

from tagger_training.history import TrainingState
from tagger_training.metrics import CalibrationBins, LabelQuality
from tagger_training.report.svg import FAINT, INK, LINE, MODEL, MUTED, PAPER, SECOND, draw_svg

_WIDTH = 430
#: Longer names are truncated in charts; the page's tables have them in full.
LONGEST_NAME = 24


def losses(state: TrainingState) -> str:
    """Training loss and validation log-loss over the epochs."""

    def draw(figure: Any) -> None:
        axes = _epoch_axes(figure, state, "cross-entropy (nats)")
        numbers, mark = _numbers_and_mark(state)
        training = [epoch.loss for epoch in state.epochs]
        axes.plot(
            numbers, training, linestyle="--", marker=mark, color=SECOND, label="training loss"
        )
        validation = [epoch.validation_log_loss for epoch in state.epochs]
        axes.plot(numbers, validation, marker=mark, color=MODEL, label="validation log-loss")
        _mark_kept(axes, state)
        axes.legend()

    return draw_svg(draw, "losses", _WIDTH, 290, "Training loss and validation log-loss by epoch")


def macro_ap(state: TrainingState, baseline: float) -> str:
    """Validation macro-AP over the epochs, compared with label frequencies."""

    def draw(figure: Any) -> None:
        axes = _epoch_axes(figure, state, "validation macro-AP")
        numbers, mark = _numbers_and_mark(state)
        values = [epoch.validation_macro_ap for epoch in state.epochs]
        axes.plot(numbers, values, marker=mark, color=MODEL)
        if not math.isnan(baseline):
            axes.axhline(baseline, color=MUTED, linestyle=":", label="label frequencies")
            axes.legend()
        _mark_kept(axes, state)
        if state.best:
            axes.plot(state.best.number, state.best.validation_macro_ap, "o", color=MODEL)

    return draw_svg(draw, "macro-ap", _WIDTH, 290, "Validation macro-AP by epoch")


def _numbers_and_mark(state: TrainingState) -> tuple[list[int], str]:
    """Return the epochs' numbers, and a marker if a line alone would show little."""
    return [epoch.number for epoch in state.epochs], "o" if len(state.epochs) < 4 else ""


def _epoch_axes(figure: Any, state: TrainingState, measure: str) -> Any:
    axes = figure.subplots()
    axes.set(xlabel="epoch", ylabel=measure)
    axes.set_xlim(0.5, max(len(state.epochs), 1) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    return axes


def _mark_kept(axes: Any, state: TrainingState) -> None:
    if state.best:
        axes.axvline(state.best.number, color=FAINT, linewidth=1, zorder=0)
        axes.set_title(f"kept: epoch {state.best.number}", fontsize=10, color=MUTED)


def label_bars(labels: Sequence[LabelQuality]) -> str:
    """Average precision of each label as a bar, its frequency as a tick across it."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        places = np.arange(len(labels))[::-1]
        values = [item.average_precision for item in labels]
        colours = [to_rgba(MODEL, 1 if item.scored else 0.4) for item in labels]
        bars = axes.barh(places, values, height=0.7, color=colours)
        rates = [item.baseline_average_precision for item in labels]
        axes.plot(rates, places, "|", color=PAPER, markersize=14, markeredgewidth=6)
        ticks = axes.plot(rates, places, "|", color=SECOND, markersize=14, markeredgewidth=2.5)
        for place, value, rate in zip(places, values, rates, strict=True):
            axes.annotate(
                f"{value:.2f}", (max(value, rate), place), (6, 0), textcoords="offset points",
                va="center", fontsize=9, color=MUTED,
            )  # fmt: skip
        names = [
            f"{short_name(item.label)}{'' if item.scored else ' *'} ({item.positives:,})"
            for item in labels
        ]
        axes.set_yticks(places, names, color=INK, fontsize=10)
        axes.tick_params(axis="y", length=0)
        axes.set(xlim=(0, 1.08), ylim=(-0.7, len(labels) - 0.3))
        axes.set_xticks(np.linspace(0, 1, 6))
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=LINE, linewidth=0.7)
        axes.set_axisbelow(True)
        figure.legend(
            [bars[0], ticks[0]], ["average precision", "label frequency"],
            loc="outside upper left", ncols=2, fontsize=10,
        )  # fmt: skip

    description = "Average precision and frequency of each label"
    return draw_svg(draw, "labels", 480, 70 + 20 * len(labels), description)


def reliability(bins: CalibrationBins) -> str:
    """Observed frequency of labels over their predicted probability, with counts below."""
    filled = bins.counts > 0
    counts = bins.counts[filled]
    predicted, true = bins.predicted[filled] / counts, bins.true[filled] / counts
    edges = np.linspace(0, 1, len(bins.counts) + 1)

    def draw(figure: Any) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot((0, 1), (0, 1), color=MUTED, linestyle=":", label="perfectly calibrated")
        above.plot(predicted, true, "o-", color=MODEL, markersize=5, label="model")
        above.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share that is true")
        above.legend(loc="upper left")
        below.bar(
            edges[:-1][filled], counts, width=edges[1] * 0.92, align="edge", color=FAINT,
            bottom=0.5,
        )  # fmt: skip
        below.set_yscale("log")
        below.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        below.set(xlabel="predicted probability", ylabel="count", ylim=(0.5, None))
        below.minorticks_off()
        for axes in (above, below):
            axes.grid(axis="y", color=LINE, linewidth=0.7)
            axes.set_axisbelow(True)

    return draw_svg(draw, "reliability", _WIDTH, 400, "Reliability diagram of all labels pooled")


def short_name(name: str) -> str:
    """Return a label's name, truncated for charts."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
