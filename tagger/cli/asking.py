"""Asks a person at the terminal, and reacts to Ctrl-C at any time."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

#: Seconds after which a wait for an answer is restarted.
_TURN = 0.2


def agrees(question: str) -> bool:
    """Ask a question on stderr, and return whether the answer is yes; Enter alone means no.

    Raises:
        typer.Abort: Ctrl-D, so there will be no answer.
        KeyboardInterrupt: Ctrl-C, even if SIGINT was ignored from the start.
    """
    sys.stdout.flush()  # what the question is about
    with _heeding_interrupts():
        while True:
            print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)
            _wait_for_line()
            line = sys.stdin.readline()
            if not line:
                raise typer.Abort
            match line.strip().lower():
                case "y" | "yes":
                    return True
                case "" | "n" | "no":
                    return False
            print("Please answer y or n.", file=sys.stderr)


def _wait_for_line() -> None:
    """Wait until a line can be read.

    A signal that arrives just before the waiting system call is only handled when that call
    returns, so each call must be short.
    """
    if os.name == "posix":  # Windows cannot wait for files, and interrupts its own call
        while not select.select([sys.stdin], [], [], _TURN)[0]:
            pass


@contextmanager
def _heeding_interrupts() -> Iterator[None]:
    """Enable SIGINT: shells start programs in the background with it ignored.

    A person who can answer here can also press Ctrl-C here.
    """
    former = signal.getsignal(signal.SIGINT)
    if former is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if former is signal.SIG_IGN:
            signal.signal(signal.SIGINT, former)
