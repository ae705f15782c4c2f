"""A complete training: prepare the data, fit, measure, choose thresholds, write the run."""

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
    """Receives progress; the command line displays it."""

    def probing(self, network: str) -> None:
        """Called when fitting a linear probe on a network starts, which takes minutes."""

    def model_ready(
        self, architecture: str, weights: int, epochs: int, state: TrainingState
    ) -> None:
        """Called with the network's size, its number of epochs, and the epochs already done."""


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
        folder: the run folder; created if it does not exist.
        listener: receives progress.
        resume: continue from the folder's checkpoint, or start if there is none.
        cache: folder for decoded images, to share them between runs; None keeps them in the run
            folder and removes them at the end.

    Returns:
        The metrics of the best epoch on validation.

    Raises:
        DataError: there is no usable image or label.
        UsageError: the folder contains another run.
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
    """Train a finished run's network again on all its images, including validation.

    More images make a better network, but leave nothing to measure it on, so calibration,
    thresholds and metrics are copied from the finished run.

    Args:
        base: folder of the finished run.
        folder: the new run's folder; created if it does not exist.
        listener: receives progress.
        name: the model's name in its card; None copies the run's.
        resume: continue from the folder's checkpoint, or start if there is none.
        cache: as in :func:`train`.

    Raises:
        DataError: the run is not finished, or its data has changed.
        UsageError: the folder contains another run, or the finished one is an average.
        OutputError: the folder cannot be written.
        TaggerError: the architecture needs a package that is not installed.
    """
    finished = RunFolder(base)
    if not (finished.card.exists() and finished.calibration.exists()):
        raise DataError(f"{base} is not a finished run: {finished.calibration.name} is missing.")
    described = finished.read_json(finished.settings)
    if AVERAGED in described:
        raise UsageError(
            f"{base} is an average: refit each of its trainings, then average the results."
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
    """Train all epochs, or the remaining ones."""
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
    return Training(
        run, settings, labelled, data, prepared.never, prepared.scored, state, prepared.texts
    )


def _checkpoint(run: RunFolder) -> Any:
    try:
        return load_network(run.checkpoint)
    except DataError as error:
        raise DataError(f"{str(error).rstrip('.')}: delete it to start over.") from None


def _start_at_base_rates(model: Any, base_rates: Any) -> None:
    """Make the untrained network predict label frequencies, so that no epoch is spent on them."""
    rates = np.clip(base_rates, 1e-4, 1 - 1e-4)
    kernel, _ = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel * 0.1, np.log(rates / (1 - rates))])


def _freeze(model: Any, prefix: str | None) -> None:
    """Freeze the first layers: what they have learned from ImageNet is general."""
    if prefix is None:
        return
    named = [i for i, layer in enumerate(model.layers) if layer.name.startswith(prefix)]
    for layer in model.layers[: max(named, default=-1) + 1]:
        layer.trainable = False


def _for_training(
    measured: Any, build: Callable[[int, int, int, bool], Any], settings: TrainSettings, labels: int
) -> Any:
    """Return the network for images of the training size, with the same weights."""
    if settings.training_size == (settings.height, settings.width):
        return measured
    model = build(*settings.training_size, labels, settings.pretrained)
    copy_weights(measured, model)
    return model
