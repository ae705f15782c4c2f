"""How a run ends when something outside ends it: a closed pipe, a full disk, a signal."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest
from commands import command_line, environment, run_tagger, wait_until
from messages import says
from pictures import save_picture
from terminal import on_terminal

from tagger import __version__

HEADER = "path,tags,error,red,green,blue,N/A"
FULL = says("full disk", output="standard output")


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder ``p`` with two images."""
    save_picture(folder / "p/a.png", "red")
    save_picture(folder / "p/b.png", "blue")
    return folder / "p"


@pytest.fixture
def start(folder: Path, tiny_model: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Return a function that starts ``tagger tag p ARGUMENTS``."""

    def start_tagging(*arguments: str, **streams: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command_line("tag", "p", "--model", tiny_model, "--device", "cpu", *arguments),
            cwd=folder,
            env=environment(),
            stderr=subprocess.PIPE,
            **streams,
        )

    return start_tagging


def test_the_module_runs_as_the_command(folder: Path) -> None:
    ran = run_tagger("--version", cwd=folder)

    assert (ran.code, ran.stdout, ran.stderr) == (0, f"poster-tagger {__version__}\n".encode(), "")


def test_a_process_tags(posters: Path, tiny_model: Path) -> None:
    ran = run_tagger(
        "tag", "p", "--model", tiny_model, "--layout", "list", "-q", cwd=posters.parent
    )

    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == b"path,tags,error\np/a.png,red,\np/b.png,blue,\n"


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(
    "arguments",
    [(), ("--dry-run",), ("-f", "parquet"), ("-f", "xlsx")],
    ids=["table", "dry-run", "parquet", "xlsx"],
)
def test_a_reader_that_goes_away_is_no_error(
    posters: Path,
    start: Callable[..., subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    unbuffered: str,
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    run = start("--quiet", *arguments, stdout=subprocess.PIPE)
    run.stdout.close()

    told = run.stderr.read().decode()

    assert (run.wait(), told) == (141, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tag", "p", "-q", "--model"), FULL),
        (
            ("tag", "p", "-q", "-o", "/dev/full", "-f", "csv", "--model"),
            says("full disk", output="/dev/full"),
        ),
        (
            ("tag", "p", "-q", "-f", "parquet", "--model"),
            FULL,
        ),
        (("tag", "p", "-q", "-f", "xlsx", "--model"), FULL),
        (("info",), FULL),
    ],
    ids=["stdout", "file", "parquet", "xlsx", "info"],
)
def test_a_full_disk_is_one_sentence(
    posters: Path, tiny_model: Path, arguments: tuple[str, ...], message: str
) -> None:
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            command_line(*arguments, tiny_model),
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )

    assert (ran.returncode, ran.stderr.decode()) == (3, message)


def test_a_closed_stdout_is_one_sentence(posters: Path, tiny_model: Path) -> None:
    ran = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *command_line("tag", "p", "-q", "--model", tiny_model)],
        capture_output=True,
        env=environment(),
        check=False,
    )

    assert (ran.returncode, ran.stderr.decode()) == (
        3,
        says("closed stdout"),
    )


def test_without_stderr_the_table_stays_clean(posters: Path, tiny_model: Path) -> None:
    command = command_line("tag", "p", "--layout", "list", "--model", tiny_model)

    ran = subprocess.run(
        ["sh", "-c", '"$@" 2>&-', "sh", *command],
        capture_output=True,
        env=environment(),
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout == b"path,tags,error\np/a.png,red,\np/b.png,blue,\n"


def test_a_log_that_is_full_stops_nothing(posters: Path, tiny_model: Path) -> None:
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            command_line("tag", "p", "--layout", "list", "--model", tiny_model),
            stdout=subprocess.PIPE,
            stderr=full,
            env=environment(),
            check=False,
        )

    assert ran.returncode == 0
    assert ran.stdout == b"path,tags,error\np/a.png,red,\np/b.png,blue,\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signals", "code", "former"),
    [
        (signal.SIGINT, 130, None),
        (signal.SIGTERM, 143, "former"),
        (signal.SIGHUP, 129, None),
    ],
    ids=["SIGINT", "SIGTERM", "SIGHUP"],
)
def test_an_interrupted_run_keeps_whole_rows(
    folder: Path,
    start: Callable[..., subprocess.Popen[bytes]],
    signals: int,
    code: int,
    former: str | None,
) -> None:
    names = [f"p/{place:05}.png" for place in range(10_000)]  # minutes of work
    picture = save_picture(folder / "slow.png", size=(1500, 1500))
    (folder / "p").mkdir()
    for name in names:
        (folder / name).hardlink_to(picture)
    if former is not None:
        (folder / "t.csv").write_text(former)

    run = start("-o", "t.csv", "--overwrite", "--batch-size", "1", "--workers", "1")
    wait_until(lambda: run.poll() is not None or holds_a_row(folder / "t.csv.part"))
    run.send_signal(signals)
    told = run.stderr.read().decode().splitlines()

    assert run.wait() == code
    header, *rows = (folder / "t.csv.part").read_text().split("\n")
    assert header == HEADER
    assert rows.pop() == ""  # the last row is whole
    assert rows == [f"{name},red,,1.0000,0.0000,0.0000,0.0000" for name in names[: len(rows)]]
    assert 0 < len(rows) < len(names)
    stopped = re.fullmatch(
        r"Stopped after ([\d,]+) images?, kept in t\.csv\.part; --resume continues it\.", told[1]
    )
    assert stopped is not None
    assert int(stopped[1].replace(",", "")) in (len(rows) - 1, len(rows))
    assert (folder / "t.csv").exists() == (former is not None)
    assert former is None or (folder / "t.csv").read_text() == former
    assert not (folder / "t.csv.lock").exists()


def test_an_interrupt_while_a_library_is_imported_is_one(
    posters: Path, tiny_model: Path, tmp_path: Path
) -> None:
    # As native code does that is interrupted while it is imported.
    (tmp_path / "ray.py").write_text(
        "import os, signal, time\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    raise ImportError('initialization failed') from None\n"
    )
    done = subprocess.run(
        command_line("tag", posters, "--model", tiny_model, "--engine", "ray"),
        capture_output=True, env=environment(tmp_path), check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (130, b"")
    assert done.stderr == b"tagger: Interrupted.\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "former"),
    [("parquet", None), ("xlsx", None), ("parquet", "former"), ("xlsx", "former")],
)
def test_an_interrupted_run_keeps_rows_of_formats_that_need_an_end(
    folder: Path,
    start: Callable[..., subprocess.Popen[bytes]],
    format: str,
    former: str | None,
) -> None:
    names = [f"p/{place:05}.png" for place in range(10_000)]  # minutes of work
    picture = save_picture(folder / "slow.png", size=(1500, 1500))
    (folder / "p").mkdir()
    for name in names:
        (folder / name).hardlink_to(picture)
    if former is not None:
        (folder / f"t.{format}").write_text(former)

    options = ("--sidecar", "txt", "--sidecar-dir", "s", "--batch-size", "1", "--workers", "1")
    run = start("-o", f"t.{format}", "--overwrite", *options)
    wait_until(lambda: run.poll() is not None or (folder / "s/00003.png.txt").exists())
    run.send_signal(signal.SIGINT)
    told = run.stderr.read().decode().splitlines()

    assert run.wait() == 130
    rows = f"t.{format}.part.jsonl"
    assert re.fullmatch(
        rf"Stopped after [\d,]+ images?, kept in {rows}; --resume continues it\.", told[1]
    )
    frame = pandas.read_json(folder / rows, lines=True)
    assert frame["path"].tolist() == names[: len(frame)]
    assert set(frame["red"]) == {1.0}
    assert 2 < len(frame) < len(names)
    left = {file.name for file in folder.iterdir()} - {"p", "s", "slow.png", rows}
    notes = {f"t.{format}.run.json", f"t.{format}.run.journal"}
    assert left == notes | ({f"t.{format}"} if former else set())
    assert former is None or (folder / f"t.{format}").read_text() == former


@pytest.mark.parametrize("format", ["parquet", "xlsx"])
def test_a_pipe_takes_what_a_file_would_hold(posters: Path, tiny_model: Path, format: str) -> None:
    arguments = ("tag", "p", "--model", tiny_model, "-q", "-f", format)

    ran = run_tagger(*arguments, cwd=posters.parent)

    assert (ran.code, ran.stderr) == (0, "")
    read = pandas.read_parquet if format == "parquet" else pandas.read_excel
    assert read(io.BytesIO(ran.stdout))["path"].tolist() == ["p/a.png", "p/b.png"]


@pytest.mark.parametrize("format", ["parquet", "xlsx"])
def test_a_terminal_gets_no_table_that_is_no_text(
    posters: Path, start: Callable[..., subprocess.Popen[bytes]], format: str
) -> None:
    reading, writing = pty.openpty()

    run = start("-f", format, stdout=writing)
    told = run.stderr.read().decode()
    code = run.wait()
    os.close(writing)
    os.set_blocking(reading, False)
    with pytest.raises(OSError, match=r"Input/output error|temporarily unavailable"):
        os.read(reading, 1)
    os.close(reading)

    assert code == 2
    assert told == says("not for a terminal", format=format)


def test_a_terminal_sees_paths_as_they_were_asked_for(
    posters: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    reading, writing = pty.openpty()

    run = start("--quiet", "--relative-to", "p", stdout=writing)
    run.stderr.read()
    run.wait()
    shown = os.read(reading, 10_000).decode()
    os.close(writing)
    os.close(reading)

    assert shown.splitlines() == ["a.png: red 100%", "b.png: blue 100%"]


def holds_a_row(file: Path) -> bool:
    """Return whether a table has more than its header."""
    return file.exists() and file.read_bytes().count(b"\n") > 1


def test_a_terminal_gets_a_readable_line_an_image(
    posters: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    (posters / "c.png").touch()
    reading, writing = pty.openpty()

    run = start("--quiet", "--min-tags", "2", stdout=writing)
    run.stderr.read()
    code = run.wait()
    shown = os.read(reading, 10_000).decode()
    os.close(writing)
    os.close(reading)

    assert code == 1
    assert shown.splitlines() == [
        "p/a.png: red 100%, green 0%",
        "p/b.png: blue 100%, red 0%",
        "p/c.png: failed: the file is empty",
    ]


@pytest.mark.parametrize("through", ["", "cat"], ids=["itself", "by cat"])
@pytest.mark.parametrize("columns", [24, 80])
def test_progress_never_tears_rows_on_the_same_screen(
    columns: int, through: str, posters: Path, tiny_model: Path
) -> None:
    """Rows, failures and notices: each stands whole on lines of its own, however narrow."""
    (posters / "aa.png").write_text("a text of some length, not an image\n")
    (posters / "lost.heic").write_bytes(b"")
    shown = on_terminal(
        "tag", "p", "-f", "csv", "--layout", "list", "--model", tiny_model, "--device",
        "cpu", "--rename", "red=rouge et noir", cwd=posters.parent, columns=columns,
        through=through,
    )  # fmt: skip

    rows = [
        "path,tags,error", "p/a.png,rouge et noir,", 'p/aa.png,,"a text file, not an image"',
        "p/b.png,blue,",
    ]  # fmt: skip
    after = ["Passed over: 1 other file (1 .heic).", "Tags: rouge et noir 1, blue 1"]
    lines = re.sub(r"(?<= in ).*", "…", shown.plain).splitlines()
    if not through:
        assert lines == ["Running on cpu.", *rows, "2 tagged, 1 failed in …", *after]
    else:  # what it shows comes when it likes
        failure = "failed: p/aa.png: a text file, not an image"
        said = ["Running on cpu.", failure, "2 tagged, 1 failed in …", *after]
        assert [line for line in lines if line not in said] == rows
        assert [line for line in lines if line not in rows] == said
    whole = shown.plain.splitlines()
    assert shown.screen == [*(part for line in whole for part in _wrapped(line, columns)), ""]
    assert "\x1b" not in shown.text


def _wrapped(line: str, columns: int) -> list[str]:
    return [line[start : start + columns].rstrip() for start in range(0, len(line), columns)]


@pytest.mark.parametrize("columns", [50, 80])
def test_a_bar_leaves_what_is_said_beside_it(columns: int, posters: Path, tiny_model: Path) -> None:
    (posters / "aa.png").write_text("a text of some length, not an image\n")
    shown = on_terminal(
        "tag", "p", "-o", "t.csv", "--model", tiny_model, "--device", "cpu", cwd=posters.parent,
        columns=columns,
    )  # fmt: skip

    assert "Tagging" in shown.plain
    assert [line for line in shown.screen if "images/s" not in line] == [
        "Running on cpu.", *_wrapped("failed: p/aa.png: a text file, not an image", columns),
        "Tags: red 1, blue 1", "",
    ]  # fmt: skip
