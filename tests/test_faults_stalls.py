"""Drives that do not answer and files that take for ever: a row each, and the run goes on."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from commands import PATIENCE, command_line, environment, run_tagger, wait_until
from main_memory import SessionInMainMemory
from messages import says
from pictures import many_scans, save_picture
from stalled_files import HELD, Stalled, stalls

from tagger.decode import budget
from tagger.decode.budget import Attempt, ImageError, ImageLimits, Memory
from tagger.decode.patience import Patience, StalledError, threads_left_behind
from tagger.decode.picture import load_picture
from tagger.find.scan import WalkOptions, scan
from tagger.network import model as model_module
from tagger.network.model import TaggerModel
from tagger.pipeline.decode import Decode
from tagger.pipeline.pipeline import tag_images
from tagger.results import Failed, Result
from tagger.rules import Rules

NAMES = [f"{letter}.png" for letter in "abcdefg"]


@pytest.fixture
def posters(folder: Path) -> list[Path]:
    """Return seven red images in a folder ``p`` of the current one."""
    return [save_picture(folder / "p" / name) for name in NAMES]


@stalls
@pytest.mark.parametrize("decode", ["threads", "processes"])
def test_an_image_that_stalls_fails_and_the_run_goes_on(
    folder: Path, posters: list[Path], tiny_model: Path, decode: str
) -> None:
    with Stalled(posters[3], posters[4]):
        # It ends while the files still hang.
        ran = run_tagger(
            "tag", "p", "--model", tiny_model, "--device", "cpu", "--layout", "list",
            "--image-timeout", "2.5", "--workers", "1", "--batch-size", "3", "--decode", decode,
            cwd=folder, timeout=HELD,
        )  # fmt: skip

    reason = "reading it takes longer than 2.5 s"
    assert ran.code == 1
    assert ran.rows() == [
        f"p/{name},,{reason}" if name in ("d.png", "e.png") else f"p/{name},red," for name in NAMES
    ]
    assert ran.stderr.splitlines()[1:3] == [
        f"failed: p/d.png: {reason}",
        f"failed: p/e.png: {reason}",
    ]


@stalls
def test_an_image_that_answers_late_is_tagged(
    folder: Path, posters: list[Path], tiny_model: Path
) -> None:
    with Stalled(posters[0]) as stalled:
        run = start(tiny_model, "-q", "--layout", "list")
        stalled.wait_until_opened()
        time.sleep(0.5)
    told, said = run.communicate()

    assert (run.returncode, said) == (0, b"")
    assert told.decode().splitlines()[1:] == [f"p/{name},red," for name in NAMES]


@stalls
@pytest.mark.parametrize("decode", [Decode.THREADS, Decode.PROCESSES])
@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_the_place_of_a_stalled_image_is_kept_on_every_device(
    posters: list[Path],
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    decode: Decode,
) -> None:
    monkeypatch.setattr(model_module, "cuda_problem", lambda: None)
    monkeypatch.setattr(model_module, "Session", SessionInMainMemory)
    paths = [str(path) for path in posters] * 4

    with Stalled(posters[2]):
        found = results(tiny_model, paths, ImageLimits(seconds=2.5), decode, device=device)
        assert threads_left_behind() == (decode is Decode.THREADS)  # processes can be ended

    assert [result.path for result in found] == paths
    failed = [result for result in found if isinstance(result, Failed)]
    assert failed == [
        Failed(str(posters[2]), "reading it takes longer than 2.5 s") for _ in range(4)
    ]
    wait_until(lambda: not threads_left_behind())


@stalls
@pytest.mark.parametrize("decode", ["threads", "processes"])
def test_a_drive_that_is_gone_ends_the_run(folder: Path, tiny_model: Path, decode: str) -> None:
    save_picture(folder / "p/00.png")
    dead = [save_picture(folder / f"p/{number:02}.png") for number in range(1, 40)]

    with Stalled(*dead):
        ran = run_tagger(
            "tag", "p", "--model", tiny_model, "--device", "cpu", "-o", "t.csv", "--layout", "list",
            "-q", "--image-timeout", "2.5", "--workers", "8", "--batch-size", "1",
            "--decode", decode,
            cwd=folder, timeout=HELD,
        )  # fmt: skip

    assert (ran.code, ran.stdout) == (3, b"")
    assert ran.stderr == says("stalled", count=25)
    rows = (folder / "t.csv.part").read_text().splitlines()
    assert rows[:2] == ["path,tags,error", "p/00.png,red,"]
    assert set(rows[2:]) <= {f"p/{path.name},,reading it takes longer than 2.5 s" for path in dead}


@stalls
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_for_no_stalled_image(
    folder: Path, posters: list[Path], tiny_model: Path, number: signal.Signals
) -> None:
    with Stalled(posters[0]) as stalled:
        run = start(tiny_model, "-q", "--image-timeout", "0")
        stalled.wait_until_opened()
        run.send_signal(number)
        _, said = run.communicate(timeout=HELD)

    name = "interrupted" if number == signal.SIGINT else "interrupted by"
    assert (run.returncode, said.decode()) == (128 + number, says(name, signal=number.name))


@stalls
def test_a_second_signal_ends_the_run_at_once(
    folder: Path, posters: list[Path], tiny_model: Path
) -> None:
    with Stalled(posters[0]) as stalled:
        run = start(tiny_model, "-q", "--image-timeout", "0")
        stalled.wait_until_opened()
        run.send_signal(signal.SIGINT)
        while run.poll() is None:  # within half a second they count as one
            time.sleep(0.1)
            run.send_signal(signal.SIGTERM)
        _, said = run.communicate(timeout=HELD)

    assert (run.returncode, said) == (143, b"")


@pytest.mark.slow
def test_a_run_under_nohup_survives_the_terminal(
    folder: Path, posters: list[Path], tiny_model: Path
) -> None:
    for place in range(200):
        (folder / "p" / f"x{place:03}.png").hardlink_to(posters[0])
    run = start(tiny_model, "-q", "--layout", "list", ignored=signal.SIGHUP)
    assert run.stdout is not None
    told = run.stdout.read(1)
    run.send_signal(signal.SIGHUP)
    told += run.stdout.read()
    _, said = run.communicate()

    assert (run.returncode, said) == (0, b"")
    assert len(told.splitlines()) == 208


def test_a_jpeg_of_scans_without_end_is_given_up(tmp_path: Path) -> None:
    file = many_scans(tmp_path / "a.jpg", side=2000, scans=4000)  # half a minute of work
    attempt = Attempt(ImageLimits(seconds=None, computing=0.3), Memory(10**9))

    with pytest.raises(ImageError) as refused:
        load_picture(file, 8, 8, attempt)

    assert str(refused.value) == "decoding it takes longer than 0.3 s"


def test_a_header_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff" + b"\xff" * 2_000_000)

    with pytest.raises(ImageError) as refused:
        load_picture(tmp_path / "a.jpg", 8, 8)

    assert str(refused.value) == "damaged image: its header has no end"


@pytest.mark.slow
def test_who_computes_without_a_look_back_is_seen_from_outside() -> None:
    made = threading.Event()
    attempts: list[Attempt] = []

    def compute() -> None:
        attempts.append(Attempt(ImageLimits(seconds=None, computing=0.2), Memory(1)))
        made.set()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 4_000_000)  # seconds in one call

    computing = threading.Thread(target=compute)
    computing.start()
    assert made.wait(PATIENCE)

    wait_until(lambda: attempts[0].overdue() == "decoding it takes longer than 0.2 s")
    computing.join()


def test_waiting_for_memory_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(budget, "time", clock)
    memory = Memory(100)
    memory.take(100)
    attempt = Attempt(ImageLimits(seconds=10, computing=None), memory)
    waiting = threading.Thread(target=lambda: attempt.wait_for(60))
    waiting.start()
    wait_until(lambda: attempt._waits_since is not None)
    clock.now += 60

    assert attempt.overdue() is None

    memory.give_back(100)
    waiting.join()
    attempt.give_up()
    assert memory.take_more(100)


@pytest.mark.slow
def test_a_folder_that_stalls_fails_and_the_walk_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lease holds a folder, so the call that lists one hangs here instead."""
    for name in ("a/1.png", "b/2.png", "c/3.png"):
        save_picture(folder / name)
    answers = threading.Event()
    list_folder = os.scandir

    def hang_on_b(path: str) -> object:
        if str(path).rstrip("/").endswith("/b"):
            assert answers.wait(PATIENCE)
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", hang_on_b)
    failed: list[tuple[str, str]] = []

    found = list(scan(["."], WalkOptions(seconds=2)).paths(lambda *problem: failed.append(problem)))
    answers.set()

    assert found == ["./a/1.png", "./c/3.png"]
    assert failed == [("./b/", "listing it takes longer than 2 s")]


