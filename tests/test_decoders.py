"""Decoding in processes: the results of threads, whatever ends a process, and nothing is left."""

from __future__ import annotations

import itertools
import logging
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import (
    Ran,
    children,
    command_line,
    environment,
    is_running,
    python_path,
    wait_until,
)
from main_memory import SessionInMainMemory
from messages import says
from pictures import png_bytes, save_picture
from stalled_files import HELD, Stalled, stalls

from tagger.decode.budget import ImageLimits, Memory
from tagger.decode.facts import STAMP
from tagger.decode.messages import Connection
from tagger.decode.processes import Decoder
from tagger.network import model as model_module
from tagger.network.model import TaggerModel
from tagger.network.ngrams import ngram_ids
from tagger.pipeline import decoders, pipeline
from tagger.pipeline.decode import Decode
from tagger.pipeline.pipeline import tag_images
from tagger.results import Failed, ImageText, Result, Tagged
from tagger.rules import Rules
from tagger.runs.texts import TextFrom, TextPlan

only_on_linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def results(
    model: Path, paths: list[str], *, device: str = "cpu", batch_size: int = 4, **options: object
) -> list[Result]:
    """Tag images by two processes, unless another way is given."""
    opened = TaggerModel(model, device, batch_size=batch_size)
    given = {"workers": 2, "decode": Decode.PROCESSES, **options}
    return list(tag_images(paths, opened, Rules.of_card(opened.card), **given))


def told(found: list[Result]) -> list[object]:
    """Return results as values that compare."""
    return [
        (one.path, one.tags, one.scores.tolist(), one.facts, one.text)
        if isinstance(one, Tagged)
        else one
        for one in found
    ]


@pytest.fixture
def posters(folder: Path) -> list[str]:
    """Save 150 images of random colours, every seventh of which cannot be read."""
    random = np.random.default_rng(3)
    for place in range(150):
        colour = tuple(random.integers(0, 256, 3).tolist())
        file = save_picture(folder / f"{place:03}.png", colour, size=(8 + place % 5, 9))
        if place % 7 == 3:
            file.write_bytes(b"no image")
    return [f"{place:03}.png" for place in range(150)]


