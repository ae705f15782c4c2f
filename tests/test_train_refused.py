"""What cannot be trained is refused in one sentence, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Argument, Ran
from shapes import ShapeSet

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

pytest_plugins = ("training_fixtures",)
pytestmark = pytest.mark.train


@pytest.fixture
def train(
    tagger: Callable[..., Ran], shapes: ShapeSet, folder: Path
) -> Callable[..., tuple[int, str]]:
    """Return a function that runs ``tagger train OPTIONS``: exit code and stderr.

    A table is given as its text; options that come later take the place of earlier ones.
    """

    def run(*options: Argument, table: str | None = None) -> tuple[int, str]:
        labels = shapes.table
        if table is not None:
            labels = folder / "labels.csv"
            labels.write_text(table, encoding="utf-8")
        ran = tagger(
            "train", "--images", shapes.images, "--labels", labels, "--output", "run",
            "--size", "32x32", *options,
        )  # fmt: skip
        assert ran.stdout == b""
        return ran.code, ran.stderr

    return run


def test_an_unknown_architecture(train: Callable[..., tuple[int, str]]):
    assert train("--architecture", "resnet") == (
        2,
        (
            "tagger: Unknown architecture 'resnet': use efficientnet-lite0, "
            "efficientnet-lite1, efficientnet-lite2, sequential, or a network of "
            "keras.applications such as MobileNetV2.\n"
        ),
    )


@pytest.mark.parametrize("size", ["64", "64x", "64x64x3", "-64x64", "6.4x64", "square"])
def test_a_size_that_is_none(train: Callable[..., tuple[int, str]], size: str):
    assert train(f"--size={size}") == (
        2,
        f"tagger: --size {size}: give HEIGHTxWIDTH in pixels, such as 384x256.\n",
    )


@pytest.mark.parametrize("size", ["15x64", "64x0", "64x4097"])
def test_a_size_that_no_network_has(train: Callable[..., tuple[int, str]], size: str):
    assert train("--size", size) == (
        2,
        f"tagger: --size {size}: each side must be between 16 and 4096 pixels.\n",
    )


def test_a_missing_folder_of_images(train: Callable[..., tuple[int, str]]):
    assert train("--images", "nowhere") == (3, "tagger: nowhere is not a folder.\n")


def test_a_table_without_labels(train: Callable[..., tuple[int, str]], folder: Path):
    table = folder / "labels.csv"
    assert train(table="id,Kind\n00,red\n") == (
        3,
        f"tagger: {table} has no labels: neither 0/1 columns nor a column 'tags'.\n",
    )


def test_a_column_of_tags_that_is_not_there(train: Callable[..., tuple[int, str]], folder: Path):
    assert train("--tags-column", "Genre", table="id,Kind\n00,red\n") == (
        3,
        f"tagger: {folder / 'labels.csv'} has no column 'Genre'; it has id, Kind.\n",
    )


def test_images_that_cannot_be_read(train: Callable[..., tuple[int, str]]):
    assert train(table="id,red\ndamaged,1\n") == (
        3,
        "Decoded 1 of 1 image.\ntagger: None of the labelled images can be read.\n",
    )


def test_images_that_are_all_on_one_side_of_the_split(train: Callable[..., tuple[int, str]]):
    code, stderr = train(table="id,red\n00,1\n02,1\n")
    assert (code, stderr.splitlines()[-1]) == (
        3,
        "tagger: Too few labelled images (2) to split into training and validation.",
    )


def test_a_label_to_hide_that_is_none(train: Callable[..., tuple[int, str]]):
    code, stderr = train("--never", "purple")
    assert (code, stderr.splitlines()[-1]) == (
        2,
        "tagger: Unknown label 'purple'; the labels are red, green, blue, round, square, N/A.",
    )


def test_an_empty_separator(train: Callable[..., tuple[int, str]]):
    assert train("--separator", "") == (2, "tagger: The separator between tags cannot be empty.\n")


def test_a_run_folder_that_is_a_file(train: Callable[..., tuple[int, str]], folder: Path):
    (folder / "run").write_text("mine")
    assert train() == (3, "tagger: run cannot be created: File exists.\n")
    assert (folder / "run").read_text() == "mine"
