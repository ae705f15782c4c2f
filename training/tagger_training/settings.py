"""What determines the result of a training: the settings and the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger_training.augmentation import Augmentation


@dataclass(frozen=True)
class TrainSettings:
    """Everything that determines a run's result, apart from the data.

    Attributes:
        architecture: a name known to :func:`tagger_training.architectures.find_architecture`.
        height: rows of the input, in pixels.
        width: columns of the input, in pixels.
        epochs: maximum number of epochs; the learning rate falls to zero at their end.
        stop_after: train only this many of them; None trains all.
        patience: stop after this many epochs without a higher validation macro-AP.
        training_scale: side of the training images, as a share of the input's side.
        teachers: networks with probes that provide targets in addition to the labels, each for
            images that it was not fitted on.
        teacher_share: the teachers' share of the targets.
        batch_size: images per training step.
        learning_rate: peak learning rate.
        weight_decay: decoupled decay of the kernels.
        validation_share: share of images held out for validation; 0 trains on all, and nothing is
            measured.
        seed: random seed for initial weights, order and augmentation.
        augmentation: how training images are changed.
        ema: decay of the moving average of weights that is kept; 0 keeps the weights themselves.
        probe: fit the last layer on frozen features first.
        frozen_layers: layers up to the last one with a name that starts with this stay frozen.
        pretrained: start from ImageNet weights if the network has any.
        target_precision: learn thresholds for this precision; None learns them for the best F1.
        name: the model's name in its card.
        never: labels that are scored and never emitted; None finds ``N/A`` and similar labels.
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
    training_scale: float = 1.0
    teachers: tuple[str, ...] = ()
    teacher_share: float = 0.5
    pretrained: bool = True
    stop_after: int | None = None
    patience: int = 10
    batch_size: int = 32
    weight_decay: float = 1e-2
    validation_share: float = 0.15
    seed: int = 1
    target_precision: float | None = None
    name: str = "model"
    never: tuple[str, ...] | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrainSettings:
        """Undo :func:`dataclasses.asdict` after a round trip through JSON, which has no tuples."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
        }
        values["augmentation"] = Augmentation(**data["augmentation"])
        return cls(**values)

    @property
    def training_size(self) -> tuple[int, int]:
        """Height and width of the training images."""
        scale = self.training_scale
        return max(1, round(self.height * scale)), max(1, round(self.width * scale))


@dataclass(frozen=True)
class TextSource:
    """Where to find what is known of images in words.

    Attributes:
        column: of the table of labels; contains each image's text.
        year_column: likewise, each image's year; None if there is none.
        tables: further tables of labelled texts, with the same columns and without images.
    """

    column: str
    year_column: str | None = None
    tables: tuple[Path, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are no labels."""
        return (self.column, self.year_column) if self.year_column else (self.column,)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TextSource:
        """Read it from a run's description of its data."""
        return cls(data["column"], data["year_column"], tuple(map(Path, data["tables"])))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        tables = [str(table.absolute()) for table in self.tables]
        return {"column": self.column, "year_column": self.year_column, "tables": tables}


@dataclass(frozen=True)
class DataSource:
    """Location of the labelled set, and how its table is read."""

    images: Path
    table: Path
    id_column: str | None = None
    tags_column: str | None = None
    separator: str = "|"
    text: TextSource | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DataSource:
        """Read it from a run's description of its data."""
        return cls(
            Path(data["images"]),
            Path(data["table"]),
            data["id_column"],
            data["tags_column"],
            data["separator"],
            TextSource.from_dict(data["text"]) if data.get("text") else None,
        )
