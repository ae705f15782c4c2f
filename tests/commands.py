"""Runs the command as its users do: as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Anything that a command line takes; bytes for names that are no text.
Argument = str | bytes | Path


@dataclass(frozen=True)
class Ran:
    """What came of a run."""

    code: int
    stdout: bytes
    stderr: str

    def rows(self) -> list[str]:
        """Return the lines of a table on stdout, without its header."""
        return self.stdout.decode("utf-8").splitlines()[1:]


def command_line(*arguments: Argument) -> list[Argument]:
    """Return the process's arguments for ``tagger ARGUMENTS``."""
    return [sys.executable, "-m", "tagger", *arguments]


def environment() -> dict[str, str]:
    """Return this process's environment with a terminal width that does not vary."""
    return {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}


def run_tagger(
    *arguments: Argument,
    cwd: Path,
    stdin: bytes = b"",
    timeout: int = 120,
    under: Sequence[Argument] = (),
) -> Ran:
    """Run ``tagger ARGUMENTS`` to its end; ``under`` is a program with arguments that runs it."""
    done = subprocess.run(
        [*under, *command_line(*arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env=environment(),
        timeout=timeout,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr.decode("utf-8"))
