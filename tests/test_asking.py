"""Questions at the terminal: what counts as yes, and that Ctrl-C is heard whenever it comes."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from typing import IO, Any

import pytest
import typer
from commands import PATIENCE

from tagger.cli.asking import agrees


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[IO[str]]:
    """Return what a person types into."""
    reading, writing = os.pipe()
    with open(reading) as stdin, open(writing, "w") as typing:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield typing


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [("y", True), ("YES", True), ("n", False), ("No", False), ("", False), (" y ", True)],
)
def test_yes_is_yes_and_enter_is_no(person: IO[str], typed: str, agreed: bool) -> None:
    person.write(f"{typed}\n")
    person.flush()

    assert agrees("Write 4 files?") is agreed


def test_what_is_neither_is_asked_again(
    person: IO[str], capsys: pytest.CaptureFixture[str]
) -> None:
    person.write("perhaps\ny\n")
    person.close()

    assert agrees("Write 4 files?")
    assert capsys.readouterr() == (
        "",
        "Write 4 files? [y/N]: Please answer y or n.\nWrite 4 files? [y/N]: ",
    )


def test_no_answer_is_no_consent(person: IO[str]) -> None:
    person.close()

    with pytest.raises(typer.Abort):
        agrees("Write 4 files?")


@pytest.mark.skipif(os.name == "nt", reason="no signals to threads")
@pytest.mark.parametrize(
    "handler", [signal.default_int_handler, signal.SIG_IGN], ids=["heeded", "ignored"]
)
def test_an_interrupt_that_wakes_no_system_call_is_heard(
    person: IO[str], monkeypatch: pytest.MonkeyPatch, handler: signal.Handlers
) -> None:
    """As one that comes just before the call: another thread takes it here."""
    asked, heard = threading.Event(), threading.Event()
    wait = select.select

    def waits(*arguments: Any) -> Any:
        asked.set()
        return wait(*arguments)

    def interrupt() -> None:
        asked.wait(PATIENCE)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        if not heard.wait(PATIENCE):
            person.close()  # which ends the wait

    monkeypatch.setattr(select, "select", waits)
    former = signal.signal(signal.SIGINT, handler)
    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            agrees("Write 4 files?")
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        heard.set()
        interrupting.join()
        signal.signal(signal.SIGINT, former)
