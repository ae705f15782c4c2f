"""The training loop: what it keeps, when it stops, and how it goes on."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

import keras
from tagger_training.augmentation import Augmentation
from tagger_training.fit import FitData, compile_model, fit, predict
from tagger_training.history import Epoch, TrainingState
from tagger_training.metrics import binary_log_loss
from tagger_training.run_folder import RunFolder
from tagger_training.settings import TrainSettings

pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    # Keras 3.15 with NumPy 2; nothing here can help it.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

LABELS = 3


class Listener:
    """Takes note, and interrupts the training in the middle of an epoch when told to."""

    def __init__(self, interrupt_in: int | None = None) -> None:
        self._interrupt_in = interrupt_in
        self.batches: list[tuple[int, int, int]] = []
        self.epochs: list[int] = []

    def batch_done(self, epoch: int, done: int, total: int, loss: float) -> None:
        self.batches.append((epoch, done, total))
        if epoch == self._interrupt_in and done == 2:
            raise KeyboardInterrupt

    def epoch_done(self, epoch: Epoch, state: TrainingState) -> None:
        assert state.epochs[-1] is epoch
        self.epochs.append(epoch.number)


@pytest.fixture(scope="module")
def data() -> FitData:
    """Return 40 images whose mean colour tells their labels."""
    random = np.random.default_rng(2)
    targets = random.integers(0, 2, (40, LABELS)).astype(np.uint8)
    images = targets[:, None, None, :] * 90 + random.integers(0, 160, (40, 8, 8, 3))
    return FitData(
        images=images.astype(np.uint8),
        targets=targets,
        taught=targets.astype(np.float32),
        training=np.arange(28),
        validation=np.arange(28, 40),
        scored=np.ones(LABELS, dtype=np.bool_),
    )


def settings(**changes: Any) -> TrainSettings:
    values = {
        "architecture": "none", "height": 8, "width": 8,
        "epochs": 3, "patience": 9, "batch_size": 4, "learning_rate": 0.05, "weight_decay": 1e-2,
        "seed": 1, "augmentation": Augmentation(flip=True, shift=0.08), "ema": 0.0,
    }  # fmt: skip
    return TrainSettings(**{**values, **changes})


def fresh_model(chosen: TrainSettings) -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dropout(0.3),
            keras.Sequential([keras.layers.Dropout(0.3)]),
            keras.layers.Dense(LABELS, activation="sigmoid"),
        ]
    )
    compile_model(model, chosen, steps_per_epoch=7)
    return model


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_training_that_was_cut_off_ends_where_the_whole_one_does(
    data: FitData, tmp_path: Path, ema: float
):
    chosen = settings(ema=ema)
    whole, cut = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "cut")
    whole.create()
    cut.create()
    whole_state = fit(fresh_model(chosen), data, chosen, whole, TrainingState(), Listener())
    with pytest.raises(KeyboardInterrupt):
        fit(fresh_model(chosen), data, chosen, cut, TrainingState(), Listener(2))

    state = TrainingState([Epoch(**epoch) for epoch in cut.read_json(cut.state)])
    assert [epoch.number for epoch in state.epochs] == [1]
    listener = Listener()
    fit(keras.models.load_model(cut.checkpoint), data, chosen, cut, state, listener)
    assert listener.epochs == [2, 3]
    assert listener.batches[0] == (2, 1, 7)
    for name in ("number", "loss", "validation_log_loss", "validation_macro_ap", "learning_rate"):
        figures = [getattr(epoch, name) for epoch in state.epochs]
        assert figures == [getattr(epoch, name) for epoch in whole_state.epochs], name
    for ours, theirs in ((cut.checkpoint, whole.checkpoint), (cut.best, whole.best)):
        assert_same_weights(ours, theirs)


def assert_same_weights(one: Path, other: Path) -> None:
    ours, theirs = (keras.models.load_model(file).get_weights() for file in (one, other))
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(our, their)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Return an empty run folder."""
    folder = RunFolder(tmp_path / "run")
    folder.create()
    return folder


