"""The end of a training: measure the kept epoch, choose thresholds, write card and report."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tagger import __version__
from tagger.errors import DataError
from tagger.network.card import RESIZE_RULES, ModelCard
from tagger.rules import Rules, choose
from tagger_training import report
from tagger_training.backend import keras
from tagger_training.calibration import Calibration, learn_calibration
from tagger_training.fit import FitData, predict
from tagger_training.folds import held_out
from tagger_training.history import Epoch, TrainingState
from tagger_training.keras_file import load_network
from tagger_training.labels import LabelledSet
from tagger_training.metrics import Evaluation, evaluate, most_frequent, rounded
from tagger_training.run_folder import RunFolder
from tagger_training.settings import TrainSettings
from tagger_training.text_finish import describe_texts, learn_texts, text_metrics
from tagger_training.text_head import TextHead
from tagger_training.text_learning import RunTexts
from tagger_training.thresholds import (
    PRECISIONS,
    learn_rules,
    learn_thresholds_of_precision,
    precision_figures,
)


@dataclass(frozen=True)
class Training:
    """A finished training, and everything needed to measure and write it.

    Attributes:
        run: the run folder.
        settings: what was trained, and how.
        labelled: all images with their labels.
        data: their split.
        never: labels that are never tags.
        scored: labels that macro averages are over.
        state: the epochs.
        texts: what is known of the images in words; None if the network takes the picture alone.
    """

    run: RunFolder
    settings: TrainSettings
    labelled: LabelledSet
    data: FitData
    never: tuple[str, ...]
    scored: tuple[str, ...]
    state: TrainingState
    texts: RunTexts | None = None


def finish(training: Training) -> Evaluation:
    """Calibrate and measure the kept epoch; write the model, its card, metrics and report.

    Calibration and thresholds are learned on other validation images than those they are measured
    on; the written model uses those learned on all of them.

    Without epochs it is an average of networks that were trained before.

    Raises:
        DataError: no epoch could be measured.
    """
    run, data = training.run, training.data
    best = training.state.best
    if best is None and training.state.epochs:
        raise DataError("No epoch gave a measurable model: validation has no positive label.")
    model = load_network(run.best)
    raw = predict(model, data.images, data.validation)
    truth = data.targets[data.validation]
    calibration = learn_calibration(truth, raw)
    run.write_json(run.calibration, calibration.to_dict())
    calibration.fold_into(model.layers[-1])
    run.write(run.model, model.save)

    learn = partial(_learn_rules, training)
    scores = held_out(truth, raw, learn_calibration)
    emitted = held_out(
        truth, scores, lambda targets, given: partial(choose, rules=learn(targets, given))
    ).astype(np.uint8)
    base_rates = data.targets[data.training].mean(axis=0)
    evaluation = evaluate(
        truth,
        scores,
        emitted,
        training.labelled.labels,
        training.scored,
        base_rates,
        most_frequent(base_rates, max(1, round(float(base_rates.sum())))),
        ranking=raw,
    )
    final = predict(model, data.images, data.validation)
    rules = learn(truth, final)
    with_text = learn_texts(training, raw, scores, learn)
    card = describe_texts(_card(training, rules, base_rates, evaluation), training, with_text)
    card = replace(
        card,
        precision_thresholds={
            share: learn_thresholds_of_precision(truth, final, share) for share in PRECISIONS
        },
    )
    run.write(run.card, lambda file: file.write_text(card.to_json() + "\n", encoding="utf-8"))
    weights = model.count_params()
    metrics = _metrics(best, training.state, weights, evaluation, with_text)
    metrics["by_precision"] = precision_figures(truth, scores, rules)
    run.write_json(run.metrics, metrics)
    _write_report(training, card, weights, evaluation, with_text, (truth, scores, emitted))
    return evaluation


def finish_refit(training: Training, base: RunFolder) -> None:
    """Write a network that was trained on all images, with an earlier run's validation results.

    Calibration, thresholds and metrics are copied from the run that chose the settings, because no
    image is left to learn or measure them on; and so is what it has learned from texts.
    """
    run = training.run
    model = load_network(run.best)
    Calibration.from_dict(base.read_json(base.calibration)).fold_into(model.layers[-1])
    run.write(run.model, model.save)
    card = base.read_card()
    if card.text is not None:
        run.write(run.text, TextHead.load(base.text, card.text, len(card.labels)).save)
    today = datetime.date.today().isoformat()
    provenance = {
        **card.provenance,
        "trained_images": len(training.data.training),
        "validation_images": 0,
        "date": today,
        "software": _software(),
        "label_frequencies": _frequencies(training.data),
        # Measured by the original run, on images that only this network was also trained on.
        "figures_of": f"the same training without {card.provenance['validation_images']} images",
    }
    card = replace(card, name=training.settings.name, version=today, provenance=provenance)
    run.write(run.card, lambda file: file.write_text(card.to_json() + "\n", encoding="utf-8"))
    if training.state.epochs:
        report.write_history(run, training.state)


def _software() -> dict[str, str]:
    return {"keras": keras.__version__, "poster-tagger": __version__}


def _frequencies(data: FitData) -> list[float]:
    return [round(float(rate), 6) for rate in data.targets[data.training].mean(axis=0)]


def _learn_rules(training: Training, targets: Any, scores: Any) -> Rules:
    most = training.data.targets[training.data.training].sum(axis=1).max()
    return learn_rules(
        targets,
        scores,
        training.labelled.labels,
        training.never,
        int(most),
        training.settings.target_precision,
    )


def _card(training: Training, rules: Rules, base_rates: Any, evaluation: Evaluation) -> ModelCard:
    settings, data = training.settings, training.data
    today = datetime.date.today().isoformat()
    return ModelCard(
        name=settings.name,
        version=today,
        labels=training.labelled.labels,
        height=settings.height,
        width=settings.width,
        thresholds=rules.thresholds,
        min_tags=rules.min_tags,
        max_tags=rules.max_tags,
        unsure=rules.unsure,
        never=training.never,
        scored=training.scored,
        resize=RESIZE_RULES[0],
        provenance={
            "architecture": settings.architecture,
            "trained_images": len(data.training),
            "validation_images": len(data.validation),
            "date": today,
            "software": _software(),
            "label_frequencies": _frequencies(data),
            "tags_an_image": round(float(base_rates.sum()), 3),
            "validation": rounded(evaluation.model),
        },
    )


def _metrics(
    best: Epoch | None,
    state: TrainingState,
    weights: int,
    evaluation: Evaluation,
    with_text: Mapping[str, Evaluation],
) -> dict[str, Any]:
    return {
        "best_epoch": best.number if best else None,
        "epochs": len(state.epochs),
        "seconds": round(sum(epoch.seconds for epoch in state.epochs)),
        "weights": weights,
        **evaluation.to_dict(),
        **text_metrics(with_text),
    }


def _write_report(
    training: Training,
    card: ModelCard,
    weights: int,
    evaluation: Evaluation,
    with_text: Mapping[str, Evaluation],
    outcome: tuple[Any, Any, Any],
) -> None:
    run, labelled, state = training.run, training.labelled, training.state
    if state.epochs:
        report.write_history(run, state)
        report.draw_learning_curves(run, state)
    report.draw_per_label(run, evaluation)
    ids = tuple(labelled.ids[i] for i in training.data.validation)
    validation = report.Validation(ids, labelled.labels, *outcome)
    report.write_validation(run, validation)
    description = run.read_json(run.settings)
    page = report.RunReport(description, card, weights, state, evaluation, validation, with_text)
    images, rows = training.data.images, training.data.validation
    shown = report.mistaken_images(
        validation, report.shown_labels(page), lambda row: images[rows[row]]
    )
    report.write_page(run, replace(page, images=shown))
