"""Quality figures: reckoned by hand on a small set, held against scikit-learn on a large one."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the 'train' extra is not installed")

from sklearn import metrics as sklearn_metrics
from tagger_training.metrics import (
    Evaluation,
    binary_log_loss,
    calibration_error,
    evaluate,
    f1_score,
    macro_average_precision,
    most_frequent,
    scored_labels,
)

TARGETS = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]], np.uint8)
SCORES = np.array([[0.9, 0.3, 0.2], [0.6, 0.8, 0.1], [0.4, 0.5, 0.55], [0.2, 0.1, 0.25]])
TAGS = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]], np.uint8)
RATES = np.array([0.5, 0.5, 0.25])


def measure(
    scored: Sequence[str] = ("A", "B", "C"), labels: Sequence[str] = ("A", "B", "C")
) -> Evaluation:
    return evaluate(
        TARGETS, SCORES, TAGS, labels, scored, RATES, np.array([1, 0, 0], dtype=np.uint8)
    )


def test_the_figures_of_the_model_are_those_reckoned_by_hand():
    truths = 0.9 * 0.4 * 0.4 * 0.8 * 0.7 * 0.8 * 0.5 * 0.9 * 0.8 * 0.9 * 0.45 * 0.25
    quality = measure().model
    assert quality.macro_ap == pytest.approx((5 / 6 + 1 + 1 / 2) / 3)
    assert quality.micro_ap == pytest.approx((1 + 1 + 3 / 5 + 4 / 6 + 5 / 8) / 5)
    assert quality.macro_roc_auc == pytest.approx((3 / 4 + 1 + 2 / 3) / 3)
    assert quality.log_loss == pytest.approx(-math.log(truths) / 12)
    assert quality.top1 == 3 / 4
    assert quality.micro_f1 == pytest.approx(6 / 10)
    assert quality.macro_f1 == pytest.approx((2 / 4 + 1 + 0) / 3)
    assert quality.sample_f1 == pytest.approx((1 + 2 / 3 + 2 / 4 + 0) / 4)
    assert (quality.micro_precision, quality.micro_recall, quality.untagged) == (
        3 / 5,
        3 / 5,
        1 / 4,
    )


def test_the_tags_of_each_label_are_counted():
    counts = [(item.tags, item.precision, item.recall) for item in measure().labels]
    assert counts == [(2, 1 / 2, 1 / 2), (2, 1.0, 1.0), (1, 0.0, 0.0)]


def test_the_baseline_predicts_frequencies_and_always_the_same_tags():
    quality = measure().baseline
    assert quality.macro_ap == pytest.approx((1 / 2 + 1 / 2 + 1 / 4) / 3)
    assert quality.micro_ap == pytest.approx(4 / 5 * 4 / 8 + 1 / 5 * 5 / 12)
    assert quality.macro_roc_auc == 0.5
    assert quality.log_loss == pytest.approx(-math.log(0.5**8 * 0.25 * 0.75**3) / 12)
    assert quality.calibration_error == pytest.approx(0)
    assert quality.top1 == 1 / 2
    assert quality.micro_f1 == pytest.approx(4 / 9)
    assert quality.macro_f1 == pytest.approx((4 / 6 + 0 + 0) / 3)
    assert quality.sample_f1 == pytest.approx((1 + 0 + 2 / 3 + 0) / 4)


def test_each_label_has_its_figures():
    figures = [
        (item.label, item.positives, item.scored, item.baseline_average_precision)
        for item in measure(scored=("A", "C")).labels
    ]
    assert figures == [("A", 2, True, 0.5), ("B", 2, False, 0.5), ("C", 1, True, 0.25)]
    first = measure().labels[0]
    assert first.average_precision == pytest.approx(5 / 6)
    assert first.roc_auc == 3 / 4
    assert first.f1 == 1 / 2


def test_averages_are_over_the_scored_labels_alone():
    evaluation = measure(scored=("A", "C"))
    assert (evaluation.images, evaluation.scored_labels) == (4, 2)
    assert evaluation.model.macro_ap == pytest.approx((5 / 6 + 1 / 2) / 2)
    assert evaluation.model.micro_f1 == pytest.approx(2 * 1 / (3 + 3))
    # Calibration and log-loss are of the probabilities, and of every label's.
    assert evaluation.model.log_loss == measure().model.log_loss


def test_a_single_scored_label_is_measured_like_several():
    quality = measure(scored=("A",)).model
    assert quality.macro_ap == pytest.approx(5 / 6)
    assert quality.micro_ap == pytest.approx(5 / 6)
    assert quality.macro_roc_auc == 3 / 4
    assert quality.top1 == 1 / 2
    assert (quality.micro_f1, quality.macro_f1) == (1 / 2, 1 / 2)
    assert quality.sample_f1 == 1 / 4


def test_a_label_without_positives_or_without_negatives_is_left_out():
    none, all_ = np.zeros((4, 1), np.uint8), np.ones((4, 1), np.uint8)
    evaluation = evaluate(
        np.hstack([TARGETS, none, all_]),
        np.hstack([SCORES, SCORES[:, :2]]),
        np.hstack([TAGS, none, all_]),
        "ABCDE",
        "ABCDE",
        np.append(RATES, [0.1, 0.9]),
        np.array([1, 0, 0, 0, 0], np.uint8),
    )
    assert evaluation.scored_labels == 3
    for name in ("macro_ap", "micro_ap", "macro_roc_auc", "top1", "macro_f1", "sample_f1"):
        assert getattr(evaluation.model, name) == getattr(measure().model, name)
    without, throughout = (item for item in evaluation.to_dict()["labels"][3:])
    assert without == {
        "label": "D",
        "positives": 0,
        "scored": True,
        "average_precision": None,
        "baseline_average_precision": None,
        "roc_auc": None,
        "f1": None,
        "tags": 0,
        "precision": None,
        "recall": None,
    }
    assert (throughout["average_precision"], throughout["roc_auc"]) == (1.0, None)


def test_nothing_to_average_over_is_none_in_json():
    data = json.loads(json.dumps(measure(scored=()).to_dict(), allow_nan=False))
    assert data["scored_labels"] == 0
    assert data["model"] == {
        "macro_ap": None,
        "micro_ap": None,
        "macro_roc_auc": None,
        "log_loss": measure().model.log_loss,
        "calibration_error": measure().model.calibration_error,
        "top1": None,
        "micro_f1": None,
        "macro_f1": None,
        "sample_f1": None,
        "micro_precision": None,
        "micro_recall": None,
        "untagged": None,
    }


def test_the_calibration_error_is_the_gap_of_each_bin():
    targets, scores = np.array([[0, 1], [1, 1]]), np.array([[0.2, 0.4], [0.6, 0.9]])
    assert calibration_error(targets, scores, bins=2) == pytest.approx((0.4 + 0.5) / 4)


def test_a_certain_score_lies_in_the_last_bin():
    error = calibration_error(np.array([[0, 1]]), np.array([[1.0, 0.9]]), bins=2)
    assert error == pytest.approx((1.9 - 1) / 2)


def test_a_certain_mistake_costs_much_and_not_infinitely_much():
    assert 30 < binary_log_loss(np.array([[1]]), np.array([[0.0]])) < 1000


def test_macro_average_precision_needs_a_positive():
    scored = np.array([True, False])
    assert math.isnan(macro_average_precision(np.array([[0, 1]]), np.array([[0.1, 0.2]]), scored))


@pytest.fixture(scope="module")
def large() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return targets, scores and tags of 300 images and 6 labels; some images have none."""
    random = np.random.default_rng(5)
    targets = (random.random((300, 6)) < [0.5, 0.3, 0.2, 0.1, 0.05, 0.02]).astype(np.uint8)
    scores = np.clip(targets * 0.3 + random.random((300, 6)).round(2) * 0.7, 0, 1)
    return targets, scores, (scores > 0.5).astype(np.uint8)


