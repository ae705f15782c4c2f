"""What decides the outcome of a training: the settings and the data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.augmentation import Augmentation


@dataclass(frozen=True)
class TrainSettings:
    """Everything that decides what a run gives, apart from the data.

    Attributes:
        architecture: a name that :func:`training.architectures.find_architecture` knows.
        height: rows of the input, in pixels.
        width: columns of the input, in pixels.
        epochs: at most this many.
        patience: stop after this many epochs without a higher validation macro-AP.
        batch_size: images a step.
        learning_rate: its peak.
        weight_decay: decoupled decay of the kernels.
        validation_share: share of images that are never trained on.
        seed: of initial weights, order and augmentation.
        augmentation: how training images are changed.
        ema: decay of the moving average of weights that is kept; 0 keeps the weights themselves.
        probe: fit the last layer on frozen features first.
        frozen_layers: layers up to the last one whose name starts with this stay as they are.
        pretrained: start from ImageNet weights where the network has some.
        target_precision: learn thresholds for this share of true tags; None learns them for F1.
        name: the model's name in its card.
        never: labels that are scored and never emitted; None finds ``N/A`` and its like.
    """

    architecture: str
    height: int
    width: int
    epochs: int
    learning_rate: float
    augmentation: Augmentation = Augmentation()  # noqa: RUF009 (frozen)
    ema: float = 0.0
    probe: bool = False
    frozen_layers: str | None = None
    pretrained: bool = True
    patience: int = 10
    batch_size: int = 32
    weight_decay: float = 1e-2
    validation_share: float = 0.15
    seed: int = 1
    target_precision: float | None = None
    name: str = "model"
    never: tuple[str, ...] | None = None


@dataclass(frozen=True)
class DataSource:
    """Where the labelled set lies and how its table is read."""

    images: Path
    table: Path
    id_column: str | None = None
    tags_column: str | None = None
    separator: str = "|"
