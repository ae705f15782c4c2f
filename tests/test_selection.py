"""Scores become tags."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import CARD

from tagger.results import Tag
from tagger.rules import Rules, choose, select, select_all

RULES = Rules.of_card(CARD)


def tags(scores: list[float], **changes: object) -> list[tuple[str, float]]:
    """Select under the tiny model's rules with some changed; return names and scores."""
    rules = dataclasses.replace(RULES, **changes)
    return [(tag.name, tag.score) for tag in select(np.array(scores), rules)]


def test_the_rules_of_a_card_never_give_its_forbidden_labels() -> None:
    assert RULES.ignored == {"N/A"}
    assert tags([0.7, 0.1, 0.9, 1.0]) == [("blue", 0.9), ("red", 0.7)]


def test_a_score_at_its_threshold_is_a_tag() -> None:
    thresholds = (0.5, 0.3, 0.3, 0.5)

    assert tags([0.5, 0.3, 0.2999, 0.0], thresholds=thresholds, min_tags=0) == [
        ("red", 0.5),
        ("green", 0.3),
    ]


def test_the_most_probable_fill_up_to_the_least_number() -> None:
    assert tags([0.1, 0.3, 0.2, 1.0]) == [("green", 0.3)]
    assert tags([0.1, 0.3, 0.2, 1.0], min_tags=2) == [("green", 0.3), ("blue", 0.2)]
    assert tags([0.1, 0.3, 0.2, 1.0], min_tags=0) == []
    assert tags([0.1, 0.3, 0.2, 1.0], min_tags=2, max_tags=1) == [("green", 0.3), ("blue", 0.2)]


def test_the_least_probable_give_way_above_the_greatest_number() -> None:
    assert tags([0.7, 0.8, 0.9, 0.0], max_tags=2) == [("blue", 0.9), ("green", 0.8)]
    assert tags([0.7, 0.8, 0.9, 0.0], min_tags=0, max_tags=0) == []


def test_a_likelier_label_below_its_own_threshold_takes_no_place() -> None:
    thresholds = (0.9, 0.3, 0.3, 0.5)

    assert tags([0.8, 0.4, 0.5, 0.0], thresholds=thresholds) == [("blue", 0.5), ("green", 0.4)]
    assert tags([0.8, 0.4, 0.5, 0.0], thresholds=thresholds, max_tags=1) == [("blue", 0.5)]
    assert tags([0.8, 0.4, 0.5, 0.0], thresholds=thresholds, min_tags=3) == [
        ("red", 0.8),
        ("blue", 0.5),
        ("green", 0.4),
    ]


def test_equal_scores_keep_the_order_of_the_labels() -> None:
    assert tags([0.8, 0.8, 0.8, 0.0], max_tags=2) == [("red", 0.8), ("green", 0.8)]


def test_an_ignored_label_leaves_its_place_to_the_next() -> None:
    ignored = frozenset({"N/A", "green"})

    assert tags([0.7, 0.8, 0.6, 0.0], ignored=ignored, max_tags=2) == [("red", 0.7), ("blue", 0.6)]


def test_when_all_labels_are_ignored_there_is_no_tag() -> None:
    assert tags([0.7, 0.8, 0.6, 0.9], ignored=frozenset(CARD.labels)) == []


def test_labels_renamed_to_one_name_become_one_tag_with_the_greater_score() -> None:
    renamed = {"red": "warm", "green": "warm"}

    assert tags([0.7, 0.8, 0.6, 0.0], renamed=renamed) == [("warm", 0.8), ("blue", 0.6)]


def test_a_label_renamed_to_another_joins_it() -> None:
    assert tags([0.7, 0.0, 0.6, 0.0], renamed={"red": "blue"}) == [("blue", 0.7)]


def test_two_labels_can_swap_their_names() -> None:
    renamed = {"red": "blue", "blue": "red"}

    assert tags([0.7, 0.0, 0.6, 0.0], renamed=renamed) == [("blue", 0.7), ("red", 0.6)]