def test_labels_agree_with_scikit_learn(large: tuple[np.ndarray, np.ndarray, np.ndarray]):
    targets, scores, tags = large
    labels = evaluate(*large, "abcdef", "abcdef", targets.mean(axis=0), tags[0]).labels
    for i, item in enumerate(labels):
        truth, score = targets[:, i], scores[:, i]
        assert item.average_precision == sklearn_metrics.average_precision_score(truth, score)
        assert item.roc_auc == sklearn_metrics.roc_auc_score(truth, score)
        assert item.f1 == pytest.approx(sklearn_metrics.f1_score(truth, tags[:, i]))


@pytest.mark.parametrize(("average", "axis"), [("micro", None), ("macro", 0), ("samples", 1)])
def test_f1_agrees_with_scikit_learn(
    large: tuple[np.ndarray, np.ndarray, np.ndarray], average: str, axis: int | None
):
    targets, _, tags = large
    expected = sklearn_metrics.f1_score(targets, tags, average=average, zero_division=0)
    assert f1_score(targets, tags, axis).mean() == pytest.approx(expected)


def test_scored_labels_are_tags_with_twenty_positives():
    labels = ("Drama", "Western", "N/A", "Noir")
    assert scored_labels(labels, np.array([500, 20, 900, 19]), ("N/A",)) == ("Drama", "Western")


def test_the_most_frequent_labels_are_marked_first_come_first():
    assert most_frequent([0.1, 0.4, 0.4, 0.4], 2).tolist() == [0, 1, 1, 0]
