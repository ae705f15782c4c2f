"""The networks that can be trained: a name → how it is built, and a recipe that trains it well.

Every network takes uint8 RGB images of shape ``(height, width, 3)``, does its own normalisation
and ends in one sigmoid per label, so that the exported graph needs no separate preprocessing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tagger.errors import UsageError
from tagger_training.architectures.applications import application_names, build_application
from tagger_training.architectures.efficientnet_lite import (
    VARIANTS,
    Variant,
    build_efficientnet_lite,
    imagenet_file,
    last_block_before_pooling,
)
from tagger_training.architectures.sequential import build_sequential
from tagger_training.augmentation import Augmentation


@dataclass(frozen=True)
class Recipe:
    """Settings that train a network well; chosen on validation, see docs/models.md.

    Attributes:
        height: rows of the input, in pixels.
        width: columns of the input, in pixels.
        epochs: maximum number of epochs.
        learning_rate: peak learning rate.
        augmentation: how training images are changed.
        ema: decay of the moving average of weights that is measured and kept; 0 keeps the weights
            themselves.
        probe: fit the last layer on frozen features first.
        frozen_layers: layers up to the last one with a name that starts with this stay frozen.
        training_scale: side of the training images, as a share of the input's side. Crops enlarge
            objects, so that a network sees smaller objects in use than in training; a larger
            input compensates for this (Touvron et al., "Fixing the train-test resolution
            discrepancy", NeurIPS 2019), and smaller images train faster.
        teachers: networks with probes that provide targets in addition to the labels.
    """

    height: int
    width: int
    epochs: int
    learning_rate: float
    augmentation: Augmentation
    ema: float = 0.0
    probe: bool = False
    frozen_layers: str | None = None
    training_scale: float = 1.0
    teachers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Architecture:
    """A network and the recipe that trains it well.

    ``build`` takes height, width, the number of labels, and whether to start from ImageNet weights;
    ``check`` fails early if these are missing, before images are decoded.
    """

    build: Callable[[int, int, int, bool], Any]
    recipe: Recipe
    check: Callable[[], object] = lambda: None


_SCRATCH = Recipe(
    height=350,
    width=350,
    epochs=30,
    learning_rate=1e-3,
    augmentation=Augmentation(flip=True, shift=0.08),
)
_FINE_TUNING = Recipe(
    height=336,
    width=224,
    epochs=18,
    learning_rate=2e-4,
    augmentation=Augmentation(flip=True, smallest_crop=0.3, colour=0.4, mixup=0.4),
    ema=0.998,
    probe=True,
    training_scale=0.875,
)
_TEACHERS = tuple(VARIANTS)

#: The networks that need no download; the first one is recommended.
OWN_ARCHITECTURES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2", "sequential")


def find_architecture(name: str, *, pretrained: bool = True) -> Architecture:
    """Return a network by its name: a built-in one, or one of ``keras.applications``.

    Args:
        name: case and hyphens do not matter for networks of ``keras.applications``.
        pretrained: False returns the recipe for random weights.

    Raises:
        UsageError: unknown name.
    """
    if name == "sequential":
        return Architecture(_sequential, _SCRATCH)
    if name in VARIANTS:
        variant = VARIANTS[name]
        recipe = replace(
            _FINE_TUNING, frozen_layers=last_block_before_pooling(variant), teachers=_TEACHERS
        )
        found = Architecture(partial(_lite, variant), recipe, partial(imagenet_file, variant))
    else:
        spelled = application_names().get(name.lower().replace("-", "").replace("_", ""))
        if spelled is None:
            raise UsageError(
                f"Unknown architecture '{name}': use {', '.join(OWN_ARCHITECTURES)}, or a "
                "network of keras.applications such as MobileNetV2."
            )
        found = Architecture(partial(_application, spelled), _FINE_TUNING)
    if pretrained:
        return found
    recipe = replace(_SCRATCH, height=found.recipe.height, width=found.recipe.width)
    return Architecture(found.build, recipe)


def _sequential(height: int, width: int, labels: int, pretrained: bool) -> Any:
    return build_sequential(height, width, labels)


def _lite(variant: Variant, height: int, width: int, labels: int, pretrained: bool) -> Any:
    return build_efficientnet_lite(variant, height, width, labels, pretrained=pretrained)


def _application(name: str, height: int, width: int, labels: int, pretrained: bool) -> Any:
    return build_application(name, height, width, labels, pretrained=pretrained)
