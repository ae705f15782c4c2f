"""A whole training: read, split, decode, fit, measure, choose thresholds, write the run."""

from __future__ import annotations

import csv
import io
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from tagger import __version__
from tagger.errors import DataError, UsageError
from training.architectures import find_architecture
from training.cache import decoded_images
from training.finish import Training, finish, finish_refit
from training.fit import FitData, FitListener, compile_model, copy_weights, fit
from training.history import Epoch, TrainingState
from training.keras_file import load_network
from training.labels import LabelledSet, Notice, read_labelled_set
from training.metrics import Evaluation, scored_labels
from training.run_folder import RunFolder
from training.settings import DataSource, TrainSettings
from training.split import validation_mask
from training.teaching import Probes, taught_targets

#: Labels of these names say that a label is missing: scored, never emitted.
MISSING_LABELS = frozenset({"n/a", "na", "unknown", "none"})

_COMPARED_SHARE = 0.15


class TrainListener(FitListener, Protocol):
    """Who is told of the progress: the command line draws it."""

    def notice(self, notice: Notice) -> None:
        """Hear that something of the data was left out."""

    def data_ready(self, training: int, validation: int, labels: int, scored: int) -> None:
        """Hear how many images and labels there are."""

    def images_decoded(self, done: int, total: int) -> None:
        """Hear how far decoding is."""

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
    _remove_cache(training.run)
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
        UsageError: the folder holds another run.
        OutputError: the folder cannot be written.
        TaggerError: the architecture needs a package that is not installed.
    """
    finished = RunFolder(base)
    if not (finished.card.exists() and finished.calibration.exists()):
        raise DataError(f"{base} is not a finished run: {finished.calibration.name} is missing.")
    described = finished.read_json(finished.settings)
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
    _remove_cache(training.run)


def _remove_cache(run: RunFolder) -> None:
    shutil.rmtree(run.cache, ignore_errors=True)


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
        _check_same(run, "settings", asdict(settings))
    architecture = find_architecture(settings.architecture, pretrained=settings.pretrained)
    if not checkpointed:
        architecture.check()
        for teacher in settings.teachers:
            find_architecture(teacher).check()
    labelled = read_labelled_set(
        source.table,
        source.images,
        id_column=source.id_column,
        tags_column=source.tags_column,
        separator=source.separator,
    )
    run.create()
    images, labelled = _decoded(labelled, settings, cache or run.cache, listener)
    for notice in labelled.notices:
        listener.notice(notice)
    description = _describe(source, settings, labelled)
    if run.settings.exists():
        _check_same(run, "data", description["data"])
    never = _never(labelled.labels, settings.never)
    data, scored = _split(labelled, images, settings, never)
    run.write_json(run.settings, description)
    _write_split(run, labelled, data)
    listener.data_ready(len(data.training), len(data.validation), len(labelled.labels), len(scored))

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
    return Training(run, settings, labelled, data, never, scored, state)


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


def _decoded(
    labelled: LabelledSet, settings: TrainSettings, cache: Path, listener: TrainListener
) -> tuple[Any, LabelledSet]:
    """Decode everything; images that cannot be read leave the set, named."""
    images, failures = decoded_images(
        labelled.files, settings.height, settings.width, cache, listener.images_decoded
    )
    if not failures:
        return images, labelled
    keep = [i for i in range(len(labelled.ids)) if i not in failures]
    if not keep:
        raise DataError("None of the labelled images can be read.")
    names = tuple(f"{labelled.files[i]} ({reason})" for i, reason in sorted(failures.items()))
    return _Rows(images, np.array(keep)), labelled.take(
        keep, Notice("images left out, they cannot be read", names)
    )


class _Rows:
    """Some rows of a memory-mapped array, indexed as if the others were not there."""

    def __init__(self, array: Any, rows: Any) -> None:
        self._array = array
        self._rows = rows

    def __getitem__(self, index: Any) -> Any:
        return self._array[self._rows[index]]


def _describe(source: DataSource, settings: TrainSettings, labelled: LabelledSet) -> dict[str, Any]:
    """Everything that reproduces the run."""
    packages = ("keras", "tensorflow", "numpy", "pillow", "scikit-learn")
    return {
        "settings": asdict(settings),
        "data": {
            "images": str(source.images.absolute()),
            "table": str(source.table.absolute()),
            "id_column": source.id_column,
            "tags_column": source.tags_column,
            "separator": source.separator,
            "labels": list(labelled.labels),
            "image_count": len(labelled.ids),
        },
        "software": {
            "poster-tagger": __version__,
            "python": platform.python_version(),
            **{package: version(package) for package in packages},
        },
        "notices": [str(notice) for notice in labelled.notices],
    }


def _check_same(run: RunFolder, part: str, now: dict[str, Any]) -> None:
    """Refuse to go on with other settings or data: the result would be neither run's."""
    before = run.read_json(run.settings).get(part, {})
    for key, value in now.items():
        old = before.get(key)
        if (tuple(old) if isinstance(old, list) else old) != (
            tuple(value) if isinstance(value, list) else value
        ):
            raise UsageError(
                f"{run.folder} was started with another {key} ({_short(old)}, now "
                f"{_short(value)}): use the same options, or another folder."
            )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _never(labels: Sequence[str], wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    if wanted is None:
        return tuple(label for label in labels if label.lower() in MISSING_LABELS)
    for label in wanted:
        if label not in labels:
            raise UsageError(f"There is no label {label!r}; the labels are {', '.join(labels)}.")
    return wanted


def _split(
    labelled: LabelledSet, images: Any, settings: TrainSettings, never: tuple[str, ...]
) -> tuple[FitData, tuple[str, ...]]:
    mask = validation_mask(labelled.ids, settings.validation_share)
    if mask.all() or (settings.validation_share > 0 and not mask.any()):
        raise DataError(
            f"{len(mask)} labelled images are too few to train on some and choose by others."
        )
    scored = scored_labels(labelled.labels, labelled.targets.sum(axis=0), never)
    # A small set has no label with enough positives to measure well; measuring badly beats none.
    scored = scored or tuple(label for label in labelled.labels if label not in never)
    data = FitData(
        images=images,
        targets=labelled.targets,
        taught=labelled.targets.astype(np.float32),
        training=np.flatnonzero(~mask),
        validation=np.flatnonzero(mask),
        scored=np.array([label in scored for label in labelled.labels], dtype=np.bool_),
    )
    return data, scored


def _write_split(run: RunFolder, labelled: LabelledSet, data: FitData) -> None:
    validation = set(data.validation.tolist())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", "split"))
    # A run on all images compares precisions on those that would have been validation's.
    compared = validation_mask(labelled.ids, _COMPARED_SHARE)
    for i, image_id in enumerate(labelled.ids):
        part = "validation" if i in validation else "training"
        if not validation and compared[i]:
            part = "both"
        writer.writerow((image_id, part))
    run.write(run.split, lambda beside: beside.write_text(text.getvalue(), encoding="utf-8"))
