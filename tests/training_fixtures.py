"""What the tests of training share: a folder of names, and one tiny training of drawn shapes.

Test files ask for it with ``pytest_plugins``: fixtures that are imported instead would be made
anew by each file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from training.labels import LabelledSet, read_labelled_set

Reader = Callable[..., LabelledSet]


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
def read_labels(tmp_path: Path, posters: Path) -> Reader:
    """Return a function that reads ``labels.csv`` of the given text, beside the posters."""

    def read(text: str | bytes, name: str = "labels.csv", **options: object) -> LabelledSet:
        table = tmp_path / name
        table.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_labelled_set(table, posters, **options)

    return read
