"""The decision rule that a training learns from its validation images."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.selection import Rules, choose

pytest.importorskip("sklearn", reason="the 'train' extra is not installed")

from training.thresholds import best_threshold

LABELS = ("red", "green", "blue", "N/A")
NEVER = ("N/A",)


@pytest.fixture(scope="module")
def validation() -> tuple[np.ndarray, np.ndarray]:
    """Return targets and scores of 200 images; every image has a label."""
    random = np.random.default_rng(8)
    targets = (random.random((200, 4)) < [0.5, 0.3, 0.1, 0.05]).astype(np.uint8)
    targets[~targets.any(axis=1), 0] = 1
    return targets, np.clip(0.25 * targets + 0.75 * random.random((200, 4)) ** 2, 0, 1)


def sample_f1(targets: np.ndarray, scores: np.ndarray, threshold: float, most: int) -> float:
    """Reckon the F1 of each image's set of tags, one by one."""
    figures = []
    for truth, row in zip(targets.tolist(), scores.tolist(), strict=True):
        ranked = sorted(range(3), key=lambda i: -row[i])
        tags = {i for place, i in enumerate(ranked) if place < most and row[i] >= threshold}
        tags |= {ranked[0]}
        true = {i for i in range(3) if truth[i]}
        figures.append(2 * len(tags & true) / (len(tags) + len(true)))
    return sum(figures) / len(figures)


def test_no_threshold_of_the_grid_gives_a_higher_sample_f1(
    validation: tuple[np.ndarray, np.ndarray],
):
    rules = best_threshold(*validation, LABELS, NEVER, 2)
    grid = [number / 100 for number in range(5, 96)]
    figures = [sample_f1(*validation, threshold, 2) for threshold in grid]
    best = grid[int(np.argmax(figures))]
    assert rules.thresholds == (best,) * 4
    # The question is a real one: neither end of the grid is the answer, nor is any as good.
    assert grid[0] < best < grid[-1]
    assert max(figures) - min(figures) > 0.05


def test_one_threshold_serves_all_labels_and_the_limits_come_from_the_data(
    validation: tuple[np.ndarray, np.ndarray],
):
    rules = best_threshold(*validation, LABELS, NEVER, 3)
    assert rules == Rules(
        labels=LABELS,
        thresholds=(rules.thresholds[0],) * 4,
        min_tags=1,
        max_tags=3,
        ignored=frozenset(NEVER),
    )


def test_a_set_with_unlabelled_images_asks_for_no_tag(validation: tuple[np.ndarray, np.ndarray]):
    targets, scores = validation
    some_without = targets.copy()
    some_without[:20] = 0
    rules = best_threshold(some_without, scores, LABELS, NEVER, 0)
    assert (rules.min_tags, rules.max_tags) == (0, 1)


def test_a_label_that_is_never_a_tag_does_not_weigh(validation: tuple[np.ndarray, np.ndarray]):
    targets, scores = validation
    without = best_threshold(targets, scores, LABELS, NEVER, 2)
    shouting = scores.copy()
    shouting[:, 3] = 1.0
    assert best_threshold(targets, shouting, LABELS, NEVER, 2) == without
    assert not choose(shouting, without)[:, 3].any()


def test_a_single_label_is_told_from_none():
    targets = np.array([[1], [1], [0], [0]], np.uint8)
    scores = np.array([[0.9], [0.7], [0.6], [0.1]])
    rules = best_threshold(targets, scores, ("cat",), (), 1)
    assert (rules.thresholds, rules.min_tags, rules.max_tags) == ((0.61,), 0, 1)
