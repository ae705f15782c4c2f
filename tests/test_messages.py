"""The table of messages: every command line in it ends with that code and that sentence."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from messages import Example, examples
from pictures import save_picture
from tiny_model import write_model, write_text_model

EXAMPLES = list(examples())
USAGE = 2


@pytest.fixture
def prepared(folder: Path) -> Path:
    """Return the folder that the examples of ``messages.txt`` are run in."""
    for name in ("a.png", "b.png", "p/a.png", "p/q/b.png"):
        save_picture(folder / name)
    (folder / "empty").mkdir()
    (folder / "tags.csv").write_text("path,tags\np/a.png,green\n", encoding="utf-8")
    write_model(folder / "foreign.onnx", None)
    write_model(folder / "absurd.onnx", divisor=0)
    write_text_model(folder / "words.onnx")
    return folder


def test_the_table_is_read() -> None:
    assert len(EXAMPLES) > 100


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.command)
def test_the_message_is_as_the_table_has_it(
    prepared: Path, tagger: Callable[..., Ran], tiny_model: Path, example: Example
) -> None:
    files = dict(example.files)
    stdin = files.pop("stdin", b"")
    for name, content in files.items():
        (prepared / name).write_bytes(content)
    before = contents(prepared)
    arguments = shlex.split(example.command)
    if arguments[:1] in (["tag"], ["retag"], ["bench"]) and "--model" not in arguments:
        arguments += ["--model", str(tiny_model)]

    ran = tagger(*arguments, stdin=stdin)

    *_, said = ran.stderr.splitlines()
    assert example.is_said(said.removeprefix("tagger: "), prepared), said
    assert ran.code == example.code
    assert before.items() <= contents(prepared).items()
    if ran.code == USAGE:
        assert ran.stdout == b""
        assert contents(prepared) == before


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder."""
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
