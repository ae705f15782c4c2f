"""Shuffled batches: every image once an epoch, its labels with it, the same order each time."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

from tagger_training.augmentation import Augmentation
from tagger_training.batches import TrainingBatches

pytestmark = pytest.mark.train

HEIGHT, WIDTH = 12, 8
ROWS = np.arange(5, 75)
# An image's number is its colour, and its labels are the bits of the number.
IMAGES = np.broadcast_to(np.arange(80, dtype=np.uint8)[:, None, None, None], (80, HEIGHT, WIDTH, 3))
TARGETS = (np.arange(80)[:, None] >> np.arange(7) & 1).astype(np.uint8)
MOVED = Augmentation(flip=True, shift=0.08)

Batch = tuple[np.ndarray, np.ndarray]


def batches(images: np.ndarray = IMAGES, **options: object) -> TrainingBatches:
    chosen = {"batch_size": 16, "seed": 3, "augmentation": MOVED, **options}
    return TrainingBatches(images, TARGETS, ROWS, **chosen)


def epoch(source: TrainingBatches) -> list[Batch]:
    return [source[i] for i in range(len(source))]


def numbers(of_epoch: list[Batch]) -> list[int]:
    """Read back which images an epoch showed."""
    return [int(image[0, 0, 0]) for images, _ in of_epoch for image in images]


def assert_same(one: list[Batch], other: list[Batch]) -> None:
    for (images, targets), (other_images, other_targets) in zip(one, other, strict=True):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(targets, other_targets)


def test_every_row_comes_once_an_epoch():
    source = batches()
    for _ in range(3):
        assert sorted(numbers(epoch(source))) == ROWS.tolist()
        source.on_epoch_end()


def test_the_last_batch_holds_what_is_left():
    shapes = [(images.shape, targets.shape) for images, targets in epoch(batches())]
    full = ((16, HEIGHT, WIDTH, 3), (16, 7))
    assert shapes == [full, full, full, full, ((6, HEIGHT, WIDTH, 3), (6, 7))]


def test_types_are_what_the_network_takes():
    images, targets = batches()[0]
    assert (images.dtype, targets.dtype) == (np.uint8, np.float32)


def test_labels_stay_with_their_image():
    source = batches()
    for _ in range(2):
        for images, targets in epoch(source):
            shown = images[:, 0, 0, 0].astype(np.int64)
            np.testing.assert_array_equal(targets, shown[:, None] >> np.arange(7) & 1)
        source.on_epoch_end()


@pytest.fixture
def pictures() -> np.ndarray:
    """Return images without any symmetry."""
    return np.random.default_rng(0).integers(0, 256, (80, HEIGHT, WIDTH, 3), dtype=np.uint8)


def test_seed_and_epoch_decide_order_and_augmentation(pictures: np.ndarray):
    assert_same(epoch(batches(pictures)), epoch(batches(pictures)))


def test_batches_may_be_asked_for_in_any_order(pictures: np.ndarray):
    source = batches(pictures)
    assert_same([source[4], source[0]], [epoch(source)[4], epoch(source)[0]])


def test_another_epoch_and_another_seed_have_another_order():
    source = batches()
    first = numbers(epoch(source))
    source.on_epoch_end()
    second = numbers(epoch(source))
    other_seed = numbers(epoch(batches(seed=4)))
    assert first != ROWS.tolist()
    assert len({tuple(first), tuple(second), tuple(other_seed)}) == 3


def test_another_epoch_is_augmented_otherwise(pictures: np.ndarray):
    source = batches(pictures)
    first = {target.tobytes(): image for images, targets in epoch(source)
             for image, target in zip(images, targets, strict=True)}  # fmt: skip
    source.on_epoch_end()
    same = sum(
        np.array_equal(image, first[target.tobytes()])
        for images, targets in epoch(source)
        for image, target in zip(images, targets, strict=True)
    )
    assert same < len(ROWS)


def test_a_resumed_epoch_is_the_one_that_was_not_reached(pictures: np.ndarray):
    uninterrupted = batches(pictures)
    uninterrupted.on_epoch_end()
    uninterrupted.on_epoch_end()
    assert_same(epoch(batches(pictures, first_epoch=2)), epoch(uninterrupted))


def originals(of_epoch: list[Batch], pictures: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pair what an epoch showed with the picture that it came from, found by its labels."""
    return [
        (shown, pictures[int(target @ (1 << np.arange(7)))])
        for images, targets in of_epoch
        for shown, target in zip(images, targets, strict=True)
    ]


def test_without_augmentation_images_are_as_they_were(pictures: np.ndarray):
    unchanged = batches(pictures, augmentation=Augmentation())
    for shown, picture in originals(epoch(unchanged), pictures):
        np.testing.assert_array_equal(shown, picture)


def test_about_half_the_images_are_mirrored(pictures: np.ndarray):
    pairs = originals(epoch(batches(pictures, augmentation=Augmentation(flip=True))), pictures)
    mirrored = sum(np.array_equal(shown, picture[:, ::-1]) for shown, picture in pairs)
    as_they_were = sum(np.array_equal(shown, picture) for shown, picture in pairs)
    assert mirrored + as_they_were == len(ROWS)
    assert 20 <= mirrored <= 50


def test_a_shift_moves_the_image_and_repeats_its_edge(pictures: np.ndarray):
    seen = set()
    quarter = batches(pictures, augmentation=Augmentation(shift=0.25))
    for shown, picture in originals(epoch(quarter), pictures):
        # A quarter of 12 rows and of 8 columns, rounded towards nothing: at most 2 and 1.
        fits = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-1, 2)
            if np.array_equal(shown, shifted(picture, down, right))
        ]
        assert len(fits) == 1
        seen.add(fits[0])
    assert {down for down, _ in seen} == {-2, -1, 0, 1, 2}
    assert {right for _, right in seen} == {-1, 0, 1}


def shifted(picture: np.ndarray, down: int, right: int) -> np.ndarray:
    framed = np.pad(picture, ((2, 2), (1, 1), (0, 0)), mode="edge")
    return framed[2 - down : 2 - down + HEIGHT, 1 - right : 1 - right + WIDTH]
