"""The model card: what comes back from JSON, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import CARD, TEXT_CARD, changed_card

from tagger.errors import ModelError
from tagger.network.card import ModelCard, TextInput, label_problem

DAMAGED = "The model card is damaged: it is not valid JSON."


def refusal(text: str) -> str:
    """Return the message with which a card's text is refused."""
    with pytest.raises(ModelError) as refused:
        ModelCard.from_json(text)
    return str(refused.value)


def with_fields(**fields: object) -> str:
    """Return the tiny model's card as JSON with some fields changed."""
    return json.dumps({**json.loads(CARD.to_json()), **fields})


def test_a_card_comes_back_from_json() -> None:
    assert ModelCard.from_json(CARD.to_json()) == CARD


def test_the_json_of_a_card_is_fixed() -> None:
    card = ModelCard("n", "1", ("Été",), 2, 3, (0.5,), provenance={"date": "2024-01-31"})

    assert card.to_json() == (
        '{"format": 1, "name": "n", "version": "1", "labels": ["Été"], "height": 2, "width": 3, '
        '"thresholds": [0.5], "min_tags": 1, "max_tags": 3, "never": [], "scored": [], '
        '"precision": "fp32", "resize": "stretch", "provenance": {"date": "2024-01-31"}}'
    )


def test_the_text_that_a_model_takes_is_on_its_card() -> None:
    text = TextInput("ngrams-1", 5, 4, year=True)
    card = ModelCard("n", "1", ("a",), 2, 3, (0.5,), text=text)

    assert '"text": {"rule": "ngrams-1", "buckets": 5, "length": 4, "year": true}' in card.to_json()
    assert ModelCard.from_json(card.to_json()) == card
    assert ModelCard.from_json(TEXT_CARD.to_json()) == TEXT_CARD


def test_what_later_versions_say_of_a_text_is_ignored() -> None:
    text = {"rule": "ngrams-1", "buckets": 5, "length": 4, "year": True, "language": "any"}

    assert ModelCard.from_json(with_fields(text=text)).text == TextInput("ngrams-1", 5, 4, True)


@pytest.mark.parametrize("text", [{}, {"rule": "ngrams-1"}, [], ["rule"], "ngrams-1", 3, True])
def test_a_text_that_is_not_described_is_damage(text: object) -> None:
    assert refusal(with_fields(text=text)) == DAMAGED


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"rule": "ngrams-3"}, "its text rule 'ngrams-3' is unknown"),
        ({"rule": ["ngrams-1"]}, "its text rule ['ngrams-1'] is unknown"),
        ({"buckets": 0}, "its text buckets 0 is not between 1 and 16777216"),
        ({"buckets": 2**24 + 1}, "its text buckets 16777217 is not between 1 and 16777216"),
        ({"buckets": True}, "its text buckets True is not between 1 and 16777216"),
        ({"length": 0}, "its text length 0 is not between 1 and 8192"),
        ({"length": 8193}, "its text length 8193 is not between 1 and 8192"),
        ({"length": 2.0}, "its text length 2.0 is not between 1 and 8192"),
        ({"year": 1}, "its text year 1 is neither true nor false"),
        ({"year": None}, "its text year None is neither true nor false"),
    ],
)
def test_a_text_that_cannot_be_followed_is_refused(fields: dict[str, object], problem: str) -> None:
    text = {"rule": "ngrams-1", "buckets": 5, "length": 4, "year": True, **fields}

    assert refusal(with_fields(text=text)) == f"The model card is not usable: {problem}."


@given(
    st.lists(
        st.text().filter(lambda label: label_problem(label) is None),
        min_size=1,
        max_size=6,
        unique=True,
    ),
    st.floats(0, 1),
)
def test_any_labels_and_thresholds_come_back(labels: list[str], threshold: float) -> None:
    card = ModelCard("n", "1", tuple(labels), 8, 8, (threshold,) * len(labels))

    assert ModelCard.from_json(card.to_json()) == card


def test_fields_of_later_versions_are_ignored() -> None:
    assert ModelCard.from_json(with_fields(colour_space="P3")) == CARD


def test_fields_that_may_be_left_out_have_defaults() -> None:
    data = json.loads(CARD.to_json())
    for key in ("min_tags", "max_tags", "never", "scored", "precision", "resize", "provenance"):
        del data[key]

    assert ModelCard.from_json(json.dumps(data)) == changed_card(never=(), scored=(), provenance={})


