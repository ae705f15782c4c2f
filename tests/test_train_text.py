"""A training with a column of texts through the real commands: train, resume, export, evaluate."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Ran, run_tagger
from shapes import LABELS, Made, ShapeSet, train_arguments

from tagger.decode.picture import load_rgb
from tagger.network.card import ModelCard, TextInput
from tagger.network.model import TaggerModel
from tagger.results import ImageText

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

pytest_plugins = ("training_fixtures",)
pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    # Keras 3.15 with NumPy 2; nothing here can help it.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

Tagger = Callable[..., Ran]

# What the texts call the labels, so that no label's own name is in them.
NAMES = {
    "red": "crimson", "green": "emerald", "blue": "azure", "round": "disc", "square": "box",
    "N/A": "paper",
}  # fmt: skip
WITH_TEXT = ("--text-column", "words", "--year-column", "made")


def read_json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def words_of(labels: tuple[str, ...]) -> str:
    return " ".join(NAMES[label] for label in labels)


def write_table(shapes: ShapeSet, file: Path) -> None:
    """Write the table of shapes with texts and years; every fifth image has none."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(("id", "words", "made", *LABELS))
        for number, (name, labels) in enumerate(shapes.labels.items()):
            words = words_of(labels) if number % 5 else ""
            year = (1950 if "red" in labels else 2001) if words else ""
            writer.writerow((name, words, year, *(int(label in labels) for label in LABELS)))


def write_more_texts(file: Path) -> None:
    """Write labelled texts without images, in another shape of table."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(("name", "tags", "words", "made"))
        for number in range(12):
            writer.writerow((f"more{number}", "red|round", "scarlet disc", 1951))
            writer.writerow((f"others{number}", "blue|square", "navy box", ""))


def arguments(shapes: ShapeSet, folder: Path) -> tuple[str | Path, ...]:
    former = train_arguments(shapes, folder / "run")
    table = [folder / "texts.csv" if one == shapes.table else one for one in former]
    return (*table, *WITH_TEXT, "--texts", folder / "more.csv")


@pytest.fixture(scope="module")
def text_run(shapes: ShapeSet, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Train on the shapes and their texts, and export int8."""
    folder = tmp_path_factory.mktemp("texts")
    write_table(shapes, folder / "texts.csv")
    write_more_texts(folder / "more.csv")
    ran = run_tagger(*arguments(shapes, folder), cwd=folder)
    assert ran.code == 0, ran.stderr
    exported = run_tagger(
        "export", "run", "-o", "run.onnx", "--precision", "int8", "--max-loss", "0.2", cwd=folder
    )
    assert exported.code == 0, exported.stderr
    return Made(folder / "run", ran)


def test_it_says_what_the_texts_bring(text_run: Made):
    lines = text_run.ran.stdout.decode().splitlines()
    alone, told = (read_json(text_run.path / "metrics.json")[key] for key in ("model", "with_text"))
    assert list(told) == ["words"]
    figures = told["words"]["model"]
    assert lines[1] == (
        f"With words: validation macro-AP {figures['macro_ap']:.3f}, macro ROC-AUC "
        f"{figures['macro_roc_auc']:.3f}, log-loss {figures['log_loss']:.4f}."
    )
    assert figures["log_loss"] < alone["log_loss"] - 0.05
    assert figures["macro_ap"] > alone["macro_ap"]
    assert told["words"]["images"] == 23


def test_card_report_and_description_name_the_text(text_run: Made, shapes: ShapeSet):
    card = ModelCard.from_json((text_run.path / "card.json").read_text(encoding="utf-8"))
    assert card.labels == LABELS  # neither column is a label
    assert card.text == TextInput("ngrams-2", buckets=2**17, length=512, year=True)
    assert list(card.provenance["validation_with_text"]) == ["words"]
    folder = text_run.path.parent
    assert read_json(text_run.path / "run.json")["data"]["text"] == {
        "column": "words",
        "year_column": "made",
        "tables": [str(folder / "more.csv")],
    }
    page = (text_run.path / "report.html").read_text(encoding="utf-8")
    assert "<h2>With text</h2>" in page
    assert "<th>with words</th>" in page


def scores(model: TaggerModel, shapes: ShapeSet, *texts: ImageText | None) -> np.ndarray:
    file = next(shapes.images.glob("00.*"))
    pixels = np.stack([load_rgb(file, 64, 64)] * len(texts))
    return model.scores(pixels, texts)


def test_the_exported_model_listens_to_words_and_years(text_run: Made, shapes: ShapeSet):
    model = TaggerModel(text_run.path.with_name("run.onnx"), "cpu")
    red, round_ = LABELS.index("red"), LABELS.index("round")
    nothing, crimson, scarlet, azure, old, unheard = scores(
        model, shapes, None, ImageText("crimson disc"), ImageText("Scarlet DISC"),
        ImageText("azure box"), ImageText("", 1950), ImageText("qqqq"),
    )  # fmt: skip
    assert crimson[red] > nothing[red] > azure[red]
    assert scarlet[red] > nothing[red]  # a word of the other table alone
    assert crimson[round_] > nothing[round_] > azure[round_]
    assert old[red] > nothing[red]
    assert unheard.tolist() == nothing.tolist()


