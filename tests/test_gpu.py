"""What only a GPU can show: ``make test-gpu`` on a machine that has one.

Everything but the driver's part runs everywhere, in test_model.py. ``TAGGER_TEST_GPU`` names
another device than the first GPU.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import Ran, run_tagger

from tagger.network.model import BUNDLED_CUDA_MODEL, TaggerModel
from tagger.network.ort import cuda_problem
from tagger.pipeline.pipeline import tag_images
from tagger.results import ImageText, Tagged
from tagger.rules import Rules

SAMPLES = Path(__file__).parent.parent / "samples"
DEVICE = os.environ.get("TAGGER_TEST_GPU", "cuda:0")
# Float16 arithmetic beside float32's with the same weights.
TOLERANCE = 0.02

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        "TAGGER_TEST_GPU" not in os.environ and cuda_problem() is not None,
        reason="CUDA is not available",
    ),
]


@pytest.fixture
def library(folder: Path) -> Path:
    """Return 90 samples and a broken image among them, in folder ``p`` of the current one."""
    samples = sorted(file for file in SAMPLES.rglob("*") if file.suffix in (".jpg", ".png"))
    (folder / "p").mkdir()
    for number in range(90):
        sample = samples[number % len(samples)]
        shutil.copy(sample, folder / "p" / f"{number:03}{sample.suffix}")
    (folder / "p" / "045 broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def tag(folder: Path, device: str, *options: str) -> tuple[Ran, list[dict[str, str]]]:
    ran = run_tagger(
        "tag", "p", "-o", "t.csv", "--model", BUNDLED_CUDA_MODEL, "--device", device,
        "--summary", "summary.json", *options, cwd=folder,
    )  # fmt: skip
    assert ran.code == 1, ran.stderr  # the broken one
    with (folder / "t.csv").open(encoding="utf-8", newline="") as lines:
        return ran, list(csv.DictReader(lines))


def scores(rows: list[dict[str, str]]) -> np.ndarray:
    return np.array([list(row.values())[3:] for row in rows if not row["error"]], dtype=float)


def test_it_runs_on_the_gpu_and_says_so(library: Path) -> None:
    tag(library, DEVICE)

    assert json.loads((library / "summary.json").read_text())["device"] == DEVICE


@pytest.mark.parametrize("batch_size", ["1", "7", "64"])
def test_scores_are_those_of_the_cpu_and_rows_in_order(library: Path, batch_size: str) -> None:
    _, expected = tag(library, "cpu")
    _, rows = tag(library, DEVICE, "--batch-size", batch_size)

    names = sorted(os.listdir(library / "p"))
    assert [row["path"] for row in rows] == [f"p/{name}" for name in names]
    assert [row["error"] for row in rows] == [row["error"] for row in expected]
    assert np.abs(scores(rows) - scores(expected)).max() < TOLERANCE


def test_two_sessions_on_a_gpu_keep_the_order(library: Path) -> None:
    _, once = tag(library, DEVICE, "--batch-size", "8")
    _, twice = tag(library, f"{DEVICE},{DEVICE}", "--batch-size", "8")

    assert [row["path"] for row in twice] == [row["path"] for row in once]
    assert np.abs(scores(twice) - scores(once)).max() < TOLERANCE


def test_with_little_of_its_memory_the_scores_are_the_same(library: Path) -> None:
    _, expected = tag(library, "cpu")
    _, rows = tag(library, DEVICE, "--gpu-mem-limit", "256M")

    assert np.abs(scores(rows) - scores(expected)).max() < TOLERANCE


@pytest.mark.parametrize("batch_size", [1, 7, 64])
@pytest.mark.parametrize("bundled", [False, True])
def test_texts_score_as_on_the_cpu(
    library: Path, tiny_text_model: Path, bundled: bool, batch_size: int
) -> None:
    model = BUNDLED_CUDA_MODEL if bundled else tiny_text_model

    def text_of(path: str) -> ImageText | None:
        number = int(Path(path).stem[:3])
        return ImageText(f"Blue River {number}", 1950 + number) if number % 3 else None

    expected, found = (
        list(
            tag_images(
                [f"p/{name}" for name in sorted(os.listdir(library / "p"))],
                opened,
                Rules.of_card(opened.card),
                workers=2,
                text_of=text_of,
            )
        )
        for opened in (TaggerModel(model, name, batch_size=batch_size) for name in ("cpu", DEVICE))
    )

    assert [one.path for one in found] == [one.path for one in expected]
    there, here = (
        [one for one in results if isinstance(one, Tagged)] for results in (found, expected)
    )
    assert [one.text for one in there] == [one.text for one in here]
    assert len(there) == 90
    worst = max(np.abs(a.scores - b.scores).max() for a, b in zip(there, here, strict=True))
    assert worst < (TOLERANCE if bundled else 1e-4)


def test_doctor_tags_its_sample_there(folder: Path) -> None:
    ran = run_tagger("doctor", cwd=folder)

    assert ran.code == 0
    assert f"\nruns on: {DEVICE} (" in ran.stdout.decode()
