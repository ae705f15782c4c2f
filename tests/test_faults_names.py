"""Names that are too long, look like options, or would drive a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import Argument, Ran, command_line, environment
from pictures import save_picture
from tiny_model import changed_card, write_model

#: Sets a terminal's title, rings its bell, begins a control sequence in one byte (C1), and turns
#: the direction of the text.
DRIVING = "a\x1b]0;mine\x07\u009b31m\u202eb"
SHOWN = r"a\x1b]0;mine\x07\x9b31m\u202eb"


@pytest.fixture
def deep(folder: Path) -> Iterator[Path]:
    """Return a folder ``p`` with an image, and one far below it that no path can name."""
    save_picture(folder / "p/z.png")
    here = os.getcwd()
    os.chdir(folder / "p")
    try:
        for _ in range(25):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        (Path("a.png")).write_bytes((folder / "p/z.png").read_bytes())
    finally:
        os.chdir(here)
    yield folder / "p"
    # What empties temporary folders goes by paths.
    subprocess.run(["rm", "-r", str(folder / "p")], check=True)


def test_a_folder_that_no_path_reaches_fails_in_a_sentence(
    deep: Path, tag: Callable[..., Ran]
) -> None:
    ran = tag("p", "--layout", "list")

    assert ran.code == 1
    assert ran.rows() == ["p/z.png,red,"]
    (failed,) = [line for line in ran.stderr.splitlines() if line.startswith("failed: ")]
    path, reason = failed.removeprefix("failed: ").rsplit(": ", 1)
    assert reason == "file name too long"
    assert set(path.removeprefix("p/").split("/")) == {"d" * 200, ""}
    assert len(path) > 4000


@pytest.mark.parametrize("kind", ["txt", "json", "xmp"])
def test_a_name_with_no_room_for_a_sidecars_ending_fails_alone(
    folder: Path, tag: Callable[..., Ran], kind: str
) -> None:
    longest = "n" * 251 + ".png"
    save_picture(folder / "p" / longest)
    save_picture(folder / "p/z.png")

    ran = tag("p", "--sidecar", kind)

    assert ran.code == 1
    assert f"failed: p/{longest}.{kind}: file name too long" in ran.stderr.splitlines()
    assert sorted(os.listdir("p")) == [longest, "z.png", f"z.png.{kind}"]


def test_a_name_with_no_room_for_an_ending_has_one_with_replace(
    folder: Path, tag: Callable[..., Ran]
) -> None:
    save_picture(folder / "p" / ("n" * 251 + ".png"))

    ran = tag("p", "--sidecar", "xmp", "--sidecar-name", "replace", "-q")

    assert (ran.code, ran.stderr) == (0, "")
    assert sorted(os.listdir("p")) == ["n" * 251 + ".png", "n" * 251 + ".xmp"]


def test_names_that_look_like_options_are_names(folder: Path, tagger: Callable[..., Ran]) -> None:
    names = ["--help.png", "-o.png", "-q"]
    for name in names:
        save_picture(folder / name, format="PNG")
    model = ("--model", write_model(folder / "m.onnx"), "--device", "cpu")
    (folder / "list").write_text("\n".join(names))

    table = b"path,tags,error\n--help.png,red,\n-o.png,red,\n-q,red,\n"
    asked = (*model, "--layout", "list", "-q")
    assert tagger("tag", *asked, "--", *names) == Ran(0, table, "")
    assert tagger("tag", *asked, "--files-from", "list") == Ran(0, table, "")
    assert tagger("tag", *asked, "-", stdin="\n".join(names).encode()) == Ran(0, table, "")


def test_a_folder_of_such_names_gets_its_sidecars(
    folder: Path, tagger: Callable[..., Ran], tiny_model: Path
) -> None:
    save_picture(folder / "-p/--existing.png")

    ran = tagger("tag", "--sidecar", "txt", "-q", "--model", tiny_model, "--", "-p")

    assert (ran.code, ran.stderr) == (0, "")
    assert (folder / "-p/--existing.png.txt").read_text() == "red\n"


def on_terminal(*arguments: Argument, stream: str) -> tuple[str, str]:
    """Run ``tagger ARGUMENTS`` with one stream on a terminal; return that and the other."""
    reading, writing = pty.openpty()
    other = "stderr" if stream == "stdout" else "stdout"
    run = subprocess.Popen(
        command_line(*arguments),
        env=environment(),
        **{stream: writing, other: subprocess.PIPE},  # type: ignore[call-overload]
    )
    told = (run.stderr if stream == "stdout" else run.stdout).read()
    run.wait()
    os.close(writing)
    shown = b""
    while True:
        try:
            part = os.read(reading, 4096)
        except OSError:  # Linux says the end of a terminal so
            break
        if not part:
            break
        shown += part
    os.close(reading)
    return shown.decode().replace("\r\n", "\n"), told.decode()


@pytest.fixture
def driving(folder: Path) -> Path:
    """Return a folder ``p`` of an image and a file that is none, whose names drive terminals."""
    save_picture(folder / f"p/{DRIVING}.png")
    (folder / f"p/{DRIVING}2.png").write_text("no image")
    return folder / "p"


NO_IMAGE = "a text file, not an image"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((), f"p/{SHOWN}.png: red 100%\np/{SHOWN}2.png: failed: {NO_IMAGE}\n"),
        (
            ("-f", "csv", "--layout", "list"),
            f'path,tags,error\np/{SHOWN}.png,red,\np/{SHOWN}2.png,,"{NO_IMAGE}"\n',
        ),
        (("--dry-run",), f"p/{SHOWN}.png\np/{SHOWN}2.png\n"),
    ],
    ids=["readable", "table", "dry-run"],
)
def test_a_terminal_gets_no_name_that_drives_it(
    driving: Path, tiny_model: Path, arguments: tuple[str, ...], shown: str
) -> None:
    assert on_terminal(
        "tag", "p", "-q", "--model", tiny_model, *arguments, stream="stdout"
    ) == (shown, "")  # fmt: skip


def test_messages_drive_no_terminal(driving: Path, tiny_model: Path) -> None:
    """Beside a bar, which does drive it."""
    shown, _ = on_terminal("tag", "p", "--model", tiny_model, "-o", "t.csv", stream="stderr")

    assert f"failed: p/{SHOWN}2.png: {NO_IMAGE}\n" in shown
    assert not any(char in shown for char in ("\x07", "\u009b", "\u202e", "\x1b]"))
    assert f"p/{DRIVING}.png" in (driving.parent / "t.csv").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ("tag", DRIVING),
        ("tag", "p", "--model", DRIVING),
        ("tag", "p", "-o", f"{DRIVING}/t.csv"),
        ("tag", "p", f"--{DRIVING}"),
        ("tag", "p", "--summary", f"{DRIVING}/s.json"),
        ("tag", "p", "--sidecar", "txt", "--sidecar-dir", f"{DRIVING}.file"),
        ("tag", "--files-from", DRIVING),
        ("retag", DRIVING),
        ("info", DRIVING),
    ],
    ids=lambda arguments: " ".join(arguments).replace(DRIVING, "…"),
)
def test_errors_drive_no_terminal(
    driving: Path, folder: Path, tagger: Callable[..., Ran], arguments: tuple[str, ...]
) -> None:
    (folder / f"{DRIVING}.file").touch()

    ran = tagger(*arguments)

    assert ran.code in (2, 3)
    assert SHOWN in ran.stderr
    assert ran.stderr.replace("\n", "").isprintable()


def test_a_models_card_drives_no_terminal(folder: Path) -> None:
    model = write_model(folder / "m.onnx", changed_card(provenance={"data": DRIVING}))

    shown, said = on_terminal("info", model, stream="stdout")

    assert said == ""
    assert SHOWN in shown
    assert shown.replace("\n", "").isprintable()