def test_a_newer_format_asks_for_an_update() -> None:
    assert refusal(with_fields(format=2)) == (
        "The model card has format 2, but this version reads format 1: update poster-tagger."
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no card",
        "[]",
        "null",
        "{}",
        '{"format": 1}',
        "[" * 100_000,
        with_fields(labels="red"),
        with_fields(labels=None),
        with_fields(thresholds=0.5),
        with_fields(precision_thresholds=[0.5]),
        with_fields(precision_thresholds={"high": [0.5]}),
        with_fields(precision_thresholds={"0.8": 0.5}),
        with_fields(never={"N/A": True}),
    ],
)
def test_a_damaged_card_is_refused(text: str) -> None:
    assert refusal(text) == DAMAGED


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": 3}, "its name is not printable text"),
        ({"version": "1\n2"}, "its version is not printable text"),
        ({"precision": "fp8"}, "its precision 'fp8' is not one of fp32, fp16, int8"),
        ({"resize": "crop"}, "its resize rule 'crop' is unknown"),
        ({"provenance": None}, "its provenance is not a table"),
        ({"labels": []}, "it has 0 labels"),
        ({"labels": ["red", "green", "blue", " "]}, "a label is empty"),
        ({"labels": ["red", "green", "blue", 4]}, "a label is empty"),
        (
            {"labels": ["red", "green", "blue", "N/A "]},
            "the label 'N/A ' begins or ends with a space or has unprintable characters",
        ),
        (
            {"labels": ["red", "green", "blue", "a\x1bb"]},
            r"the label 'a\x1bb' begins or ends with a space or has unprintable characters",
        ),
        (
            {"labels": ["red", "green", "blue", "a|b"]},
            "the label 'a|b' contains '|', which separates tags",
        ),
        (
            {"labels": ["red", "green", "blue", "path"]},
            "the label 'path' is the name of a column of the table",
        ),
        ({"labels": ["red", "red", "blue", "N/A"]}, "two labels have the same name"),
        ({"never": ["grey"]}, "'never' names 'grey', which is not a label"),
        ({"scored": ["grey"]}, "'scored' names 'grey', which is not a label"),
        ({"height": 0}, "its input height 0 is not between 1 and 8192"),
        ({"height": True}, "its input height True is not between 1 and 8192"),
        ({"width": 8.0}, "its input width 8.0 is not between 1 and 8192"),
        ({"width": 8193}, "its input width 8193 is not between 1 and 8192"),
        ({"unsure": -1}, "its 'unsure' -1 is not between 0 and 1"),
        ({"unsure": True}, "its 'unsure' True is not between 0 and 1"),
        (
            {"precision_thresholds": {"0.8": [0.5, None]}},
            "it has 2 thresholds of precision 0.8 for 4 labels",
        ),
        (
            {"precision_thresholds": {"0.8": [0.5, None, 0.5, "1"]}},
            "its threshold '1' of precision 0.8 is not between 0 and 1",
        ),
        (
            {"precision_thresholds": {"nan": [0.5, None, 0.5, 1]}},
            "its thresholds are of a precision that is not between 0 and 1",
        ),
        ({"thresholds": [None, 0.5, 0.5, 0.5]}, "its threshold None is not between 0 and 1"),
        ({"thresholds": [0.5]}, "it has 1 thresholds for 4 labels"),
        ({"thresholds": [0.5, 0.5, 0.5, 1.5]}, "its threshold 1.5 is not between 0 and 1"),
        ({"thresholds": [0.5, 0.5, 0.5, "1"]}, "its threshold '1' is not between 0 and 1"),
        ({"thresholds": [0.5, 0.5, 0.5, True]}, "its threshold True is not between 0 and 1"),
        ({"thresholds": [0.5, 0.5, 0.5, float("nan")]}, "its threshold nan is not between 0 and 1"),
        ({"min_tags": "1"}, "its numbers of tags are not whole numbers"),
        ({"max_tags": 2.5}, "its numbers of tags are not whole numbers"),
        ({"min_tags": 4}, "it asks for at least 4 and at most 3 tags"),
        ({"min_tags": -1}, "it asks for at least -1 and at most 3 tags"),
    ],
)
def test_a_card_that_cannot_be_followed_is_refused(fields: dict[str, object], problem: str) -> None:
    assert refusal(with_fields(**fields)) == f"The model card is not usable: {problem}."


def test_a_card_that_claims_a_thousand_million_labels_is_refused_unread() -> None:
    text = '{"format": 1, "labels": [' + '"a",' * 5_000_000

    assert refusal(text) == "The model card is not usable: it is larger than 16 MB."


def test_many_labels_are_looked_up_and_not_searched_for() -> None:
    # One by one, this would be ten thousand million comparisons.
    labels = [str(number) for number in range(100_000)]
    card = ModelCard.from_json(
        with_fields(labels=labels, thresholds=[0.5] * 100_000, never=labels[::-1], scored=labels)
    )

    assert len(card.never) == 100_000


@pytest.mark.parametrize("never", [[["N/A"]], [{"N/A": 1}], [1]])
def test_what_is_no_name_is_no_label(never: list[object]) -> None:
    assert refusal(with_fields(never=never)) == (
        f"The model card is not usable: 'never' names {never[0]!r}, which is not a label."
    )
