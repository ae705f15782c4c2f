"""A whole training: prepare the data, fit, measure, choose thresholds, write the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tagger.errors import DataError, UsageError
from tagger_training.architectures import find_architecture
from tagger_training.averaging import AVERAGED
from tagger_training.backend import keras
from tagger_training.finish import Training, finish, finish_refit
from tagger_training.fit import FitListener, compile_model, copy_weights, fit
from tagger_training.history import Epoch, TrainingState
from tagger_training.keras_file import load_network
from tagger_training.metrics import Evaluation
from tagger_training.prepare import DataListener, check_same, prepare
from tagger_training.run_folder import RunFolder
from tagger_training.settings import DataSource, TrainSettings
from tagger_training.teaching import Probes, taught_targets


class TrainListener(FitListener, DataListener, Protocol):
    """Who is told of the progress: the command line draws it."""

    def probing(self, network: str) -> None:
        """Hear that a linear probe on a network is being fitted, which takes minutes."""

    def model_ready(
        self, architecture: str, weights: int, epochs: int, state: TrainingState
    ) -> None:
        """Hear the network's size, how many epochs it trains, and those that are behind it."""


def train(
    source: DataSource,
    settings: TrainSettings,
    folder: Path,
    listener: TrainListener,
    *,
    resume: bool = False,
    cache: Path | None = None,
) -> Evaluation:
    """Train a model and write everything about it into a run folder.

    Args:
        source: the labelled set.
        settings: what to train, and how.
        folder: the run folder; made when it is not there.
        listener: who is told of the progress.
        resume: go on from the folder's checkpoint; starts anew where there is none.
        cache: where decoded images lie, to share them between runs; None keeps them in the run
            folder and removes them at the end.

    Returns:
        The figures of the best epoch on validation.

    Raises:
        DataError: no usable image or label is left.
        UsageError: the folder holds another run.
        OutputError: the folder cannot be written.
        TaggerError: the architecture needs a package that is not installed.
    """
    training = _trained(source, settings, RunFolder(folder), listener, resume, cache)
    evaluation = finish(training)
    training.run.remove_cache()
    return evaluation


def refit(
    base: Path,
    folder: Path,
    listener: TrainListener,
    *,
    name: str | None = None,
    resume: bool = False,
    cache: Path | None = None,
) -> None:
    """Train once more what a finished run chose, on all its images, those of validation too.

    More images make a better network, and nothing is left to measure it on: it takes over
    calibration, thresholds and figures.

    Args:
        base: folder of the finished run.
        folder: the new run's folder; made when it is not there.
        listener: who is told of the progress.
        name: the model's name in its card; None takes over the run's.
        resume: go on from the folder's checkpoint; starts anew where there is none.
        cache: as in :func:`train`.

    Raises:
        DataError: the run is not finished, or its data are no longer what they were.
        UsageError: the folder holds another run, or the finished one is an average.
        OutputError: the folder cannot be written.
        TaggerError: the architecture needs a package that is not installed.
    """
    finished = RunFolder(base)
    if not (finished.card.exists() and finished.calibration.exists()):
        raise DataError(f"{base} is not a finished run: {finished.calibration.name} is missing.")
    described = finished.read_json(finished.settings)
    if AVERAGED in described:
        raise UsageError(
            f"{base} is an average: refit each of its trainings, then average what they give."
        )
    settings = TrainSettings.from_dict(described["settings"])
    settings = replace(
        settings,
        name=name or settings.name,
        validation_share=0.0,
        stop_after=int(finished.read_json(finished.metrics)["best_epoch"]),
    )
    source = DataSource.from_dict(described["data"])
    training = _trained(source, settings, RunFolder(folder), listener, resume, cache)
    finish_refit(training, finished)
    training.run.remove_cache()


def _trained(
    source: DataSource,
    settings: TrainSettings,
    run: RunFolder,
    listener: TrainListener,
    resume: bool,
    cache: Path | None,
) -> Training:
    """Train all epochs, or those that are left."""
    checkpointed = run.checkpoint.exists() and run.state.exists()
    if run.settings.exists() and not resume:
        raise UsageError(
            f"{run.folder} already holds a run: choose another folder or add --resume."
        )
    if run.settings.exists():
        check_same(run, "settings", asdict(settings))
    architecture = find_architecture(settings.architecture, pretrained=settings.pretrained)
    if not checkpointed:
        architecture.check()
        for teacher in settings.teachers:
            find_architecture(teacher).check()
    prepared = prepare(source, settings, run, listener, cache)
    labelled, data = prepared.labelled, prepared.data

    keras.utils.set_random_seed(settings.seed)
    state = TrainingState()
    measured = architecture.build(
        settings.height, settings.width, len(labelled.labels), settings.pretrained
    )
    probes = Probes(settings, data, listener.probing)
    if checkpointed:
        model = _checkpoint(run)
        state.epochs = [Epoch(**epoch) for epoch in run.read_json(run.state)]
    else:
        if settings.probe:
            probe = probes.of(settings.architecture, measured)
            measured.layers[-1].set_weights([probe.kernel, probe.bias])
        else:
            _start_at_base_rates(measured, labelled.targets[data.training].mean(axis=0))
        model = _for_training(measured, architecture.build, settings, len(labelled.labels))
        _freeze(model, settings.frozen_layers)
        compile_model(model, settings, -(-len(data.training) // settings.batch_size))
    data = replace(data, taught=taught_targets(data, settings, run, probes))
    epochs = settings.stop_after or settings.epochs
    listener.model_ready(settings.architecture, model.count_params(), epochs, state)
    fit(model, data, settings, run, state, listener, measured=measured)
    return Training(run, settings, labelled, data, prepared.never, prepared.scored, state)


def _checkpoint(run: RunFolder) -> Any:
    try:
        return load_network(run.checkpoint)
    except DataError as error:
        raise DataError(f"{str(error).rstrip('.')}: remove it to start anew.") from None


def _start_at_base_rates(model: Any, base_rates: Any) -> None:
    """Let the untrained network predict label frequencies, so that no epoch goes into them."""
    rates = np.clip(base_rates, 1e-4, 1 - 1e-4)
    kernel, _ = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel * 0.1, np.log(rates / (1 - rates))])


def _freeze(model: Any, prefix: str | None) -> None:
    """Keep the first layers as they are: what they have learned from ImageNet is general."""
    if prefix is None:
        return
    named = [i for i, layer in enumerate(model.layers) if layer.name.startswith(prefix)]
    for layer in model.layers[: max(named, default=-1) + 1]:
        layer.trainable = False


def _for_training(
    measured: Any, build: Callable[[int, int, int, bool], Any], settings: TrainSettings, labels: int
) -> Any:
    """Return the network for images of the size that is trained on, with the same weights."""
    if settings.training_size == (settings.height, settings.width):
        return measured
    model = build(*settings.training_size, labels, settings.pretrained)
    copy_weights(measured, model)
    return model
