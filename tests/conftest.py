"""What several test files need: the tiny model, and the command in this process."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import Argument, Ran
from hypothesis import settings
from tiny_model import write_model

# A busy machine is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def buffered_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes print as they do for most users, whatever is set here."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model file whose scores are an image's mean colour."""
    return write_model(tmp_path_factory.mktemp("model") / "colours.onnx")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def kept_signals() -> Iterator[None]:
    """Take back the signal handlers that the command installs."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def tagger(
    folder: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    kept_signals: None,
) -> Callable[..., Ran]:
    """Return a function that runs ``tagger ARGUMENTS`` in this process, in ``folder``."""
    from tagger.cli import run

    def run_here(*arguments: Argument, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsysbinary.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capsysbinary.readouterr()
        return Ran(code, said.out, said.err.decode("utf-8"))

    return run_here


@pytest.fixture
def tag(tagger: Callable[..., Ran], tiny_model: Path) -> Callable[..., Ran]:
    """Return a function that runs ``tagger tag ARGUMENTS`` with the tiny model on the CPU."""

    def run_tag(*arguments: Argument, stdin: bytes = b"") -> Ran:
        return tagger("tag", *arguments, "--model", tiny_model, "--device", "cpu", stdin=stdin)

    return run_tag
