"""The charts of the report page, each an ``<svg>`` element; pure.

Widths are those of a phone, so that text stays readable there; wide screens put charts side by
side or enlarge them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from training.history import TrainingState
from training.metrics import CalibrationBins, LabelQuality
from training.report_svg import FAINT, INK, LINE, MODEL, MUTED, PAPER, SECOND, draw_svg

Array = npt.NDArray[Any]

_WIDTH = 430
# Longer names are cut in charts; the tables of the page spell them.
_LONGEST_NAME = 24


def losses(state: TrainingState) -> str:
    """Training loss and validation log-loss over the epochs."""

    def draw(figure: Any) -> None:
        axes = _epoch_axes(figure, state, "cross-entropy (nats)")
        numbers = [epoch.number for epoch in state.epochs]
        mark = "." if len(numbers) < 4 else ""
        training = [epoch.loss for epoch in state.epochs]
        axes.plot(numbers, training, f"--{mark}", color=SECOND, label="training loss")
        validation = [epoch.validation_log_loss for epoch in state.epochs]
        axes.plot(numbers, validation, f"-{mark}", color=MODEL, label="validation log-loss")
        _mark_kept(axes, state)
        axes.legend()

    return draw_svg(draw, "losses", _WIDTH, 290, "Training loss and validation log-loss by epoch")


def macro_ap(state: TrainingState, baseline: float) -> str:
    """Validation macro-AP over the epochs, above what label frequencies reach."""

    def draw(figure: Any) -> None:
        axes = _epoch_axes(figure, state, "validation macro-AP")
        numbers = [epoch.number for epoch in state.epochs]
        mark = "." if len(numbers) < 4 else ""
        values = [epoch.validation_macro_ap for epoch in state.epochs]
        axes.plot(numbers, values, f"-{mark}", color=MODEL)
        if not math.isnan(baseline):
            axes.axhline(baseline, color=MUTED, linestyle=":", label="label frequencies")
            axes.legend()
        _mark_kept(axes, state)
        if state.best:
            axes.plot(state.best.number, state.best.validation_macro_ap, "o", color=MODEL)

    return draw_svg(draw, "macro-ap", _WIDTH, 290, "Validation macro-AP by epoch")


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
            f"{_short(item.label)}{'' if item.scored else ' *'} ({item.positives:,})"
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


def precision_recall(
    key: str, name: str, truth: Array, scores: Array, threshold: float | None
) -> str:
    """One label's precision over recall, its frequency, and where its threshold lies.

    Args:
        key: what the element's ids begin with.
        name: the label.
        truth: 0/1, shape ``(images,)``, with at least one 1.
        scores: probabilities, the same shape.
        threshold: the probability from which the label is a tag; None where it never is one.
    """
    recall, precision = _precision_recall_points(truth, scores)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.axhline(truth.mean(), color=MUTED, linestyle=":", linewidth=1.2)
        axes.step(recall, precision, where="pre", color=MODEL, linewidth=1.6)
        above = scores >= (math.inf if threshold is None else threshold)
        if above.any():
            hits = truth[above].sum()
            axes.plot(
                hits / truth.sum(), hits / above.sum(), "D", color=SECOND, markersize=7,
                markeredgecolor=PAPER, clip_on=False, zorder=5,
            )  # fmt: skip
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
        axes.set_yticks((0, 0.5, 1), ("0", "0.5", "1"))
        axes.grid(color=LINE, linewidth=0.7)

    return draw_svg(draw, key, 200, 160, f"Precision over recall of {name}")


def _precision_recall_points(truth: Array, scores: Array) -> tuple[Array, Array]:
    """Points of the curve, at most a few hundred: no screen shows more."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order], dtype=np.int64)
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # equal scores share a point
    recall, precision = hits[last] / hits[-1], hits[last] / (last + 1)
    kept = np.unique(np.linspace(0, len(last) - 1, 400).round().astype(np.int64))
    if len(last) > len(kept):  # the steep beginning is kept whole
        kept = np.union1d(kept, np.arange(50))
    return np.append(0.0, recall[kept]), np.append(precision[0], precision[kept])


def reliability(bins: CalibrationBins) -> str:
    """How often labels are true over how probable they were said to be, with counts below."""
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


def confusion(names: Sequence[str], counts: Sequence[int], shares: Array) -> str:
    """Heat map of how often images with a label (row) got each tag (column).

    Args:
        names: the labels of rows and columns.
        counts: how many images have each.
        shares: shape ``(labels, labels)``; a row of NaN where no image has the label.
    """
    cell = 27
    side = cell * len(names)
    margin = 24 + 7 * max(min(len(name), _LONGEST_NAME) + 4 for name in names)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        rows, columns = np.nonzero(~np.isnan(shares))
        axes.add_collection(
            PatchCollection(
                [
                    Rectangle((x - 0.48, y - 0.48), 0.96, 0.96)
                    for y, x in zip(rows, columns, strict=True)
                ],
                facecolor=[to_rgba(MODEL, 0.04 + 0.96 * s) for s in shares[rows, columns]],
                edgecolor="none",
            )
        )
        for y, x in zip(rows, columns, strict=True):
            if shares[y, x] >= 0.005:
                axes.text(
                    x, y, f"{100 * shares[y, x]:.0f}", ha="center", va="center_baseline",
                    fontsize=9, color=PAPER if shares[y, x] > 0.55 else INK,
                )  # fmt: skip
        short = [_short(name) for name in names]
        axes.set_xticks(range(len(names)), short, rotation=90, color=INK, fontsize=10)
        rows_of = [f"{name} ({count:,})" for name, count in zip(short, counts, strict=True)]
        axes.set_yticks(range(len(names)), rows_of, color=INK, fontsize=10)
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xlabel("emitted tag →", loc="left")
        axes.set_ylabel("← true label", loc="top")
        axes.set_aspect("equal")
        axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    size = side + margin
    description = "How often images with a true label got each tag, in percent"
    return draw_svg(draw, "confusion", size, size, description)


def emitted_shares(truth: Array, emitted: Array) -> Array:
    """Share of the images with each label (row) that got each tag (column); NaN without any.

    Args:
        truth: 0/1, shape ``(images, labels)``.
        emitted: 0/1, the same shape.
    """
    together = truth.T.astype(np.float64) @ emitted.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(together / truth.sum(axis=0)[:, np.newaxis])


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
