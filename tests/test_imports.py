"""What is loaded when, so that help is quick and tagging needs no TensorFlow."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tagger

PACKAGE = Path(tagger.__file__).parent

#: Packages that cost time or belong to an extra.
HEAVY = {
    "PIL",
    "h5py",
    "keras",
    "matplotlib",
    "numpy",
    "onnx",
    "onnxruntime",
    "openpyxl",
    "pandas",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
    "tensorflow",
    "tf2onnx",
    "xlsxwriter",
}


def loaded_by(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after running code."""
    listing = (
        "import sys as s; s.stderr.write(' '.join({name.split('.')[0] for name in s.modules}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\n{listing}"], capture_output=True, check=True, text=True
    )
    return set(ran.stderr.split())


def imports_of(file: Path) -> set[str]:
    """Return the top-level modules that a source file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["tag", "--help"],
        ["retag", "--help"],
        ["apply", "--help"],
        ["train", "--help"],
        ["--version"],
    ],
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    loaded = loaded_by(f"from tagger.cli import run; assert run({arguments}) == 0")

    assert "tagger" in loaded
    assert loaded & HEAVY == set()


def test_tagging_loads_no_training() -> None:
    loaded = loaded_by(
        "import tagger.pipeline.pipeline, tagger.table.text, tagger.holders.sidecars"
    )

    assert {"PIL", "numpy", "onnxruntime"} <= loaded
    assert (
        loaded & {"tensorflow", "keras", "onnx", "tf2onnx", "tagger_training", "tagger_export"}
        == set()
    )


def test_a_dry_run_loads_no_runtime(tmp_path: Path) -> None:
    code = f"from tagger.cli import run; assert run(['tag', {str(tmp_path)!r}, '--dry-run']) == 0"

    assert "onnxruntime" not in loaded_by(code)


def test_only_one_module_imports_the_runtime() -> None:
    importers = [
        str(file.relative_to(PACKAGE))
        for file in sorted(PACKAGE.rglob("*.py"))
        if "onnxruntime" in imports_of(file)
    ]

    assert importers == ["network/ort.py"]


def test_only_commands_import_training_and_export() -> None:
    importers = {
        file.relative_to(PACKAGE).parts[0]
        for file in PACKAGE.rglob("*.py")
        if imports_of(file) & {"tagger_training", "tagger_export", "tensorflow", "keras"}
    }

    assert importers == {"cli"}


def test_only_commands_print() -> None:
    printers = {
        file.relative_to(PACKAGE).parts[0]
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }

    assert printers == {"cli"}
