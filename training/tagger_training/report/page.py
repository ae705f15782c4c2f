"""``report.html``: one self-contained page that describes a training run."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

from tagger.files.web_page import web_page
from tagger_training.metrics import Evaluation
from tagger_training.report.data import RunReport
from tagger_training.report.html_tables import figure_table, label_table, text_table
from tagger_training.report.mistakes import mistakes
from tagger_training.report.sections import bars, calibration, confusion, curves, learning
from tagger_training.report.settings import settings_section
from tagger_training.run_folder import RunFolder


def write_page(run: RunFolder, report: RunReport) -> None:
    """Write ``report.html``."""
    page = render_page(report)
    run.write(run.page, lambda beside: beside.write_text(page, encoding="utf-8"))


def render_page(report: RunReport) -> str:
    """Return the page as HTML."""
    curves_of_learning = [("learning", "Learning curves", learning(report))]
    sections = (
        ("figures", "All metrics", figure_table(report)),
        *([("text", "With text", text_table(report))] if report.with_text else []),
        *(curves_of_learning if report.state.epochs else []),
        ("labels", "Average precision by label", bars(report)),
        ("curves", "Precision and recall", curves(report)),
        ("calibration", "Calibration", calibration(report)),
        ("confusion", "Confusion", confusion(report)),
        *([("mistakes", "Surest mistakes", mistakes(report))] if report.images else []),
        ("table", "Every label", label_table(report)),
        ("settings", "Settings and data", settings_section(report.description)),
    )
    links = " ".join(f'<a href="#{key}">{escape(title)}</a>' for key, title, _ in sections)
    shown = "\n".join(
        f'<section id="{key}">\n<h2>{escape(title)}</h2>\n{content}\n</section>'
        for key, title, content in sections
    )
    return web_page(
        f"{report.card.name}: training report",
        Path(__file__).with_name("page.css").read_text(encoding="utf-8"),
        f"{_header(report, links)}\n<main>\n{shown}\n</main>",
        has_styles=True,
    )


def _header(report: RunReport, links: str) -> str:
    card, origin = report.card, report.card.provenance
    facts = (
        f"network {origin.get('architecture', 'unknown')}",
        f"{report.weights:,} weights",
        f"input {card.height} × {card.width} pixels",
        "1 label" if len(card.labels) == 1 else f"{len(card.labels)} labels",
        f"{report.evaluation.scored_labels} scored",
        f"{origin.get('trained_images', 0):,} training images",
        f"{report.evaluation.images:,} held-out images",
        *_training_facts(report),
    )
    return (
        f"<header>\n<h1>{escape(card.name)}</h1>\n"
        f'<p class="date">Training report, {escape(str(origin.get("date", card.version)))}</p>\n'
        f'<p class="verdict">{escape(_verdict(report.evaluation))}</p>\n'
        f'<p class="facts">{escape(" · ".join(facts))}</p>\n<nav>{links}</nav>\n</header>'
    )


def _training_facts(report: RunReport) -> tuple[str, ...]:
    epochs = report.state.epochs
    if not epochs:
        return (f"average of {len(report.description.get('averaged', []))} trainings",)
    kept = report.state.best
    minutes = sum(epoch.seconds for epoch in epochs) / 60
    return (
        f"kept epoch {kept.number if kept else '–'} of {len(epochs)}",
        f"{minutes / 60:.1f} hours" if minutes >= 90 else f"{minutes:.0f} minutes",
    )


def _verdict(evaluation: Evaluation) -> str:
    model, baseline = evaluation.model, evaluation.baseline
    if math.isnan(model.macro_ap):
        return "The held-out images have too few labels to measure this model."
    return (
        f"On {evaluation.images:,} held-out images the model reaches a macro average precision of "
        f"{model.macro_ap:.3f}, compared with {baseline.macro_ap:.3f} by label frequencies alone; "
        f"its first label is correct for {100 * model.top1:.1f} % of images, compared with "
        f"{100 * baseline.top1:.1f} %."
    )
