"""Runs the command in forks of one process that has loaded everything: quick, and easy to kill.

A fork is a process like any other; SIGKILL ends it as it ends one. It saves the second or so that
every fresh interpreter needs. The forks come from a process of their own, in which no session of
ONNX Runtime was ever opened: their threads would be missing in a fork.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from commands import Argument, environment

import tagger
from tagger.cli import run

#: What changes files, as Python announces it (PEP 578) just before.
_CHANGES = frozenset(
    ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.utime")
)


@dataclass(frozen=True)
class Outcome:
    """What came of a run in a fork.

    Attributes:
        code: the exit code; -9 for a run that was killed.
        stderr: what it said.
        steps: how many times it was about to change a file below its folder.
    """

    code: int
    stderr: str
    steps: int


class Forks:
    """The process that forks. A context that ends it."""

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(Path(__file__).parent),
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._process.communicate()

    def run(
        self,
        *arguments: Argument,
        cwd: Path,
        state: Path,
        kill_after: float | None = None,
        kill_at_step: int | None = None,
    ) -> Outcome:
        """Run ``tagger ARGUMENTS``.

        Args:
            arguments: of the command.
            cwd: the folder it runs in.
            state: where runs note what no output has a place for.
            kill_after: seconds after which it is killed.
            kill_at_step: change of a file before which it is killed, from 1 on.
        """
        order = {
            "arguments": [os.fsdecode(argument) for argument in arguments],
            "cwd": str(cwd),
            "state": str(state),
            "kill_after": kill_after,
            "kill_at_step": kill_at_step,
        }
        self._pipe(self._process.stdin).write(json.dumps(order).encode() + b"\n")
        self._pipe(self._process.stdin).flush()
        return Outcome(**json.loads(self._pipe(self._process.stdout).readline()))

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe


def _serve() -> None:
    load_everything()
    for line in sys.stdin.buffer:
        answer = _in_fork(**json.loads(line))
        print(json.dumps(answer), flush=True)


def load_everything() -> None:
    """Load what a run needs, before any fork; a dry run opens no session."""
    for module in pkgutil.walk_packages(tagger.__path__, "tagger."):
        if module.name not in ("tagger.__main__", "tagger.network.openvino"):
            importlib.import_module(module.name)
    with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(io.StringIO()):
        run(["tag", empty, "--dry-run", "--quiet", "--no-config"])


def _in_fork(
    arguments: Sequence[str],
    cwd: str,
    state: str,
    kill_after: float | None,
    kill_at_step: int | None,
) -> dict[str, object]:
    reading, writing = os.pipe()  # one byte a step: what is in it outlives the fork
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.chdir(cwd)
            os.environ["XDG_STATE_HOME"] = state
            os.dup2(said.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            _announce_changes((cwd, state), writing, kill_at_step)
            os._exit(run_here(arguments))
        os.close(writing)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        steps = 0
        with os.fdopen(reading, "rb") as pipe:
            steps = len(pipe.read())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        return {"code": code, "stderr": said.read().decode("utf-8"), "steps": steps}


def run_here(arguments: Sequence[str]) -> int:
    """Run the command here; a traceback, which is a defect, is seen in what it said."""
    try:
        return run(list(arguments))
    except BaseException:
        traceback.print_exc()
        return 70


def _announce_changes(roots: tuple[str, ...], pipe: int, kill_at: int | None) -> None:
    count = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event == "open":
            flags = arguments[2]
            changes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        else:
            changes = event in _CHANGES
        if not changes or not any(
            os.path.abspath(os.fsdecode(name)).startswith(roots)
            for name in arguments
            if isinstance(name, str | bytes | os.PathLike)
        ):
            return
        count += 1
        os.write(pipe, b".")
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    _serve()