def test_patience_passes_on_what_the_work_gives_and_raises() -> None:
    patience = Patience(PATIENCE)

    assert patience(lambda: 5) == 5
    with pytest.raises(TimeoutError, match=r"^of its own$"):
        patience(lambda: refuse(TimeoutError("of its own")))
    with pytest.raises(KeyError):
        patience(lambda: {}["nothing"])
    patience.close()


def test_patience_ends_where_everything_hangs() -> None:
    patience = Patience(0.01)
    answers = threading.Event()

    for _ in range(16):
        with pytest.raises(TimeoutError, match=r"^takes longer than 0.01 s$"):
            patience(lambda: answers.wait(PATIENCE))
    with pytest.raises(StalledError):
        patience(lambda: answers.wait(PATIENCE))
    answers.set()


class Clock:
    """The module ``time`` with a clock that a test advances."""

    thread_time = staticmethod(time.thread_time)

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


def refuse(error: Exception) -> None:
    """Raise."""
    raise error


def results(
    model: Path, paths: list[str], limits: ImageLimits, decode: Decode, *, device: str
) -> list[Result]:
    """Tag images with a model's own rules."""
    opened = TaggerModel(model, device, batch_size=3)
    rules = Rules.of_card(opened.card)
    return list(tag_images(paths, opened, rules, workers=2, limits=limits, decode=decode))


def start(
    model: Path, *arguments: str, ignored: signal.Signals | None = None
) -> subprocess.Popen[bytes]:
    """Start ``tagger tag p`` in the current folder."""

    def set_signals() -> None:
        if ignored is not None:
            signal.signal(ignored, signal.SIG_IGN)

    return subprocess.Popen(
        command_line("tag", "p", "--model", model, "--device", "cpu", *arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=set_signals,
    )
