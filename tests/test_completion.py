"""Completion: what real shells fill in when a person presses the tabulator."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import PATIENCE, command_line, environment, run_tagger
from readers import reader
from terminal import pty

# How each shell is started without anyone's settings.
SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
PREPARED = {
    "bash": "PS1='ready> '; source ./script",
    "zsh": "PS1='ready> '; autoload -U compinit; compinit -u -d ./dump; source ./script",
    "fish": "function fish_prompt; echo 'ready> '; end; source ./script",
}

#: What is typed before the tabulator and an X → the words that the command then gets.
CASES = {
    "re": ["reX"],  # retag and refit: nothing is common but that
    "gal": ["gallery", "X"],
    "tag --thres": ["tag", "--threshold", "X"],
    "tag p --threshold Hor": ["tag", "p", "--threshold", "Horror=X"],
    "tag p --ignore Docu": ["tag", "p", "--ignore", "Documentary", "X"],
    "tag p --format par": ["tag", "p", "--format", "parquet", "X"],
    "tag p --columns title,ye": ["tag", "p", "--columns", "title,year", "X"],
    "tag p --device ten": ["tag", "p", "--device", "tensorrt", "X"],
    "tag p --sidecar xm": ["tag", "p", "--sidecar", "xmp", "X"],
    "tag poste": ["tag", "posters/X"],
}

# Answers a shell as the command does, and shows what it gets from a person.
_COMMAND = """\
#!/bin/sh
if [ -n "$_TAGGER_COMPLETE" ]; then exec {command} "$@"; fi
printf '<'; printf '%s|' "$@"; printf '>'
"""


class Typing:
    """A shell on a terminal, to which keys are sent."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal

    def types(self, keys: str, until: str) -> str:
        """Send keys and return what is shown until a text comes."""
        os.write(self._terminal, keys.encode())
        shown, end = "", time.monotonic() + PATIENCE
        while until not in shown:
            assert time.monotonic() < end, shown
            if select.select([self._terminal], [], [], 1)[0]:
                shown += os.read(self._terminal, 1 << 16).decode("utf-8", "replace")
        return shown


@contextlib.contextmanager
def shell_in(folder: Path, name: str) -> Iterator[Typing]:
    """Start a shell that finds the command of a folder."""
    ours, theirs = pty.openpty()
    env = environment() | {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm",
    }
    process = subprocess.Popen(
        ["setsid", "--ctty", *SHELLS[name]],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=env,
    )
    os.close(theirs)
    try:
        yield Typing(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the command, and one to complete."""
    command = tmp_path / "tagger"
    command.write_text(_COMMAND.format(command=shlex.join(map(str, command_line()))))
    command.chmod(0o755)
    (tmp_path / "posters").mkdir()
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes(shell: str, folder: Path) -> None:
    reader(shell)
    script = run_tagger("completion", shell, cwd=folder)
    assert (script.code, script.stderr) == (0, "")
    (folder / "script").write_bytes(script.stdout)

    with shell_in(folder, shell) as typing:
        typing.types(f"{PREPARED[shell]}; echo prep''ared\r", until="prepared")
        got = {keys: typing.types(f"tagger {keys}\tX\r", until="|>") for keys in CASES}

    words = {keys: shown.rpartition("<")[2].split("|")[:-1] for keys, shown in got.items()}
    assert words == CASES


@pytest.mark.parametrize(
    ("line", "word", "answer"),
    [
        ("tagger tag p --threshold Hor", "Hor", "Horror=::: "),
        ("tagger gal", "gal", "gallery:::Make a page of a table, to look through..."),
        ("tagger tag p --format pa", "pa", "parquet::: "),
    ],
)
def test_powershell_is_answered(
    line: str, word: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TAGGER_COMPLETE", "complete_powershell")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
    monkeypatch.setenv("_TYPER_COMPLETE_WORD_TO_COMPLETE", word)

    ran = run_tagger(cwd=tmp_path)

    assert (ran.code, ran.stdout.decode("utf-8").rstrip("\n")) == (0, answer)
