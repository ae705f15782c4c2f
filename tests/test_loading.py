"""Images are read in parallel, in order, and never far ahead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pictures import save_picture

from tagger.loading import load_all
from tagger.results import Failed, Loaded


def shades(folder: Path, count: int) -> list[str]:
    """Save grey images, each a shade lighter than the one before."""
    return [
        str(save_picture(folder / f"{shade:03}.png", (shade,) * 3, size=(8, 8)))
        for shade in range(count)
    ]


@pytest.mark.parametrize("workers", [1, 4])
def test_images_come_in_the_order_of_their_paths(tmp_path: Path, workers: int) -> None:
    paths = shades(tmp_path, 40)
    large = save_picture(tmp_path / "large.png", "white", size=(2000, 2000))
    paths.insert(0, str(large))  # it is decoded last and must come first

    loaded = list(load_all(paths, 4, 4, workers=workers, ahead=8))

    assert [item.path for item in loaded] == paths
    assert [int(item.pixels[0, 0, 0]) for item in loaded if isinstance(item, Loaded)] == [
        255,
        *range(40),
    ]


def test_a_bad_image_keeps_its_place(tmp_path: Path) -> None:
    paths = shades(tmp_path, 3)
    Path(paths[1]).write_bytes(b"")

    first, second, third = load_all(paths, 4, 4, workers=2, ahead=4)

    assert isinstance(first, Loaded)
    assert second == Failed(paths[1], "the file is empty")
    assert isinstance(third, Loaded)
    assert np.array_equal(third.pixels, np.full((4, 4, 3), 2, dtype=np.uint8))


@pytest.mark.parametrize(("workers", "ahead"), [(1, 1), (2, 5), (4, 10)])
def test_paths_are_taken_no_further_than_the_look_ahead(
    tmp_path: Path, workers: int, ahead: int
) -> None:
    path = shades(tmp_path, 1)[0]
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield path

    loaded = load_all(endless(), 4, 4, workers=workers, ahead=ahead)
    for count in range(1, 20):
        next(loaded)
        assert taken < count + ahead
    loaded.close()


def test_no_paths_give_no_images() -> None:
    assert list(load_all([], 4, 4, workers=2, ahead=4)) == []