def test_a_finished_run_goes_on_with_the_same_texts_alone(
    tagger: Tagger, text_run: Made, shapes: ShapeSet, tmp_path: Path
):
    folder = tmp_path / "copy"
    shutil.copytree(text_run.path.parent, folder)
    former = {file.name: file.read_bytes() for file in (folder / "run").iterdir()}
    given = [
        folder / one.name if isinstance(one, Path) and one.parent == folder.parent else one
        for one in arguments(shapes, folder)
    ]
    description = json.dumps(read_json(folder / "run" / "run.json"))
    moved = description.replace(str(text_run.path.parent), str(folder))
    (folder / "run" / "run.json").write_text(moved, encoding="utf-8")
    ran = run_tagger(*given, "--resume", cwd=folder)
    assert ran.code == 0, ran.stderr
    assert ran.stdout.decode() == text_run.ran.stdout.decode().replace(
        str(text_run.path.parent), str(folder)
    )
    for name in ("text.npz", "metrics.json", "model.keras"):
        if name != "model.keras":
            assert (folder / "run" / name).read_bytes() == former[name]
    without = [one for one in given if one not in ("--year-column", "made")]
    ran = tagger(*without, "--resume")
    assert ran.code == 2
    assert re.search(r"run was started with a different text \(", ran.stderr)


def test_a_run_on_all_images_keeps_what_was_learned_from_texts(
    tagger: Tagger, text_run: Made, tmp_path: Path
):
    ran = tagger("refit", text_run.path, "-o", tmp_path / "all")
    assert ran.code == 0, ran.stderr
    kept, again = (
        dict(np.load(folder / "text.npz")) for folder in (text_run.path, tmp_path / "all")
    )
    assert kept.keys() == again.keys()
    assert all(np.array_equal(kept[name], again[name]) for name in kept)
    card = ModelCard.from_json((tmp_path / "all" / "card.json").read_text(encoding="utf-8"))
    assert card.text is not None


def evaluated(folder: Path, *options: str | Path) -> Ran:
    return run_tagger("evaluate", *options, "--device", "cpu", "--json", cwd=folder)


def test_a_model_is_measured_with_the_texts_of_a_table(
    text_run: Made, shapes: ShapeSet, tiny_model: Path
):
    folder = text_run.path.parent
    labelled = ("--images", shapes.images, "--labels", "texts.csv")
    alone = evaluated(folder, "run.onnx", *labelled)
    told = evaluated(folder, "run.onnx", *labelled, *WITH_TEXT)
    assert (alone.code, told.code) == (0, 0), told.stderr
    without, with_text = (json.loads(ran.stdout)["model"]["log_loss"] for ran in (alone, told))
    assert with_text < without - 0.05
    refused = evaluated(folder, tiny_model, *labelled, *WITH_TEXT)
    assert (refused.code, refused.stdout, refused.stderr) == (
        2,
        b"",
        f"tagger: --text-column needs a model that takes texts, and {tiny_model} does not.\n",
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--year-column", "made"), "--year-column needs --text-column NAME."),
        (("--texts", "more.csv"), "--texts needs --text-column NAME."),
        (
            ("--text-column", "title"),
            (
                "texts.csv has no column 'title'; it has id, words, made, red, green, blue, round, "
                "square, N/A."
            ),
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tagger: Tagger, folder: Path, shapes: ShapeSet, options: tuple[str, ...], said: str
):
    write_table(shapes, folder / "texts.csv")
    ran = tagger(
        "train", "--images", shapes.images, "--labels", "texts.csv", "-o", "new", *options
    )  # fmt: skip
    assert ran.code != 0
    assert ran.stderr == f"tagger: {said}\n"
    assert not (folder / "new").exists()


def test_a_column_without_texts_is_refused_before_the_training(
    tagger: Tagger, folder: Path, shapes: ShapeSet
):
    write_table(shapes, folder / "texts.csv")
    table = (folder / "texts.csv").read_text(encoding="utf-8")
    empty = re.sub(r"(?m)^([^,]+),[^,]*,\d*,(?=\d)", r"\1,,,", table)
    (folder / "texts.csv").write_text(empty, encoding="utf-8")
    ran = tagger(
        "train", "--images", shapes.images, "--labels", "texts.csv", "-o", "new", "--size",
        "32x32", "--architecture", "sequential", "--text-column", "words",
    )  # fmt: skip
    assert ran.code == 3
    assert ran.stderr.splitlines()[-1] == (
        "tagger: texts.csv has no text in the column 'words' for any image for training."
    )
