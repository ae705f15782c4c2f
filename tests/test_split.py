"""Which images are validation: decided by their names, for good."""

from __future__ import annotations

import random

import pytest
from tagger_training.split import is_validation, validation_mask

IDS = tuple(f"tt{number:07}" for number in range(10_000))


def test_known_ids_keep_their_side():
    # A change would let images that a published model was trained on into its validation.
    assert {image_id: is_validation(image_id, 0.15) for image_id in (*IDS[13:16], *IDS[21:26])} == {
        "tt0000013": False,
        "tt0000014": True,
        "tt0000015": False,
        "tt0000021": False,
        "tt0000022": True,
        "tt0000023": False,
        "tt0000024": False,
        "tt0000025": True,
    }


def test_the_order_of_the_table_does_not_matter():
    shuffled = random.Random(4).sample(IDS, len(IDS))
    sides = dict(zip(IDS, validation_mask(IDS, 0.15).tolist(), strict=True))
    assert dict(zip(shuffled, validation_mask(shuffled, 0.15).tolist(), strict=True)) == sides


@pytest.mark.parametrize(
    "spelling", ["{}.jpg", "{}.WEBP", "posters/{}.png", "/home/a/{}", "D:\\posters\\{}.jpeg"]
)
def test_folder_and_ending_do_not_matter(spelling: str):
    spelled = [spelling.format(image_id) for image_id in IDS[:500]]
    assert validation_mask(spelled, 0.3).tolist() == validation_mask(IDS[:500], 0.3).tolist()


def test_a_full_stop_in_a_name_is_no_ending():
    names = [f"Mr. {image_id}" for image_id in IDS[:500]]
    with_ending = [f"{name}.jpg" for name in names]
    mask = validation_mask(names, 0.5).tolist()
    assert validation_mask(with_ending, 0.5).tolist() == mask
    assert set(mask) == {True, False}


def test_a_name_that_is_not_utf8_has_a_side():
    assert validation_mask(["caf\udce9.jpg"], 1.0).tolist() == [True]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 0), (0.01, 98), (0.15, 1459), (0.5, 4947), (1.0, 10_000)]
)
def test_the_share_is_near_the_one_asked_for(share: float, expected: int):
    # Each count is within three standard deviations of the binomial around the share.
    assert abs(expected - share * len(IDS)) <= 3 * (len(IDS) * share * (1 - share)) ** 0.5
    assert int(validation_mask(IDS, share).sum()) == expected


def test_a_larger_share_keeps_the_images_of_a_smaller_one():
    small, large = validation_mask(IDS, 0.1), validation_mask(IDS, 0.2)
    assert not (small & ~large).any()
