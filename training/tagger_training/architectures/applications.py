"""Networks of ``keras.applications``; using their ImageNet weights downloads them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tagger.errors import DataError, first_line
from tagger_training.architectures.batch_norm import fix_batch_norm

# Pixel normalisation of each family; those not listed take 0 to 255 unchanged. Source:
# ``keras.applications.imagenet_utils.preprocess_input`` and its callers.
_MINUS_ONE_TO_ONE = ("mobilenet", "mobilenetv2", "inception", "xception", "nasnet")
_STANDARDISED = ("densenet",)
_BLUE_FIRST = ("vgg", "resnet")

# Of RGB channels, 0 to 255.
_MEAN = (123.675, 116.28, 103.53)
_VARIANCE = (58.395**2, 57.12**2, 57.375**2)
_BLUE_FIRST_MEAN = (103.939, 116.779, 123.68)


def application_names() -> dict[str, str]:
    """Return the networks' names: lower case without separators → Keras's spelling."""
    from tagger_training.backend import keras

    return {
        name.lower(): name for name, _ in inspect.getmembers(keras.applications, inspect.isfunction)
    }


def build_application(
    name: str, height: int, width: int, labels: int, *, pretrained: bool = True
) -> Any:
    """Build a network of ``keras.applications`` with a new head.

    With ImageNet weights, batch normalisation is fixed, see :func:`fix_batch_norm`.

    Args:
        name: in Keras's spelling, such as ``MobileNetV2``.
        height: rows of the input, in pixels.
        width: columns of the input, in pixels.
        labels: number of sigmoid outputs.
        pretrained: start from ImageNet weights, which Keras downloads.

    Returns:
        An uncompiled Keras model: uint8 ``(batch, height, width, 3)`` → float32
        ``(batch, labels)``.

    Raises:
        DataError: the weights cannot be downloaded, or the network does not support this input
            size.
    """
    from tagger_training.backend import keras, layers

    network: Callable[..., Any] = getattr(keras.applications, name)
    try:
        base = network(
            include_top=False,
            weights="imagenet" if pretrained else None,
            input_shape=(height, width, 3),
        )
    except ValueError as error:
        raise DataError(f"{name} cannot be built: {first_line(error)}.") from None
    except Exception as error:  # Keras wraps the error of the download
        raise DataError(
            f"The ImageNet weights of {name} could not be downloaded ({first_line(error)}): use "
            "efficientnet-lite0, which needs no download, or --from-scratch."
        ) from None
    images = keras.Input((height, width, 3), dtype="uint8", name="images")
    if pretrained:
        fix_batch_norm(base)
    features = base(_prepared(images, name.lower()))
    pooled = layers.GlobalAveragePooling2D(name="pool")(features)
    dropped = layers.Dropout(0.2, name="dropout")(pooled)
    scores = layers.Dense(labels, activation="sigmoid", dtype="float32", name="scores")(dropped)
    return keras.Model(images, scores, name=name.lower())


def _prepared(images: Any, family: str) -> Any:
    from tagger_training.backend import layers

    if family.startswith(_MINUS_ONE_TO_ONE) and not family.startswith("mobilenetv3"):
        return layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    if family.startswith("resnet") and family.endswith("v2"):
        return layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    pixels = layers.Rescaling(1.0)(images)
    if family.startswith(_STANDARDISED):
        return layers.Normalization(mean=_MEAN, variance=_VARIANCE)(pixels)
    if family.startswith(_BLUE_FIRST):
        blue_first = pixels[..., ::-1]
        return layers.Normalization(mean=_BLUE_FIRST_MEAN, variance=(1.0, 1.0, 1.0))(blue_first)
    return pixels
