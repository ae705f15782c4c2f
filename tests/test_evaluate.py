"""``tagger evaluate``: the figures of what ``tagger tag`` would write."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import Argument, Ran
from pictures import save_picture
from shapes import LABELS, Made, ShapeSet

pytest.importorskip("sklearn", reason="the 'train' extra is not installed")

pytest_plugins = ("training_fixtures",)

Tagger = Callable[..., Ran]
Evaluate = Callable[..., Ran]


@pytest.fixture
def colours(folder: Path) -> Path:
    """Return a folder of images of one colour, one of them damaged."""
    save_picture(folder / "images/red.png", (255, 0, 0))
    save_picture(folder / "images/green.png", (0, 255, 0))
    save_picture(folder / "images/yellow.png", (255, 255, 0))
    save_picture(folder / "images/night.png", (0, 0, 102))
    save_picture(folder / "images/orange.png", (255, 128, 0))
    (folder / "images/damaged.png").write_bytes(b"no image")
    return folder / "images"


@pytest.fixture
def evaluate(tagger: Tagger, tiny_model: Path, colours: Path, folder: Path) -> Evaluate:
    """Return a function that evaluates the mean-colour model by a table of the given text."""

    def run(table: str, *options: Argument) -> Ran:
        (folder / "labels.csv").write_text(table, encoding="utf-8")
        return tagger(
            "evaluate", tiny_model, "--images", "images", "--labels", "labels.csv",
            "--device", "cpu", *options,
        )  # fmt: skip

    return run


FIVE_COLOURS = """\
id,red,green,blue,N/A
red,1,0,0,0
green,0,1,0,0
yellow,1,0,0,0
night,0,0,1,0
orange,1,1,0,0
"""

# The tags are: red; green; red and green (one too many); blue (at 0.4, but an image gets at least
# one); red and green (at 0.502, just enough). Frequencies alone would tag each image as red.
FIGURES = """\
5 images; averages over 3 labels

                             model  label frequencies
macro-AP                    0.8611             0.4000
micro-AP                    0.8151             0.5333
macro ROC-AUC               0.9167             0.5000
log-loss (all labels)       1.8825             0.4616
calibration error (ECE)     0.1049             0.0000
first label is correct      1.0000             0.6000
tags that are right         0.8571             0.6000
true labels that are tags   1.0000             0.5000
images without a tag        0.0000             0.0000
micro-F1 of the tags        0.9231             0.5455
macro-F1 of the tags        0.9333             0.2500
sample-F1 of the tags       0.9333             0.5333

label    images     AP  frequency  ROC-AUC     F1  tags  right  found
red           3  1.000      0.600    1.000  1.000     3  1.000  1.000
green         2  0.583      0.400    0.750  0.800     3  0.667  1.000
blue          1  1.000      0.200    1.000  1.000     1  1.000  1.000
N/A *         0      –          –        –      –     0      –      –
* excluded from the averages: never a tag, or too rare to measure
"""


def test_the_figures_stand_beside_those_of_the_label_frequencies(evaluate: Evaluate):
    ran = evaluate(FIVE_COLOURS)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.decode() == FIGURES


def test_labels_of_one_side_are_named(evaluate: Evaluate):
    ran = evaluate("id,tags\nred,red|warm\ngreen,green|cold|fresh\n")
    assert (ran.code, ran.stderr.splitlines()) == (
        0,
        [
            "Note: 3 labels skipped (not in the model): cold, fresh, warm.",
            "Note: 2 labels treated as false everywhere (not in the table): blue, N/A.",
        ],
    )
    assert ran.stdout.startswith(b"2 images; averages over 2 labels\n")


# In the middle: the images after it must keep their labels.
WITH_DAMAGED = FIVE_COLOURS.replace("\ngreen,", "\ndamaged,0,0,1,0\ngreen,")


def test_unreadable_images_are_named(evaluate: Evaluate):
    ran = evaluate(WITH_DAMAGED)
    assert (ran.code, ran.stdout.decode()) == (0, FIGURES)
    assert ran.stderr == (
        "Note: 1 image skipped (unreadable): images/damaged.png (a text file, not an image).\n"
    )


def test_quiet_leaves_the_notes_out(evaluate: Evaluate):
    ran = evaluate(WITH_DAMAGED, "--quiet")
    assert (ran.code, ran.stdout.decode(), ran.stderr) == (0, FIGURES, "")


def test_figures_that_are_none_are_null_in_json(evaluate: Evaluate):
    ran = evaluate("id,red\nred,1\n", "--json")
    assert ran.code == 0
    data = json.loads(ran.stdout)
    assert (data["images"], data["scored_labels"]) == (1, 0)
    assert data["model"]["macro_ap"] is None
    assert data["labels"][3] == {
        "label": "N/A",
        "positives": 0,
        "scored": False,
        "average_precision": None,
        "baseline_average_precision": None,
        "roc_auc": None,
        "f1": None,
        "tags": 0,
        "precision": None,
        "recall": None,
    }


NO_SHARED_LABEL = (
    "The table and the model have no label in common: the table has Drama; the model has red, "
    "green, blue, N/A."
)


NOT_FOUND = (
    "The only id in labels.csv does not match an image below images: the table has lost, an image "
    "is called damaged.png."
)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("id,tags\nred,Drama\n", NO_SHARED_LABEL),
        ("id,red\ndamaged,1\n", "None of the labelled images can be read."),
        ("id,red\nlost,1\n", NOT_FOUND),
    ],
)
def test_a_set_that_measures_nothing_is_refused(evaluate: Evaluate, table: str, message: str):
    ran = evaluate(table)
    assert (ran.code, ran.stdout, ran.stderr) == (3, b"", f"tagger: {message}\n")


@pytest.mark.train
def test_the_figures_are_those_of_the_wide_table(
    tagger: Tagger, shapes: ShapeSet, shape_model: Made, folder: Path
):
    from tagger_training import metrics

    from tagger.network.card import ModelCard
    from tagger.network.model import read_card

    ran = tagger("tag", shapes.images, "--model", shape_model.path, "-o", "wide.csv")
    assert ran.code == 1  # one image is damaged
    with (folder / "wide.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if not row["error"]]
    names = [
        Path(row["path"]).relative_to(shapes.images).with_suffix("").as_posix() for row in rows
    ]
    targets = np.array([[label in shapes.labels[name] for label in LABELS] for name in names])
    card: ModelCard = read_card(shape_model.path)
    rates = np.array(card.provenance["label_frequencies"])
    expected = metrics.evaluate(
        targets.astype(np.uint8),
        np.array([[float(row[label]) for label in LABELS] for row in rows]),
        np.array([[label in row["tags"].split("|") for label in LABELS] for row in rows], np.uint8),
        LABELS,
        LABELS[:5],
        rates,
        metrics.most_frequent(rates, 2),
    )

    evaluated = tagger(
        "evaluate", shape_model.path, "--images", shapes.images, "--labels", shapes.table, "--json"
    )
    assert evaluated.code == 0, evaluated.stderr
    figures, other = json.loads(evaluated.stdout), expected.to_dict()
    assert figures["images"] == 66
    for part in ("model", "baseline"):
        assert figures[part] == pytest.approx(other[part], abs=1e-12), part
    for ours, theirs in zip(figures["labels"], other["labels"], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-12)
