"""The decision rule that a training learns from its validation images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tagger.rules import Rules, choose

pytest.importorskip("sklearn", reason="the 'train' extra is not installed")

from tagger_training.thresholds import learn_rules

LABELS = ("red", "green", "blue", "N/A")
NEVER = ("N/A",)
GRID = [number / 100 for number in range(5, 96)]
SHRINKAGES = (10.0, 30.0, 100.0, float("inf"))

Drawn = tuple[np.ndarray, np.ndarray]


def labelled(seed: int) -> Drawn:
    """Draw targets and scores of 200 images; every image has a label."""
    random = np.random.default_rng(seed)
    targets = (random.random((200, 4)) < [0.5, 0.3, 0.1, 0.05]).astype(np.uint8)
    targets[~targets.any(axis=1), 0] = 1
    return targets, np.clip(0.25 * targets + 0.75 * random.random((200, 4)) ** 2, 0, 1)


@pytest.fixture(scope="module")
def validation() -> Drawn:
    """Return the set that most tests learn from."""
    return labelled(8)


def tags_of(row: list[float], thresholds: list[float], most: int) -> set[int]:
    """Choose an image's tags: at least one, ``N/A`` never."""
    reached = [i for i in range(3) if row[i] >= thresholds[i]]
    tags = sorted(reached, key=lambda i: -row[i])[:most]
    return set(tags) or {max(range(3), key=lambda i: row[i])}


def sample_f1(targets: np.ndarray, scores: np.ndarray, thresholds: list[float], most: int) -> float:
    """Reckon the F1 of each image's set of tags, one by one."""
    figures = []
    for truth, row in zip(targets.tolist(), scores.tolist(), strict=True):
        tags = tags_of(row, thresholds, most)
        true = {i for i in range(3) if truth[i]}
        figures.append(2 * len(tags & true) / (len(tags) + len(true)))
    return sum(figures) / len(figures)


def label_f1(truth: list[int], scores: list[float], threshold: float) -> float:
    """Reckon the F1 of one label's tags."""
    tags = [score >= threshold for score in scores]
    hits = sum(1 for true, tag in zip(truth, tags, strict=True) if true and tag)
    return 2 * hits / max(sum(truth) + sum(tags), 1)


def pulled(targets: np.ndarray, scores: np.ndarray, shrinkage: float, most: int) -> list[float]:
    """Reckon thresholds that are pulled to the best common one as if by so many images."""
    common = max(GRID, key=lambda value: sample_f1(targets, scores, [value] * 4, most))
    thresholds = []
    for truth, given in zip(targets.T.tolist(), scores.T.tolist(), strict=True):
        own = max(GRID, key=lambda value: label_f1(truth, given, value))
        share = 0.0 if shrinkage == float("inf") else sum(truth) / (sum(truth) + shrinkage)
        thresholds.append(round(share * own + (1 - share) * common, 3))
    return thresholds


# For F1


def test_thresholds_are_those_that_do_best_on_images_they_were_not_learned_from(validation: Drawn):
    targets, scores = validation
    figures = {}
    for shrinkage in SHRINKAGES:
        total = 0.0
        for fold in range(5):
            inside, outside = np.arange(200) % 5 != fold, np.arange(200) % 5 == fold
            thresholds = pulled(targets[inside], scores[inside], shrinkage, 2)
            total += sample_f1(targets[outside], scores[outside], thresholds, 2)
        figures[shrinkage] = total / 5
    best = max(figures, key=lambda shrinkage: figures[shrinkage])
    rules = learn_rules(targets, scores, LABELS, NEVER, 2)
    assert rules.thresholds == pytest.approx(pulled(targets, scores, best, 2), abs=1e-9)
    assert len(set(figures.values())) > 1  # the question is a real one


def test_where_one_threshold_serves_all_no_other_gives_a_higher_sample_f1():
    targets, scores = labelled(10)
    rules = learn_rules(targets, scores, LABELS, NEVER, 2)
    figures = [sample_f1(targets, scores, [threshold] * 4, 2) for threshold in GRID]
    best = GRID[int(np.argmax(figures))]
    assert rules.thresholds == (best,) * 4
    # The question is a real one: neither end of the grid is the answer, nor is any as good.
    assert GRID[0] < best < GRID[-1]
    assert max(figures) - min(figures) > 0.05


@pytest.fixture(scope="module")
def uneven() -> Drawn:
    """Return 1,000 images whose labels need other thresholds; the third is rare."""
    random = np.random.default_rng(3)
    targets = (random.random((1000, 4)) < [0.5, 0.5, 0.006, 0]).astype(np.uint8)
    places = np.array([0.6, 0.15, 0.01, 0.0]) + targets * np.array([0.25, 0.2, 0.1, 0])
    spread = np.array([0.05, 0.05, 0.005, 0.0])
    return targets, np.clip(places + random.normal(0, 1, (1000, 4)) * spread, 0, 1)


def test_labels_that_need_other_thresholds_get_them(uneven: Drawn):
    red, green, *_ = learn_rules(*uneven, LABELS, NEVER, 3).thresholds
    # Halfway between a label's true and false scores, but for what the common one pulls.
    assert red == pytest.approx(0.725, abs=0.05)
    assert green == pytest.approx(0.25, abs=0.05)


