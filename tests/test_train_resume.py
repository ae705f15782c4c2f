"""A training that stopped goes on where it was, and never as another training."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import Ran
from shapes import Made, ShapeSet, kill_in_epoch_2, train_arguments

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

import keras

pytest_plugins = ("training_fixtures",)
pytestmark = [
    pytest.mark.train,
    # Keras 3.15 with NumPy 2; nothing here can help it.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

Tagger = Callable[..., Ran]


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def finished(shape_run: Made, tmp_path: Path) -> Path:
    """Return a copy of the finished run."""
    return shutil.copytree(shape_run.path, tmp_path / "copy")


def test_a_run_is_not_overwritten(tagger: Tagger, shapes: ShapeSet, finished: Path):
    before = contents(finished)
    ran = tagger(*train_arguments(shapes, finished))
    assert (ran.code, ran.stdout, ran.stderr) == (
        2,
        b"",
        f"tagger: {finished} already holds a run: choose another folder or add --resume.\n",
    )
    assert contents(finished) == before


def test_a_finished_run_stays_as_it_was(
    tagger: Tagger, shapes: ShapeSet, shape_run: Made, finished: Path
):
    before = contents(finished)
    ran = tagger(*train_arguments(shapes, finished), "--resume")
    assert ran.code == 0
    assert ran.stdout.decode() == shape_run.ran.stdout.decode().replace(
        str(shape_run.path), str(finished)
    )
    assert ran.stderr.splitlines()[-2:] == [
        "Network sequential: 428,918 weights, resuming after epoch 3.",
        "epoch     loss  val. log-loss  val. macro-AP     time  left at most",
    ]
    after = contents(finished)
    assert set(after) == set(before)
    for name in (
        "best.keras", "checkpoint.keras", "state.json", "history.csv", "split.csv", "validation.csv"
    ):  # fmt: skip
        assert after[name] == before[name], name
    # It is made anew, with another time inside.
    ours, theirs = (
        keras.models.load_model(run / "model.keras", safe_mode=True).get_weights()
        for run in (finished, shape_run.path)
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_killed_training_goes_on_after_its_last_epoch(
    tagger: Tagger, shapes: ShapeSet, shape_run: Made, tmp_path: Path
):
    folder = tmp_path / "killed"
    arguments = train_arguments(shapes, folder)
    kill_in_epoch_2(arguments)
    assert sorted(file.name for file in folder.iterdir()) == [
        "best.keras",
        "cache",
        "checkpoint.keras",
        "run.json",
        "split.csv",
        "state.json",
    ]

    ran = tagger(*arguments, "--resume")
    assert ran.code == 0, ran.stderr
    assert "Network sequential: 428,918 weights, resuming after epoch 1.\n" in ran.stderr
    assert ran.stdout.startswith(b"Kept epoch ")
    rows, uninterrupted = history(folder), history(shape_run.path)
    assert [row["number"] for row in rows] == ["1", "2", "3"]
    rates = [row["learning_rate"] for row in rows]
    assert rates == [row["learning_rate"] for row in uninterrupted]
    assert sorted(contents(folder)) == sorted(contents(shape_run.path))


def test_resume_without_a_run_starts_one(tagger: Tagger, shapes: ShapeSet, tmp_path: Path):
    ran = tagger(*train_arguments(shapes, tmp_path / "new"), "--epochs", "1", "--resume")
    assert ran.code == 0, ran.stderr
    assert "Network sequential: 428,918 weights.\n" in ran.stderr
    assert [row["number"] for row in history(tmp_path / "new")] == ["1"]


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        (("--epochs", "4"), "epochs (3, now 4)"),
        (("--seed", "2"), "seed (1, now 2)"),
        (("--size", "64x96"), "width (64, now 96)"),
        (("--never", "red"), "never (None, now ('red',))"),
    ],
)
def test_another_setting_is_another_training(
    tagger: Tagger, shapes: ShapeSet, finished: Path, options: tuple[str, ...], difference: str
):
    before = contents(finished)
    ran = tagger(*train_arguments(shapes, finished), *options, "--resume")
    assert (ran.code, ran.stdout) == (2, b"")
    assert ran.stderr == (
        f"tagger: {finished} was started with a different {difference}: use the same options, or "
        "another folder.\n"
    )
    assert contents(finished) == before


def test_another_set_of_images_is_another_training(
    tagger: Tagger, shapes: ShapeSet, finished: Path
):
    before = json.loads((finished / "run.json").read_text(encoding="utf-8"))
    before["data"]["image_count"] = 65
    (finished / "run.json").write_text(json.dumps(before), encoding="utf-8")
    ran = tagger(*train_arguments(shapes, finished), "--resume")
    assert ran.code == 2
    assert ran.stderr.splitlines()[-1] == (
        f"tagger: {finished} was started with a different image_count (65, now 66): use the same "
        "options, or another folder."
    )
