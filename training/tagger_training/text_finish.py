"""The end of a training with texts: the head is learned, measured, and described."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tagger.network.card import ModelCard
from tagger.rules import Rules, choose
from tagger_training.folds import held_out
from tagger_training.metrics import Evaluation, evaluate, most_frequent, rounded
from tagger_training.text_learning import learn_and_judge

if TYPE_CHECKING:
    from tagger_training.finish import Training

Array = npt.NDArray[Any]


def learn_texts(
    training: Training, raw: Array, scores: Array, learn: Callable[[Array, Array], Rules]
) -> dict[str, Evaluation]:
    """Learn a head for a run's texts, write it, and measure it; do nothing without texts.

    Args:
        training: the network is trained.
        raw: the network's probabilities for the validation images, ``(images, labels)``.
        scores: the same, calibrated by other images.
        learn: takes targets and scores of pictures alone, and returns rules, by which images with
            texts are tagged, too.

    Returns:
        For each kind of text, the metrics on all validation images; those without a text have the
        scores of their pictures.

    Raises:
        DataError: there is no text to learn from.
        OutputError: the folder cannot be written.
    """
    texts, data = training.texts, training.data
    if texts is None:
        return {}
    head, fused = learn_and_judge(texts, training.labelled.ids, data, raw)
    training.run.write(training.run.text, head.save)
    truth = data.targets[data.validation]
    base_rates = data.targets[data.training].mean(axis=0)

    def rules(targets: Array, given: Array) -> Callable[[Array], Array]:
        learned = learn(targets, given[:, 0])
        return lambda others: choose(others[:, 1], learned)

    return {
        kind: evaluate(
            truth,
            judged.scores,
            held_out(truth, np.stack([scores, judged.scores], axis=1), rules).astype(np.uint8),
            training.labelled.labels,
            training.scored,
            base_rates,
            most_frequent(base_rates, max(1, round(float(base_rates.sum())))),
            ranking=judged.ranking,
        )
        for kind, judged in fused.items()
    }


def describe_texts(
    card: ModelCard, training: Training, with_text: Mapping[str, Evaluation]
) -> ModelCard:
    """Return a card that says what text the network takes, and how good it is with each kind."""
    if training.texts is None:
        return card
    figures = {kind: rounded(evaluation.model) for kind, evaluation in with_text.items()}
    provenance = {**card.provenance, "validation_with_text": figures}
    return replace(card, text=training.texts.text, provenance=provenance)


def text_metrics(with_text: Mapping[str, Evaluation]) -> dict[str, Any]:
    """Return plain data for ``metrics.json``; nothing without texts."""
    kinds = {kind: evaluation.to_dict() for kind, evaluation in with_text.items()}
    return {"with_text": kinds} if kinds else {}
