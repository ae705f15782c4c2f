"""The data of a run's report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from tagger.network.card import ModelCard
from tagger_training.history import TrainingState
from tagger_training.metrics import Evaluation

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Validation:
    """The model's predictions for images that it was not trained on.

    Attributes:
        ids: the labelled table's id of each image.
        labels: label names, in the order of the columns.
        truth: 0/1, shape ``(images, labels)``.
        scores: probabilities, the same shape, with a calibration learned on other images.
        emitted: 0/1, the same shape: which labels became tags, with thresholds learned likewise.
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
        description: the content of ``run.json``: settings, data, software, notices.
        card: the model's card.
        weights: number of weights of the network.
        state: the epochs.
        evaluation: the metrics.
        validation: the predictions they are computed from.
        with_text: kind of text → the metrics with it; empty if the network takes none.
        images: rows of the validation → pictures of them as JPEG, of all that are shown.
    """

    description: Mapping[str, Any]
    card: ModelCard
    weights: int
    state: TrainingState
    evaluation: Evaluation
    validation: Validation
    with_text: Mapping[str, Evaluation] = field(default_factory=dict)
    images: Mapping[int, bytes] = field(default_factory=dict)
