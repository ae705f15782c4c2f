"""Runs the command under strace, which sees what any of its code asks of the system."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import PATIENCE, Argument, Ran, command_line, environment
from readers import reader

#: Whatever has to do with sockets of any kind; programs that are started; what may change a file.
NETWORK, PROGRAMS = "%network", "execve,execveat"
FILES = (
    "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,"
    "symlink,symlinkat,truncate,chmod,fchmodat,chown,lchown,fchownat,mknod,mknodat"
)

_CALL = re.compile(r"[0-9]+ +(?:<\.\.\. )?([a-z0-9_]+)[( ]")
_PATHS = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CHANGES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")


@dataclass(frozen=True)
class Traced:
    """A run, and the system calls that were looked for: one a line, as strace writes them."""

    ran: Ran
    calls: tuple[str, ...]

    def named(self, names: str) -> list[str]:
        """Return the calls that have one of the names."""
        wanted = names.split(",")
        return [call for call in self.calls if _name(call) in wanted]

    def others(self, names: str) -> list[str]:
        """Return the calls that have none of the names."""
        without = names.split(",")
        return [call for call in self.calls if _name(call) not in without]

    def changed_paths(self) -> set[str]:
        """Return the paths that were opened for writing, made, renamed or removed."""
        changes = (
            call
            for call in self.named(FILES)
            if not _name(call).startswith("open") or _CHANGES.search(call)
        )
        return {path for call in changes for path in _PATHS.findall(call)}


def _name(call: str) -> str:
    found = _CALL.match(call)
    return found[1] if found else ""


@functools.cache
def can_trace() -> bool:
    """Say whether there is a strace, and whether it may trace."""
    program = shutil.which("strace")
    if program is None:
        return False
    probe = [program, "-o", os.devnull, "true"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def tracing(calls: str, log: Path) -> list[Argument]:
    """Return what stands before a command whose calls are to be noted in a file."""
    program = reader("strace")
    if not can_trace():
        pytest.fail("strace may not trace here (in a container: --cap-add SYS_PTRACE)")
    # In the kernel, all other calls go by without stopping.
    return [program, "-f", "-qq", "--seccomp-bpf", "-s", "4096", "-e", f"trace={calls}",
            "-e", "signal=none", "-o", log]  # fmt: skip


def read_calls(log: Path) -> tuple[str, ...]:
    """Return the calls in a log."""
    return tuple(log.read_text("utf-8", "replace").splitlines())


def trace_program(
    *command: Argument, calls: str, cwd: Path, env: dict[str, str] | None = None
) -> Traced:
    """Run any program to its end and note what it asks of the system."""
    log = cwd.parent / f"{cwd.name}.strace"
    done = subprocess.run(
        [*tracing(calls, log), *command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=env or environment(),
        timeout=PATIENCE,
        check=False,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr.decode("utf-8"))
    return Traced(ran, read_calls(log))


def trace_tagger(
    *arguments: Argument, calls: str, cwd: Path, env: dict[str, str] | None = None
) -> Traced:
    """Run ``tagger ARGUMENTS`` to its end and note what it asks of the system."""
    return trace_program(*command_line(*arguments), calls=calls, cwd=cwd, env=env)