class Averaging(Listener):
    """Averages the weights after each batch, as the moving average should."""

    def __init__(self, model: Any, decay: float) -> None:
        super().__init__()
        self._model = model
        self._decay = decay
        self.weights: list[np.ndarray] = []
        self.average: list[np.ndarray] = []

    def batch_done(self, epoch: int, done: int, total: int, loss: float) -> None:
        self.weights = self._model.get_weights()
        self.average = [
            self._decay * average + (1 - self._decay) * weight
            for average, weight in zip(self.average or self.weights, self.weights, strict=True)
        ]


def test_the_moving_average_is_measured_and_kept_and_training_goes_on_without_it(
    data: FitData, run: RunFolder
):
    averaged = settings(ema=0.8, epochs=1)
    model = fresh_model(averaged)
    listener = Averaging(model, 0.8)
    state = fit(model, data, averaged, run, TrainingState(), listener)
    best = keras.models.load_model(run.best)
    checkpoint = keras.models.load_model(run.checkpoint)
    for kept, average in zip(best.get_weights(), listener.average, strict=True):
        np.testing.assert_allclose(kept, average, atol=1e-6)
    for kept, weight in zip(checkpoint.get_weights(), listener.weights, strict=True):
        np.testing.assert_array_equal(kept, weight)
    assert np.abs(listener.average[0] - listener.weights[0]).max() > 1e-3
    scores = predict(best, data.images, data.validation)
    assert state.epochs[0].validation_log_loss == pytest.approx(
        binary_log_loss(data.targets[data.validation], scores), abs=1e-6
    )


def test_without_a_moving_average_the_weights_themselves_are_kept(data: FitData, run: RunFolder):
    chosen = settings(epochs=1)
    fit(fresh_model(chosen), data, chosen, run, TrainingState(), Listener())
    assert_same_weights(run.best, run.checkpoint)


def epoch(number: int, macro_ap: float) -> Epoch:
    return Epoch(number, 0.5, 0.5, macro_ap, 1e-3, 1.0)


def test_epochs_that_bring_nothing_better_end_it(data: FitData, run: RunFolder):
    standing_still = settings(learning_rate=0.0, patience=2, epochs=9)
    state = fit(fresh_model(standing_still), data, standing_still, run, TrainingState(), Listener())
    assert [epoch.number for epoch in state.epochs] == [1, 2, 3]
    assert state.best is state.epochs[0]


def test_a_worse_epoch_does_not_take_the_place_of_the_best(data: FitData, run: RunFolder):
    state = TrainingState([epoch(1, 1.0)])
    fit(fresh_model(settings()), data, settings(epochs=2), run, state, Listener())
    assert [item.number for item in state.epochs] == [1, 2]
    assert sorted(file.name for file in run.folder.iterdir()) == ["checkpoint.keras", "state.json"]


@pytest.mark.parametrize(
    "chosen", [settings(patience=2), settings(epochs=3), settings(epochs=2, patience=1)]
)
def test_a_training_that_is_over_is_not_trained_further(
    data: FitData, run: RunFolder, chosen: TrainSettings
):
    state = TrainingState([epoch(1, 0.9), epoch(2, 0.8), epoch(3, 0.7)])
    listener = Listener()
    fit(fresh_model(chosen), data, chosen, run, state, listener)
    assert (len(state.epochs), listener.batches, list(run.folder.iterdir())) == (3, [], [])


def test_the_rate_rises_for_an_epoch_and_falls_to_nothing(data: FitData, run: RunFolder):
    long = settings(epochs=10)
    state = fit(fresh_model(long), data, long, run, TrainingState(), Listener())
    rates = [item.learning_rate for item in state.epochs]
    assert rates[0] == pytest.approx(0.05)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-6)


def test_the_best_epoch_is_the_first_of_the_highest():
    state = TrainingState([epoch(1, 0.2), epoch(2, math.nan), epoch(3, 0.4), epoch(4, 0.4)])
    assert state.best is state.epochs[2]
    assert state.epochs_since_best() == 1


def test_epochs_that_cannot_be_measured_are_no_best():
    state = TrainingState([epoch(1, math.nan)])
    assert (state.best, state.epochs_since_best()) == (None, 0)


def test_predictions_keep_the_order_of_the_rows(data: FitData):
    model = fresh_model(settings())
    rows = np.arange(40)[::-1]
    expected = model.predict_on_batch(data.images)[::-1]
    np.testing.assert_allclose(predict(model, data.images, rows), expected, atol=1e-6)
