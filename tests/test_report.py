"""The page of a training run: what it says, and that it needs nothing beside itself."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the 'train' extra is not installed")
pytest.importorskip("sklearn", reason="the 'train' extra is not installed")

import matplotlib
from policies import closed_policy
from report_fixtures import made_up_report, with_unmeasured_epoch
from tagger_training.report import render_page, write_history, write_page, write_validation
from tagger_training.report.label_charts import emitted_shares, precision_recall_points
from tagger_training.run_folder import RunFolder

VOID = {"meta", "br", "img"}
HOSTILE = ('<b>&"', "$x^2_1$", "{title}", "a'>b", "ドラマ", "](javascript:x)", "x" * 60)


class Page(HTMLParser):
    """A parsed page: its elements, its texts, its tables; an unbalanced one fails."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.styles: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["style"]:
            self.styles.append(data)
        elif data.strip():
            self.texts.append(data.strip())
        if set(self._open) & {"td", "th"} and "small" not in self._open:
            self.tables[-1][-1][-1] += data

    def attributes(self, name: str) -> list[str]:
        return [value or "" for _, attributes in self.elements for key, value in attributes.items()
                if key == name]  # fmt: skip

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def text() -> str:
    return render_page(made_up_report(("Drama", "Comedy", "War", "N/A"), never=("N/A",)))


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def number(value: float, decimals: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{decimals}f}"


def test_it_begins_with_name_date_and_verdict(page: Page):
    report = made_up_report(("Drama", "Comedy", "War", "N/A"), never=("N/A",))
    model, baseline = report.evaluation.model, report.evaluation.baseline
    verdict = (
        f"On 60 held-out images the model reaches a macro average precision of "
        f"{model.macro_ap:.3f}, compared with {baseline.macro_ap:.3f} by label frequencies alone; "
        f"its first label is correct for {100 * model.top1:.1f} % of images, compared with "
        f"{100 * baseline.top1:.1f} %."
    )
    facts = (
        "network sequential · 428,918 weights · input 64 × 48 pixels · 4 labels · 3 scored · "
        "4,321 training images · 60 held-out images · kept epoch 5 of 5 · 8 minutes"
    )
    start = page.texts.index("posters")
    assert page.texts[start : start + 4] == [
        "posters", "Training report, 2024-02-29", verdict, facts,
    ]  # fmt: skip


def test_the_sections_come_in_order(page: Page):
    assert [attributes["id"] for attributes in page.of("section")] == [
        "figures", "learning", "labels", "curves", "calibration", "confusion", "table", "settings",
    ]  # fmt: skip


def test_the_figures_are_the_evaluations(page: Page):
    evaluation = made_up_report(("Drama", "Comedy", "War", "N/A"), never=("N/A",)).evaluation
    expected = []
    for name, key, decimals in (
        ("Macro average precision", "macro_ap", 3),
        ("Micro average precision", "micro_ap", 3),
        ("Macro ROC-AUC", "macro_roc_auc", 3),
        ("First label correct", "top1", 3),
        ("Micro F1", "micro_f1", 3),
        ("Macro F1", "macro_f1", 3),
        ("Sample F1", "sample_f1", 3),
        ("Log-loss", "log_loss", 4),
        ("Calibration error", "calibration_error", 4),
    ):
        ours, theirs = getattr(evaluation.model, key), getattr(evaluation.baseline, key)
        difference = f"{ours - theirs:+.{decimals}f}".replace("-", "−")
        expected.append([name, number(ours, decimals), number(theirs, decimals), difference])
    assert page.tables[0][1:] == expected


def test_every_label_has_its_row_the_most_frequent_first(page: Page):
    report = made_up_report(("Drama", "Comedy", "War", "N/A"), never=("N/A",))
    assert page.tables[1][1:] == [
        [
            item.label + ("" if item.scored else " *"),
            str(item.positives),
            number(item.average_precision, 3),
            number(item.positives / 60, 3),
            number(item.roc_auc, 3),
            number(item.f1, 3),
            "never" if item.label == "N/A" else "0.50",
        ]
        for item in sorted(report.evaluation.labels, key=lambda item: -item.positives)
    ]


def test_the_calibration_error_is_told(page: Page):
    error = made_up_report(("Drama", "Comedy", "War", "N/A"), never=("N/A",)).evaluation
    assert f"{error.model.calibration_error:.4f}" in page.texts


