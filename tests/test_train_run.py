"""A training through the real command: what it says, and what it leaves in the run folder."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shapes import LABELS, Made, ShapeSet
from tagger_training.split import is_validation

from tagger.decode.picture import load_rgb
from tagger.network.card import ModelCard

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

from tagger_training.calibration import learn_calibration
from tagger_training.folds import held_out
from tagger_training.metrics import binary_log_loss, macro_average_precision
from tagger_training.thresholds import learn_rules

pytest_plugins = ("training_fixtures",)
pytestmark = [
    pytest.mark.train,
    # Keras 3.15 with NumPy 2; nothing here can help it.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

IN_VALIDATION = 23
NO_IMAGE = "a text file, not an image"


def read_json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def read_table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_it_tells_on_stderr_what_was_left_out_and_how_it_goes(shapes: ShapeSet, shape_run: Made):
    lines = shape_run.ran.stderr.splitlines()
    assert lines[:7] == [
        "Decoded 67 of 67 images.",
        "Note: 1 column skipped (not 0/1): Kind (68 other values).",
        "Note: 1 id skipped (no such image): lost.",
        f"Note: 1 image skipped (unreadable): {shapes.damaged} ({NO_IMAGE}).",
        "43 images for training, 23 for validation; 6 labels, 5 of them frequent enough to score.",
        "Network sequential: 428,918 weights.",
        "epoch     loss  val. log-loss  val. macro-AP     time  left at most",
    ]
    epochs = read_json(shape_run.path / "state.json")
    best_so_far = [
        epoch["validation_macro_ap"] > max([e["validation_macro_ap"] for e in epochs[:i]] or [0])
        for i, epoch in enumerate(epochs)
    ]
    assert [re.sub(r" +[0-9]+:[0-9]{2}", " TIME", line) for line in lines[7:]] == [
        f" {epoch['number']}/3   {epoch['loss']:>7.4f}  {epoch['validation_log_loss']:>13.4f}  "
        f"{epoch['validation_macro_ap']:>12.4f}{'*' if best else ''} TIME TIME"
        for epoch, best in zip(epochs, best_so_far, strict=True)
    ]


def test_it_says_on_stdout_what_was_kept_and_what_comes_next(shape_run: Made):
    metrics = read_json(shape_run.path / "metrics.json")
    model, baseline = metrics["model"], metrics["baseline"]
    assert shape_run.ran.stdout.decode() == (
        f"Kept epoch {metrics['best_epoch']} of 3: validation macro-AP {model['macro_ap']:.3f} "
        f"(label frequencies {baseline['macro_ap']:.3f}), macro ROC-AUC "
        f"{model['macro_roc_auc']:.3f}, log-loss {model['log_loss']:.4f} "
        f"({baseline['log_loss']:.4f}).\n"
        f"Next: tagger export {shape_run.path} -o model.onnx\n"
    )


def test_the_run_folder_holds_the_model_and_its_report_and_no_cache(shape_run: Made):
    assert sorted(file.name for file in shape_run.path.iterdir()) == [
        "best.keras",
        "calibration.json",
        "card.json",
        "checkpoint.keras",
        "history.csv",
        "learning_curves.png",
        "metrics.json",
        "model.keras",
        "per_label.png",
        "report.html",
        "run.json",
        "split.csv",
        "state.json",
        "validation.csv",
    ]


def test_the_history_has_a_row_an_epoch(shape_run: Made):
    rows = read_table(shape_run.path / "history.csv")
    assert list(rows[0]) == [
        "number", "loss", "validation_log_loss", "validation_macro_ap", "learning_rate", "seconds",
    ]  # fmt: skip
    assert [row["number"] for row in rows] == ["1", "2", "3"]
    state = read_json(shape_run.path / "state.json")
    assert [{key: float(value) for key, value in row.items()} for row in rows] == [
        {key: round(value, 6) for key, value in epoch.items()} for epoch in state
    ]


def test_the_pictures_are_pictures(shape_run: Made):
    sizes = {}
    for name in ("learning_curves.png", "per_label.png"):
        with Image.open(shape_run.path / name, formats=["PNG"]) as picture:
            picture.load()
            assert len(picture.convert("RGB").getcolors(maxcolors=1_000_000)) > 10
            sizes[name] = picture.size
    # Height follows the number of labels: six here, at 120 dots an inch.
    assert sizes == {
        "learning_curves.png": (1200, 480),
        "per_label.png": (960, int((1.2 + 0.26 * 6) * 120)),
    }


@dataclass(frozen=True)
class Scored:
    """The validation images: what is true, and what the run's two models say."""

    truth: np.ndarray
    best: np.ndarray
    final: np.ndarray


@pytest.fixture(scope="module")
def scored(shapes: ShapeSet, shape_run: Made) -> Scored:
    """Return the scores of ``best.keras`` and ``model.keras``, from the images anew."""
    import keras

    names = [name for name in shapes.labels if is_validation(name, 0.3)]
    files = [next(shapes.images.glob(f"{name}.*")) for name in names]
    images = np.stack([load_rgb(file, 64, 64) for file in files])
    best, final = (
        keras.models.load_model(shape_run.path / name, safe_mode=True)
        for name in ("best.keras", "model.keras")
    )
    return Scored(
        np.array([[int(label in shapes.labels[name]) for label in LABELS] for name in names]),
        np.asarray(best.predict_on_batch(images)),
        np.asarray(final.predict_on_batch(images)),
    )


