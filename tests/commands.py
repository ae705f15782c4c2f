"""Runs the command as its users do: as a process of its own, from this tree."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Where the tree is that is tested, whatever is installed.
TREE = Path(__file__).resolve().parent.parent

#: Seconds after which something hangs: no test waits so long on any machine, however busy.
PATIENCE = 900

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


def environment(*packages: Path) -> dict[str, str]:
    """Return this process's environment with a terminal width that does not vary.

    Args:
        packages: folders in which processes find packages before any others.
    """
    return {
        **os.environ,
        "PYTHONPATH": python_path(*packages),
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }


def python_path(*packages: Path) -> str:
    """Return a PYTHONPATH by which the tree's packages are found before any that are installed."""
    found = [*packages, TREE, TREE / "training", TREE / "export"]
    former = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([*map(str, found), *filter(None, former)]))


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def run_tagger(
    *arguments: Argument,
    cwd: Path,
    stdin: bytes = b"",
    timeout: int = PATIENCE,
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


# A process that is started inherits, in what the system reports as its peak, that of the process
# that started it (Linux keeps it across exec): of tests that trained networks, gigabytes. So
# something small starts it.
_MEASURING = """
import os, pathlib, subprocess, sys
run = subprocess.Popen(sys.argv[2:])
_, status, used = os.wait4(run.pid, 0)
pathlib.Path(sys.argv[1]).write_text(str(used.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""


def run_measured(*arguments: Argument, cwd: Path) -> tuple[int, Ran]:
    """Run ``tagger ARGUMENTS`` to its end; return its peak memory in bytes, too."""
    with tempfile.TemporaryDirectory() as scratch:
        peak = Path(scratch) / "peak"
        ran = run_tagger(*arguments, cwd=cwd, under=[sys.executable, "-c", _MEASURING, peak])
        unit = 1 if sys.platform == "darwin" else 1024
        return int(peak.read_text()) * unit, ran


def children(process: int) -> set[int]:
    """Return the running processes that a process has started, and those that they have."""
    found: set[int] = set()
    left = [process]
    while left:
        for tasks in Path(f"/proc/{left.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # one that has just ended
                left += (new := set(map(int, tasks.read_text().split())) - found)
                found |= new
    return {child for child in found if is_running(child)}


def is_running(process: int) -> bool:
    """Return whether a process has not ended; one that nobody has waited for has."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