def test_settings_data_notices_and_software_are_listed_and_escaped(page: Page):
    assert page.texts[page.texts.index("Settings") :] == [
        "Settings",
        "network", "sequential",
        "input height, pixels", "64",
        "learning rate", "0.001",
        "augmentation", "flip yes, shift 0",
        "last layer fitted first", "no",
        "target precision", "none: thresholds for the highest F1",
        "labels never emitted", "N/A and similar",
        "model", "posters <b>",
        "Data",
        "image folder", '/data/<posters> & "more"',
        "table of labels", "/data/labels.csv",
        "id column", "detected by name",
        "separator", "|",
        "labels", "2, see the table above",
        "images", "1,234",
        "Skipped data",
        "1 column skipped (not 0/1): <Kind> (3 other values)",
        "Software",
        "poster-tagger", "0.1.0",
        "python", "3.11.7",
    ]  # fmt: skip


def test_nothing_is_loaded_from_elsewhere():
    text = render_page(made_up_report(HOSTILE))
    page = Page(text)
    assert "://" not in text
    assert "@import" not in text
    loading = {"script", "link", "img", "image", "iframe", "object", "embed", "base"}
    assert {tag for tag, _ in page.elements}.isdisjoint(loading)
    assert page.attributes("src") == []
    assert all(value.startswith("#") for value in page.attributes("href"))
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)", text))
    (policy,) = [item["content"] for item in page.of("meta") if "http-equiv" in item]
    assert policy == closed_policy(text, has_styles=True)


def test_ids_are_unique_and_lead_somewhere(text: str, page: Page):
    ids = Counter(page.attributes("id"))
    assert [name for name, times in ids.items() if times > 1] == []
    targets = {value[1:] for value in page.attributes("href")}
    targets |= set(re.findall(r"url\(#([^)]*)\)", text))
    assert targets <= set(ids)
    assert len(targets) > 20


def test_charts_take_the_colours_and_the_font_of_the_page(text: str, page: Page):
    (style,) = page.styles
    drawings = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    assert len(drawings) == 2 + 1 + 3 + 1 + 1
    assert re.findall(r"#[0-9a-fA-F]{6}|font-family|<style", "".join(drawings)) == []
    used = set(re.findall(r"var\((--[a-z]+)\)", "".join(drawings)))
    assert {"--model", "--second", "--heat", "--ink", "--muted"} <= used
    for block in re.findall(r":root \{([^}]*)\}", style):  # light, dark, print
        assert used <= set(re.findall(r"(--[a-z]+):", block))


def test_every_chart_says_what_it_shows(page: Page):
    drawings = page.of("svg")
    assert all(drawing["role"] == "img" and drawing["aria-label"] for drawing in drawings)


