"""What a model says of labelled images → quality figures."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tagger.errors import DataError
from tagger.network.card import ModelCard
from tagger.results import Failed, Result
from tagger.rules import Rules, choose
from tagger_training.labels import LabelledSet, Notice
from tagger_training.metrics import Evaluation, evaluate, most_frequent


def evaluate_results(
    card: ModelCard, labelled: LabelledSet, results: Iterable[Result]
) -> tuple[Evaluation, LabelledSet]:
    """Measure what a model says of every labelled image.

    The baseline predicts the label frequencies of the model's training data (of this set, if the
    card does not have them) and tags every image with the most frequent labels, as many as an image
    has on average.

    Args:
        card: of the model.
        labelled: images and targets, labels in the model's order.
        results: one per image, in the order of ``labelled.files``.

    Returns:
        The metrics, and the set without the unreadable images.

    Raises:
        DataError: no image could be read.
    """
    rules = Rules.of_card(card)
    results = list(results)
    failed = [result for result in results if isinstance(result, Failed)]
    keep = [i for i, result in enumerate(results) if not isinstance(result, Failed)]
    if not keep:
        raise DataError("None of the labelled images can be read.")
    if failed:
        names = tuple(f"{result.path} ({result.reason})" for result in failed)
        labelled = labelled.take(keep, Notice("image", "skipped (unreadable)", names))
    scores = np.stack([result.scores for result in results if not isinstance(result, Failed)])
    own_rates = labelled.targets.mean(axis=0)
    base_rates = np.array(card.provenance.get("label_frequencies", own_rates), dtype=np.float64)
    if base_rates.shape != own_rates.shape:
        base_rates = own_rates
    typical = max(
        1, round(float(card.provenance.get("tags_an_image", labelled.targets.sum(axis=1).mean())))
    )
    evaluation = evaluate(
        labelled.targets,
        scores,
        choose(scores, rules),
        labelled.labels,
        card.scored or [label for label in card.labels if label not in card.never],
        base_rates,
        most_frequent(base_rates, typical),
    )
    return evaluation, labelled
