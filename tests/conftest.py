"""What several test files need: the tiny model, and the command in this process."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType

import pytest
from commands import TREE, Argument, Ran, python_path
from hypothesis import settings
from tiny_model import write_model, write_text_model

# A busy machine is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_configure() -> None:
    """Let what tests start run the tree, and heed signals that ``nohup`` and ``&`` ignore here."""
    os.environ["PYTHONPATH"] = python_path()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _do_nothing)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Ignore a signal here; processes that are started do not inherit a handler."""


@pytest.fixture(autouse=True)
def buffered_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes print as they do for most users, whatever is set here."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.fixture(autouse=True)
def own_configuration(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Give every test a configuration folder of its own; return where its tagger.toml would be."""
    folder = tmp_path_factory.mktemp("configuration")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    file = folder / "poster-tagger" / "tagger.toml"
    file.parent.mkdir()
    return file


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test a folder of its own for what runs note; return that folder."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder / "poster-tagger" / "runs"


#: What takes minutes goes first, so that no process is left with it at the end.
LONGEST = (
    "test_train_garments.py", "test_ray.py", "trained", "test_train_lite.py",
    "test_train_text.py", "test_stores.py",
)  # fmt: skip


@cache
def group_of(module: str) -> str:
    """Return what one process tests (pytest -n): a module, or all that need the trained network."""
    text = (TREE / module).read_text(encoding="utf-8")
    return "trained" if re.search(r"\bshape_(run|model)\b", text) else Path(module).name


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what needs the trained network, and begin with what takes longest."""
    for item in items:
        if "shape_run" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    places = {group: place for place, group in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(group_of(item.location[0]), len(places)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep together what shares costly fixtures.

    Not by ``--dist loadgroup``, which groups nothing with pytest 9.2 (pytest-xdist#1386).
    """
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid.split("::", 1)[0])

    config.option.loadscopereorder = False  # in the order of the items
    return Groups(config, log)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model file whose scores are an image's mean colour."""
    return write_model(tmp_path_factory.mktemp("model") / "colours.onnx")


@pytest.fixture(scope="session")
def tiny_text_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same with a text: see :data:`tiny_model.TEXT_CARD`."""
    return write_text_model(tmp_path_factory.mktemp("model") / "colours-and-words.onnx")


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
