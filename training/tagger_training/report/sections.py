"""The sections of the report page that show charts, with their explanations."""

from __future__ import annotations

import math
from html import escape

from tagger_training.metrics import LabelQuality, calibration_bins
from tagger_training.report import charts, label_charts
from tagger_training.report.data import RunReport
from tagger_training.report.html_tables import most_frequent, threshold_of, threshold_text

# With more labels than this a chart shows only the most frequent ones; the table shows all.
_MOST_BARS = 60
_MOST_CURVES = 12
_MOST_CONFUSED = 40


def learning(report: RunReport) -> str:
    """Show the learning curves."""
    return (
        '<div class="pair">\n'
        f"<figure>{charts.losses(report.state)}</figure>\n"
        f"<figure>{charts.macro_ap(report.state, report.evaluation.baseline.macro_ap)}</figure>\n"
        "</div>\n"
        '<p class="note">As measured after each epoch, before calibration.</p>'
    )


def bars(report: RunReport) -> str:
    """Show average precision over frequency, label by label."""
    measured = [item for item in report.evaluation.labels if not math.isnan(item.average_precision)]
    if not measured:
        return _nothing("No held-out image has a label.")
    shown = most_frequent(measured, _MOST_BARS)
    ordered = sorted(shown, key=lambda item: -item.average_precision)
    unscored = " Starred and paler: too rare, or never a tag, and excluded from macro averages."
    return (
        f'<div class="beside">\n<figure>{charts.label_bars(ordered)}</figure>\n<div class="words">'
        "<p>A model that knows nothing reaches a label's frequency (the vertical tick); the "
        "difference shows what was learned. In parentheses: held-out images with the label."
        f"{'' if all(item.scored for item in shown) else unscored}</p>"
        f"{_left_out(len(shown), len(measured))}</div>\n</div>"
    )


def curves(report: RunReport) -> str:
    """Show precision over recall of the most frequent labels."""
    scored = [item for item in report.evaluation.labels if item.scored and item.positives]
    if not scored:
        return _nothing("No held-out image has a scored label.")
    shown = most_frequent(scored, _MOST_CURVES)
    figures = "\n".join(_curve(report, item) for item in shown)
    return (
        '<p class="keys note"><span class="key line">precision (up) over recall (right)</span>'
        '<span class="key dots">label frequency</span>'
        '<span class="key diamond">the chosen threshold</span></p>\n'
        f'<div class="small">\n{figures}\n</div>\n{_left_out(len(shown), len(scored))}'
    )


def _curve(report: RunReport, item: LabelQuality) -> str:
    place = report.validation.labels.index(item.label)
    threshold = threshold_of(report.card, item.label)
    drawing = label_charts.precision_recall(
        f"curve{place}",
        item.label,
        report.validation.truth[:, place],
        report.validation.scores[:, place],
        threshold,
    )
    rule = "never a tag" if threshold is None else f"tag from {threshold_text(threshold)}"
    return (
        f"<figure><figcaption><b>{escape(item.label)}</b><br>AP {item.average_precision:.2f}, "
        f"{rule}</figcaption>{drawing}</figure>"
    )


def calibration(report: RunReport) -> str:
    """Show how well probabilities are calibrated."""
    bins = calibration_bins(report.validation.truth, report.validation.scores)
    error = report.evaluation.model.calibration_error
    return (
        f'<div class="beside">\n<figure>{charts.reliability(bins)}</figure>\n'
        f'<div class="words"><p>Expected calibration error <b>{error:.4f}</b>: the average '
        "difference between a probability and how often it is right. On the dotted line, of the "
        "labels given 70 %, seven in ten are correct. All labels pooled, 15 equal bins; points "
        "with low counts are mostly chance.</p></div>\n</div>"
    )


def confusion(report: RunReport) -> str:
    """Show which tags the images with each label got."""
    scored = [item for item in report.evaluation.labels if item.scored]
    if not scored:
        return _nothing("No label is scored.")
    shown = most_frequent(scored, _MOST_CONFUSED)
    places = [report.validation.labels.index(item.label) for item in shown]
    shares = label_charts.emitted_shares(
        report.validation.truth[:, places], report.validation.emitted[:, places]
    )
    names, counts = [item.label for item in shown], [item.positives for item in shown]
    drawing = label_charts.confusion(names, counts, shares)
    return (
        "<p>Of the held-out images with the row's label, the percentage that got the column's tag. "
        "The diagonal is recall; a row may sum to more than 100, since an image may have several "
        "labels and several tags. Most frequent labels first, with their number of images in "
        "parentheses; an empty row has none.</p>\n"
        f'<figure class="wide scroll" tabindex="0">{drawing}</figure>\n'
        f"{_left_out(len(shown), len(scored))}"
    )


def _left_out(shown: int, there: int) -> str:
    if shown == there:
        return ""
    return f'<p class="note">The {shown} most frequent of {there} labels; the table has all.</p>'


def _nothing(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'
