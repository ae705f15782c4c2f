"""A training run made up of small arrays, for the tests of its report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from tagger_training.history import Epoch, TrainingState
from tagger_training.metrics import evaluate, most_frequent
from tagger_training.report import RunReport, Validation

from tagger.network.card import ModelCard
from tagger.rules import Rules, choose

DESCRIPTION = {
    "settings": {
        "architecture": "sequential",
        "height": 64,
        "learning_rate": 0.001,
        "augmentation": {"flip": True, "shift": 0.0},
        "probe": False,
        "target_precision": None,
        "never": None,
        "name": "posters <b>",
    },
    "data": {
        "images": '/data/<posters> & "more"',
        "table": "/data/labels.csv",
        "id_column": None,
        "separator": "|",
        "labels": ["A", "B"],
        "image_count": 1234,
    },
    "software": {"poster-tagger": "0.1.0", "python": "3.11.7"},
    "notices": ["1 column skipped (not 0/1): <Kind> (3 other values)"],
}


def made_up_report(
    labels: Sequence[str],
    *,
    images: int = 60,
    epochs: int = 5,
    never: Sequence[str] = (),
    scored: Sequence[str] | None = None,
    without_positive: Sequence[str] = (),
    threshold: float = 0.5,
) -> RunReport:
    """Return the report of a model that is right more often than not; the same for the same."""
    random = np.random.default_rng(7)
    count = len(labels)
    rates = np.linspace(0.6, 0.1, count)
    truth = (random.random((images, count)) < rates).astype(np.uint8)
    truth[:, [label in without_positive for label in labels]] = 0
    noise = random.normal(0, 1.2, (images, count))
    scores = 1 / (1 + np.exp(-(2.5 * truth + noise - 1.2)))
    rules = Rules(tuple(labels), (threshold,) * count, 1, 3, frozenset(never))
    emitted = choose(scores, rules)
    names = tuple(label for label in labels if label not in never) if scored is None else scored
    card = ModelCard(
        name="posters",
        version="2024-02-29",
        labels=tuple(labels),
        height=64,
        width=48,
        thresholds=rules.thresholds,
        never=tuple(never),
        scored=tuple(names),
        provenance={"architecture": "sequential", "trained_images": 4321, "date": "2024-02-29"},
    )
    return RunReport(
        description=DESCRIPTION,
        card=card,
        weights=428_918,
        state=TrainingState([_epoch(number) for number in range(1, epochs + 1)]),
        evaluation=evaluate(truth, scores, emitted, labels, names, rates, most_frequent(rates, 2)),
        validation=Validation(
            tuple(f"tt{i:04}" for i in range(images)), tuple(labels), truth, scores, emitted
        ),
    )


def with_unmeasured_epoch(report: RunReport) -> RunReport:
    """Return the report with a last epoch that has no macro-AP."""
    epoch = replace(_epoch(len(report.state.epochs) + 1), validation_macro_ap=math.nan)
    return replace(report, state=TrainingState([*report.state.epochs, epoch]))


def _epoch(number: int) -> Epoch:
    return Epoch(
        number=number,
        loss=1 / number,
        validation_log_loss=0.3 + 0.5 / number,
        validation_macro_ap=0.5 - 0.3 / number,
        learning_rate=0.001,
        seconds=90.0,
    )
