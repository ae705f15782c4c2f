"""What the report of a run is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from tagger.network.card import ModelCard
from tagger_training.history import TrainingState
from tagger_training.metrics import Evaluation

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Validation:
    """What the model says of the images that it was not trained on.

    Attributes:
        ids: the labelled table's id of each image.
        labels: label names, in the order of the columns.
        truth: 0/1, shape ``(images, labels)``.
        scores: probabilities, the same shape; calibrated by what other images taught.
        emitted: 0/1, the same shape: which labels became tags, by the same rule.
    """

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    truth: Array
    scores: Array
    emitted: Array


@dataclass(frozen=True)
class RunReport:
    """Everything that the page shows.

    Attributes:
        description: what ``run.json`` holds: settings, data, software, notices.
        card: the model's card.
        weights: how many the network has.
        state: the epochs.
        evaluation: the figures.
        validation: what they are figures of.
    """

    description: Mapping[str, Any]
    card: ModelCard
    weights: int
    state: TrainingState
    evaluation: Evaluation
    validation: Validation
