"""Nothing ends mutely or in a traceback: not a script, not a number, not a terminal, not a disk."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import typer
from commands import PATIENCE, Argument, Ran, command_line, environment, run_tagger
from onnx import TensorProto, helper
from pictures import save_picture
from stalled_files import HELD, Stalled, stalls
from tiny_model import CARD, changed_card, write_graph, write_model

from tagger import Tagger, TaggerError
from tagger.cli import console, progress
from tagger.cli.app import app
from tagger.cli.asking import agrees
from tagger.cli.command import Commands
from tagger.cli.commands.train import TrainDisplay
from tagger.network import devices
from tagger.network.ort import INPUT_NAME, Inputs, Session
from tagger.runs.report import Summary
from tagger.table.open import open_rows

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

    def watched(self: Session, inputs: Inputs) -> npt.NDArray[np.float32]:
        sizes.append(len(inputs[INPUT_NAME]))
        return run(self, inputs)

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


NAME = "映画 é 😀.png"


def said_in(encoding: str, folder: Path, *arguments: Argument) -> tuple[int, str, str]:
    """Run the command where both streams have an encoding; return its code and what they got."""
    ran = subprocess.run(
        command_line(*arguments), cwd=folder, capture_output=True, check=False,
        env={**environment(), "PYTHONIOENCODING": encoding},
    )  # fmt: skip
    codec = encoding.partition(":")[0]
    return ran.returncode, ran.stdout.decode(codec), ran.stderr.decode(codec)


@pytest.mark.parametrize(
    ("encoding", "spelled"),
    [
        ("utf-8", NAME),
        ("cp1252", r"\u6620\u753b é \U0001f600.png"),
        ("ascii", r"\u6620\u753b \xe9 \U0001f600.png"),
        ("cp932:strict", r"映画 \xe9 \U0001f600.png"),
    ],
)
def test_a_list_has_every_name_in_any_encoding(folder: Path, encoding: str, spelled: str) -> None:
    for name in (NAME, "a.png", "ü.png"):
        save_picture(folder / "p" / name)

    code, out, err = said_in(encoding, folder, "tag", "p", "--dry-run")

    assert (code, err) == (0, "3 images would be tagged.\n")
    assert len(out.splitlines()) == 3
    assert f"p/{spelled}" in out.splitlines()


def test_what_would_be_applied_is_listed_in_any_encoding(
    folder: Path, tag: Callable[..., Ran]
) -> None:
    save_picture(folder / "p" / NAME, (255, 0, 0))
    save_picture(folder / "p/z.png", (255, 0, 0))
    tag("p", "-o", "t.csv")

    code, out, err = said_in("cp1252", folder, "apply", "t.csv", "--dry-run")

    assert code == 0, err
    assert out.splitlines() == ["p/z.png: +red", r"p/\u6620\u753b é \U0001f600.png: +red"]


def test_messages_come_in_any_encoding(folder: Path) -> None:
    assert said_in("ascii", folder, "tag", NAME) == (
        2, "", "tagger: No such file or folder: '\\u6620\\u753b \\xe9 \\U0001f600.png'.\n",
    )  # fmt: skip
    code, out, err = said_in("ascii", folder, "info")
    assert (code, err) == (0, "")
    assert "input       336 \\xd7 224 RGB" in out


def test_json_stays_json_in_any_encoding(folder: Path) -> None:
    card = changed_card(labels=("映画", "é", "😀", "N/A"), scored=())
    model = write_model(folder / "m.onnx", card)

    code, out, _ = said_in("ascii", folder, "info", "--json", model)

    assert code == 0
    assert json.loads(out)["labels"] == ["映画", "é", "😀", "N/A"]


def test_an_answer_in_another_encoding_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver, sender = os.pipe()
    os.write(sender, b"j\xe4\n")
    os.close(sender)
    with open(receiver, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with console.any_text(), pytest.raises(typer.Abort):
            agrees("Write 1 file?")
        assert stdin.errors == "strict"
    assert "Please answer y or n." in capsys.readouterr().err


@contextlib.contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], bytes]]:
    """Make stderr a terminal; yield a function that reads from it up to some text."""
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as stderr, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)

        def read_until(text: bytes) -> bytes:
            shown = b""
            while text not in shown:
                assert select.select([master], [], [], 60)[0], shown
                shown += os.read(master, 1024)
            return shown

        yield read_until
        while select.select([master], [], [], 0)[0]:  # closing waits until all is read
            os.read(master, 1024)
    os.close(master)


DUMB = [
    {"TERM": "dumb"},
    {"TERM": "unknown"},
    {"TERM": "xterm", "TTY_INTERACTIVE": "0"},
    {"TERM": "xterm", "TTY_COMPATIBLE": "0"},
]


@pytest.mark.parametrize("variables", DUMB, ids=str)
def test_a_terminal_without_a_bar_gets_lines(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.01)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    display = progress.Progress(None, None, None, quiet=False)

    with terminal(monkeypatch) as read_until:
        display.began(lambda: Summary(tagged=3, seconds=2.0))
        shown = read_until(b"3 images, 1.5 images/s")
        display.close()

    assert b"\x1b" not in shown


@pytest.mark.parametrize("force", [None, "", "1"])
def test_any_other_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, force: str | None) -> None:
    for name in ("TTY_INTERACTIVE", "TTY_COMPATIBLE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    if force is not None:
        monkeypatch.setenv("FORCE_COLOR", force)
    display = progress.Progress(None, None, None, quiet=False)

    with terminal(monkeypatch) as read_until:
        display.began(lambda: Summary(tagged=3, seconds=2.0))
        shown = read_until(b"Tagging")
        display.close()

    assert b"\x1b[?25l" in shown  # the cursor is hidden while a bar is drawn


@pytest.mark.parametrize("variables", DUMB, ids=str)
def test_writing_says_lines_where_no_bar_is_drawn(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", -1.0)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    lines = "Writing: 0 of 2 files.\nWriting: 1 of 2 files.\n"
    with terminal(monkeypatch) as read_until:
        assert list(progress.tracked("ab", "Writing", "file", quiet=True)) == ["a", "b"]
        assert list(progress.tracked("ab", "Writing", "file", quiet=False)) == ["a", "b"]
        assert read_until(b"1 of 2 files.\r\n").decode() == lines.replace("\n", "\r\n")


@pytest.mark.parametrize("variables", DUMB[:1], ids=str)
def test_a_training_draws_nothing_on_a_dumb_terminal(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with terminal(monkeypatch) as read_until:
        display = TrainDisplay()
        display.images_decoded(10, 30)
        display.images_decoded(30, 30)
        display.notice("a name with \x1b[2J")  # type: ignore[arg-type]
        shown = read_until(b"2J.\r\n")

    assert shown == b"Decoded 30 of 30 images.\r\nNote: a name with \\x1b[2J.\r\n"


def test_a_training_says_lines_in_a_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tagger.cli.commands.train._SECONDS_BETWEEN_LINES", -1.0)
    display = TrainDisplay()

    display.images_decoded(10, 30)
    display.batch_done(1, 2, 4, 0.5)

    first, second = capsys.readouterr().err.splitlines()
    assert first == "Decoded 10 of 30 images."
    assert "batch 2/4" in second


@pytest.fixture
def three(folder: Path) -> Path:
    """Return a folder of three red images."""
    for number in range(3):
        save_picture(folder / f"p/{number}.png", (255, 0, 0))
    return folder / "p"


@pytest.mark.parametrize("kind", [".run.json", ".run.journal", ".lock", ".run.json.new"])
def test_notes_that_cannot_be_written_do_not_end_a_run(
    three: Path, own_state: Path, tag: Callable[..., Ran], kind: str
) -> None:
    assert tag("p", "--sidecar", "txt").code == 0
    (noted,) = (str(file)[: -len(".run.json")] for file in own_state.glob("*.run.json"))
    for sidecar in three.glob("*.txt"):
        sidecar.unlink()
    Path(f"{noted}{kind}").unlink(missing_ok=True)
    (Path(f"{noted}{kind}") / "in the way").mkdir(parents=True)

    ran = tag("p", "--sidecar", "txt")

    assert ran.code == 0, ran.stderr
    assert len(list(three.glob("*.txt"))) == 3
    told = {
        ".lock": f"{noted}.lock cannot be locked (is a directory): do not start a second run on "
        f"the images of {three}.",
    }.get(kind, f"{own_state} is not writable (is a directory), so this run cannot be resumed.")
    assert ran.stderr.splitlines().count(told) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's limits are Unix's")
def test_notes_that_fill_up_in_the_middle_do_not_end_a_run(
    folder: Path, own_state: Path, tiny_model: Path
) -> None:
    for number in range(300):
        save_picture(folder / f"p/{number:03}.png", (255, 0, 0))
    limited = ("sh", "-c", 'ulimit -f 16; exec "$@"', "sh")  # files of at most 8,192 bytes

    ran = run_tagger(
        "tag", "p", "--sidecar", "txt", "--model", tiny_model, "--device", "cpu",
        cwd=folder, under=limited,
    )  # fmt: skip

    assert ran.code == 0, ran.stderr
    assert len(list(folder.glob("p/*.txt"))) == 300
    told = f"{own_state} is not writable (file too large), so this run cannot be resumed."
    assert ran.stderr.splitlines().count(told) == 1


def test_without_a_home_folder_nothing_is_put_into_the_current_one(
    three: Path, tag: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagger.runs.paths.user_state_path", lambda name: Path("~/state", name))

    ran = tag("p", "--sidecar", "txt")

    assert ran.code == 0
    assert "(no home folder is known), so this run cannot be resumed." in ran.stderr
    assert os.listdir() == ["p"]


class _NoListener:
    """Hears of nothing."""


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "no worker": ({"workers": 0}, "workers: 0 is not a whole number from 1 to 1,024."),
    "endless workers": (
        {"workers": 10**20}, f"workers: {10**20} is not a whole number from 1 to 1,024.",
    ),
    "half a worker": ({"workers": 1.5}, "workers: 1.5 is not a whole number from 1 to 1,024."),
    "workers as text": ({"workers": "2"}, "workers: '2' is not a whole number from 1 to 1,024."),
    "a batch of none": ({"batch_size": 0}, "batch_size: 0 is not a whole number from 1 to 4,096."),
    "a huge batch": (
        {"batch_size": 10**9}, f"batch_size: {10**9} is not a whole number from 1 to 4,096.",
    ),
    "nan": ({"thresholds": float("nan")}, "thresholds: nan is not a number from 0 to 1."),
    "a threshold as text": ({"thresholds": "1"}, "thresholds: '1' is not a number from 0 to 1."),
    "a label's threshold": (
        {"thresholds": {"red": None}}, "thresholds: None is not a number from 0 to 1.",
    ),
    "a label that is a number": ({"thresholds": {1: 0.5}}, "thresholds: 1 is not text."),
    "tags as text": ({"max_tags": "1"}, "max_tags: '1' is not a whole number from 0 to 100,000."),
    "fewer than no tags": (
        {"min_tags": -1}, "min_tags: -1 is not a whole number from 0 to 100,000.",
    ),
    "ignore": ({"ignore": 5}, "ignore: 5 is not a list."),
    "ignored": ({"ignore": [5]}, "ignore: 5 is not text."),
    "rename": ({"rename": [("red", "rot")]}, "rename: [('red', 'rot')] is not a mapping."),
    "renamed": ({"rename": {"red": 1}}, "rename: 1 is not text."),
    "device": ({"device": 5}, "device: 5 is not text."),
    "no such device": ({"device": "cuda:77"}, "device cuda:77 is not available: "),
    "model": ({"model": 5}, "model: 5 is not a path."),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_argument_of_a_tagger_is_a_sentence(tiny_model: Path, case: str) -> None:
    arguments, sentence = WRONG[case]

    with pytest.raises(TaggerError) as caught:
        Tagger(**{"model": tiny_model, "device": "cpu", **arguments})  # type: ignore[arg-type]

    assert str(caught.value).startswith(sentence)
    assert "--" not in str(caught.value)


def test_numbers_of_numpy_are_numbers(tiny_model: Path) -> None:
    Tagger(
        tiny_model, "cpu", workers=np.int64(2), batch_size=np.uint8(3), thresholds=np.float32(0.5)
    )  # type: ignore[call-overload]


WRONG_JOBS: dict[str, tuple[dict[str, object], str]] = {
    "no path": ({"paths": 5}, "paths: 5 is not a list."),
    "paths that are none": ({"paths": ["p", None]}, "paths: None is not a path."),
    "nul": ({"paths": "p\0"}, "paths: 'p\\x00' holds the character NUL."),
    "output": ({"output": 5}, "output: 5 is not a path."),
    "columns": ({"columns": 5}, "columns: 5 is not a list."),
    "column": ({"columns": [5]}, "columns: 5 is not text."),
    "sidecars": ({"sidecars": 5}, "sidecars: 5 is not a list."),
    "sidecar": ({"sidecars": [5]}, "sidecars: unknown '5'; available: json, nfo, txt, xmp."),
    "folder": ({"sidecars": "xmp", "sidecar_dir": 5}, "sidecar_dir: 5 is not a path."),
    "layout": ({"layout": 5}, "layout: unknown '5'; available: wide, list, long."),
    "format": ({"output": "t.doc"}, "output t.doc: '.doc' is not the extension of a table format"),
    "image": ({"output": "p/0.png"}, "output p/0.png: a table cannot be written to an image file."),
}


@pytest.mark.parametrize("case", WRONG_JOBS)
def test_a_wrong_argument_of_a_job_is_a_sentence(three: Path, tiny_model: Path, case: str) -> None:
    arguments, sentence = WRONG_JOBS[case]
    tagger = Tagger(tiny_model, "cpu")

    with pytest.raises(TaggerError) as caught:
        tagger.run(**{"paths": "p", "output": "t.csv", **arguments})  # type: ignore[arg-type]

    assert str(caught.value).startswith(sentence)
    assert "--" not in str(caught.value)
    assert os.listdir() == ["p"]


def test_an_object_that_does_not_listen_is_refused(three: Path, tiny_model: Path) -> None:
    with pytest.raises(TaggerError, match=r"NoListener .* is not a tagger\.Listener"):
        Tagger(tiny_model, "cpu").run("p", "t.csv", listener=_NoListener())  # type: ignore[arg-type]
    assert os.listdir() == ["p"]


def test_what_is_no_path_ends_a_stream_in_a_sentence(three: Path, tiny_model: Path) -> None:
    tagger = Tagger(tiny_model, "cpu")
    for paths, sentence in ((5, "paths: 5 is not a path."), (["p", 5], "paths: 5 is not a path.")):
        with pytest.raises(TaggerError) as caught:
            list(tagger.tag(paths))  # type: ignore[arg-type]
        assert str(caught.value) == sentence


def test_errors_in_python_name_arguments_and_no_options(three: Path, tiny_model: Path) -> None:
    Tagger(tiny_model, "cpu", max_tags=2).run("p", "t.csv")

    with pytest.raises(TaggerError) as caught:
        Tagger(tiny_model, "cpu").run("p", "t.csv", resume=True)
    assert str(caught.value) == (
        "resume cannot continue t.csv: that run used max_tags 2; this one uses the default (3): "
        "pass the same, or choose another output."
    )

    Path("t.csv").write_text(Path("t.csv").read_text().replace("red", "green", 1))
    with pytest.raises(TaggerError) as caught:
        Tagger(tiny_model, "cpu", max_tags=2).run("p", "t.csv")
    assert 'pass resume=True or resume="changed" to keep its rows, or remove it first' in str(
        caught.value
    )
    assert "--" not in str(caught.value)


BROKEN = {
    "a missing library of the system": (
        "raise ImportError('DLL load failed while importing onnxruntime_pybind11_state')",
        (
            "The Python package 'onnxruntime' cannot be loaded (DLL load failed while importing "
            "onnxruntime_pybind11_state): install it again; on Windows it needs the Microsoft "
            "Visual C++ Redistributable, too."
        ),
    ),
    "a library that is not found": (
        "raise OSError(126, 'The specified module could not be found')",
        (
            "The Python package 'onnxruntime' cannot be loaded ([Errno 126] The specified module "
            "could not be found): install it again; on Windows it needs the Microsoft Visual C++ "
            "Redistributable, too."
        ),
    ),
    "a refused stack": (
        "raise ImportError('state.so: cannot enable executable stack as shared object requires')",
        (
            "The Python package 'onnxruntime' cannot be loaded (state.so: cannot enable executable "
            "stack as shared object requires): this system refuses it, so install another "
            "version of it."
        ),
    ),
    "an old system": (
        "raise ImportError(\"/lib/libc.so.6: version 'GLIBC_2.99' not found\")",
        (
            "The Python package 'onnxruntime' cannot be loaded (/lib/libc.so.6: version "
            "'GLIBC_2.99' not found): this system is too old for it, so install an "
            "earlier version of it."
        ),
    ),
    "an error of its own": (
        "raise RuntimeError('bad state')",
        (
            "The Python package 'onnxruntime' cannot be loaded (bad state): install it again; on "
            "Windows it needs the Microsoft Visual C++ Redistributable, too."
        ),
    ),
}


def run_broken(folder: Path, code: str, *arguments: Argument) -> Ran:
    """Run the command where ONNX Runtime is a module with some code."""
    package = folder / "packages/onnxruntime"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(code)
    ran = subprocess.run(
        command_line(*arguments), cwd=folder, capture_output=True, check=False,
        env=environment(folder / "packages"),
    )  # fmt: skip
    return Ran(ran.returncode, ran.stdout, ran.stderr.decode())


@pytest.mark.parametrize("case", BROKEN)
def test_a_runtime_that_does_not_load_is_named_with_the_remedy(folder: Path, case: str) -> None:
    code, sentence = BROKEN[case]
    save_picture(folder / "p/a.png")

    checked = run_broken(folder, code, "doctor")
    assert (checked.code, checked.stderr) == (3, "")
    assert checked.stdout.decode().splitlines()[-1] == f"problem: {sentence}"

    assert run_broken(folder, code, "tag", "p") == Ran(3, b"", f"tagger: {sentence}\n")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
def test_a_runtime_that_crashes_does_not_crash_the_doctor(folder: Path) -> None:
    checked = run_broken(folder, "import os; os.kill(os.getpid(), 4)", "doctor")

    assert (checked.code, checked.stderr) == (3, "")
    assert checked.stdout.decode().splitlines()[-1] == (
        "problem: ONNX Runtime crashes when it is loaded (SIGILL): install another version of it; "
        "this processor may lack instructions that this one needs"
    )


def test_reading_a_table_leaves_the_limits_of_other_readers(three: Path, tiny_model: Path) -> None:
    tagger = Tagger(tiny_model, "cpu")
    tagger.run("p", "t.csv")
    limit = csv.field_size_limit()
    rows = Path("t.csv").read_text(encoding="utf-8").splitlines()
    long = "x" * (limit + 1)
    Path("t.csv").write_text("\n".join([rows[0], f"{long}.png,red,,1.0,0.0,0.0,0.0", ""]))

    with open_rows("t.csv") as table:
        ((_, row),) = table
        assert csv.field_size_limit() == limit

    assert row[0] == f"{long}.png"
