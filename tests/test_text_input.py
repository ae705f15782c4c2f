"""What a network is told besides the picture: words as ids, and years."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.network.card import TextInput
from tagger.network.text_ids import text_ids

TEXT = TextInput("ngrams-1", buckets=1000, length=32, year=False)

# Reckoned apart from the code: the features written down by hand, and a CRC-32 bit by bit.
REFERENCE = {
    "Heat": [231, 674, 998, 610, 101, 643, 653, 485, 776, 944],
    "HEAT!": [231, 674, 998, 610, 101, 643, 653, 485, 776, 944],
    "Die Hard 2": [
        621,
        517,
        471,
        377,
        994,
        887,
        333,
        53,
        12,
        602,
        979,
        9,
        816,
        596,
        165,
        873,
        95,
        604,
        494,
        689,
        937,
    ],
    "Am\xe9lie": [213, 827, 996, 340, 974, 661, 53, 901, 589, 939, 581, 599, 560, 441, 992, 141],
    "Ame\u0301lie": [213, 827, 996, 340, 974, 661, 53, 901, 589, 939, 581, 599, 560, 441, 992, 141],
    "Stra\xdfe \ufb01": [
        148,
        43,
        672,
        514,
        747,
        104,
        952,
        510,
        323,
        891,
        374,
        781,
        422,
        308,
        118,
        746,
        448,
        878,
        388,
        430,
        212,
        845,
        990,
        619,
    ],
    "\u4e03\u4eba\u306e\u4f8d": [821, 134, 629, 661, 459, 845, 681, 426, 603, 3],
    "\u0416\u0430\u0440\u0430": [81, 124, 531, 787, 726, 778, 950, 364, 85, 711],
    "\u0939\u093f\u0928\u094d\u0926\u0940": [648, 487, 806, 75, 110, 964, 791],
    "a_b\U0001f600c": [513, 507, 453, 174, 243, 288, 285, 942],
    "\ud800a\x00b\u200bc": [513, 507, 453, 174, 243, 288, 285, 942],
    "no No NO": [648, 108, 138, 564, 893],
    "\u0661\u0669 \xb2": [757, 471, 830, 78, 41, 400, 937],
    "\u01c5": [727, 625, 538, 343],
}


def ids(words: str, text: TextInput = TEXT) -> list[int]:
    """Return a text's ids without the padding."""
    found = text_ids(words, text)
    assert (found.dtype, found.shape) == (np.int32, (text.length,))
    count = int(np.count_nonzero(found))
    assert not found[count:].any()
    return found[:count].tolist()


@pytest.mark.parametrize("words", REFERENCE)
def test_the_ids_of_a_text_are_the_same_everywhere(words: str) -> None:
    assert ids(words) == REFERENCE[words]


@pytest.mark.parametrize(
    "words", ["", " ", "_", "...", "\ud800", "\x00\x1b", "\U0001f600", "\u0301"]
)
def test_a_text_without_letters_or_digits_has_no_ids(words: str) -> None:
    assert ids(words) == []


def test_the_first_ids_are_kept_of_a_text_that_has_more() -> None:
    for length in (1, 3, 10, 20, 21):
        text = TextInput("ngrams-1", 1000, length, year=False)
        assert ids("Die Hard 2", text) == REFERENCE["Die Hard 2"][:length]


def test_sixty_four_characters_of_a_word_count() -> None:
    text = TextInput("ngrams-1", 2**24, 1024, year=False)

    assert ids("ab" * 32, text) == ids("ab" * 33, text) == ids("ab" * 500_000, text)
    assert ids("ab" * 32, text) != ids("ab" * 31, text)


def test_as_many_words_as_ids_count() -> None:
    text = TextInput("ngrams-1", 2**24, 8, year=False)
    numbers = " ".join(map(str, range(8)))

    assert ids(f"{numbers} 8", text) == ids(numbers, text)
    assert (
        ids("a " * 7 + "b", text)
        != ids("a " * 8 + "b", text)
        == ids("a", text)[:1] + ids("a a", text)[1:2] + ids("a", text)[1:]
    )


@pytest.mark.parametrize("words", ["a ", "\ufdfa", "\ufdfa ", "!", "\u0301", "\x00"])
def test_a_text_of_a_megabyte_is_read_no_further_than_counts(words: str) -> None:
    text = TextInput("ngrams-1", 1000, 4, year=False)

    assert ids(words * 1_000_000, text) == ids((words * 260)[:260], text)


def test_identical_texts_are_hashed_once() -> None:
    assert text_ids("The Third Man", TEXT) is text_ids("The Third Man", TEXT)
    with pytest.raises(ValueError, match="read-only"):
        text_ids("The Third Man", TEXT)[0] = 1


@given(st.text(st.characters()), st.integers(1, 5), st.integers(1, 40))
def test_any_text_has_ids_within_the_buckets(words: str, buckets: int, length: int) -> None:
    found = ids(words, TextInput("ngrams-1", buckets, length, year=False))

    assert len(set(found)) == len(found) <= min(buckets, length)
    assert all(1 <= one <= buckets for one in found)
