"""Decoding once: what is kept is what tagging would read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pictures import four_corners, save_picture
from tagger_training.cache import decoded_images

from tagger.decode.picture import load_rgb
from tagger.errors import OutputError

HEIGHT, WIDTH = 12, 8


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Return three images, the middle one damaged."""
    corners = tmp_path / "corners.png"
    four_corners().save(corners)
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"no image")
    return [corners, damaged, save_picture(tmp_path / "wide.webp", "navy", size=(50, 20))]


def arrays(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.npy"))


def test_rows_are_what_tagging_reads(tmp_path: Path, files: list[Path]):
    images, _ = decoded_images(files, HEIGHT, WIDTH, tmp_path / "cache")
    assert (images.shape, images.dtype) == ((3, HEIGHT, WIDTH, 3), np.uint8)
    for row in (0, 2):
        np.testing.assert_array_equal(images[row], load_rgb(files[row], HEIGHT, WIDTH))


def test_an_unreadable_image_is_named_and_black(tmp_path: Path, files: list[Path]):
    images, failures = decoded_images(files, HEIGHT, WIDTH, tmp_path / "cache")
    assert failures == {1: "a text file, not an image"}
    assert not images[1].any()


def test_the_second_call_decodes_nothing(tmp_path: Path, files: list[Path]):
    cache = tmp_path / "cache"
    first, _ = decoded_images(files, HEIGHT, WIDTH, cache)
    (array,) = arrays(cache)
    before = array.stat()
    calls: list[tuple[int, int]] = []
    second, failures = decoded_images(
        files, HEIGHT, WIDTH, cache, lambda done, total: calls.append((done, total))
    )
    after = array.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert calls == []
    assert failures == {1: "a text file, not an image"}
    np.testing.assert_array_equal(second, first)


def test_the_array_cannot_be_changed_by_accident(tmp_path: Path, files: list[Path]):
    for _ in range(2):
        images, _ = decoded_images(files, HEIGHT, WIDTH, tmp_path / "cache")
        with pytest.raises(ValueError, match="read-only"):
            images[0] = 0


def test_a_changed_image_is_decoded_again(tmp_path: Path, files: list[Path]):
    cache, file = tmp_path / "cache", save_picture(tmp_path / "page.bmp", "red")
    decoded_images([file], HEIGHT, WIDTH, cache)
    size = file.stat().st_size
    save_picture(file, "lime")
    os.utime(file, ns=(1, 1))
    assert file.stat().st_size == size
    images, _ = decoded_images([file], HEIGHT, WIDTH, cache)
    assert len(arrays(cache)) == 2
    assert images[0, 0, 0].tolist() == [0, 255, 0]


def test_another_size_is_another_array(tmp_path: Path, files: list[Path]):
    cache = tmp_path / "cache"
    decoded_images(files, HEIGHT, WIDTH, cache)
    images, _ = decoded_images(files, WIDTH, HEIGHT, cache)
    assert len(arrays(cache)) == 2
    assert images.shape == (3, WIDTH, HEIGHT, 3)


def test_an_array_that_was_cut_off_is_made_again(tmp_path: Path, files: list[Path]):
    cache = tmp_path / "cache"
    first, _ = decoded_images(files, HEIGHT, WIDTH, cache)
    expected = np.array(first)
    (array,) = arrays(cache)
    array.with_suffix(".json").unlink()  # it is written last, when the array is whole
    array.write_bytes(array.read_bytes()[:100])
    second, _ = decoded_images(files, HEIGHT, WIDTH, cache)
    np.testing.assert_array_equal(second, expected)


def test_progress_counts_every_image(tmp_path: Path, files: list[Path]):
    calls: list[tuple[int, int]] = []
    many = [files[0]] * 300
    decoded_images(many, 2, 2, tmp_path, lambda done, total: calls.append((done, total)))
    assert calls == [(256, 300), (300, 300)]


def test_a_cache_that_cannot_be_made_is_one_sentence(tmp_path: Path, files: list[Path]):
    with pytest.raises(OutputError) as refused:
        decoded_images(files, HEIGHT, WIDTH, files[0] / "cache")
    assert str(refused.value) == (
        f"The image cache {files[0] / 'cache'} cannot be used: Not a directory."
    )
