"""The decision rule that a training learns from its validation images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tagger.rules import Rules, choose

pytest.importorskip("sklearn", reason="the 'train' extra is not installed")

from tagger_training.thresholds import (
    learn_rules,
    learn_thresholds_of_precision,
    precision_figures,
)

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


def f_beta(hits: int, tags: int, true: int) -> float:
    """Reckon the weighted harmonic mean of precision and recall."""
    if not hits:
        return 0.0
    precision, recall = hits / tags, hits / true
    return (1 + 0.85**2) * precision * recall / (0.85**2 * precision + recall)


def f_of_tags(targets: np.ndarray, scores: np.ndarray, thresholds: list[float], most: int) -> float:
    """Reckon the F-beta of all tags, image by image."""
    hits = tags = true = 0
    for truth, row in zip(targets.tolist(), scores.tolist(), strict=True):
        given = tags_of(row, thresholds, most)
        hits += sum(truth[i] for i in given)
        tags += len(given)
        true += sum(truth[:3])
    return f_beta(hits, tags, true)


def label_f(truth: list[int], scores: list[float], threshold: float) -> float:
    """Reckon the F-beta of one label's tags."""
    tags = [score >= threshold for score in scores]
    hits = sum(1 for true, tag in zip(truth, tags, strict=True) if true and tag)
    return f_beta(hits, sum(tags), sum(truth))


def share(truth: list[int], scores: list[float], threshold: float, predicted: int) -> float:
    """Reckon the share of a label's right tags, with some whose probabilities are believed."""
    tagged = [
        (true, score) for true, score in zip(truth, scores, strict=True) if score >= threshold
    ]
    mean = sum(score for _, score in tagged) / len(tagged)
    return (sum(true for true, _ in tagged) + predicted * mean) / (len(tagged) + predicted)


def tolerable(truth: list[int], scores: list[float], threshold: float) -> float:
    """Raise a threshold until a third of the tags are right; 1 where they never are."""
    scores = [round(score, 4) for score in scores]
    candidates = sorted({score for score in scores if score >= threshold})
    if not candidates or share(truth, scores, threshold, 10) >= 1 / 3:
        return threshold
    return next(
        (
            value
            for value in candidates
            if share(truth, scores, value, 0) >= 1 / 3 and sum(one >= value for one in scores) >= 5
        ),
        1.0,
    )


def pulled(targets: np.ndarray, scores: np.ndarray, shrinkage: float, most: int) -> list[float]:
    """Reckon thresholds that are pulled to the best common one as if by so many images."""
    common = max(GRID, key=lambda value: f_of_tags(targets, scores, [value] * 4, most))
    thresholds = []
    for truth, given in zip(targets.T.tolist(), scores.T.tolist(), strict=True):
        own = max(GRID, key=lambda value: label_f(truth, given, value))
        weight = 0.0 if shrinkage == float("inf") else sum(truth) / (sum(truth) + shrinkage)
        thresholds.append(tolerable(truth, given, round(weight * own + (1 - weight) * common, 3)))
    return thresholds


# For F-beta


def test_thresholds_are_those_that_do_best_on_images_they_were_not_learned_from(validation: Drawn):
    targets, scores = validation
    figures = {}
    for shrinkage in SHRINKAGES:
        hits = tags = 0
        for fold in range(5):
            inside = np.arange(200) % 5 != fold
            thresholds = pulled(targets[inside], scores[inside], shrinkage, 2)
            for truth, row in zip(targets[~inside], scores[~inside].tolist(), strict=True):
                given = tags_of(row, thresholds, 2)
                hits += sum(truth[i] for i in given)
                tags += len(given)
        figures[shrinkage] = f_beta(hits, tags, int(targets[:, :3].sum()))
    best = max(figures, key=lambda shrinkage: figures[shrinkage])
    rules = learn_rules(targets, scores, LABELS, NEVER, 2)
    assert rules.thresholds == pytest.approx(pulled(targets, scores, best, 2), abs=1e-9)
    assert len(set(figures.values())) > 1  # the question is a real one


def test_where_one_threshold_serves_all_no_other_gives_a_higher_f_beta():
    targets, scores = labelled(10)
    rules = learn_rules(targets, scores, LABELS, NEVER, 2)
    figures = [f_of_tags(targets, scores, [threshold] * 4, 2) for threshold in GRID]
    best = GRID[int(np.argmax(figures))]
    assert rules.thresholds[:2] == (best, best)  # the third label's tags would be too often wrong
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
        max(GRID, key=lambda value: label_f(targets[:, i].tolist(), scores[:, i].tolist(), value))
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
        unsure=rules.unsure,
    )


def test_a_set_with_unlabelled_images_asks_for_no_tag(validation: Drawn):
    targets, scores = validation
    some_without = targets.copy()
    some_without[:20] = 0
    rules = learn_rules(some_without, scores, LABELS, NEVER, 0)
    assert (rules.min_tags, rules.max_tags, rules.unsure) == (0, 1, 0)


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


@pytest.mark.parametrize("wanted", [0.5, 0.7, 0.8])
def test_each_threshold_is_the_lowest_that_reaches_the_share(wanted: float):
    targets, scores = draw(3, images=150)
    learned = learn_thresholds_of_precision(targets, scores, wanted)
    for label in range(4):
        truth, given = targets[:, label].tolist(), np.round(scores[:, label], 4).tolist()
        reaching = [
            value
            for value in given
            if share(truth, given, value, 100) >= wanted and sum(one >= value for one in given) >= 5
        ]
        assert learned[label] == (pytest.approx(min(reaching)) if reaching else None)
    assert None in learned[2:3]
    assert None not in learned[:2]


