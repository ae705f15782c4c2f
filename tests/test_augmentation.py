"""Random changes of training images: what each one may do, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from tagger_training.augmentation import Augmentation

from tagger.results import Pixels

HEIGHT, WIDTH = 96, 64
EVERYTHING = Augmentation(flip=True, shift=0.1, smallest_crop=0.5, colour=0.3, mixup=0.4)


@pytest.fixture(scope="module")
def picture() -> Pixels:
    """Return an image without any symmetry, which cannot be written to."""
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels.flags.writeable = False
    return pixels


def drawn(augmentation: Augmentation, image: Pixels, times: int = 200) -> Iterator[Pixels]:
    random = np.random.default_rng(5)
    return (augmentation.image(image, random) for _ in range(times))


def flat(value: int) -> Pixels:
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


# Nothing, and everything


def test_nothing_is_changed_unless_asked_for(picture: Pixels):
    random = np.random.default_rng(1)
    images, targets = np.stack([picture, picture[::-1]]), np.eye(2, dtype=np.float32)
    np.testing.assert_array_equal(Augmentation().image(picture, random), picture)
    same_images, same_targets = Augmentation().batch(images, targets, random)
    np.testing.assert_array_equal(same_images, images)
    np.testing.assert_array_equal(same_targets, targets)


def test_all_changes_together_keep_shape_and_type(picture: Pixels):
    for changed in drawn(EVERYTHING, picture, 20):
        assert (changed.shape, changed.dtype) == ((HEIGHT, WIDTH, 3), np.uint8)


def test_the_same_random_numbers_make_the_same_image(picture: Pixels):
    ours, theirs = drawn(EVERYTHING, picture, 5), drawn(EVERYTHING, picture, 5)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


# Flip and shift


def test_a_flip_mirrors_left_and_right_about_every_second_time(picture: Pixels):
    mirrored = 0
    for changed in drawn(Augmentation(flip=True), picture):
        as_it_was = np.array_equal(changed, picture)
        assert as_it_was or np.array_equal(changed, picture[:, ::-1])
        mirrored += not as_it_was
    assert 70 <= mirrored <= 130


def test_a_shift_repeats_the_edge(picture: Pixels):
    framed = np.pad(picture, ((4, 4), (3, 3), (0, 0)), mode="edge")
    expected = {
        framed[4 - down : 4 - down + HEIGHT, 3 - right : 3 - right + WIDTH].tobytes(): (down, right)
        for down in range(-4, 5)
        for right in range(-3, 4)
    }
    # A twentieth of 96 rows and 64 columns, rounded towards nothing: at most 4 and 3.
    moves = {expected[bytes(x.tobytes())] for x in drawn(Augmentation(shift=0.05), picture, 400)}
    assert {down for down, _ in moves} == set(range(-4, 5))
    assert {right for _, right in moves} == set(range(-3, 4))


# Crop


def test_a_crop_is_a_part_of_the_picture_enlarged():
    """Slopes tell how much: twice as large is half as steep."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    slopes = np.stack([rows * 2 + 20, columns * 3 + 20, np.full_like(rows, 77)], axis=2)
    areas, tops, lefts = [], [], []
    for changed in drawn(Augmentation(smallest_crop=0.5), slopes.astype(np.uint8), 300):
        values = changed.astype(np.float64)
        assert (values[:, :, 2] == 77).all()
        # At the border of the box there is nothing to blend with: leave it out.
        inner = values[4:-4, 4:-4]
        assert np.ptp(inner[:, :, 0], axis=1).max() <= 1
        assert np.ptp(inner[:, :, 1], axis=0).max() <= 1
        tall = np.polyfit(np.arange(4, HEIGHT - 4), inner[:, 0, 0], 1)
        wide = np.polyfit(np.arange(4, WIDTH - 4), inner[0, :, 1], 1)
        height, width = tall[0] / 2, wide[0] / 3
        # Heights and widths are within 1.35 of each other: posters keep their look.
        assert 1 / 1.37 < height / width < 1.37
        areas.append(height * width)
        tops.append((tall[1] - 20) / 2)
        lefts.append((wide[1] - 20) / 3)
    # Where a stretched part would be larger than the image it is cut, to 0.86 of its area at most.
    assert 0.49 <= min(areas) < 0.55
    assert 0.95 < max(areas) <= 1.01
    assert -1 <= min(tops) < 2
    assert 20 < max(tops) < 0.4 * HEIGHT
    assert -1 <= min(lefts) < 2
    assert 13 < max(lefts) < 0.4 * WIDTH


# Colour


def test_brightness_changes_by_no_more_than_its_share():
    values = []
    for changed in drawn(Augmentation(colour=0.2), flat(100)):
        assert len(np.unique(changed)) == 1
        values.append(int(changed[0, 0, 0]))
    assert 79 <= min(values) < 84
    assert 116 < max(values) <= 120


