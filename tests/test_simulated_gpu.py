"""A simulated GPU: what the pipeline does on one, without having one."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from pictures import save_picture

from tagger.network.model import TaggerModel
from tagger.network.simulated import SimulatedGpu
from tagger.pipeline.pipeline import tag_images
from tagger.results import Failed, Tagged
from tagger.rules import Rules


def test_images_are_tagged_as_on_a_gpu_and_in_order(folder: Path, tiny_model: Path) -> None:
    paths = [f"{place:02}.png" for place in range(30)]
    for place, path in enumerate(paths):
        save_picture(folder / path, (place, place, place))
    (folder / paths[7]).write_text("no image")
    gpu = SimulatedGpu(tiny_model, 1e6, batch_size=4, lanes=2)

    found = list(tag_images(paths, gpu, Rules.of_card(gpu.card), workers=3))

    assert (gpu.device, gpu.runs_on_cpu, gpu.file) == ("simulated:0,simulated:1", False, tiny_model)
    assert [one.path for one in found] == paths
    assert [one.path for one in found if isinstance(one, Failed)] == [paths[7]]
    scores = {one.path: one.scores.tolist() for one in found if isinstance(one, Tagged)}
    assert scores == {path: [round(n / 255, 4)] * 4 for n, path in enumerate(paths) if n != 7}


def test_a_batch_takes_its_time_and_no_core(tiny_model: Path) -> None:
    gpu = SimulatedGpu(tiny_model, 100, batch_size=8)
    pixels = np.zeros((8, 8, 8, 3), np.uint8)
    began, computed = time.monotonic(), time.process_time()

    for _ in range(5):
        gpu.scores(pixels)

    assert time.monotonic() - began >= 5 * 8 / 100
    assert time.process_time() - computed < 0.2


def test_its_card_is_the_models(tiny_model: Path) -> None:
    gpu = SimulatedGpu(tiny_model, float("inf"))

    assert gpu.card == TaggerModel(tiny_model, "cpu").card
    assert gpu.batch_size == 64
    assert gpu.scores(gpu.empty_batch()).shape == (64, 4)