def test_rare_labels_are_pulled_to_the_common_threshold(uneven: Drawn):
    targets, scores = uneven
    assert targets[:, 2].sum() == 6
    thresholds = learn_rules(targets, scores, LABELS, NEVER, 3).thresholds
    own = [
        max(GRID, key=lambda value: label_f1(targets[:, i].tolist(), scores[:, i].tolist(), value))
        for i in range(3)
    ]
    common = pulled(targets, scores, float("inf"), 3)[0]
    way = [(thresholds[i] - common) / (own[i] - common) for i in range(3)]
    assert way[0] > 0.9
    assert way[1] > 0.9
    # Six images stand for themselves, and ten at least for all other labels.
    assert way[2] <= 6 / 16 + 0.01
    assert abs(own[2] - common) > 0.1


def test_the_limits_come_from_the_data(validation: Drawn):
    rules = learn_rules(*validation, LABELS, NEVER, 3)
    assert rules == Rules(
        labels=LABELS,
        thresholds=rules.thresholds,
        min_tags=1,
        max_tags=3,
        ignored=frozenset(NEVER),
    )


def test_a_set_with_unlabelled_images_asks_for_no_tag(validation: Drawn):
    targets, scores = validation
    some_without = targets.copy()
    some_without[:20] = 0
    rules = learn_rules(some_without, scores, LABELS, NEVER, 0)
    assert (rules.min_tags, rules.max_tags) == (0, 1)


def test_a_label_that_is_never_a_tag_does_not_weigh(validation: Drawn):
    targets, scores = validation
    without = learn_rules(targets, scores, LABELS, NEVER, 2)
    shouting = scores.copy()
    shouting[:, 3] = 1.0
    rules = learn_rules(targets, shouting, LABELS, NEVER, 2)
    assert replace(rules, thresholds=()) == replace(without, thresholds=())
    assert rules.thresholds[:3] == without.thresholds[:3]
    assert not choose(shouting, rules)[:, 3].any()


def test_a_single_label_is_told_from_none():
    targets = np.array([[1], [1], [0], [0]], np.uint8)
    scores = np.array([[0.9], [0.7], [0.6], [0.1]])
    rules = learn_rules(targets, scores, ("cat",), (), 1)
    assert (rules.thresholds, rules.min_tags, rules.max_tags) == ((0.61,), 0, 1)


# For a share of true tags


def draw(seed: int, images: int = 6000) -> Drawn:
    """Draw scores that are what they say; the third label's never reach 0.4."""
    random = np.random.default_rng(seed)
    scores = random.random((images, 4)) ** np.array([1, 2, 1, 1]) * np.array([1, 1, 0.4, 1])
    return (random.random((images, 4)) < scores).astype(np.uint8), scores


@pytest.mark.parametrize("share", [0.6, 0.75, 0.9])
def test_the_wanted_share_of_tags_is_true_on_other_images(share: float):
    rules = learn_rules(*draw(1), LABELS, NEVER, 4, share)
    truth, scores = draw(2)
    tags = choose(scores, rules)
    for label in (0, 1):
        tagged = tags[:, label] == 1
        assert truth[tagged, label].mean() == pytest.approx(share, abs=0.03)
    # Of scores evenly spread above a threshold t, (1 + t) / 2 are true.
    assert rules.thresholds[0] == pytest.approx(2 * share - 1, abs=0.06)


def test_a_label_that_never_reaches_the_share_is_never_a_tag():
    rules = learn_rules(*draw(1), LABELS, NEVER, 4, 0.6)
    assert rules.thresholds[2] == 1.0
    assert not choose(draw(2)[1], rules)[:, 2].any()


def test_a_share_of_true_tags_leaves_images_without_a_tag(validation: Drawn):
    assert learn_rules(*validation, LABELS, NEVER, 2).min_tags == 1
    rules = learn_rules(*validation, LABELS, NEVER, 2, 0.9)
    assert (rules.min_tags, rules.max_tags, rules.ignored) == (0, 2, frozenset(NEVER))


def test_a_label_that_is_never_a_tag_is_none_at_any_share():
    rules = learn_rules(*draw(1), LABELS, NEVER, 4, 0.6)
    assert not choose(np.ones((3, 4)), rules)[:, 3].any()


@pytest.mark.parametrize(
    ("truth", "scores", "threshold"),
    [
        # As if one more tag were false: 4 of 5 are enough, 3 of 4 are not.
        ([1, 1, 1, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5], 0.6),
        ([1, 1, 1, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.5], 1.0),
        # The lowest that is good enough, though a higher one in between is not.
        ([1, 0, 1, 1, 1, 1, 1, 1, 1, 1], [0.9 - i / 20 for i in range(10)], 0.45),
        # Images of one score are tagged together, whatever their order.
        ([1, 1, 1, 1, 0, 0, 0, 0], [0.5] * 8, 1.0),
        ([1, 1, 1, 1, 0, 1, 1, 1], [0.9] * 4 + [0.8] * 4, 0.9),
        # Four decimals are what tagging compares.
        ([1, 1, 1, 1, 0], [0.60004, 0.60003, 0.60002, 0.60001, 0.5999], 0.6),
    ],
)
def test_the_lowest_threshold_that_reaches_the_share(
    truth: list[int], scores: list[float], threshold: float
):
    column = np.array(truth, np.uint8)[:, None]
    rules = learn_rules(column, np.array(scores)[:, None], ["a"], (), 1, 0.8)
    assert rules.thresholds == (pytest.approx(threshold, abs=1e-12),)
