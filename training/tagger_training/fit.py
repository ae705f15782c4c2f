"""The training loop: fit, measure, keep the best epoch, checkpoint, stop early, resume."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tagger.results import Pixels
from tagger_training.backend import keras
from tagger_training.batches import TrainingBatches
from tagger_training.history import Epoch, TrainingState
from tagger_training.metrics import binary_log_loss, macro_average_precision
from tagger_training.run_folder import RunFolder
from tagger_training.settings import TrainSettings


class FitListener(Protocol):
    """Receives progress; the command line displays it."""

    def batch_done(self, epoch: int, done: int, total: int, loss: float) -> None:
        """Called after a batch of an epoch (from 1); ``loss`` is the epoch's mean so far."""

    def epoch_done(self, epoch: Epoch, state: TrainingState) -> None:
        """Called when an epoch is measured and its checkpoint written."""


@dataclass(frozen=True)
class FitData:
    """The images and their labels.

    Attributes:
        images: uint8, shape ``(images, height, width, 3)``.
        targets: 0/1, shape ``(images, labels)``.
        taught: training targets: the same, or blended with the teachers' predictions; float32.
        training: positions of the training images.
        validation: positions of the validation images.
        scored: bool, shape ``(labels,)``: the labels that macro-AP averages over.
    """

    images: Pixels
    targets: npt.NDArray[np.uint8]
    taught: npt.NDArray[np.float32]
    training: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]
    scored: npt.NDArray[np.bool_]


def compile_model(model: Any, settings: TrainSettings, steps_per_epoch: int) -> None:
    """Compile a new model with its loss and optimizer: AdamW, warm-up, cosine to zero.

    The warm-up takes one epoch, or a quarter of a short training.
    """
    total = settings.epochs * steps_per_epoch
    warmup = min(steps_per_epoch, total // 4)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=settings.learning_rate / 20,
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
        decay_steps=max(1, total - warmup),
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=settings.weight_decay,
        use_ema=settings.ema > 0,
        ema_momentum=settings.ema or 0.99,
    )
    model.compile(optimizer, loss=keras.losses.BinaryCrossentropy())


def fit(
    model: Any,
    data: FitData,
    settings: TrainSettings,
    run: RunFolder,
    state: TrainingState,
    listener: FitListener,
    *,
    measured: Any = None,
) -> TrainingState:
    """Train all epochs, or until validation macro-AP has not risen for ``patience`` epochs.

    Without validation images all epochs are trained, and the last one is kept.

    After each epoch ``checkpoint.keras`` (with the optimizer) and ``state.json`` are written, and
    ``best.keras`` if the epoch is the best so far. An interrupted training resumes from there.

    Args:
        model: compiled Keras model for images of the training size; a checkpoint when the training
            is resumed.
        data: images, labels and their split.
        settings: duration and learning rate.
        run: the run folder.
        state: epochs so far; it is extended.
        listener: receives progress.
        measured: the same network for full-size images, which gets the weights of each epoch, is
            measured and kept; None means the model itself.

    Returns:
        The same ``state``.
    """
    batches = TrainingBatches(
        data.images, data.taught, data.training,
        batch_size=settings.batch_size, seed=settings.seed, first_epoch=len(state.epochs),
        augmentation=settings.augmentation, size=settings.training_size,
    )  # fmt: skip
    follow = _FollowTraining(measured or model, data, settings, run, state, listener)
    epochs = settings.stop_after or settings.epochs
    if state.epochs_since_best() < settings.patience and len(state.epochs) < epochs:
        # Decay is for kernels; pulling biases and batch-norm scales to zero only harms. Set here
        # because a checkpoint does not store it.
        model.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        model.fit(
            batches,
            initial_epoch=len(state.epochs),
            epochs=epochs,
            callbacks=[follow],
            # The batches are already shuffled, by seed and epoch. Keras would use an order of its
            # own, which a resumed training could not repeat.
            shuffle=False,
            verbose=0,
        )
    return state


def predict(model: Any, images: Pixels, rows: Sequence[int] | npt.NDArray[np.int64]) -> Any:
    """Return the float32 scores of the images at the given positions, 32 at a time."""
    chunks = [rows[start : start + 32] for start in range(0, len(rows), 32)]
    return np.concatenate([model.predict_on_batch(images[chunk]) for chunk in chunks])


def copy_weights(source: Any, target: Any) -> None:
    """Copy the weights of the same network for images of another size."""
    if target is source:
        return
    for one, other in zip(source.layers, target.layers, strict=True):
        other.set_weights(one.get_weights())


def _seed_dropout(model: Any, seed: tuple[int, ...]) -> None:
    """Seed the random numbers of dropout so that a resumed training continues in the same way.

    A checkpoint does not store their state.
    """
    for number, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            state = np.random.default_rng((*seed, number)).integers(2**31, size=2)
            generator.state.assign(state.astype(generator.state.dtype))
        if hasattr(layer, "layers"):
            _seed_dropout(layer, (*seed, number))


class _FollowTraining(keras.callbacks.Callback):  # type: ignore[misc]
    """Measures, keeps, checkpoints and stops, once per epoch."""

    def __init__(
        self,
        measured: Any,
        data: FitData,
        settings: TrainSettings,
        run: RunFolder,
        state: TrainingState,
        listener: FitListener,
    ) -> None:
        super().__init__()
        self._measured = measured
        self._data = data
        self._settings = settings
        self._run = run
        self._state = state
        self._listener = listener
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._started = time.monotonic()
        _seed_dropout(self.model, (self._settings.seed, epoch))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        total = self.params["steps"]
        number = len(self._state.epochs) + 1
        self._listener.batch_done(number, batch + 1, total, float((logs or {}).get("loss", 0)))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        own_weights = self.model.get_weights() if self._settings.ema else None
        if own_weights is not None:  # the moving average is measured and kept
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        copy_weights(self.model, self._measured)
        log_loss, macro_ap = self._measure()
        result = Epoch(
            number=epoch + 1,
            loss=float((logs or {}).get("loss", math.nan)),
            validation_log_loss=log_loss,
            validation_macro_ap=macro_ap,
            learning_rate=float(self.model.optimizer.learning_rate),
            seconds=time.monotonic() - self._started,
        )
        self._state.epochs.append(result)
        if self._state.best is result or not len(self._data.validation):
            self._run.write(self._run.best, self._measured.save)
        if own_weights is not None:
            self.model.set_weights(own_weights)
        self._run.write(self._run.checkpoint, self.model.save)
        self._run.write_json(self._run.state, [asdict(item) for item in self._state.epochs])
        self._listener.epoch_done(result, self._state)
        if self._state.epochs_since_best() >= self._settings.patience:
            self.model.stop_training = True

    def _measure(self) -> tuple[float, float]:
        """Return log-loss and macro-AP on validation, NaN without validation images."""
        if not len(self._data.validation):
            return math.nan, math.nan
        targets = self._data.targets[self._data.validation]
        scores = predict(self._measured, self._data.images, self._data.validation)
        macro_ap = macro_average_precision(targets, scores, self._data.scored)
        return binary_log_loss(targets, scores), macro_ap