def test_a_batch_is_chosen_row_by_row() -> None:
    scores = np.array([[0.7, 0.1, 0.9, 1.0], [0.1, 0.3, 0.2, 1.0]], dtype=np.float32)

    assert choose(scores, RULES).tolist() == [[1, 0, 1, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize("threshold", [0.1, 0.2, 0.3, 0.6, 0.7])
def test_a_threshold_is_the_decimal_that_was_written(threshold: float) -> None:
    scores = np.array([round(threshold, 4), 0.0, 0.0, 0.0])
    rules = dataclasses.replace(RULES, thresholds=(threshold,) * 4, min_tags=0)

    assert select(scores, rules) == (Tag("red", threshold),)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, Rules]:
    """Draw scores of four decimals and rules for them."""
    count = draw(st.integers(1, 7))
    labels = tuple("abcdefg"[:count])
    decimals = st.integers(0, 10_000).map(lambda number: number / 10_000)
    least = draw(st.integers(0, count))
    rules = Rules(
        labels=labels,
        thresholds=tuple(draw(st.lists(decimals, min_size=count, max_size=count))),
        min_tags=least,
        max_tags=draw(st.integers(least, count + 1)),
        ignored=draw(st.frozensets(st.sampled_from(labels))),
    )
    return np.array(draw(st.lists(decimals, min_size=count, max_size=count))), rules


def test_a_batch_has_the_tags_of_its_images() -> None:
    scores = np.array([[0.7, 0.1, 0.9, 1.0], [0.1, 0.2, 0.3, 0.0], [0.6, 0.0, 0.0, 0.0]])
    rules = dataclasses.replace(RULES, unsure=0.35)

    assert select_all(scores, rules) == [
        (Tag("blue", 0.9), Tag("red", 0.7)),
        (),
        (Tag("red", 0.6),),
    ]
    assert select_all(scores[:0], rules) == []


def test_a_label_that_fills_up_stands_where_its_score_belongs() -> None:
    thresholds = (0.9, 0.5, 0.5, 0.5)

    assert tags([0.5, 0.5, 0.1, 0.0], thresholds=thresholds, min_tags=2) == [
        ("red", 0.5),
        ("green", 0.5),
    ]


@given(cases(), st.randoms(use_true_random=False))
def test_an_image_has_the_same_tags_in_any_batch(
    case: tuple[np.ndarray, Rules], dice: random.Random
) -> None:
    scores, rules = case
    batch = np.array([dice.sample(scores.tolist(), len(scores)) for _ in range(5)])

    assert select_all(batch, rules) == [select(one, rules) for one in batch]
    assert [
        [one.name for one in sorted(own, key=lambda tag: tag.name)]
        for own in select_all(batch, rules)
    ] == [
        [label for label, is_tag in zip(rules.labels, row, strict=True) if is_tag]
        for row in choose(batch, rules).tolist()
    ]


@given(cases())
def test_the_number_of_tags_keeps_its_limits(case: tuple[np.ndarray, Rules]) -> None:
    scores, rules = case
    allowed = len(rules.labels) - len(rules.ignored)

    assert min(rules.min_tags, allowed) <= len(select(scores, rules)) <= rules.max_tags


@given(cases())
def test_an_ignored_label_is_never_a_tag(case: tuple[np.ndarray, Rules]) -> None:
    scores, rules = case

    assert not rules.ignored & {tag.name for tag in select(scores, rules)}


@given(cases())
def test_tags_descend_and_tell_their_own_scores(case: tuple[np.ndarray, Rules]) -> None:
    scores, rules = case
    by_label = dict(zip(rules.labels, scores.tolist(), strict=True))

    chosen = select(scores, rules)

    assert [tag.score for tag in chosen] == sorted((tag.score for tag in chosen), reverse=True)
    assert all(tag.score == by_label[tag.name] for tag in chosen)


@given(cases())
def test_tags_are_the_likeliest_above_their_thresholds_filled_up_to_the_least(
    case: tuple[np.ndarray, Rules],
) -> None:
    scores, rules = case
    by_label = dict(zip(rules.labels, scores.tolist(), strict=True))
    thresholds = dict(zip(rules.labels, rules.thresholds, strict=True))
    likely = sorted(set(rules.labels) - rules.ignored, key=lambda name: (-by_label[name], name))
    above = [name for name in likely if by_label[name] >= thresholds[name]][: rules.max_tags]
    others = [name for name in likely if by_label[name] < thresholds[name]]

    chosen = {tag.name for tag in select(scores, rules)}

    assert chosen == {*above, *others[: max(0, rules.min_tags - len(above))]}


@given(cases(), st.data())
def test_renaming_changes_names_and_joins_equal_ones_only(
    case: tuple[np.ndarray, Rules], data: st.DataObject
) -> None:
    scores, rules = case
    renamed = data.draw(st.dictionaries(st.sampled_from(rules.labels), st.sampled_from("abxy")))
    plain = select(scores, rules)

    merged = select(scores, dataclasses.replace(rules, renamed=renamed))

    best: dict[str, float] = {}
    for tag in plain:
        best.setdefault(renamed.get(tag.name, tag.name), tag.score)
    assert [(tag.name, tag.score) for tag in merged] == list(best.items())