def test_labels_are_text_wherever_they_stand():
    report = made_up_report(HOSTILE)
    page = Page(render_page(report))
    for item in report.evaluation.labels:
        short = item.label if len(item.label) <= 24 else item.label[:23] + "…"
        assert page.texts.count(item.label) == (3 if short == item.label else 2)
        assert page.texts.count(short) == (3 if short == item.label else 1)
        assert page.texts.count(f"{short} ({item.positives})") == 2  # bar, row of the heat map


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "options"),
    [
        pytest.param(("only",), {}, id="one label"),
        pytest.param(("a", "b", "c"), {"without_positive": ("b",)}, id="a label without images"),
        pytest.param(("a", "b"), {"without_positive": ("a", "b")}, id="no label has images"),
        pytest.param(("a", "b"), {"scored": ()}, id="no label is scored"),
        pytest.param(("a", "b"), {"threshold": 1.0}, id="a threshold that is never reached"),
        pytest.param(("a", "b"), {"images": 1}, id="one image"),
        pytest.param(("a", "b"), {"epochs": 1}, id="one epoch"),
        pytest.param([f"label {i}" for i in range(40)], {"images": 300}, id="40 labels"),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_unusual_runs_have_a_page_too(labels: Sequence[str], options: dict[str, Any]):
    page = Page(render_page(made_up_report(labels, **options)))
    assert len(page.tables[1]) == len(labels) + 1
    for label in labels:
        assert any(text.split(" *")[0] == label for text in page.texts)


@pytest.mark.slow
def test_charts_of_many_labels_say_what_they_leave_out():
    page = Page(render_page(made_up_report([f"label {i}" for i in range(70)], images=300)))
    assert [text for text in page.texts if "the table has all" in text] == [
        f"The {shown} most frequent of 70 labels; the table has all." for shown in (60, 12, 40)
    ]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_what_cannot_be_measured_is_said_so():
    report = made_up_report(("a", "b"), without_positive=("a", "b"))
    page = Page(render_page(report))
    assert "The held-out images have too few labels to measure this model." in page.texts
    assert page.tables[0][1][1:] == ["–", "–", "–"]
    assert "nan" not in " ".join(page.texts)


def test_an_epoch_without_a_figure_is_left_out_of_its_curve():
    report = with_unmeasured_epoch(made_up_report(("a", "b")))
    page = Page(render_page(report))
    assert any("kept epoch 5 of 6" in text for text in page.texts)


def test_the_same_run_gives_the_same_page_on_any_machine(text: str):
    with matplotlib.rc_context({"font.size": 30, "text.usetex": True, "svg.fonttype": "path"}):
        again = render_page(made_up_report(("Drama", "Comedy", "War", "N/A"), never=("N/A",)))
        assert matplotlib.rcParams["font.size"] == 30
    assert again == text


def test_the_page_is_written_to_the_run_folder(tmp_path: Path, text: str):
    run = RunFolder(tmp_path)
    write_page(run, made_up_report(("Drama", "Comedy", "War", "N/A"), never=("N/A",)))
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert run.page.read_text(encoding="utf-8") == text


def test_each_held_out_image_has_a_row_with_its_tags_and_the_truth(tmp_path: Path):
    run = RunFolder(tmp_path)
    report = made_up_report(("Drama", 'War, "cold"', "N/A"), images=20)
    validation = report.validation
    write_validation(run, validation)
    with run.validation.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    assert header == ["id", "Drama", 'War, "cold"', "N/A", "tags", "true_tags"]
    assert len(rows) == 20
    for i, row in enumerate(rows):
        likely = sorted(range(3), key=lambda place: -validation.scores[i, place])
        names = [
            "|".join(validation.labels[place] for place in likely if marked[i, place])
            for marked in (validation.emitted, validation.truth)
        ]
        scores = [f"{score:.4f}" for score in validation.scores[i]]
        assert row == [f"tt{i:04}", *scores, *names]


def test_the_history_has_a_row_an_epoch(tmp_path: Path):
    run = RunFolder(tmp_path)
    write_history(run, made_up_report(("a",), epochs=3).state)
    assert run.history.read_text(encoding="utf-8") == (
        "number,loss,validation_log_loss,validation_macro_ap,learning_rate,seconds\n"
        "1,1.0,0.8,0.2,0.001,90.0\n"
        "2,0.5,0.55,0.35,0.001,90.0\n"
        "3,0.333333,0.466667,0.4,0.001,90.0\n"
    )


def test_the_heat_map_holds_shares_of_the_rows_images():
    truth = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0], [1, 0, 0]], np.uint8)
    emitted = np.array([[1, 0, 1], [1, 1, 0], [0, 0, 1], [1, 0, 0]], np.uint8)
    nan = math.nan
    np.testing.assert_array_equal(
        emitted_shares(truth, emitted), [[0.75, 0.25, 0.5], [0.5, 0.5, 0.5], [nan, nan, nan]]
    )


def test_many_images_do_not_overflow_the_heat_map():
    ones = np.ones((1000, 2), np.uint8)
    np.testing.assert_array_equal(emitted_shares(ones, ones), np.ones((2, 2)))


def test_the_curve_passes_through_each_distinct_score():
    truth, scores = np.array([1, 0, 1, 1, 0]), np.array([0.9, 0.8, 0.7, 0.7, 0.1])
    recall, precision = precision_recall_points(truth, scores)
    np.testing.assert_allclose(recall, [0, 1 / 3, 1 / 3, 1, 1])
    np.testing.assert_allclose(precision, [1, 1, 1 / 2, 3 / 4, 3 / 5])


def test_the_curve_of_many_images_stays_small():
    random = np.random.default_rng(1)
    truth, scores = random.integers(0, 2, 50_000), random.random(50_000)
    recall, _ = precision_recall_points(truth, scores)
    assert len(recall) < 460
    assert (recall[0], recall[-1]) == (0, 1)
