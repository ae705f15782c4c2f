"""Probabilities that mean what they say: what is learned, and that nothing judges itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the 'train' extra is not installed")

from tagger_training.calibration import Calibration, learn_calibration
from tagger_training.folds import held_out
from tagger_training.metrics import binary_log_loss

IMAGES, LABELS = 4000, 6


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


@pytest.fixture(scope="module")
def logits() -> np.ndarray:
    """Return logits that are true: a label is there as often as they say."""
    random = np.random.default_rng(4)
    return random.normal(-1.5, 1.5, (IMAGES, LABELS)) + np.linspace(-1, 1, LABELS)


@pytest.fixture(scope="module")
def targets(logits: np.ndarray) -> np.ndarray:
    """Return what came of them."""
    return (np.random.default_rng(5).random(logits.shape) < sigmoid(logits)).astype(np.uint8)


@pytest.mark.parametrize("temperature", [0.4, 2.5])
def test_a_wrong_temperature_is_found(targets: np.ndarray, logits: np.ndarray, temperature: float):
    learned = learn_calibration(targets, sigmoid(logits / temperature))
    assert learned.scale == pytest.approx(temperature, rel=0.03)
    assert np.abs(learned.shift).max() < 0.1


def test_wrong_shifts_are_found(targets: np.ndarray, logits: np.ndarray):
    wrong = np.array([1.0, -1.0, 0.5, 0.0, -0.5, 2.0])
    learned = learn_calibration(targets, sigmoid(logits + wrong))
    assert learned.scale == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(learned.shift, -wrong, atol=0.15)


def test_a_wrong_temperature_and_wrong_shifts_are_found_together(
    targets: np.ndarray, logits: np.ndarray
):
    wrong = np.array([1.0, -1.0, 0.5, 0.0, -0.5, 2.0])
    scores = sigmoid(2 * logits + wrong)
    learned = learn_calibration(targets, scores)
    assert learned.scale == pytest.approx(0.5, rel=0.05)
    np.testing.assert_allclose(learned.shift, -wrong / 2, atol=0.15)
    np.testing.assert_allclose(learned(scores), sigmoid(logits), atol=0.04)


def test_what_is_learned_lowers_the_loss_on_other_images(targets: np.ndarray, logits: np.ndarray):
    scores = sigmoid(3 * logits + 1)
    seen, unseen = slice(None, IMAGES // 2), slice(IMAGES // 2, None)
    learned = learn_calibration(targets[seen], scores[seen])
    before = binary_log_loss(targets[unseen], scores[unseen])
    after = binary_log_loss(targets[unseen], learned(scores[unseen]))
    best = binary_log_loss(targets[unseen], sigmoid(logits[unseen]))
    assert before > 1.3 * best
    assert after < 1.01 * best


def test_what_is_calibrated_stays(targets: np.ndarray, logits: np.ndarray):
    scores = sigmoid(logits)
    learned = learn_calibration(targets, scores)
    np.testing.assert_allclose(learned(scores), scores, atol=0.02)


def test_few_images_that_say_nothing_mostly_change_nothing(targets: np.ndarray, logits: np.ndarray):
    scores, others = sigmoid(logits), slice(1200, None)
    unchanged, harm = 0, []
    for start in range(0, 1200, 40):
        few = slice(start, start + 40)
        learned = learn_calibration(targets[few], scores[few])
        unchanged += learned.scale == 1 and not learned.shift.any()
        harm.append(
            binary_log_loss(targets[others], learned(scores[others]))
            - binary_log_loss(targets[others], scores[others])
        )
    assert unchanged >= 15
    assert np.mean(harm) < 0.005


def test_a_rare_label_is_hardly_shifted(targets: np.ndarray, logits: np.ndarray):
    """Ten images' worth of doubt: 40 images cannot say as much as 4,000."""
    wrong = np.full(LABELS, 1.0)
    few = learn_calibration(targets[:40], sigmoid(logits[:40] + wrong)).shift
    many = learn_calibration(targets, sigmoid(logits + wrong)).shift
    assert np.abs(few).mean() < 0.8 * np.abs(many).mean()


def test_certain_scores_and_labels_without_a_positive_are_no_trouble():
    targets = np.zeros((20, 2), np.uint8)
    targets[:10, 0] = 1
    scores = np.stack([targets[:, 0].astype(np.float32), np.zeros(20, np.float32)], axis=1)
    calibrated = learn_calibration(targets, scores)(scores)
    assert np.isfinite(calibrated).all()
    np.testing.assert_allclose(calibrated, scores, atol=0.02)


@pytest.mark.train
def test_a_layer_takes_it_in():
    keras = pytest.importorskip("keras", reason="the 'train' extra is not installed")
    random = np.random.default_rng(7)
    inputs = random.normal(size=(50, 8)).astype(np.float32)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, activation="sigmoid")])
    model.layers[-1].set_weights([random.normal(size=(8, 3)), random.normal(size=3)])
    calibration = Calibration(0.6, np.array([0.5, -1.0, 0.0]))
    expected = calibration(np.asarray(model.predict_on_batch(inputs)))
    calibration.fold_into(model.layers[-1])
    folded = np.asarray(model.predict_on_batch(inputs))
    np.testing.assert_allclose(folded, expected, atol=1e-5)
    assert np.ptp(expected) > 0.5


# Folds

Learn = Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]


def test_no_image_is_judged_by_what_was_learned_from_it():
    numbers = np.arange(23, dtype=np.float64)[:, None]
    learned_from: list[set[int]] = []
    judged: list[set[int]] = []

    def learn(targets: np.ndarray, scores: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        np.testing.assert_array_equal(targets, scores)
        seen = set(scores[:, 0].astype(int).tolist())
        learned_from.append(seen)

        def judge(others: np.ndarray) -> np.ndarray:
            judged.append(set(others[:, 0].astype(int).tolist()))
            return others * 2

        return judge

    results = held_out(numbers, numbers, learn)
    np.testing.assert_array_equal(results, numbers * 2)
    assert len(judged) == 5
    for seen, others in zip(learned_from, judged, strict=True):
        assert seen | others == set(range(23))
        assert not seen & others
    assert sorted(number for others in judged for number in others) == list(range(23))


@pytest.mark.parametrize(("images", "times"), [(9, 1), (10, 5)])
def test_fewer_than_ten_images_are_too_few_to_part(images: int, times: int):
    calls: list[int] = []

    def learn(targets: np.ndarray, scores: np.ndarray) -> Any:
        calls.append(len(targets))
        return lambda others: others

    held_out(np.zeros((images, 1)), np.zeros((images, 1)), learn)
    assert calls == [9] if times == 1 else calls == [8] * 5
