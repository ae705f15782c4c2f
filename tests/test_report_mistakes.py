"""The surest mistakes in a training report, as pictures of the run's own images."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the 'train' extra is not installed")
pytest.importorskip("sklearn", reason="the 'train' extra is not installed")

from PIL import Image
from report_fixtures import made_up_report
from tagger_training.report import RunReport, mistaken_images, render_page, shown_labels
from tagger_training.report.mistakes import MOST_SHOWN, surest_mistakes
from test_report import Page

LABELS = ("Drama", "Comedy", "<b>&War", "N/A")


def pixels(row: int) -> np.ndarray:
    """Return the image of a row, which its colour identifies."""
    return np.full((96, 64, 3), 4 * row, dtype=np.uint8)


def with_images(labels: tuple[str, ...] = LABELS) -> RunReport:
    report = made_up_report(labels, never=("N/A",))
    names = tuple(f"<i>{name}" for name in report.validation.ids)
    report = replace(report, validation=replace(report.validation, ids=names))
    images = mistaken_images(report.validation, shown_labels(report), pixels)
    return replace(report, images=images)


@pytest.mark.parametrize("label", ["Drama", "Comedy"])
def test_the_surest_mistakes_of_each_kind_come_first(label: str):
    validation = with_images().validation
    place = validation.labels.index(label)
    has, got = validation.truth[:, place] == 1, validation.emitted[:, place] == 1
    scores = validation.scores[:, place]

    found, missed = surest_mistakes(validation, label)

    assert 0 < len(found) <= MOST_SHOWN
    assert 0 < len(missed) <= MOST_SHOWN
    assert all(got[row] and not has[row] for row in found)
    assert all(has[row] and not got[row] for row in missed)
    assert list(scores[found]) == sorted(scores[got & ~has])[::-1][:MOST_SHOWN]
    assert list(scores[missed]) == sorted(scores[has & ~got])[:MOST_SHOWN]


def test_they_are_shown_as_pictures_with_what_is_known_of_them():
    report = with_images()
    page = Page(render_page(report))

    expected = [
        row
        for label in shown_labels(report)
        for kind in surest_mistakes(report.validation, label)
        for row in kind
    ]
    shown = [
        Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/jpeg;base64,"))))
        for source in page.attributes("src")
    ]
    assert [round(np.asarray(image).mean() / 4) for image in shown] == expected
    assert {image.size for image in shown} == {(64, 96)}
    assert "mistakes" in [attributes["id"] for attributes in page.of("section")]
    names = [text for text in page.texts if text.startswith("<i>tt")]
    assert names == [report.validation.ids[row] for row in expected]
    row, (label, *_) = expected[0], shown_labels(report)
    score = report.validation.scores[row, report.validation.labels.index(label)]
    assert page.texts[page.texts.index(names[0]) - 2] == f"{100 * score:.0f} %"


def test_labels_that_are_never_tags_are_not_among_them():
    assert shown_labels(with_images()) == ["Drama", "Comedy", "<b>&War"]


def test_without_a_mistake_the_page_says_so():
    report = with_images()
    right = replace(report.validation, emitted=report.validation.truth)

    page = Page(render_page(replace(report, validation=right)))

    assert "No held-out image got a wrong tag or lacks one." in page.texts
    assert page.attributes("src") == []


def test_a_picture_is_no_larger_than_it_is_shown():
    report = made_up_report(LABELS)
    large = np.zeros((900, 600, 3), dtype=np.uint8)

    images = mistaken_images(report.validation, ["Drama"], lambda _: large)

    assert {Image.open(io.BytesIO(data)).size for data in images.values()} == {(88, 132)}
    assert max(map(len, images.values())) < 5_000


@pytest.mark.train
def test_labels_that_no_held_out_image_has_are_named_in_one_line(tmp_path: Path):
    pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")
    from tagger_training.prepare import prepare
    from tagger_training.run_folder import RunFolder
    from tagger_training.settings import DataSource, TrainSettings
    from tagger_training.split import is_validation

    ids = [f"poster{number}" for number in range(40)]
    training = [name for name in ids if not is_validation(name, 0.25)]
    for name in ids:
        Image.new("RGB", (32, 48)).save(tmp_path / f"{name}.png")
    rows = [f"{name},A{'|B|C' if name == training[0] else ''}" for name in ids]
    (tmp_path / "labels.csv").write_text("\n".join(["id,tags", *rows]))
    heard: list[str] = []

    class Listener:
        def notice(self, notice: object) -> None:
            heard.append(str(notice))

        def images_decoded(self, done: int, total: int) -> None: ...

        def data_ready(self, *counts: int) -> None: ...

    settings = TrainSettings("sequential", 32, 32, 1, 0.001, validation_share=0.25)
    run = RunFolder(tmp_path / "run")
    prepare(DataSource(tmp_path, tmp_path / "labels.csv"), settings, run, Listener(), None)

    line = "2 labels not measured (no held-out image has it): B, C"
    assert heard == [line]
    assert run.read_json(run.settings)["notices"] == [line]
