"""The tables of the report page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from html import escape

import numpy as np

from tagger.network.card import ModelCard
from tagger_training.metrics import LabelQuality, Quality
from tagger_training.report.data import RunReport

# Metric → name, meaning, decimals, whether higher is better.
_FIGURES: Mapping[str, tuple[str, str, int, bool]] = {
    "macro_ap": ("Macro average precision", "unweighted mean over the scored labels", 3, True),
    "micro_ap": ("Micro average precision", "all decisions pooled", 3, True),
    "macro_roc_auc": ("Macro ROC-AUC", "0.5 is chance", 3, True),
    "top1": ("First label correct", "share of images with a correct most probable label", 3, True),
    "micro_f1": ("Micro F1", "of the emitted tags, pooled", 3, True),
    "macro_f1": ("Macro F1", "of the emitted tags, mean over labels", 3, True),
    "sample_f1": ("Sample F1", "of the emitted tags, mean over images", 3, True),
    "log_loss": ("Log-loss", "nats per decision, all labels; lower is better", 4, False),
    "calibration_error": (
        "Calibration error", "expected, 15 bins, all labels; lower is better", 4, False,
    ),
}  # fmt: skip


def figure_table(report: RunReport) -> str:
    """Return all metrics next to those of the baseline."""
    evaluation = report.evaluation
    body = "\n".join(_figure_row(key, evaluation.model, evaluation.baseline) for key in _FIGURES)
    return (
        '<div class="scroll figures"><table>\n<thead><tr><th>metric</th><th>model</th>'
        "<th>label<br>frequencies</th><th>difference</th></tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>\n"
        '<p class="note">Bold: the better of the two. <i>Label frequencies</i> gives every image '
        "the same probabilities and tags, which makes it well calibrated but unable to distinguish "
        "images. Calibration and thresholds were learned on other images than they are measured "
        "on, but the kept epoch was chosen on these images: expect slightly lower values on new "
        "ones.</p>"
    )


def text_table(report: RunReport) -> str:
    """Return the metrics of the picture alone next to those with each kind of text."""
    measured = [report.evaluation, *report.with_text.values()]
    heads = "".join(f"<th>with {escape(kind)}</th>" for kind in report.with_text)
    body = "\n".join(
        f"<tr><td>{name}<small>{meaning}</small></td>"
        + "".join(_cell(_number(getattr(one.model, key), decimals)) for one in measured)
        + "</tr>"
        for key, (name, meaning, decimals, _) in _FIGURES.items()
    )
    return (
        '<div class="scroll figures"><table>\n<thead><tr><th>metric</th><th>picture<br>alone</th>'
        f"{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>\n"
        '<p class="note">The same held-out images; those without a text have the scores of their '
        "pictures. Nothing was learned from their texts but how much a text counts, and that was "
        "learned on other images than it is measured on.</p>"
    )


def _figure_row(key: str, model: Quality, baseline: Quality) -> str:
    name, meaning, decimals, more_is_better = _FIGURES[key]
    ours, theirs = getattr(model, key), getattr(baseline, key)
    ahead = ours - theirs if more_is_better else theirs - ours
    # 'z' avoids a negative zero.
    difference = "–" if math.isnan(ours - theirs) else f"{ours - theirs:+z.{decimals}f}"
    return (
        f"<tr><td>{name}<small>{meaning}</small></td>"
        f"{_cell(_number(ours, decimals), 'best' if ahead > 0 else '')}"
        f"{_cell(_number(theirs, decimals), 'best' if ahead < 0 else '')}"
        f"{_cell(difference.replace('-', '−'))}</tr>"
    )


def label_table(report: RunReport) -> str:
    """Return every label's metrics, most frequent first."""
    rows = "\n".join(
        _label_row(report, item)
        for item in most_frequent(report.evaluation.labels, len(report.evaluation.labels))
    )
    return (
        '<div class="scroll labels"><table>\n<thead><tr><th>label</th><th>images</th><th>AP</th>'
        "<th>fre&shy;quency</th><th>ROC-AUC</th><th>F1</th><th>thres&shy;hold</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
        '<p class="note">Images: held-out ones with the label. AP: average precision. '
        "* excluded from macro averages.</p>"
    )


def _label_row(report: RunReport, item: LabelQuality) -> str:
    threshold = threshold_of(report.card, item.label)
    cells = (
        f"{item.positives:,}",
        _number(item.average_precision, 3),
        _number(item.positives / max(report.evaluation.images, 1), 3),
        _number(item.roc_auc, 3),
        _number(item.f1, 3),
        "never" if threshold is None else threshold_text(threshold),
    )
    start = "<tr>" if item.scored else '<tr class="aside">'
    star = "" if item.scored else " *"
    return f"{start}<td>{escape(item.label)}{star}</td>{''.join(map(_cell, cells))}</tr>"


def most_frequent(labels: Iterable[LabelQuality], count: int) -> list[LabelQuality]:
    """Return the labels with the most held-out images; ties keep their order."""
    return sorted(labels, key=lambda item: -item.positives)[:count]


def threshold_of(card: ModelCard, label: str) -> float | None:
    """Return the probability from which a label is a tag; None if it never is one."""
    return None if label in card.never else card.thresholds[card.labels.index(label)]


def _cell(text: str, kind: str = "") -> str:
    return f'<td class="{kind}">{text}</td>' if kind else f"<td>{text}</td>"


def _number(value: float, decimals: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{decimals}f}"


def threshold_text(threshold: float) -> str:
    """Return a threshold as it was chosen, with at least two decimals."""
    text = np.format_float_positional(threshold, trim="-", precision=4)
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<2}"