@pytest.mark.parametrize(
    ("truth", "scores", "threshold"),
    [
        # Fewer than five tags prove nothing.
        ([1] * 4, [0.9] * 4, None),
        ([1] * 5, [0.9] * 5, 0.9),
        # Images of one score are tagged together, whatever their order.
        ([1] * 6 + [0] * 30, [0.9] * 36, None),
        # Ten right ones do not outweigh what a hundred with such a probability would be.
        ([1] * 10, [0.7] * 10, None),
        ([1] * 100, [0.7] * 100, 0.7),
        # Four decimals are what tagging compares.
        ([1] * 5, [0.90004, 0.90003, 0.90002, 0.90001, 0.89996], 0.9),
    ],
)
def test_few_images_alone_prove_nothing(
    truth: list[int], scores: list[float], threshold: float | None
):
    column = np.array(truth, np.uint8)[:, None]
    learned = learn_thresholds_of_precision(column, np.array(scores)[:, None], 0.8)
    assert learned == (threshold if threshold is None else pytest.approx(threshold, abs=1e-12),)


def test_figures_of_each_precision_are_measured_on_other_images():
    targets, scores = draw(4)
    never = Rules(LABELS, (0.5,) * 4, 0, 4, frozenset(NEVER))
    figures = precision_figures(targets, scores, never)
    assert [one["asked_for"] for one in figures] == [
        0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9,
    ]  # fmt: skip
    for one in figures:
        assert one["precision"] == pytest.approx(one["asked_for"], abs=0.03)
        assert one["labels"] == 2
    recalls = [one["recall"] for one in figures]
    assert recalls == sorted(recalls, reverse=True)
    assert recalls[-1] < 0.4 < recalls[0]
    assert 0 < figures[0]["untagged"] < figures[-1]["untagged"] < 1


def test_figures_of_a_precision_that_no_label_reaches_have_no_share():
    targets, scores = draw(5, images=300)
    rules = Rules(LABELS, (0.5,) * 4, 0, 4)
    *_, last = precision_figures(targets, scores * 0.4, rules)
    assert last == {
        "asked_for": 0.9, "precision": None, "recall": 0.0, "untagged": 1.0, "labels": 0,
    }  # fmt: skip


# For people


def test_a_label_whose_tags_are_mostly_wrong_is_only_a_tag_above_where_they_are_right():
    random = np.random.default_rng(6)
    targets = np.ones((1000, 2), np.uint8)
    scores = np.full((1000, 2), 0.9)
    scores[:, 1] = random.random(1000)
    # Below 0.8, 15 % have the label; above, all.
    targets[:, 1] = (random.random(1000) < 0.15) | (scores[:, 1] > 0.8)
    assert f_beta(int(targets[:, 1].sum()), 1000, int(targets[:, 1].sum())) > 0  # it does pay
    _, threshold = learn_rules(targets, scores, ("a", "b"), (), 2).thresholds
    tagged = scores[:, 1] >= threshold
    assert targets[tagged, 1].mean() >= 1 / 3


def test_a_label_that_is_never_right_enough_is_only_a_tag_as_the_best_one():
    targets = np.ones((400, 2), np.uint8)
    targets[:, 1] = np.arange(400) % 5 == 4
    scores = np.column_stack([np.full(400, 0.9), np.linspace(0.5, 0.3, 400)])
    rules = learn_rules(targets, scores, ("a", "b"), (), 2)
    assert rules.thresholds[1] == 1.0
    assert choose(np.array([[0.9, 0.5]]), rules).tolist() == [[1, 0]]
    assert choose(np.array([[0.01, 0.5]]), rules).tolist() == [[0, 1]]


def test_a_label_that_no_held_out_image_would_get_keeps_its_threshold():
    targets = np.ones((400, 2), np.uint8)
    targets[:, 1] = np.arange(400) % 50 == 0
    scores = np.column_stack([np.full(400, 0.9), np.full(400, 0.02)])
    first, second = learn_rules(targets, scores, ("a", "b"), (), 2).thresholds
    assert second < 1
    assert choose(np.array([[0.9, 0.9]]), learn_rules(targets, scores, "ab", (), 2)).all()
    assert first <= 0.9


def flat(right: int, of: int, *, score: float = 0.25) -> Drawn:
    """Return 400 clear images, and some whose labels have the same low score."""
    targets = np.zeros((400 + of, 2), np.uint8)
    targets[:400:2, 0] = targets[1:400:2, 1] = 1
    scores = np.where(targets, 0.9, 0.45)
    scores[400:] = [score, score - 0.01]
    targets[400 : 400 + right, 0] = 1
    targets[400 + right :, 1] = 1
    return targets, scores


@pytest.mark.parametrize(
    ("right", "of", "unsure"),
    [
        (0, 0, 0.3333),  # no held-out image tells otherwise
        (12, 60, 0.3333),
        (30, 60, 0.2433),  # half of those with 0.25 are right
    ],
)
def test_improbable_labels_are_no_tags_unless_they_are_right(right: int, of: int, unsure: float):
    targets, scores = flat(right, of)
    rules = learn_rules(targets, scores, ("a", "b"), (), 2)
    assert min(rules.thresholds) > 0.45  # what is below only fills up
    assert rules.unsure == unsure
    tags = choose(np.array([[0.24, 0.2], [0.35, 0.2]]), rules)
    assert tags.tolist() == [[0, 0], [1, 0]]
