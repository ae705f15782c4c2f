"""The benchmarks run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import PATIENCE, environment, wait_until
from pictures import save_picture

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_precisions_are_compared_with_the_first_file(tiny_model: Path) -> None:
    arguments = [tiny_model, tiny_model, "--rounds", "2", "--images", "16"]
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "precisions.py", *arguments], capture_output=True, check=True
    )
    first, second = json.loads(done.stdout)["models"]
    assert (first["file"], first["precision"], first["ratio"]) == (str(tiny_model), "fp32", 1.0)
    assert second["ratio"] > 0


def test_a_file_that_takes_a_text_is_compared_with_itself(
    tiny_model: Path, tiny_text_model: Path
) -> None:
    arguments = [tiny_model, tiny_text_model, "--texts", "--rounds", "1", "--images", "16"]
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "precisions.py", *arguments], capture_output=True, check=True
    )
    measured = json.loads(done.stdout)["models"]
    assert [(one["file"], one["texts"]) for one in measured] == [
        (str(tiny_model), False),
        (str(tiny_text_model), False),
        (str(tiny_text_model), True),
    ]
    assert all(one["images_per_second"] > 0 for one in measured)


def test_memory_is_measured_for_each_size_of_folder(folder: Path, tiny_model: Path) -> None:
    poster = save_picture(folder / "poster.png")
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "memory.py", poster, "--counts", "8", "24",
         "--model", tiny_model, "--workers", "3", "--options=--layout list"],
        capture_output=True, check=True, cwd=folder,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert [(run["images"], run["rows"]) for run in report["runs"]] == [(8, 8), (24, 24)]
    assert report["growth"][0] == 1.0
    assert 0.8 < report["growth"][1] < 1.2
    assert list(folder.iterdir()) == [poster]


@pytest.mark.slow
def test_the_engine_is_compared_with_a_bare_pool(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "engine.py", "tiny", "--count", "70", "--rounds", "1",
         "--workers", "1", "2", "--only", "pool", "tagger", "--options=--max-tags 1", "--json"],
        capture_output=True, check=True, cwd=folder,
    )  # fmt: skip
    rates = json.loads(done.stdout)["rates"]
    assert [(one["workers"], one["party"]) for one in rates] == [
        (1, "pool"),
        (1, "tagger --max-tags 1"),
        (2, "pool"),
        (2, "tagger --max-tags 1"),
    ]
    assert all(one["images_per_second"] > 0 and one["all_us"] >= one["main_us"] for one in rates)
    assert list(folder.iterdir()) == []


def test_an_interrupted_comparison_leaves_nothing(folder: Path) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    run = subprocess.Popen(
        [sys.executable, BENCHMARKS / "engine.py", "tiny", "--count", "20000"],
        cwd=folder, env=environment() | {"TMPDIR": str(scratch)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    # While it draws; so that taking them away lasts longer than the signals come.
    wait_until(lambda: run.poll() is not None or any(folder.rglob("images/003")))
    made = [*scratch.iterdir()]
    for _ in range(20):
        run.terminate()
        time.sleep(0.005)
    assert run.wait(PATIENCE) != 0
    assert len(made) == 1
    assert [*folder.rglob("*")] == [scratch]


@pytest.mark.slow
def test_the_table_of_gpus_is_filled(folder: Path) -> None:
    posters = [save_picture(folder / "posters" / f"{n}.jpg", size=(30, 44)) for n in range(3)]
    document = folder / "performance.md"
    document.write_text("Before.\n\n<!-- make bench-gpu -->\nNothing.\n<!-- end -->\n\nAfter.\n")
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "gpu.py", posters[0].parent, "--devices", "cuda:99", "cpu",
         "--count", "8", "--rounds", "1", "--document", document],
        capture_output=True, check=True, cwd=folder, text=True,
    )  # fmt: skip
    assert done.stderr.startswith("--device cuda:99 is not available: ")
    lines = document.read_text().splitlines()
    assert lines[:3] == ["Before.", "", "<!-- make bench-gpu -->"]
    assert lines[-3:] == ["<!-- end -->", "", "After."]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    assert [row[:2] for row in rows[2:]] == [["cpu", "given"], ["cpu", "2000 × 3000"]]
    assert [row[-2:] for row in rows[2:]] == [["0.0000", "0.0%"]] * 2
    assert sorted(file.name for file in folder.iterdir()) == ["performance.md", "posters"]


def test_the_documentation_has_a_place_for_the_table() -> None:
    text = (BENCHMARKS.parent / "docs" / "performance.md").read_text(encoding="utf-8")
    assert text.count("<!-- make bench-gpu -->") == text.count("<!-- end -->") == 1
