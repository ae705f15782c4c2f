"""Several trainings of one network → one network with the averages of their weights.

Networks fine-tuned from the same weights are on the slopes of one valley of the loss: the average
of their weights is lower in it, and as fast as any of them (Wortsman et al., "Model soups:
averaging weights of multiple fine-tuned models improves accuracy without increasing inference
time", ICML 2022). Networks trained from random weights have no common valley.
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
        output: the new run's folder; created if it does not exist.
        listener: receives progress on reading the data.
        measured_by: for runs on all images (:func:`tagger_training.train.refit`): the average of
            the runs that they repeat; the new run copies its calibration, thresholds and metrics.
        name: the model's name in its card; None copies the first run's.
        cache: as in :func:`tagger_training.train.train`.

    Returns:
        The metrics on validation; None with ``measured_by``.

    Raises:
        DataError: a run is not finished, or there are no images to measure the average on.
        UsageError: the runs do not match, or the output folder already contains a run.
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
            f"{folders[0]} was trained on all images, so none is left to measure the average on: "
            "pass the average of the original trainings as --measured-by."
        )
    network = load_network(runs[0].best, compiled=False)
    network.set_weights(_mean_weights(runs))

    prepared = prepare(DataSource.from_dict(described[0]["data"]), settings, run, listener, cache)
    if _split(run) != _split(runs[0]):
        raise DataError(f"The table of {folders[0]} has changed since: it lists different images.")
    averaged = {AVERAGED: [str(folder.absolute()) for folder in folders]}
    run.write_json(run.settings, {**averaged, **run.read_json(run.settings)})
    run.write(run.best, network.save)
    training = Training(
        run, settings, prepared.labelled, prepared.data, prepared.never, prepared.scored,
        TrainingState(), prepared.texts,
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
    """Refuse runs that cannot be averaged, or that were trained on each other's held-out images."""
    if len(runs) < 2:
        raise UsageError("An average needs at least two runs.")
    first = described[0]
    if not first["settings"]["pretrained"]:
        raise UsageError(
            f"{runs[0].folder} was trained from random weights: such networks cannot be averaged."
        )
    for run, other in zip(runs[1:], described[1:], strict=True):
        for key in ("architecture", "pretrained"):
            if first["settings"][key] != other["settings"][key]:
                raise UsageError(
                    f"{run.folder} contains a different network from {runs[0].folder}."
                )
        if first["data"]["labels"] != other["data"]["labels"] or _split(run) != _split(runs[0]):
            raise UsageError(f"{run.folder} was trained on different images from {runs[0].folder}.")


def _split(run: RunFolder) -> dict[str, str]:
    """Return for each image whether it is used for training."""
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
            raise UsageError(f"{run.folder} contains a different network from {runs[0].folder}.")
        weights = [one.astype(np.float64) for one in weights]
        sums = [a + b for a, b in zip(sums, weights, strict=True)] if sums else weights
    return [(one / len(runs)).astype(np.float32) for one in sums]
