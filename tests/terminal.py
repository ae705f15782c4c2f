"""Runs the command on a terminal of its own, as its users do (POSIX)."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import Argument, command_line, environment

pty = pytest.importorskip("pty", reason="needs terminals of POSIX")

_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07)")


@dataclass(frozen=True)
class Shown:
    """What a terminal got.

    Attributes:
        code: the exit code.
        text: all that was written to it, with its control sequences.
        columns: its width.
    """

    code: int
    text: str
    columns: int

    @property
    def plain(self) -> str:
        """The text without control sequences, with \\n for line ends."""
        return _SEQUENCE.sub("", self.text).replace("\r\n", "\n")

    @property
    def screen(self) -> list[str]:
        """The lines that stay on the screen: what is drawn over is gone, long lines are wrapped."""
        lines, row, column = [""], 0, 0
        for part in re.findall(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b.|.", self.text, re.DOTALL):
            if part == "\r":
                column = 0
            elif part == "\n":
                row, column = row + 1, 0
            elif part.startswith("\x1b["):
                count = int(re.sub(r"\D", "", part) or 1)
                if part.endswith("A"):
                    row = max(0, row - count)
                elif part.endswith("K"):
                    lines[row] = "" if "2" in part else lines[row][:column]
            elif not part.startswith("\x1b"):
                if column == self.columns:  # a full line is left with the next character only
                    row, column = row + 1, 0
                    lines += [""] * (row + 1 - len(lines))
                lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + 1 :]
                column += 1
            lines += [""] * (row + 1 - len(lines))
        return [line.rstrip() for line in lines]


def on_terminal(
    *arguments: Argument,
    columns: int = 80,
    rows: int = 50,
    cwd: Path | None = None,
    through: str = "",
    **variables: str,
) -> Shown:
    """Run ``tagger ARGUMENTS`` with all three streams on a terminal.

    Args:
        arguments: of the command.
        columns: the terminal's width.
        rows: its height.
        cwd: the folder.
        through: a command of the shell that gets stdout, and shows its own on the terminal; the
            exit code is then its own.
        variables: of the environment.
    """
    import fcntl
    import shlex
    import struct
    import subprocess
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    env = {**environment(), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **variables}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        if name not in variables:
            env.pop(name, None)
    command = [str(part) for part in command_line(*arguments)]
    if through:
        command = ["sh", "-c", f"{shlex.join(command)} | {through}"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=env
    ) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # Linux reports an end of a terminal as an error
            while part := os.read(ours, 1 << 16):
                said += part
    os.close(ours)
    return Shown(process.returncode, said.decode("utf-8", "replace"), columns)
