"""A model file and a labelled set → quality figures, through the same stages as tagging."""

from __future__ import annotations

import numpy as np

from tagger.errors import DataError
from tagger.network.model import TaggerModel
from tagger.pipeline.pipeline import tag_images
from tagger.results import Failed
from tagger.rules import Rules, choose
from tagger_training.labels import LabelledSet, Notice
from tagger_training.metrics import Evaluation, evaluate, most_frequent


def evaluate_model(
    model: TaggerModel, labelled: LabelledSet, *, workers: int
) -> tuple[Evaluation, LabelledSet]:
    """Tag every labelled image and measure the result.

    The baseline predicts the label frequencies of the model's training data (of this set, when
    the card does not tell them) and tags every image with the most frequent labels, as many as an
    image has on average.

    Args:
        model: an opened model.
        labelled: images and targets, labels in the model's order.
        workers: images decoded at a time.

    Returns:
        The figures, and the set without the images that could not be read.

    Raises:
        DataError: no image could be read.
    """
    card = model.card
    rules = Rules.of_card(card)
    results = list(
        tag_images((str(file) for file in labelled.files), model, rules, workers=workers)
    )
    failed = [result for result in results if isinstance(result, Failed)]
    keep = [i for i, result in enumerate(results) if not isinstance(result, Failed)]
    if not keep:
        raise DataError("None of the labelled images can be read.")
    if failed:
        names = tuple(f"{result.path} ({result.reason})" for result in failed)
        labelled = labelled.take(keep, Notice("images left out, they cannot be read", names))
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