SCORED = np.array([True] * 5 + [False])  # N/A is none


def test_the_kept_epoch_is_the_one_with_the_highest_macro_ap(shape_run: Made, scored: Scored):
    metrics = read_json(shape_run.path / "metrics.json")
    epochs = read_json(shape_run.path / "state.json")
    best = max(epochs, key=lambda epoch: epoch["validation_macro_ap"])
    assert (metrics["best_epoch"], metrics["epochs"]) == (best["number"], 3)
    assert metrics["weights"] == 428_918
    assert macro_average_precision(scored.truth, scored.best, SCORED) == pytest.approx(
        best["validation_macro_ap"], abs=1e-6
    )
    assert binary_log_loss(scored.truth, scored.best) == pytest.approx(
        best["validation_log_loss"], abs=1e-6
    )


def test_the_metrics_are_of_scores_that_other_images_calibrated(shape_run: Made, scored: Scored):
    metrics = read_json(shape_run.path / "metrics.json")
    scores = held_out(scored.truth, scored.best, learn_calibration)
    # One calibration leaves the order of a label's images as it is; five for five folds do not.
    assert metrics["model"]["macro_ap"] == pytest.approx(
        macro_average_precision(scored.truth, scored.best, SCORED), abs=1e-6
    )
    assert metrics["model"]["log_loss"] == pytest.approx(
        binary_log_loss(scored.truth, scores), abs=1e-6
    )
    assert (metrics["images"], metrics["scored_labels"]) == (IN_VALIDATION, 5)
    assert [item["label"] for item in metrics["labels"] if item["scored"]] == list(LABELS[:5])


def test_the_final_model_is_the_kept_epoch_calibrated(scored: Scored):
    calibrated = learn_calibration(scored.truth, scored.best)(scored.best)
    np.testing.assert_allclose(scored.final, calibrated, atol=1e-5)


def test_the_card_says_how_to_tag(shape_run: Made, scored: Scored):
    card = ModelCard.from_json((shape_run.path / "card.json").read_text(encoding="utf-8"))
    assert (card.name, card.version) == ("shapes", date.today().isoformat())
    assert (card.height, card.width, card.resize, card.precision) == (64, 64, "stretch", "fp32")
    assert card.labels == LABELS
    assert (card.never, card.scored) == (("N/A",), LABELS[:5])
    assert (card.min_tags, card.max_tags) == (1, 2)
    rules = learn_rules(scored.truth, scored.final, LABELS, ("N/A",), 2)
    assert card.thresholds == rules.thresholds


def test_the_card_says_where_the_model_comes_from(shapes: ShapeSet, shape_run: Made):
    provenance = ModelCard.from_json((shape_run.path / "card.json").read_text()).provenance
    seen = [kind for name, kind in shapes.labels.items() if not is_validation(name, 0.3)]
    assert provenance["architecture"] == "sequential"
    assert (provenance["trained_images"], provenance["validation_images"]) == (43, IN_VALIDATION)
    assert provenance["label_frequencies"] == [
        round(sum(label in kind for kind in seen) / 43, 6) for label in LABELS
    ]
    assert provenance["tags_an_image"] == round(sum(map(len, seen)) / 43, 3)
    assert provenance["validation"] == {
        key: round(value, 4)
        for key, value in read_json(shape_run.path / "metrics.json")["model"].items()
    }


def test_the_split_is_written_down_for_every_image(shapes: ShapeSet, shape_run: Made):
    rows = read_table(shape_run.path / "split.csv")
    assert {row["id"]: row["split"] for row in rows} == {
        name: "validation" if is_validation(name, 0.3) else "training" for name in shapes.labels
    }


def test_the_settings_are_written_down(shapes: ShapeSet, shape_run: Made):
    run = read_json(shape_run.path / "run.json")
    # fmt: off
    assert run["settings"] == {
        "architecture": "sequential",
        "height": 64,
        "width": 64,
        "epochs": 3,
        "learning_rate": 0.001,
        "augmentation": {
            "flip": True, "shift": 0.08, "smallest_crop": 1.0, "colour": 0.0, "mixup": 0.0,
        },
        "ema": 0.0,
        "probe": False,
        "frozen_layers": None,
        "training_scale": 1.0,
        "teachers": [],
        "teacher_share": 0.5,
        "stop_after": None,
        "pretrained": True,
        "patience": 10,
        "batch_size": 16,
        "weight_decay": 0.01,
        "validation_share": 0.3,
        "seed": 1,
        "target_precision": None,
        "name": "shapes",
        "never": None,
    }
    # fmt: on
    assert run["data"] == {
        "images": str(shapes.images),
        "table": str(shapes.table),
        "id_column": None,
        "tags_column": None,
        "separator": "|",
        "text": None,
        "labels": list(LABELS),
        "image_count": 66,
    }
    assert set(run["software"]) == {
        "poster-tagger", "python", "keras", "tensorflow", "numpy", "pillow", "scikit-learn",
    }  # fmt: skip
    assert len(run["notices"]) == 3
