"""Networks of keras.applications: found by name, fed as Keras feeds them, exported."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from tagger_training.architectures import find_architecture  # noqa: E402
from tagger_training.architectures.applications import _prepared, build_application  # noqa: E402

from tagger.errors import DataError, UsageError  # noqa: E402

pytestmark = pytest.mark.train

FAMILIES = (
    ("MobileNetV2", "mobilenet_v2"),
    ("MobileNetV3Small", "mobilenet_v3"),
    ("ResNet50", "resnet"),
    ("ResNet50V2", "resnet_v2"),
    ("DenseNet121", "densenet"),
    ("VGG16", "vgg16"),
    ("Xception", "xception"),
    ("InceptionResNetV2", "inception_resnet_v2"),
    ("NASNetMobile", "nasnet"),
    ("ConvNeXtTiny", "convnext"),
    ("EfficientNetB0", "efficientnet"),
    ("EfficientNetV2B0", "efficientnet_v2"),
)


def some_images(count: int = 2) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 40, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize(("name", "module"), FAMILIES)
def test_pixels_are_prepared_as_keras_prepares_them(name: str, module: str) -> None:
    images = keras.Input((40, 32, 3), dtype="uint8")
    prepared = keras.Model(images, _prepared(images, name.lower())).predict_on_batch(some_images())
    expected = getattr(keras.applications, module).preprocess_input(
        some_images().astype(np.float32)
    )
    np.testing.assert_allclose(prepared, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["MobileNetV2", "mobilenet-v2", "mobilenet_v2"])
def test_a_network_is_found_however_it_is_spelled(name: str) -> None:
    model = find_architecture(name, pretrained=False).build(40, 32, 3, False)
    assert (model.name, model.output_shape) == ("mobilenetv2", (None, 3))


def test_without_weights_the_recipe_is_that_of_training_from_scratch() -> None:
    recipe = find_architecture("MobileNetV2", pretrained=False).recipe
    assert (recipe.probe, recipe.ema, recipe.frozen_layers) == (False, 0.0, None)


def test_with_weights_the_recipe_is_fine_tuning() -> None:
    assert find_architecture("MobileNetV2").recipe.probe


def test_an_unknown_network_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="Unknown architecture 'NoNet'"):
        find_architecture("NoNet")


def test_an_input_that_is_too_small_is_said() -> None:
    with pytest.raises(
        DataError, match=r"VGG16 cannot be built: Input size must be at least 32x32"
    ):
        build_application("VGG16", 8, 8, 3, pretrained=False)


def test_its_scores_survive_the_export(tmp_path) -> None:
    from tagger_export.convert import to_onnx
    from tagger_export.parity import check_parity

    from tagger.network.card import ModelCard

    model = build_application("MobileNetV2", 40, 32, 3, pretrained=False)
    card = ModelCard("m", "1", ("a", "b", "c"), 40, 32, (0.5, 0.5, 0.5))
    file = tmp_path / "m.onnx"
    file.write_bytes(to_onnx(model, card).SerializeToString())
    assert check_parity(model, file, some_images(8)).largest_difference < 1e-5
