"""Decoders in processes of their own: what ends one of them is one row."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from commands import Ran, python_path
from messages import says
from pictures import png_bytes, save_picture
from stalled_files import Stalled, stalls

from tagger.decode.budget import DEFAULT_LIMITS, NO_HURRY, Attempt, ImageError, ImageLimits, Memory
from tagger.decode.isolation import Isolation
from tagger.decode.patience import threads_left_behind
from tagger.network.model import TaggerModel
from tagger.pipeline.decode import Decode
from tagger.pipeline.pipeline import tag_images
from tagger.results import Failed
from tagger.rules import Rules

# No file is known that crashes Pillow: in a decoder's process an image of 13 pixels a side does.
_CRASHING = """
import os, signal, sys

if "tagger.decode.process" in sys.orig_argv:
    from PIL import PngImagePlugin

    load = PngImagePlugin.PngImageFile.load

    def crash(image):
        if image.size == (13, 13):
            os.kill(os.getpid(), signal.SIGSEGV)
        return load(image)

    PngImagePlugin.PngImageFile.load = crash
"""


@pytest.fixture
def crashing(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make images of 13 pixels a side crash their decoder."""
    folder = tmp_path_factory.mktemp("crashing")
    (folder / "sitecustomize.py").write_text(_CRASHING)
    monkeypatch.setenv("PYTHONPATH", python_path(folder))


@pytest.fixture
def posters(folder: Path) -> None:
    """Make a folder ``p`` of nine images, two of which have 13 pixels a side, and a file."""
    for place in range(9):
        side = 13 if place in (2, 3) else 8
        save_picture(folder / f"p/{place}.png", (place * 20, 0, 0), size=(side, side + 0))
    (folder / "p/text.png").write_text("no image")


@pytest.mark.usefixtures("crashing", "posters")
@pytest.mark.parametrize(("workers", "batch_size"), [("1", "2"), ("3", "2"), ("1", "16")])
def test_an_image_that_crashes_its_decoder_fails_alone(
    tag: Callable[..., Ran], workers: str, batch_size: str
) -> None:
    """Whether or not others are read together with it."""
    columns = ("--columns", "bytes,sha256,width")
    arguments = ("p", "--workers", workers, "--batch-size", batch_size, *columns)

    together = tag(*arguments)
    apart = tag(*arguments, "--isolate")

    assert (together.code, apart.code) == (1, 1)
    expected = together.rows()
    for place in (2, 3):
        # What was found out about the file before the crash is known.
        size, digest = expected[place].split(",")[3:5]
        expected[place] = f"p/{place}.png,,its decoder crashed (SIGSEGV),{size},{digest},,,,,"
    assert apart.rows() == expected
    assert "failed: p/2.png: its decoder crashed (SIGSEGV)" in apart.stderr.splitlines()


def test_limits_hold_in_processes_too(tmp_path: Path) -> None:
    good = save_picture(tmp_path / "good.png", "red")
    (tmp_path / "bomb.png").write_bytes(png_bytes(12_000, 12_000, b""))
    memory = Memory(100 * 2**20)
    limits = ImageLimits(memory=memory.limit)

    with closing(Isolation(64)) as processes:
        with pytest.raises(ImageError) as refused:
            processes.load(str(tmp_path / "bomb.png"), 8, 8, Attempt(limits, memory))
        picture = processes.load(str(good), 4, 6, Attempt(limits, memory))

    assert str(refused.value) == (
        "decoding its 12000 × 12000 pixels takes 550 MB of memory, above the limit of 100 MB"
    )
    assert picture.pixels.shape == (4, 6, 3)
    assert (picture.width, picture.height) == (16, 24)
    assert memory.take_more(memory.limit)  # all of it was given back


def test_a_process_that_is_killed_is_replaced(tmp_path: Path) -> None:
    good = str(save_picture(tmp_path / "good.png", "red"))
    with closing(Isolation(64)) as processes:
        processes.load(good, 8, 8, Attempt(NO_HURRY, Memory(10**9)))
        (single,) = processes._free
        decoder = single.decoder
        os.kill(decoder._process.pid, signal.SIGKILL)
        decoder._process.wait()

        assert processes.load(good, 8, 8, Attempt(NO_HURRY, Memory(10**9))).width == 16
        assert [one.decoder._process.pid for one in processes._free] != [decoder._process.pid]


@stalls
def test_a_process_that_hangs_is_ended(folder: Path, tiny_model: Path) -> None:
    paths = [str(save_picture(folder / f"{letter}.png")) for letter in "abcd"]
    model = TaggerModel(tiny_model, "cpu", batch_size=2)
    rules = Rules.of_card(model.card)
    # Time enough for a process to start.
    limits = ImageLimits(seconds=4, computing=None)

    with Stalled(folder / "b.png"):
        found = list(
            tag_images(paths, model, rules, workers=1, limits=limits, decode=Decode.PROCESSES)
        )
        assert not threads_left_behind()

    assert [result.path for result in found] == paths
    assert [result for result in found if isinstance(result, Failed)] == [
        Failed(paths[1], "reading it takes longer than 4 s")
    ]


def test_without_processes_the_run_ends_in_a_sentence(
    folder: Path, tag: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_picture(folder / "a.png")
    monkeypatch.setattr("sys.executable", "/nowhere/python")

    assert tag("a.png", "--isolate", "-q") == Ran(
        3,
        b"path,tags,error,red,green,blue,N/A\n",
        says("no processes"),
    )


def test_a_name_that_is_no_text_reaches_the_process(folder: Path, tag: Callable[..., Ran]) -> None:
    save_picture(folder / os.fsdecode(b"\xff\n.png"), "blue")

    ran = tag(".", "--isolate", "-q", "--layout", "list")

    assert (ran.code, ran.stdout) == (0, b'path,tags,error\n"./\\xff\n.png",blue,\n')


def test_the_default_limits_are_those_of_the_document() -> None:
    page = (Path(__file__).parent.parent / "docs" / "reliability.md").read_text(encoding="utf-8")

    assert f"{DEFAULT_LIMITS.seconds:g} seconds of wall-clock time" in page
    assert f"{DEFAULT_LIMITS.computing:g} seconds of CPU time" in page
    assert f"{DEFAULT_LIMITS.memory // 2**30} GB" in page
