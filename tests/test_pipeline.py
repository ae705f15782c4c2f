"""The stages together: every path gets its own result, in its place."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import pytest
from main_memory import SessionInMainMemory
from pictures import save_picture

from tagger.network import model as model_module
from tagger.network.model import TaggerModel
from tagger.pipeline.pipeline import tag_images
from tagger.results import Failed, Result, Tag, Tagged
from tagger.rules import Rules


def results(
    model: Path, paths: list[str], *, batch_size: int, workers: int = 2, device: str = "cpu"
) -> list[Result]:
    """Tag images with a model's own rules."""
    opened = TaggerModel(model, device, batch_size=batch_size)
    return list(tag_images(paths, opened, Rules.of_card(opened.card), workers=workers))


def test_a_result_holds_tags_and_a_score_for_every_label(folder: Path, tiny_model: Path) -> None:
    save_picture(folder / "a.png", (204, 51, 153))

    (result,) = results(tiny_model, ["a.png"], batch_size=1)

    assert isinstance(result, Tagged)
    assert result.path == "a.png"
    assert result.tags == (Tag("red", 0.8), Tag("blue", 0.6))
    assert result.scores.tolist() == [0.8, 0.2, 0.6, 0.2]


def test_probabilities_are_rounded_to_four_decimals(folder: Path, tiny_model: Path) -> None:
    save_picture(folder / "a.png", (1, 2, 254))

    (result,) = results(tiny_model, ["a.png"], batch_size=1)

    assert isinstance(result, Tagged)
    assert result.scores.tolist() == [0.0039, 0.0078, 0.9961, 0.0039]


@pytest.fixture(params=["cpu", "cpu,cpu", "openvino", "cuda:0", "cuda:0,cuda:1"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a device; the way of GPUs runs in main memory."""
    monkeypatch.setattr(model_module, "cuda_problem", lambda: None)
    monkeypatch.setattr(model_module, "Session", SessionInMainMemory)
    return str(request.param)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 16])
def test_failures_never_shift_their_neighbours(
    folder: Path, tiny_model: Path, batch_size: int, device: str
) -> None:
    paths = [f"{place:02}.png" for place in range(12)]
    for place in range(12):
        save_picture(folder / paths[place], (place * 20, 0, 0))
    bad = (0, 3, 4, 5, 11)
    for place in bad:
        (folder / paths[place]).write_text("no image")

    found = results(tiny_model, paths, batch_size=batch_size, device=device)

    assert [result.path for result in found] == paths
    assert [place for place in range(12) if isinstance(found[place], Failed)] == list(bad)
    assert [
        round(float(result.scores[0]) * 255) for result in found if isinstance(result, Tagged)
    ] == [place * 20 for place in range(12) if place not in bad]


def test_a_batch_of_failures_only_is_told_as_any_other(
    folder: Path, tiny_model: Path, device: str
) -> None:
    assert results(tiny_model, ["a.png", "b.png"], batch_size=2, device=device) == [
        Failed("a.png", "no such file or directory"),
        Failed("b.png", "no such file or directory"),
    ]


def test_scores_depend_on_neither_batch_size_nor_workers_nor_device(
    folder: Path, tiny_model: Path, device: str
) -> None:
    random = np.random.default_rng(5)
    paths = [f"{place}.png" for place in range(9)]
    for path in paths:
        save_picture(folder / path, tuple(random.integers(0, 256, 3).tolist()))

    one = results(tiny_model, paths, batch_size=1, workers=1)
    many = results(tiny_model, paths, batch_size=4, workers=4, device=device)

    assert [(result.path, result.tags, result.scores.tolist()) for result in one] == [
        (result.path, result.tags, result.scores.tolist()) for result in many
    ]


def test_images_come_in_the_order_of_their_paths(
    folder: Path, tiny_model: Path, device: str
) -> None:
    shades = [save_picture(folder / f"{n:03}.png", (n, n, n), size=(8, 8)) for n in range(40)]
    # It is decoded last and must come first.
    large = save_picture(folder / "large.png", "white", size=(2000, 2000))
    paths = [str(path) for path in (large, *shades)]

    found = results(tiny_model, paths, batch_size=2, workers=4, device=device)

    assert [result.path for result in found] == paths
    reds = [round(float(result.scores[0]) * 255) for result in found if isinstance(result, Tagged)]
    assert reds == [255, *range(40)]


def test_the_first_result_comes_before_the_last_path_is_taken(
    folder: Path, tiny_model: Path, device: str
) -> None:
    save_picture(folder / "a.png")
    model = TaggerModel(tiny_model, device, batch_size=2)
    taken: list[int] = []
    paths = ("a.png" for number in range(1000) if taken.append(number) is None)

    stream = tag_images(paths, model, Rules.of_card(model.card), workers=1)
    next(stream)
    del stream  # ends the work

    assert len(taken) <= 20  # of 1,000


def test_what_the_stages_cost_is_logged_where_anybody_asks(
    folder: Path, tiny_model: Path, device: str, caplog: pytest.LogCaptureFixture
) -> None:
    save_picture(folder / "a.png")

    with caplog.at_level(logging.DEBUG, "tagger.pipeline"):
        results(tiny_model, ["a.png"], batch_size=1, device=device)

    (line,) = [record.message for record in caplog.records if "costs" in record.name]
    assert re.fullmatch(
        r"[\d.]+ s; busy: reading [\d.]+ s \(\d+% of 2\), network [\d.]+ s \(\d+% of [24]\), "
        r"outputs [\d.]+ s \(\d+% of 1\)",
        line,
    )
