"""A whole training: read, split, decode, fit, measure, choose thresholds, write the run."""

from __future__ import annotations

import csv
import io
import platform
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from tagger import __version__
from tagger.errors import DataError, UsageError, first_line
from training.architectures import find_architecture
from training.cache import decoded_images
from training.finish import Training, finish
from training.fit import FitData, FitListener, FitSettings, compile_model, fit
from training.history import Epoch, TrainingState
from training.labels import LabelledSet, Notice, read_labelled_set
from training.metrics import Evaluation, scored_labels
from training.probe import fit_head
from training.run_folder import RunFolder
from training.settings import DataSource, TrainSettings
from training.split import validation_mask

#: Labels of these names say that a label is missing: scored, never emitted.
MISSING_LABELS = frozenset({"n/a", "na", "unknown", "none"})


class TrainListener(FitListener, Protocol):
    """Who is told of the progress: the command line draws it."""

    def notice(self, notice: Notice) -> None:
        """Hear that something of the data was left out."""

    def data_ready(self, training: int, validation: int, labels: int, scored: int) -> None:
        """Hear how many images and labels there are."""

    def images_decoded(self, done: int, total: int) -> None:
        """Hear how far decoding is."""

    def model_ready(self, architecture: str, weights: int, state: TrainingState) -> None:
        """Hear the network's size, and the epochs that it has behind it."""


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
    run = RunFolder(folder)
    checkpointed = run.checkpoint.exists() and run.state.exists()
    if run.settings.exists() and not resume:
        raise UsageError(f"{folder} already holds a run: choose another folder or add --resume.")
    if run.settings.exists():
        _check_same(run, "settings", asdict(settings))
    architecture = find_architecture(settings.architecture, pretrained=settings.pretrained)
    if not checkpointed:
        architecture.check()
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
    if checkpointed:
        model = _checkpoint(run)
        state.epochs = [Epoch(**epoch) for epoch in run.read_json(run.state)]
    else:
        model = architecture.build(
            settings.height, settings.width, len(labelled.labels), settings.pretrained
        )
        if settings.probe:
            fit_head(model, images, data.targets, data.training, seed=settings.seed)
        else:
            _start_at_base_rates(model, labelled.targets[data.training].mean(axis=0))
        _freeze(model, settings.frozen_layers)
        compile_model(model, _fit_settings(settings), -(-len(data.training) // settings.batch_size))
    listener.model_ready(settings.architecture, model.count_params(), state)
    fit(model, data, _fit_settings(settings), run, state, listener)
    evaluation = finish(Training(run, settings, labelled, data, never, scored, state))
    if cache is None:
        shutil.rmtree(run.cache, ignore_errors=True)
    return evaluation


def _checkpoint(run: RunFolder) -> Any:
    try:
        return keras.models.load_model(run.checkpoint, safe_mode=True)
    except Exception as error:  # zip, JSON, HDF5 and layer errors share no base class
        raise DataError(
            f"{run.checkpoint} cannot be loaded ({first_line(error)}): remove it to start anew."
        ) from None


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


def _fit_settings(settings: TrainSettings) -> FitSettings:
    return FitSettings(
        epochs=settings.epochs,
        patience=settings.patience,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        seed=settings.seed,
        augmentation=settings.augmentation,
        ema=settings.ema,
    )


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
    if mask.all() or not mask.any():
        raise DataError(
            f"{len(mask)} labelled images are too few to train on some and choose by others."
        )
    scored = scored_labels(labelled.labels, labelled.targets.sum(axis=0), never)
    # A small set has no label with enough positives to measure well; measuring badly beats none.
    scored = scored or tuple(label for label in labelled.labels if label not in never)
    data = FitData(
        images=images,
        targets=labelled.targets,
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
    for i, image_id in enumerate(labelled.ids):
        writer.writerow((image_id, "validation" if i in validation else "training"))
    run.write(run.split, lambda beside: beside.write_text(text.getvalue(), encoding="utf-8"))
