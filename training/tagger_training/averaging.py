"""Several trainings of one network → one network with the averages of their weights.

Networks that were fine-tuned from the same weights lie in one valley of the loss, each somewhere on
its slopes: the average of their weights lies lower, and is as fast as one of them (Wortsman et al.,
"Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
inference time", ICML 2022). Networks trained from random weights have no valley in common.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tagger.errors import DataError, UsageError
from tagger_training.finish import Training, finish, finish_refit
from tagger_training.history import TrainingState
from tagger_training.keras_file import load_network
from tagger_training.metrics import Evaluation
from tagger_training.prepare import DataListener, prepare
from tagger_training.run_folder import RunFolder
from tagger_training.settings import DataSource, TrainSettings

#: The key of ``run.json`` that names the runs that were averaged.
AVERAGED = "averaged"


def average(
    folders: Sequence[Path],
    output: Path,
    listener: DataListener,
    *,
    measured_by: Path | None = None,
    name: str | None = None,
    cache: Path | None = None,
) -> Evaluation | None:
    """Average the weights of finished runs, then calibrate, measure and describe the result.

    Args:
        folders: runs of one architecture on the same images; input size and everything else that
            is not learned are the first one's.
        output: the new run's folder; made when it is not there.
        listener: who is told of the data.
        measured_by: for runs on all images (:func:`tagger_training.train.refit`): the average of
            the runs that they repeat, whose calibration, thresholds and figures the new one takes
            over.
        name: the model's name in its card; None takes over the first run's.
        cache: as in :func:`tagger_training.train.train`.

    Returns:
        The figures on validation; None with ``measured_by``.

    Raises:
        DataError: a run is not finished, or there is nothing to measure the average on.
        UsageError: the runs do not fit each other, or the output folder holds a run.
        OutputError: the folder cannot be written.
    """
    runs, run = [RunFolder(folder) for folder in folders], RunFolder(output)
    if run.card.exists() or run.checkpoint.exists():
        raise UsageError(f"{output} already holds a run: choose another folder.")
    if measured_by is not None:
        _check_finished(RunFolder(measured_by))
    described = [_described(one) for one in runs]
    _check_alike(runs, described)
    settings = TrainSettings.from_dict(described[0]["settings"])
    settings = replace(settings, name=name or settings.name)
    if settings.validation_share == 0 and measured_by is None:
        raise UsageError(
            f"{folders[0]} was trained on all images, so that none is left to measure the average "
            "on: name the average of the trainings before with --measured-by."
        )
    network = load_network(runs[0].best, compiled=False)
    network.set_weights(_mean_weights(runs))

    prepared = prepare(DataSource.from_dict(described[0]["data"]), settings, run, listener, cache)
    if _split(run) != _split(runs[0]):
        raise DataError(f"{folders[0]} was trained on other images than its table names now.")
    averaged = {AVERAGED: [str(folder.absolute()) for folder in folders]}
    run.write_json(run.settings, {**averaged, **run.read_json(run.settings)})
    run.write(run.best, network.save)
    training = Training(
        run, settings, prepared.labelled, prepared.data, prepared.never, prepared.scored,
        TrainingState(),
    )  # fmt: skip
    evaluation = None
    if measured_by is None:
        evaluation = finish(training)
    else:
        finish_refit(training, RunFolder(measured_by))
    run.remove_cache()
    return evaluation


def _described(run: RunFolder) -> dict[str, Any]:
    _check_finished(run)
    description: dict[str, Any] = run.read_json(run.settings)
    return description


def _check_finished(run: RunFolder) -> None:
    for file in (run.card, run.best):
        if not file.exists():
            raise DataError(f"{run.folder} is not a finished run: {file.name} is missing.")


def _check_alike(runs: Sequence[RunFolder], described: Sequence[dict[str, Any]]) -> None:
    """Refuse runs whose average would mean nothing, or be measured on what it was trained on."""
    if len(runs) < 2:
        raise UsageError("An average needs two runs or more.")
    first = described[0]
    if not first["settings"]["pretrained"]:
        raise UsageError(
            f"{runs[0].folder} was trained from random weights: averages of such networks are none."
        )
    for run, other in zip(runs[1:], described[1:], strict=True):
        for key in ("architecture", "pretrained"):
            if first["settings"][key] != other["settings"][key]:
                raise UsageError(f"{run.folder} holds another network than {runs[0].folder}.")
        if first["data"]["labels"] != other["data"]["labels"] or _split(run) != _split(runs[0]):
            raise UsageError(f"{run.folder} was trained on other images than {runs[0].folder}.")


def _split(run: RunFolder) -> dict[str, str]:
    """Return for each image whether it is trained on."""
    try:
        with run.split.open(encoding="utf-8", newline="") as file:
            return {row["id"]: row["split"] for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError, csv.Error):
        raise DataError(f"{run.split} is missing or cannot be read.") from None


def _mean_weights(runs: Sequence[RunFolder]) -> list[Any]:
    sums: list[Any] = []
    for run in runs:
        weights = load_network(run.best, compiled=False).get_weights()
        if sums and [one.shape for one in weights] != [one.shape for one in sums]:
            raise UsageError(f"{run.folder} holds another network than {runs[0].folder}.")
        weights = [one.astype(np.float64) for one in weights]
        sums = [a + b for a, b in zip(sums, weights, strict=True)] if sums else weights
    return [(one / len(runs)).astype(np.float32) for one in sums]