def test_contrast_changes_by_no_more_than_its_share():
    two = flat(80)
    two[: HEIGHT // 2] = 160
    gaps = []
    for changed in drawn(Augmentation(colour=0.2), two):
        assert (changed[:, :, :1] == changed).all()  # grey stays grey
        gaps.append(int(changed[0, 0, 0]) - int(changed[-1, 0, 0]))
    assert 63 <= min(gaps) < 69
    assert 91 < max(gaps) <= 97


def test_saturation_changes_by_no_more_than_its_share():
    # Three stripes whose colours are one another's turned round: all have the same mean, so
    # brightness and contrast move the channels together.
    striped = np.zeros((3, 1, 3), np.uint8)
    for row in range(3):
        striped[row, 0] = np.roll([90, 120, 150], row)
    spreads, middles = [], []
    for changed in drawn(Augmentation(colour=0.1), striped, 400):
        low, middle, high = changed[0, 0].astype(int)
        assert abs((high - middle) - (middle - low)) <= 1
        spreads.append(int(high - low))
        middles.append(int(middle))
    # Contrast and saturation multiply: 0.9 * 0.9 to 1.1 * 1.1 of 60.
    assert 48 <= min(spreads) < 52
    assert 69 < max(spreads) <= 73
    assert 107 <= min(middles) < 111
    assert 129 < max(middles) <= 132


@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_do_not_wrap_around(value: int):
    for changed in drawn(Augmentation(colour=0.2), flat(value)):
        assert abs(int(changed.max()) - value) <= 52
        assert abs(int(changed.min()) - value) <= 52


# Mixup


@pytest.fixture
def graded() -> tuple[Pixels, np.ndarray]:
    """Return images of one value each, and targets that are that value's share of 255."""
    values = np.array([0, 255, 51, 204, 102], np.uint8)
    images = np.broadcast_to(values[:, None, None, None], (5, 4, 3, 3))
    return images, (values / 255).astype(np.float32)[:, None]


def test_mixup_blends_images_and_targets_alike(graded: tuple[Pixels, np.ndarray]):
    images, targets = graded
    random = np.random.default_rng(3)
    untouched = 0
    for _ in range(300):
        blended, shares = Augmentation(mixup=0.2).batch(images, targets, random)
        assert (blended.shape, blended.dtype) == (images.shape, np.uint8)
        assert (shares.shape, shares.dtype) == (targets.shape, np.float32)
        assert np.ptp(blended, axis=(1, 2, 3)).max() == 0
        np.testing.assert_allclose(blended[:, 0, 0, 0], shares[:, 0] * 255, atol=0.501)
        # The first and the last are each other's partners, and the middle one its own.
        np.testing.assert_allclose(shares[0] + shares[4], targets[0] + targets[4], atol=1e-6)
        np.testing.assert_allclose(shares[1] + shares[3], targets[1] + targets[3], atol=1e-6)
        np.testing.assert_allclose(shares[2], targets[2], atol=1e-6)
        untouched += np.array_equal(shares, targets)
    # Of Beta(0.2, 0.2) 48 % lie within 0.02 of an end (scipy: 2 * beta.cdf(0.02, 0.2, 0.2)).
    assert 105 <= untouched <= 175


def test_mixup_leaves_what_it_was_given(graded: tuple[Pixels, np.ndarray]):
    images, targets = (array.copy() for array in graded)
    for _ in range(20):
        Augmentation(mixup=1.0).batch(images, targets, np.random.default_rng(3))
    np.testing.assert_array_equal(images, graded[0])
    np.testing.assert_array_equal(targets, graded[1])


def test_one_image_alone_is_not_changed_by_mixup(picture: Pixels):
    for seed in range(20):
        random = np.random.default_rng(seed)
        images, targets = Augmentation(mixup=1.0).batch(
            picture[None], np.array([[1, 0]], np.float32), random
        )
        np.testing.assert_array_equal(images[0], picture)
        np.testing.assert_allclose(targets, [[1, 0]], atol=1e-6)


def test_other_changes_are_no_business_of_the_batch(graded: tuple[Pixels, np.ndarray]):
    images, targets = replace(EVERYTHING, mixup=0.0).batch(*graded, np.random.default_rng(0))
    np.testing.assert_array_equal(images, graded[0])
    np.testing.assert_array_equal(targets, graded[1])


def test_images_are_scaled_to_the_size_that_is_trained_on():
    image = np.zeros((40, 20, 3), dtype=np.uint8)
    image[:20] = 200
    random = np.random.default_rng(1)

    whole = Augmentation().image(image, random, (20, 10))
    cropped = Augmentation(smallest_crop=0.5).image(image, random, (20, 10))

    assert whole.shape == cropped.shape == (20, 10, 3)
    assert (whole[:9] == 200).all()
    assert (whole[11:] == 0).all()
