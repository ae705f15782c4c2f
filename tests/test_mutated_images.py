"""Damaged images by the hundred through the real command: none crashes, hangs or gets lost.

``MUTATED_IMAGES`` sets how many there are; ``make fuzz`` takes more.
"""

from __future__ import annotations

import contextlib
import csv
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import run_measured, run_tagger
from drawn_images import drawn_images, other_images
from mutations import mutated

from tagger.decode.budget import DEFAULT_LIMITS
from tagger.decode.picture import ImageError, load_rgb

COUNT = int(os.environ.get("MUTATED_IMAGES", "300"))
SEED = int(os.environ.get("MUTATED_SEED", "6"))

# What a process takes that decodes no image, with room to spare.
_PROCESS_BYTES = 400 * 2**20


@dataclass(frozen=True)
class Run:
    """A run over damaged images: the exit code, the table's rows, what was said, its memory."""

    code: int
    rows: list[dict[str, str]]
    stderr: str
    peak_bytes: int


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of damaged images; formats that are not accepted pass for others."""
    folder = tmp_path_factory.mktemp("damaged") / "posters"
    folder.mkdir()
    others = {f"{name}.jpg": content for name, content in other_images().items()}
    for name, content in mutated({**drawn_images(), **others}, COUNT, seed=SEED):
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def run(damaged: Path, tiny_model: Path) -> Run:
    """Return what came of tagging them all."""
    table = damaged.parent / "t.csv"
    arguments = ("tag", damaged.name, "-o", table, "--model", tiny_model, "--device", "cpu")
    peak, ran = run_measured(*arguments, cwd=damaged.parent)
    with table.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return Run(ran.code, rows, ran.stderr, peak)


@pytest.mark.parametrize("name", drawn_images())
def test_before_the_damage_every_image_can_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(drawn_images()[name])

    assert load_rgb(tmp_path / name, 8, 8).shape == (8, 8, 3)


@pytest.mark.parametrize("name", other_images())
def test_before_the_damage_other_formats_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(other_images()[name])

    with pytest.raises(ImageError, match=r"not an image|not supported"):
        load_rgb(tmp_path / name, 8, 8)


def test_every_damaged_image_has_its_row(damaged: Path, run: Run) -> None:
    names = sorted(os.listdir(damaged), key=os.fsencode)

    assert run.code == 1, run.stderr[-2000:]
    assert [row["path"] for row in run.rows] == [f"posters/{name}" for name in names]


def test_a_damaged_image_is_tagged_or_has_a_reason(run: Run) -> None:
    assert all(bool(row["error"]) != bool(row["red"]) for row in run.rows)
    assert all(row["error"].isprintable() and len(row["error"]) < 300 for row in run.rows)
    failed = sum(1 for row in run.rows if row["error"])
    assert COUNT / 4 < failed < COUNT  # else the damage would be none, or nothing else


def test_no_decoder_speaks_for_itself(run: Run) -> None:
    failed = sum(1 for row in run.rows if row["error"])
    lines = run.stderr.splitlines()

    assert "Traceback" not in run.stderr
    assert any(re.match(rf"{COUNT - failed} tagged, {failed} failed in ", line) for line in lines)
    # Beside the first failures there is what the command itself says.
    assert len([line for line in lines if not line.startswith("failed: ")]) <= 5, lines


def test_damaged_images_take_no_more_memory_than_whole_ones_may(run: Run) -> None:
    assert run.peak_bytes < DEFAULT_LIMITS.memory + _PROCESS_BYTES


@pytest.mark.filterwarnings("ignore")  # Pillow's, of damaged metadata
def test_no_damaged_image_takes_long(damaged: Path, run: Run) -> None:
    # After the run, since here a crash would end the tests.
    slowest = 0.0
    for file in damaged.iterdir():
        began = time.thread_time()
        with contextlib.suppress(ImageError):
            load_rgb(file, 8, 8)
        slowest = max(slowest, time.thread_time() - began)

    assert slowest < 10


def test_tags_in_damaged_images_come_out_again(damaged: Path, tiny_model: Path, run: Run) -> None:
    before = {file.name: file.read_bytes() for file in damaged.iterdir()}
    model = ("--model", tiny_model, "--device", "cpu")

    embedded = run_tagger("tag", damaged, "--embed", "--sidecar", "xmp", *model, cwd=damaged.parent)
    changed = {name for name, content in before.items() if _read(damaged, name) != content}
    taken_out = run_tagger("untag", damaged, cwd=damaged.parent)

    assert "Traceback" not in embedded.stderr + taken_out.stderr
    assert (embedded.code, taken_out.code) == (1, 0), taken_out.stderr[-2000:]
    assert len(changed) > COUNT / 10
    assert {file.name: file.read_bytes() for file in damaged.iterdir()} == before


def _read(folder: Path, name: str) -> bytes:
    return (folder / name).read_bytes()
