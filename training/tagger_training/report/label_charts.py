"""Charts of the report page about single labels and pairs of labels; pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from tagger_training.report.charts import LONGEST_NAME, short_name
from tagger_training.report.data import Array
from tagger_training.report.svg import HEAT, INK, LINE, MODEL, MUTED, PAPER, SECOND, draw_svg


def precision_recall(
    key: str, name: str, truth: Array, scores: Array, threshold: float | None
) -> str:
    """One label's precision over recall, its frequency, and its threshold.

    Args:
        key: prefix of the element's ids.
        name: the label.
        truth: 0/1, shape ``(images,)``, with at least one 1.
        scores: probabilities, the same shape.
        threshold: the probability from which the label is a tag; None if it never is one.
    """
    recall, precision = precision_recall_points(truth, scores)

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


def precision_recall_points(truth: Array, scores: Array) -> tuple[Array, Array]:
    """Return points of the curve, at most a few hundred: no screen shows more."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order], dtype=np.int64)
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # equal scores share a point
    recall, precision = hits[last] / hits[-1], hits[last] / (last + 1)
    kept = np.unique(np.linspace(0, len(last) - 1, 400).round().astype(np.int64))
    if len(last) > len(kept):  # keep the steep beginning complete
        kept = np.union1d(kept, np.arange(50))
    return np.append(0.0, recall[kept]), np.append(precision[0], precision[kept])


def confusion(names: Sequence[str], counts: Sequence[int], shares: Array) -> str:
    """Heat map of how often images with a label (row) got each tag (column).

    Args:
        names: the labels of rows and columns.
        counts: number of images with each.
        shares: shape ``(labels, labels)``; a row of NaN if no image has the label.
    """
    cell = 27
    side = cell * len(names)
    margin = 24 + 7 * max(min(len(name), LONGEST_NAME) + 4 for name in names)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        rows, columns = np.nonzero(~np.isnan(shares))
        axes.add_collection(
            PatchCollection(
                [
                    Rectangle((x - 0.48, y - 0.48), 0.96, 0.96)
                    for y, x in zip(rows, columns, strict=True)
                ],
                facecolor=[to_rgba(HEAT, 0.04 + 0.96 * s) for s in shares[rows, columns]],
                edgecolor="none",
            )
        )
        for y, x in zip(rows, columns, strict=True):
            if shares[y, x] >= 0.005:
                axes.text(
                    x, y, f"{100 * shares[y, x]:.0f}", ha="center", va="center_baseline",
                    fontsize=9, color=PAPER if shares[y, x] > 0.85 else INK,
                )  # fmt: skip
        short = [short_name(name) for name in names]
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
    """Share of the images with each label (row) that got each tag (column); NaN if there are none.

    Args:
        truth: 0/1, shape ``(images, labels)``.
        emitted: 0/1, the same shape.
    """
    together = truth.T.astype(np.float64) @ emitted.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(together / truth.sum(axis=0)[:, np.newaxis])
