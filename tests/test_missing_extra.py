"""Commands that need the ``train`` extra say so where it is not installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from commands import Argument, command_line, environment

# Started by Python itself, before the command: nothing of the extra can be found.
_WITHOUT_EXTRA = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"keras", "tensorflow", "sklearn", "tf2onnx", "onnx"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        (("train", "--images", ".", "--labels", "labels.csv", "-o", "run"), "keras"),
        (("export", "run", "-o", "model.onnx"), "keras"),
        (("evaluate", "--images", ".", "--labels", "labels.csv"), "sklearn"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_the_missing_extra_is_named(arguments: tuple[Argument, ...], package: str, tmp_path: Path):
    startup = tmp_path / "startup"
    startup.mkdir()
    (startup / "sitecustomize.py").write_text(_WITHOUT_EXTRA)
    here = tmp_path / "here"
    here.mkdir()
    path = os.pathsep.join([str(startup), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    ran = subprocess.run(
        command_line(*arguments),
        cwd=here,
        capture_output=True,
        text=True,
        env={**environment(), "PYTHONPATH": path},
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == (
        f"tagger: 'tagger {arguments[0]}' needs the 'train' extra ({package} is not installed): "
        "pip install 'poster-tagger[train]'\n"
    )
    assert list(here.iterdir()) == []
