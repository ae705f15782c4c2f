"""Nothing ends mutely or in a traceback: not a script, not a number, not a terminal, not a disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import typer
from commands import PATIENCE, Ran, environment
from onnx import TensorProto, helper
from pictures import save_picture
from stalled_files import HELD, Stalled, stalls
from tiny_model import CARD, write_graph

from tagger.cli.app import app
from tagger.cli.command import Commands
from tagger.network import devices
from tagger.network.ort import Session
from tagger.results import Pixels

# A matrix product of this size keeps a core at work for some tenths of a second.
SIDE = 1200

SCRIPTS = {
    "a stream that is not used up": ("print(next(stream).path)", 0, "p/0.png\n"),
    "an exit after the first result": ("next(stream); sys.exit(5)", 5, ""),
    "an exit in a loop": ("for result in stream: sys.exit(7)", 7, ""),
    "an error in a loop": ("for result in stream: raise ValueError('mine')", 1, ""),
    "two streams": ("other = tagger.tag('p'); next(stream); next(other); sys.exit(3)", 3, ""),
    "a slice": ("print(len(list(itertools.islice(stream, 3))))", 0, "3\n"),
    "a stream that is read on at the very end": (
        "atexit.register(lambda: next(stream)); next(stream); sys.exit(4)", 4, "",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model whose network is at work long after a script has its first result."""
    nodes = [
        helper.make_node("Cast", ["images"], ["samples"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["samples", "sides"], ["means"], keepdims=0),
        helper.make_node("Div", ["means", "divisor"], ["colours"]),
        helper.make_node("ReduceMin", ["colours", "channel"], ["grey"], keepdims=1),
        helper.make_node("ReduceMax", ["grey"], ["one"], keepdims=0),
        helper.make_node("Div", ["one", "side"], ["small"]),
        helper.make_node("Expand", ["small", "square"], ["product0"]),
        *[
            helper.make_node("MatMul", [f"product{n}", "product0"], [f"product{n + 1}"])
            for n in range(6)
        ],
        helper.make_node("ReduceMax", ["product6"], ["most"], keepdims=0),
        helper.make_node("Mul", ["most", "nothing"], ["zero"]),
        helper.make_node("Concat", ["colours", "grey"], ["joined"], axis=1),
        helper.make_node("Add", ["joined", "zero"], ["scores"]),
    ]
    constants = {
        "sides": np.array([1, 2], dtype=np.int64),
        "divisor": np.array(255, dtype=np.float32),
        "channel": np.array([1], dtype=np.int64),
        "side": np.array(SIDE, dtype=np.float32),
        "square": np.array([SIDE, SIDE], dtype=np.int64),
        "nothing": np.array(0, dtype=np.float32),
    }
    file = tmp_path_factory.mktemp("slow") / "slow.onnx"
    return write_graph(file, nodes, constants, CARD)


def run_script(
    code: str, model: Path, folder: Path, seconds: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    """Run a script that has a stream of results of the images in ``p``."""
    script = f"""
import atexit, itertools, sys
from tagger import Tagger
tagger = Tagger({str(model)!r}, "cpu", workers=2, batch_size=1)
stream = tagger.tag("p")
{code}
"""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_stops_reading_ends_with_its_own_code(
    folder: Path, slow_model: Path, name: str
) -> None:
    for number in range(12):
        save_picture(folder / f"p/{number}.png", (200, 10, 10))
    code, exit_code, stdout = SCRIPTS[name]

    ran = run_script(code, slow_model, folder)

    assert (ran.returncode, ran.stdout) == (exit_code, stdout), ran.stderr
    assert "terminate" not in ran.stderr


@stalls
def test_a_script_does_not_wait_for_a_drive_that_is_gone(folder: Path, tiny_model: Path) -> None:
    for number in range(12):
        save_picture(folder / f"p/{number}.png", (200, 10, 10))

    with Stalled(folder / "p/1.png"):
        ran = run_script("next(stream); sys.exit(5)", tiny_model, folder, HELD)
        assert (ran.returncode, ran.stderr) == (5, "")


def test_every_number_has_two_ends() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, Commands)
    context = typer.Context(group)
    numbers = {
        f"{name} {param.opts[0]}": (param.min, param.max)
        for name in group.list_commands(context)
        for param in group.get_command(context, name).params
        if param.type_descriptor.annotation in (int, float) and not param.count
    }

    assert "tag --workers" in numbers
    assert [name for name, ends in numbers.items() if None in ends] == []


def test_batches_that_the_machine_cannot_hold_are_refused(
    folder: Path, tag: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_picture(folder / "p/a.png")
    options = ("--batch-size", "1000", "--workers", "3")
    # Three batches of 1,000 images of 8 × 8 pixels are 576,000 bytes.
    monkeypatch.setattr("tagger.pipeline.pipeline.main_memory", lambda: 2 * 576_000 - 2)

    refused = tag("p", "-o", "t.csv", *options)

    assert (refused.code, os.listdir()) == (2, ["p"])
    assert refused.stderr == (
        "tagger: --batch-size 1000: the batches at work take 0.0 GB of memory, and this machine "
        "has 0.0 GB: reduce --batch-size or --workers.\n"
    )
    monkeypatch.setattr("tagger.pipeline.pipeline.main_memory", lambda: 2 * 576_000)
    assert tag("p", "-o", "t.csv", *options).code == 0


def test_a_large_batch_on_a_cpu_is_run_in_parts(
    folder: Path, tag: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(130):
        save_picture(folder / f"p/{number:03}.png", (number, 0, 255 - number))
    sizes = []
    run = Session.run

    def watched(self: Session, images: Pixels) -> npt.NDArray[np.float32]:
        sizes.append(len(images))
        return run(self, images)

    monkeypatch.setattr(Session, "run", watched)
    large = tag("p", "--batch-size", "129", "-q").stdout

    assert set(sizes) == {64}
    assert large == tag("p", "-q").stdout


def test_the_machine_says_how_much_memory_it_has() -> None:
    there = devices.main_memory()

    if sys.platform == "linux":
        kilobytes = Path("/proc/meminfo").read_text().split()[1]
        assert there is not None
        assert abs(there - int(kilobytes) * 1024) < there // 100
    else:
        assert there is None or there > 2**20