@pytest.fixture(params=["cpu", "cuda:0,cuda:1"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a device; the way of GPUs runs in main memory."""
    monkeypatch.setattr(model_module, "cuda_problem", lambda: None)
    monkeypatch.setattr(model_module, "Session", SessionInMainMemory)
    return str(request.param)


@pytest.mark.parametrize(("workers", "batch_size"), [(1, 1), (3, 4), (2, 100)])
def test_results_are_those_of_threads(
    posters: list[str], tiny_model: Path, device: str, workers: int, batch_size: int
) -> None:
    facts = ("bytes", "sha256", STAMP)

    threads = results(tiny_model, posters, decode=Decode.THREADS, facts=facts)
    processes = results(
        tiny_model, posters, device=device, workers=workers, batch_size=batch_size, facts=facts
    )

    assert [one.path for one in threads] == posters
    assert told(processes) == told(threads)
    assert sum(isinstance(one, Failed) for one in processes) == 21


def of_decoders(process: int) -> list[int]:
    """Return the decoders of a process."""
    return [
        child
        for child in children(process)
        if b"tagger.decode.process" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@only_on_linux
def test_a_kill_costs_at_most_the_image_at_work(posters: list[str], tiny_model: Path) -> None:
    opened = TaggerModel(tiny_model, "cpu", batch_size=4)
    stream = tag_images(
        posters * 4, opened, Rules.of_card(opened.card), workers=2, decode=Decode.PROCESSES
    )
    found = [next(stream)]
    wait_until(lambda: len(of_decoders(os.getpid())) == 2)
    for process in of_decoders(os.getpid()):
        os.kill(process, signal.SIGKILL)
    found += stream

    assert [one.path for one in found] == posters * 4
    crashed = [one for one in found if isinstance(one, Failed) and "SIGKILL" in one.reason]
    assert len(crashed) <= 2
    assert {one.reason for one in crashed} <= {"its decoder crashed (SIGKILL)"}
    assert len([one for one in found if isinstance(one, Failed)]) - len(crashed) in (82, 83, 84)
    assert of_decoders(os.getpid()) == []


@stalls
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_of_a_run_that_is_ended(
    folder: Path, tiny_model: Path, number: signal.Signals
) -> None:
    paths = [save_picture(folder / f"p/{letter}.png") for letter in "abcd"]
    (folder / "scratch").mkdir()
    shared = set(os.listdir("/dev/shm"))

    with Stalled(paths[1]) as stalled:
        run = subprocess.Popen(
            command_line(
                "tag", "p", "--model", tiny_model, "--device", "cpu", "--decode", "processes",
                "--workers", "2", "-o", "t.csv", "--image-timeout", "0", "-q",
            ),
            env={**environment(), "TMPDIR": str(folder / "scratch")},
        )  # fmt: skip
        stalled.wait_until_opened()
        wait_until(lambda: len(of_decoders(run.pid)) == 2)
        started = of_decoders(run.pid)
        run.send_signal(number)
        code = run.wait(timeout=HELD)
        wait_until(lambda: not any(is_running(process) for process in started))

    assert code == (-number if number == signal.SIGKILL else 128 + number)
    assert os.listdir(folder / "scratch") == []
    assert set(os.listdir("/dev/shm")) <= shared


@stalls
def test_a_process_that_nothing_ends_is_abandoned(
    folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that waits for a drive in the kernel may not be ended; here it is not tried."""
    paths = [str(save_picture(folder / f"{letter}.png")) for letter in "abcdef"]
    hanging: list[Decoder] = []

    def spare(decoder: Decoder) -> None:
        if not hanging and decoder.progress.number != decoder.progress.NOTHING:
            hanging.append(decoder)
        if decoder not in hanging:
            kill(decoder)

    kill = Decoder.kill
    monkeypatch.setattr(Decoder, "kill", spare)
    with Stalled(folder / "c.png"):
        found = results(tiny_model, paths, workers=1, limits=ImageLimits(4, None))
        kill(hanging[0])

    assert [one.path for one in found] == paths
    assert [one for one in found if isinstance(one, Failed)] == [
        Failed(paths[2], "reading it takes longer than 4 s")
    ]


def test_a_piece_is_one_message_each_way(
    posters: list[str], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = {"sent": 0, "received": 0, "pieces": 0}

    def counted(what: str, call: Callable[..., object]) -> Callable[..., object]:
        def counting(*given: object) -> object:
            messages[what] += 1
            return call(*given)

        return counting

    monkeypatch.setattr(Connection, "send", counted("sent", Connection.send))
    monkeypatch.setattr(Connection, "receive", counted("received", Connection.receive))
    submit = decoders.ProcessDecoders.submit
    monkeypatch.setattr(decoders.ProcessDecoders, "submit", counted("pieces", submit))

    results(tiny_model, posters * 4, batch_size=60)

    pieces = messages["pieces"]
    assert messages == {"sent": pieces + 2, "received": pieces + 2, "pieces": pieces}


def test_large_images_wait_for_the_memory_of_others(
    folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them needs more than half, so no two are decoded at the same time."""
    taken: list[int] = []

    def noted(memory: Memory, size: int) -> None:
        take(memory, size)
        taken.append(memory._taken)

    take = Memory.take
    monkeypatch.setattr(Memory, "take", noted)
    paths = [str(save_picture(folder / f"{n}.png", "red", size=(2000, 2000))) for n in range(4)]
    bomb = folder / "bomb.png"
    bomb.write_bytes(png_bytes(12_000, 12_000, b""))

    found = results(tiny_model, [*paths, str(bomb)], limits=ImageLimits(memory=20 * 2**20))

    assert [one.tags[0].name for one in found[:4] if isinstance(one, Tagged)] == ["red"] * 4
    assert found[4] == Failed(
        str(bomb),
        "decoding its 12000 × 12000 pixels takes 550 MB of memory, above the limit of 20 MB",
    )
    assert len(taken) == 4
    assert min(taken) > 10 * 2**20
    assert max(taken) <= 20 * 2**20


_BROKEN = """
import os, sys

if "tagger.decode.process" in sys.orig_argv:
    os._exit(5)
"""


def test_processes_that_do_not_start_end_the_run(
    posters: list[str],
    tag: Callable[..., Ran],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    startup = tmp_path_factory.mktemp("startup")
    (startup / "sitecustomize.py").write_text(_BROKEN)
    monkeypatch.setenv("PYTHONPATH", python_path(startup))

    ran = tag(".", "--decode", "processes", "-q")

    assert (ran.code, ran.stderr) == (3, says("no process begins"))


_FAULT = """
import sys

if "tagger.decode.process" in sys.orig_argv:
    from tagger.decode import picture

    load = picture.load_picture

    def fail(path, *rest):
        if path.endswith("b.png"):
            raise RuntimeError
        return load(path, *rest)

    picture.load_picture = fail
"""


def test_a_fault_in_a_process_costs_one_image(
    folder: Path,
    tag: Callable[..., Ran],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in "abc":
        save_picture(folder / f"{name}.png")
    startup = tmp_path_factory.mktemp("startup")
    (startup / "sitecustomize.py").write_text(_FAULT)
    monkeypatch.setenv("PYTHONPATH", python_path(startup))

    ran = tag(".", "--decode", "processes", "--layout", "list", "-q")

    crashed = "its decoder crashed (exit code 1)"
    assert ran.rows() == ["./a.png,red,", f"./b.png,,{crashed}", "./c.png,red,"]


def test_names_are_read_by_processes(folder: Path, tiny_text_model: Path) -> None:
    path = save_picture(folder / "p/blue (1995).jpg", "black")
    card = TaggerModel(tiny_text_model, "cpu").card
    text_of = TextPlan.checked(card, TextFrom.NAMES).text_of()

    (found,) = results(tiny_text_model, [str(path)], text_of=text_of)

    assert decoders.can_be_sent(text_of)
    assert isinstance(found, Tagged)
    assert card.text is not None
    ids = ngram_ids("blue", card.text).tobytes()
    assert found.text == ImageText("blue", 1995, "names", ids)  # not made in this process
    assert found.scores.tolist() == [0, 0, 1, 0.1995]


def test_what_belongs_to_this_process_stays_in_it(folder: Path, tiny_text_model: Path) -> None:
    titles = folder / "titles.csv"
    titles.write_text("path,title\na.jpg,Heat\n")
    card = TaggerModel(tiny_text_model, "cpu").card

    assert decoders.can_be_sent(None)
    assert not decoders.can_be_sent(TextPlan.checked(card, titles=str(titles)).text_of())
    assert not decoders.can_be_sent({"a.jpg": ImageText("Heat")}.get)
    assert not decoders.can_be_sent(lambda path: ImageText("Heat"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every run be one that is too quick for threads."""
    monkeypatch.setattr(pipeline, "_TOO_MANY", 0.0)


@pytest.mark.usefixtures("quick")
def test_a_quick_run_goes_over_to_processes(
    posters: list[str], tiny_model: Path, device: str, caplog: pytest.LogCaptureFixture
) -> None:
    given: list[str] = []

    def until_processes_are_at_work() -> Iterator[str]:
        for path in itertools.cycle(posters):
            if "processes go on" in caplog.text and len(given) % len(posters) == 0:
                break
            given.append(path)
            yield path
        given.extend(posters)
        yield from posters

    caplog.set_level(logging.INFO, "tagger.pipeline")
    opened = TaggerModel(tiny_model, device, batch_size=4)

    paths = until_processes_are_at_work()
    found = list(tag_images(paths, opened, Rules.of_card(opened.card), workers=2))

    expected = told(results(tiny_model, posters, decode=Decode.THREADS))
    assert [one.path for one in found] == given
    assert told(found) == expected * (len(given) // len(posters))


@pytest.mark.parametrize(("on", "goes_over"), [("cpu", False), ("cuda", True)])
def test_a_slow_run_goes_over_to_processes_on_a_gpu_alone(
    posters: list[str],
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    on: str,
    goes_over: bool,
) -> None:
    """What decodes for a GPU takes all cores, and what runs on a CPU is mostly in the network."""
    monkeypatch.setattr(model_module, "cuda_problem", lambda: None)
    monkeypatch.setattr(model_module, "Session", SessionInMainMemory)
    monkeypatch.setattr(pipeline, "_TOO_MANY", math.inf)
    monkeypatch.setattr("sys.executable", "/nowhere/python")  # that it was tried will do
    caplog.set_level(logging.INFO, "tagger.pipeline")
    opened = TaggerModel(tiny_model, on, batch_size=4)

    list(tag_images(posters * 2, opened, Rules.of_card(opened.card), workers=2))

    assert caplog.text.count("threads go on decoding") == goes_over


@pytest.mark.usefixtures("quick")
def test_no_processes_start_where_their_memory_is_missing(
    posters: list[str], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    monkeypatch.setattr("subprocess.Popen", lambda *command, **_: started.append(command))
    # The batches of threads fit into half of it; those that processes share do not.
    monkeypatch.setattr(pipeline, "main_memory", lambda: 2 * 2 * 8 * 8 * 3 * 4)

    found = results(tiny_model, posters, decode=Decode.AUTO)

    assert [one.path for one in found] == posters
    assert started == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("name", "images", "starts"),
    [("python3", 128, False), ("python3", 600, True), ("editor", 600, False)],
)
def test_processes_start_in_larger_jobs_if_the_program_is_python(
    posters: list[str],
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    images: int,
    starts: bool,
) -> None:
    """A program with an interpreter inside would be started once more."""
    program = tmp_path_factory.mktemp("program") / name
    monkeypatch.setattr("sys.executable", str(program))
    started: list[object] = []

    def refuse(command: list[str], **given: object) -> None:
        started.append(command[0])
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("subprocess.Popen", refuse)
    given = (posters * 4)[:images]
    found = results(tiny_model, given, decode=Decode.AUTO)

    assert [one.path for one in found] == given
    assert set(started) == ({str(program)} if starts else set())


@pytest.mark.usefixtures("quick")
def test_threads_go_on_where_processes_do_not_start(
    posters: list[str],
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    caplog.set_level(logging.INFO, "tagger.pipeline")

    found = results(tiny_model, posters * 2, decode=Decode.AUTO)

    assert told(found) == told(results(tiny_model, posters, decode=Decode.THREADS)) * 2
    said = "threads go on decoding: No process can be started to decode images"
    assert caplog.text.count(said) == 1


@pytest.mark.usefixtures("quick")
def test_threads_go_on_where_no_memory_can_be_shared(
    posters: list[str],
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tagger.pipeline.in_processes.SharedBytes", refuse)
    caplog.set_level(logging.INFO, "tagger.pipeline")

    found = results(tiny_model, posters * 2, decode=Decode.AUTO)

    assert told(found) == told(results(tiny_model, posters, decode=Decode.THREADS)) * 2
    assert caplog.text.count("threads go on decoding") == 1  # it is not tried again


def test_a_crash_is_an_end_of_threads_alone(tag: Callable[..., Ran], folder: Path) -> None:
    save_picture(folder / "a.png")

    assert tag("a.png", "--isolate", "--decode", "threads") == Ran(2, b"", says("isolated threads"))
