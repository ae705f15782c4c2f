"""Asks a person at the terminal, and hears Ctrl-C there whenever it comes."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

#: Seconds that a wait for an answer lasts before it starts anew.
_TURN = 0.2


def agrees(question: str) -> bool:
    """Ask a question on stderr, and return whether the answer is yes; Enter alone means no.

    Raises:
        typer.Abort: there will be no answer: Ctrl-D.
        KeyboardInterrupt: Ctrl-C, also where SIGINT was ignored from the start.
    """
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

    A signal that arrives just before the system call that waits is heard only when that call
    returns, so none may last.
    """
    if os.name == "posix":  # Windows waits for files not at all, and wakes its own call
        while not select.select([sys.stdin], [], [], _TURN)[0]:
            pass


@contextmanager
def _heeding_interrupts() -> Iterator[None]:
    """Heed SIGINT: shells start programs in the background with it ignored.

    Whoever can answer here can also press Ctrl-C here, and means it.
    """
    former = signal.getsignal(signal.SIGINT)
    if former is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if former is signal.SIG_IGN:
            signal.signal(signal.SIGINT, former)
