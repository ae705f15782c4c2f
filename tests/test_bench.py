"""``tagger bench``: what it reports, on pictures given and drawn."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commands import run_tagger
from messages import says
from pictures import save_picture
from PIL import Image

from tagger.pipeline.rates import Rates, draw_posters


@pytest.fixture
def posters(folder: Path) -> Path:
    """Save twelve pictures and a file that is none."""
    for number in range(12):
        save_picture(folder / "posters" / f"{number}.png", size=(30, 44))
    (folder / "posters" / "none.jpg").write_text("no image")
    return folder / "posters"


def bench(*arguments: str | Path, cwd: Path) -> dict[str, object]:
    ran = run_tagger("bench", *arguments, "--json", "--device", "cpu", cwd=cwd)
    assert ran.code == 0, ran.stderr
    found: dict[str, object] = json.loads(ran.stdout)
    return found


def test_a_folder_is_measured(posters: Path, tiny_model: Path):
    report = bench(
        posters, "--model", tiny_model, "--workers", "2", "--rounds", "2", "--images", "40",
        cwd=posters.parent,
    )  # fmt: skip
    assert report["model"] == "colours 1.2 (fp32)"
    assert (report["device"], report["batch_size"], report["workers"]) == ("cpu", 16, 2)
    (rates,) = report["sets"].values()
    assert list(report["sets"]) == [str(posters)]
    assert rates["images"] == 13
    assert rates["ideal"] == pytest.approx(1 / (1 / rates["decode"] + 1 / rates["model"]), rel=0.01)
    assert rates["share_of_ideal"] == pytest.approx(rates["end_to_end"] / rates["ideal"], abs=0.002)
    assert rates["bound"] in ("decode", "model", "both")
    assert rates["decode_core_us"] > 0
    assert report["main_core_us"] > 0
    assert (report["simulated_gpu"], rates["reckoned"]) == (None, None)


def test_a_gpu_can_be_simulated_and_another_machine_reckoned(posters: Path, tiny_model: Path):
    report = bench(
        posters, "--model", tiny_model, "--rounds", "1", "--simulate-gpu", "50", "--cores", "3",
        "--images", "40", cwd=posters.parent,
    )  # fmt: skip
    assert (report["device"], report["simulated_gpu"], report["batch_size"]) == (
        "simulated:0", 50, 64,
    )  # fmt: skip
    (rates,) = report["sets"].values()
    assert rates["ideal"] == min(rates["decode"], rates["model"])
    assert rates["model"] <= 50.1
    assert rates["reckoned"]["cores"] == 3
    core_us = rates["decode_core_us"] + rates["model_core_us"] + report["main_core_us"]
    expected = min(3e6 / core_us, rates["model"], 1e6 / report["main_core_us"])
    assert rates["reckoned"]["images_per_second"] == pytest.approx(expected, rel=0.01)


@pytest.mark.slow
def test_without_a_folder_small_and_large_posters_are_drawn(folder: Path, tiny_model: Path):
    report = bench("--model", tiny_model, "--images", "8", "--rounds", "1", cwd=folder)
    assert list(report["sets"]) == ["small (300 × 444)", "large (2000 × 3000)"]
    assert [rates["images"] for rates in report["sets"].values()] == [8, 8]
    small, large = report["sets"].values()
    assert small["decode"] > large["decode"]
    assert list(folder.iterdir()) == []


def test_people_read_what_bounds_the_rate(posters: Path, tiny_model: Path):
    ran = run_tagger(
        "bench", posters, "--model", tiny_model, "--device", "cpu", "--workers", "1", "--rounds",
        "1", "--images", "40", "--cores", "16", cwd=posters.parent,
    )  # fmt: skip
    assert ran.code == 0, ran.stderr
    assert ran.stderr == (
        f"Measuring 13 images, {posters}, in 1 round.\n"
        "Measuring the main process with 1,000 images.\n"
    )
    lines = ran.stdout.decode().splitlines()
    assert lines[:3] == [
        "colours 1.2 (fp32) on cpu, 1 worker, batches of 16",
        "",
        f"{posters}, 13 images",
    ]
    assert [line.split()[0] for line in lines[3:9]] == [
        "decode", "network", "together", "ideal", "reached", "reckoned",
    ]  # fmt: skip
    assert lines[8].endswith(" images/s   with 16 cores, by what an image costs")
    # The tiny network takes next to nothing, but the machine may be busy with other work.
    assert lines[9].startswith(
        ("  Decode-bound: ", "  Decoding and the network ", "  Model-bound: ")
    )
    assert re.fullmatch(r"The main process takes [\d,]+ µs of a core per image:", lines[11])
    assert re.fullmatch(
        r"  at most +[\d,]+ images/s   on any machine with cores like these", lines[12]
    )


def test_images_that_cannot_be_read_are_refused(folder: Path, tiny_model: Path):
    (folder / "none.jpg").write_text("no image")
    ran = run_tagger("bench", folder, "--model", tiny_model, "--quiet", cwd=folder)
    assert (ran.code, ran.stdout) == (3, b"")
    assert ran.stderr == says("not readable")


def test_the_ideal_of_a_gpu_is_the_slower_stage():
    shared = Rates(100, decode=300, model=100, end_to_end=75, shared_cores=True)
    beside = Rates(100, decode=300, model=100, end_to_end=75, shared_cores=False)
    assert (shared.ideal, shared.share, shared.bound) == (75, 1, "model")
    assert (beside.ideal, beside.share, beside.bound) == (100, 0.75, "model")
    assert Rates(1, decode=100, model=300, end_to_end=1, shared_cores=True).bound == "decode"
    assert Rates(1, decode=200, model=250, end_to_end=1, shared_cores=True).bound == "both"


def test_what_another_machine_reaches_is_bound_by_cores_gpu_or_main_process():
    def of(shared_cores: bool, model: float = 5000) -> Rates:
        return Rates(
            100, decode=2000, model=model, end_to_end=1, shared_cores=shared_cores,
            decode_core=700e-6, model_core=200e-6,
        )  # fmt: skip

    assert of(False).reckoned(2, 100e-6) == pytest.approx(2000)
    assert of(False).reckoned(16, 100e-6) == 5000
    assert of(True).reckoned(6, 100e-6) == pytest.approx(6000)  # no GPU's rate bounds it
    assert of(False, model=50_000).reckoned(16, 100e-6) == pytest.approx(10_000)
    assert of(False, model=50_000).reckoned(64, 100e-6) == pytest.approx(10_000)


def test_drawn_posters_have_the_detail_of_real_ones(tmp_path: Path):
    """Decoding takes as long as the file is: real posters of this size have some 33 kB."""
    (small,) = draw_posters(tmp_path, 300, 444, 1)
    with Image.open(small) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (300, 444), "RGB")
    assert 20_000 < Path(small).stat().st_size < 60_000
