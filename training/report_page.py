"""``report.html``: one page that shows a training run and needs nothing beside itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from tagger.card import ModelCard
from training import report_charts as charts
from training.history import TrainingState
from training.metrics import Evaluation, LabelQuality, Quality, calibration_bins
from training.report import Validation
from training.report_settings import settings_section
from training.run_folder import RunFolder

# Beyond these numbers of labels a chart shows the most frequent ones; the table shows all.
_MOST_BARS = 60
_MOST_CURVES = 12
_MOST_CONFUSED = 40

# No address is allowed by the page itself: whatever a label may hold, nothing is ever loaded.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{header}
<main>
{sections}
</main>
</body>
</html>
"""

# Figure → name, what it means, decimals, whether more is better.
_FIGURES: Mapping[str, tuple[str, str, int, bool]] = {
    "macro_ap": ("Macro average precision", "mean over the scored labels, each alike", 3, True),
    "micro_ap": ("Micro average precision", "all decisions pooled", 3, True),
    "macro_roc_auc": ("Macro ROC-AUC", "0.5 is chance", 3, True),
    "top1": ("First label true", "share of images whose likeliest label is true", 3, True),
    "micro_f1": ("Micro F1", "of the emitted tags, pooled", 3, True),
    "macro_f1": ("Macro F1", "of the emitted tags, mean over labels", 3, True),
    "sample_f1": ("Sample F1", "of the emitted tags, mean over images", 3, True),
    "log_loss": ("Log-loss", "nats a decision, all labels; lower is better", 4, False),
    "calibration_error": (
        "Calibration error", "expected, 15 bins, all labels; lower is better", 4, False,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class RunReport:
    """Everything that the page shows.

    Attributes:
        description: what ``run.json`` holds: settings, data, software, notices.
        card: the model's card.
        weights: how many the network has.
        state: the epochs.
        evaluation: the figures.
        validation: what they are figures of.
    """

    description: Mapping[str, Any]
    card: ModelCard
    weights: int
    state: TrainingState
    evaluation: Evaluation
    validation: Validation


def write_page(run: RunFolder, report: RunReport) -> None:
    """Write ``report.html``."""
    page = render_page(report)
    run.write(run.page, lambda beside: beside.write_text(page, encoding="utf-8"))


def render_page(report: RunReport) -> str:
    """Return the page as HTML."""
    sections = (
        ("figures", "All figures", _figures(report)),
        ("learning", "Learning curves", _learning(report)),
        ("labels", "Average precision by label", _bars(report)),
        ("curves", "Precision and recall", _curves(report)),
        ("calibration", "Calibration", _calibration(report)),
        ("confusion", "What is tagged instead", _confusion(report)),
        ("table", "Every label", _label_table(report)),
        ("settings", "Settings and data", settings_section(report.description)),
    )
    links = " ".join(f'<a href="#{key}">{escape(title)}</a>' for key, title, _ in sections)
    return _PAGE.format(
        title=escape(f"{report.card.name}: training report"),
        style=Path(__file__).with_name("report.css").read_text(encoding="utf-8"),
        header=_header(report, links),
        sections="\n".join(
            f'<section id="{key}">\n<h2>{escape(title)}</h2>\n{content}\n</section>'
            for key, title, content in sections
        ),
    )


def _header(report: RunReport, links: str) -> str:
    card, origin = report.card, report.card.provenance
    kept = report.state.best
    minutes = sum(epoch.seconds for epoch in report.state.epochs) / 60
    facts = (
        f"network {origin.get('architecture', 'unknown')}",
        f"{report.weights:,} weights",
        f"input {card.height} × {card.width} pixels",
        f"{len(card.labels)} labels, {report.evaluation.scored_labels} scored",
        f"{origin.get('trained_images', 0):,} training and {report.evaluation.images:,} "
        "held-out images",
        f"kept epoch {kept.number if kept else '–'} of {len(report.state.epochs)}",
        f"{minutes / 60:.1f} hours" if minutes >= 90 else f"{minutes:.0f} minutes",
    )
    return (
        f"<header>\n<h1>{escape(card.name)}</h1>\n"
        f'<p class="date">Training report, {escape(str(origin.get("date", card.version)))}</p>\n'
        f'<p class="verdict">{escape(_verdict(report.evaluation))}</p>\n'
        f'<p class="facts">{escape(" · ".join(facts))}</p>\n<nav>{links}</nav>\n</header>'
    )


def _verdict(evaluation: Evaluation) -> str:
    model, baseline = evaluation.model, evaluation.baseline
    if math.isnan(model.macro_ap):
        return "The held-out images have too few labels to measure this model."
    return (
        f"On {evaluation.images:,} held-out images the model reaches a macro average precision of "
        f"{model.macro_ap:.3f}, against {baseline.macro_ap:.3f} by label frequencies alone; its "
        f"first label is true for {100 * model.top1:.1f} % of images, against "
        f"{100 * baseline.top1:.1f} %."
    )


def _figures(report: RunReport) -> str:
    evaluation = report.evaluation
    body = "\n".join(_figure_row(key, evaluation.model, evaluation.baseline) for key in _FIGURES)
    return (
        '<div class="scroll figures"><table>\n<thead><tr><th>figure</th><th>model</th>'
        "<th>label<br>frequencies</th><th>difference</th></tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>\n"
        '<p class="note">Bold: the better of the two. <i>Label frequencies</i> gives every image '
        "the same probabilities and tags; what never varies is well calibrated and tells nothing "
        "apart. Calibration and thresholds were learned on other images than each is measured on, "
        "but the kept epoch was chosen by these images: expect a little less on new ones.</p>"
    )


def _figure_row(key: str, model: Quality, baseline: Quality) -> str:
    name, meaning, decimals, more_is_better = _FIGURES[key]
    ours, theirs = getattr(model, key), getattr(baseline, key)
    ahead = ours - theirs if more_is_better else theirs - ours
    difference = "–" if math.isnan(ours - theirs) else f"{ours - theirs:+.{decimals}f}"
    return (
        f"<tr><td>{name}<small>{meaning}</small></td>"
        f"{_cell(_number(ours, decimals), 'best' if ahead > 0 else '')}"
        f"{_cell(_number(theirs, decimals), 'best' if ahead < 0 else '')}"
        f"{_cell(difference.replace('-', '−'))}</tr>"
    )


def _learning(report: RunReport) -> str:
    return (
        '<div class="pair">\n'
        f"<figure>{charts.losses(report.state)}</figure>\n"
        f"<figure>{charts.macro_ap(report.state, report.evaluation.baseline.macro_ap)}</figure>\n"
        "</div>"
    )


def _bars(report: RunReport) -> str:
    measured = [item for item in report.evaluation.labels if not math.isnan(item.average_precision)]
    if not measured:
        return _nothing("No held-out image has a label.")
    shown = _most_frequent(measured, _MOST_BARS)
    ordered = sorted(shown, key=lambda item: -item.average_precision)
    return (
        f'<div class="beside">\n<figure>{charts.label_bars(ordered)}</figure>\n<div class="words">'
        "<p>A model that knows nothing reaches a label's frequency (the upright tick); the bar's "
        "lead over it is what was learned. In parentheses: held-out images with the label. "
        "A star and a paler bar: too rare, or no tag at all, and left out of macro averages.</p>"
        f"{_left_out(len(shown), len(measured))}</div>\n</div>"
    )


def _curves(report: RunReport) -> str:
    scored = [item for item in report.evaluation.labels if item.scored and item.positives]
    if not scored:
        return _nothing("No held-out image has a scored label.")
    shown = _most_frequent(scored, _MOST_CURVES)
    figures = "\n".join(_curve(report, item) for item in shown)
    return (
        '<p class="keys note"><span class="key line">precision (up) over recall (right)</span>'
        '<span class="key dots">label frequency</span>'
        '<span class="key diamond">the chosen threshold</span></p>\n'
        f'<div class="small">\n{figures}\n</div>\n{_left_out(len(shown), len(scored))}'
    )


def _curve(report: RunReport, item: LabelQuality) -> str:
    place = report.validation.labels.index(item.label)
    threshold = _threshold(report.card, item.label)
    drawing = charts.precision_recall(
        f"curve{place}",
        item.label,
        report.validation.truth[:, place],
        report.validation.scores[:, place],
        threshold,
    )
    rule = "never a tag" if threshold is None else f"tag from {_decimals(threshold)}"
    return (
        f"<figure><figcaption><b>{escape(item.label)}</b><br>AP {item.average_precision:.2f}, "
        f"{rule}</figcaption>{drawing}</figure>"
    )


def _calibration(report: RunReport) -> str:
    bins = calibration_bins(report.validation.truth, report.validation.scores)
    error = report.evaluation.model.calibration_error
    return (
        f'<div class="beside">\n<figure>{charts.reliability(bins)}</figure>\n'
        f'<div class="words"><p>Expected calibration error <b>{error:.4f}</b>: so far, on average, '
        "are probabilities from how often they come true. On the dotted line, of the labels given "
        "70 % seven in ten are true. All labels pooled, 15 equal bins; points of few counts are "
        "mostly chance.</p></div>\n</div>"
    )


def _confusion(report: RunReport) -> str:
    scored = [item for item in report.evaluation.labels if item.scored]
    if not scored:
        return _nothing("No label is scored.")
    shown = _most_frequent(scored, _MOST_CONFUSED)
    places = [report.validation.labels.index(item.label) for item in shown]
    shares = charts.emitted_shares(
        report.validation.truth[:, places], report.validation.emitted[:, places]
    )
    names, counts = [item.label for item in shown], [item.positives for item in shown]
    drawing = charts.confusion(names, counts, shares)
    return (
        "<p>Of the held-out images with the row's label, the percentage that got the column's tag. "
        "The diagonal is recall; a row may sum to more than 100, as an image may have several "
        "labels and get several tags. Most frequent labels first, in parentheses their images; an empty row has none.</p>\n"
        f'<figure class="wide scroll" tabindex="0">{drawing}</figure>\n'
        f"{_left_out(len(shown), len(scored))}"
    )


def _label_table(report: RunReport) -> str:
    rows = "\n".join(
        _label_row(report, item)
        for item in _most_frequent(report.evaluation.labels, len(report.evaluation.labels))
    )
    return (
        '<div class="scroll labels"><table>\n<thead><tr><th>label</th><th>images</th><th>AP</th>'
        "<th>frequency</th><th>ROC-AUC</th><th>F1</th><th>threshold</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
        '<p class="note">Images: held-out ones with the label. AP: average precision. '
        "* left out of macro averages.</p>"
    )


def _label_row(report: RunReport, item: LabelQuality) -> str:
    threshold = _threshold(report.card, item.label)
    cells = (
        f"{item.positives:,}",
        _number(item.average_precision, 3),
        _number(item.positives / max(report.evaluation.images, 1), 3),
        _number(item.roc_auc, 3),
        _number(item.f1, 3),
        "never" if threshold is None else _decimals(threshold),
    )
    start = "<tr>" if item.scored else '<tr class="aside">'
    star = "" if item.scored else " *"
    return f"{start}<td>{escape(item.label)}{star}</td>{''.join(map(_cell, cells))}</tr>"


def _most_frequent(labels: Iterable[LabelQuality], count: int) -> list[LabelQuality]:
    return sorted(labels, key=lambda item: -item.positives)[:count]


def _threshold(card: ModelCard, label: str) -> float | None:
    return None if label in card.never else card.thresholds[card.labels.index(label)]


def _left_out(shown: int, there: int) -> str:
    if shown == there:
        return ""
    return f'<p class="note">The {shown} most frequent of {there} labels; the table has all.</p>'


def _nothing(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _cell(text: str, kind: str = "") -> str:
    return f'<td class="{kind}">{text}</td>' if kind else f"<td>{text}</td>"


def _number(value: float, decimals: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{decimals}f}"


def _decimals(threshold: float) -> str:
    """A threshold as it was chosen, two decimals at least."""
    text = np.format_float_positional(threshold, trim="-", precision=4)
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<2}"
