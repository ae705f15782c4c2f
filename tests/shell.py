"""Runs lines of shell as they stand in documents, with ``tagger`` in forks of a loaded process.

What a fork saves is the second or so, for TensorFlow ten, that each fresh interpreter needs. As in
:mod:`forked` no session of ONNX Runtime is ever opened in the process that forks.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pty
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from commands import PATIENCE, Ran, environment

# What stands for ``tagger``: it hands its streams over, and ends as the fork does.
_CLIENT = """\
#!{python} -IS
import json, os, socket, sys
way = {training!r} if sys.argv[1:2] and sys.argv[1] in {trains!r} else {tagging!r}
with socket.socket(socket.AF_UNIX) as server:
    server.connect(way)
    order = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(order).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(order)
    sys.exit(int(server.recv(4) or 70))
"""

#: Commands for which TensorFlow is loaded, before the first of them.
TRAINS = ("train", "refit", "average", "export")


class Shell:
    """A shell in which ``tagger`` is quick. A context that ends what it started.

    Args:
        programs: names of programs that the lines call → scripts that stand for them.
    """

    def __init__(self, programs: dict[str, str]) -> None:
        self._scratch = tempfile.TemporaryDirectory()
        self._folder = Path(self._scratch.name)
        (self._folder / "bin").mkdir()
        ways = {name: os.fspath(self._folder / name) for name in ("tagging", "training")}
        client = _CLIENT.format(python=sys.executable, trains=TRAINS, **ways)
        for name, script in {"tagger": client, **programs}.items():
            file = self._folder / "bin" / name
            file.write_text(script, encoding="utf-8")
            file.chmod(0o755)
        self._servers: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Start the process that forks; the one with TensorFlow waits for who needs it."""
        self._start("tagging")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End them."""
        for server in self._servers.values():
            server.terminate()
            server.communicate()
        self._scratch.cleanup()

    def _start(self, way: str) -> None:
        if way in self._servers:
            return
        server = subprocess.Popen(
            [sys.executable, __file__, self._folder / way],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(Path(__file__).parent),
        )  # fmt: skip
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        self._servers[way] = server

    def run(self, line: str, cwd: Path, *, answer: str | None = None) -> Ran:
        """Run a line.

        Args:
            line: of bash.
            cwd: the folder.
            answer: what a person types; errors go to their terminal then, too.
        """
        words = shlex.split(line, comments=True)
        if words[:1] == ["tagger"] and words[1] in TRAINS:
            self._start("training")
        path = f"{self._folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        ours, theirs = pty.openpty()
        try:
            if answer is not None:
                os.write(ours, f"{answer}\n".encode())
                streams = {"stdin": theirs, "stderr": theirs}
            done = subprocess.run(
                ["bash", "-euc", line], cwd=cwd, env={**environment(), "PATH": path},
                stdout=subprocess.PIPE, timeout=PATIENCE, check=False, **streams,
            )  # fmt: skip
            said = done.stderr if answer is None else os.read(ours, 1 << 16)
        finally:
            os.close(ours)
            os.close(theirs)
        return Ran(done.returncode, done.stdout, said.decode("utf-8"))


def _serve(way: str) -> None:
    from forked import load_everything

    load_everything()
    if Path(way).name == "training":
        for module in ("keras", "tagger_export.export", "tagger_training.train"):
            importlib.import_module(module)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(way)
        listener.listen()
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
        while True:
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _answer(client)
            client.close()


def _answer(client: socket.socket) -> None:
    size, streams, _, _ = socket.recv_fds(client, 8, 3)
    with client.makefile("rb") as sent:
        arguments, folder, variables = json.loads(sent.read(int.from_bytes(size, "big")))
    for stream, number in zip(streams, (0, 1, 2), strict=True):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (  # those that are there know what they were opened on
        os.fdopen(number, mode, encoding="utf-8", closefd=False)
        for number, mode in enumerate(("r", "w", "w"))
    )
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    from forked import run_here

    code = run_here(arguments)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    client.sendall(str(code).encode())
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
