"""What the tests of training share: a folder of names, and one tiny training of drawn shapes.

Test files ask for it with ``pytest_plugins``: session fixtures that are imported instead would be
made anew by each file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Argument, run_tagger
from shapes import Made, ShapeSet, draw_shapes, train_arguments
from system_calls import NETWORK, can_trace, tracing
from tagger_training.labels import LabelledSet, read_labelled_set


def made_once(factory: pytest.TempPathFactory, what: str) -> None:
    """Fail where another process of this run of the tests has made the same: it takes minutes."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        (factory.getbasetemp().parent / f"{what}.made").touch(exist_ok=False)


@pytest.fixture
def posters(tmp_path: Path) -> Path:
    """Return a folder of files named as images; reading labels opens none of them."""
    folder = tmp_path / "posters"
    for name in ("heat.jpg", "big.PNG", "old/jaws.webp", "old/up.v2.jpeg", "old/notes.txt"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


@pytest.fixture
def read_labels(tmp_path: Path, posters: Path) -> Callable[..., LabelledSet]:
    """Return a function that reads ``labels.csv`` of the given text, beside the posters."""

    def read(text: str | bytes, name: str = "labels.csv", **options: object) -> LabelledSet:
        table = tmp_path / name
        table.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_labelled_set(table, posters, **options)

    return read


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> ShapeSet:
    """Return the set of drawn shapes."""
    return draw_shapes(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(scope="session")
def shape_run(shapes: ShapeSet, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Train on the shapes with the real command; tests leave the run folder as it is.

    Where strace is installed, ``train.strace`` beside it says what the network was asked for.
    """
    made_once(tmp_path_factory, "shape_run")
    folder = tmp_path_factory.mktemp("runs")
    arguments = train_arguments(shapes, folder / "shapes")
    ran = run_tagger(*arguments, cwd=folder, under=_network_noted(folder / "train.strace"))
    assert ran.code == 0, ran.stderr
    return Made(folder / "shapes", ran)


@pytest.fixture(scope="session")
def shape_model(shape_run: Made) -> Made:
    """Export that run with the real command; beside it lies ``export.strace``."""
    file = shape_run.path.parent / "shapes.onnx"
    noted = _network_noted(file.with_name("export.strace"))
    ran = run_tagger("export", shape_run.path, "-o", file, cwd=file.parent, under=noted)
    assert ran.code == 0, ran.stderr
    return Made(file, ran)


def _network_noted(log: Path) -> list[Argument]:
    return tracing(NETWORK, log) if can_trace() else []
