"""What is loaded when, so that help is quick and tagging needs no TensorFlow."""

from __future__ import annotations

import ast
import os
import socket
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
    "ray",
    "rich",
    "scipy",
    "sklearn",
    "tensorflow",
    "tf2onnx",
    "xlsxwriter",
}


def test_the_tree_is_tested_whatever_is_installed() -> None:
    tree = Path(__file__).parent.parent
    places = "tagger, tagger_training, tagger_export"
    code = f"import {places}; print(*(place.__file__ for place in ({places})), sep='\\n')"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert tree / "tagger" == PACKAGE
    assert [Path(line) for line in ran.stdout.splitlines()] == [
        tree / "tagger/__init__.py",
        tree / "training/tagger_training/__init__.py",
        tree / "export/tagger_export/__init__.py",
    ]


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


@pytest.mark.parametrize(
    ("arguments", "commands"),
    [
        (["--version"], set()),
        (["retag", "--help"], {"retag"}),
        (["info"], {"info"}),
    ],
)
def test_a_command_loads_no_other(arguments: list[str], commands: set[str]) -> None:
    """Declaring all options of all commands takes half of a start."""
    listing = "import sys; sys.stderr.write(' '.join(sys.modules))"
    code = f"from tagger.cli import run; assert run({arguments}) == 0\n{listing}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    prefix = "tagger.cli.commands."
    loaded = {name.removeprefix(prefix) for name in ran.stderr.split() if name.startswith(prefix)}
    assert loaded == commands


def test_tagging_loads_no_training() -> None:
    loaded = loaded_by("import tagger.pipeline.pipeline, tagger.table.text, tagger.holders")

    assert {"PIL", "numpy", "onnxruntime"} <= loaded
    assert (
        loaded & {"tensorflow", "keras", "onnx", "tf2onnx", "tagger_training", "tagger_export"}
        == set()
    )


def test_a_process_that_decodes_loads_no_numpy() -> None:
    """It would take as long as all the rest of its start."""
    loaded = loaded_by("import tagger.decode.process")

    assert "PIL" in loaded
    assert loaded & {"numpy", "onnxruntime"} == set()


def test_a_dry_run_loads_no_runtime(tmp_path: Path) -> None:
    code = f"from tagger.cli import run; assert run(['tag', {str(tmp_path)!r}, '--dry-run']) == 0"

    assert "onnxruntime" not in loaded_by(code)


def test_only_one_module_imports_the_runtime() -> None:
    importers = [
        file.relative_to(PACKAGE).as_posix()
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


# What a whole process shares. Other packages are imported first: what they change is theirs.
_SNAPSHOT = """
import atexit, csv, faulthandler, gc, locale, logging, multiprocessing, os, signal, socket, sys
import importlib, pkgutil, threading, warnings
import numpy, PIL.AvifImagePlugin, PIL.Image, onnxruntime

def snapshot():
    return {
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "search path": list(sys.path),
        "masked modules": sorted(name for name, module in sys.modules.items() if module is None),
        "warnings": list(warnings.filters),
        "loggers": {
            name: (logger.level, list(logger.handlers), logger.disabled, logger.propagate)
            for name, logger in [("", logging.root), *logging.root.manager.loggerDict.items()]
            if isinstance(logger, logging.Logger)
            and (logger.level or logger.handlers or logger.disabled or not logger.propagate)
        },
        "logging": (logging.raiseExceptions, logging.root.manager.disable),
        "longest cell": csv.field_size_limit(),
        "pixels": PIL.Image.MAX_IMAGE_PIXELS,
        "threads an AVIF": PIL.AvifImagePlugin.DEFAULT_MAX_THREADS,
        "sockets": (socket.has_ipv6, socket.getdefaulttimeout(), socket.socket),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook, sys.displayhook),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "faults": faulthandler.is_enabled(),
        "locale": locale.setlocale(locale.LC_ALL),
        "start of processes": multiprocessing.get_start_method(allow_none=True),
        "at the end": atexit._ncallbacks(),
        "limits": (sys.getrecursionlimit(), sys.get_int_max_str_digits(), sys.getswitchinterval()),
        "collector": (gc.isenabled(), gc.get_threshold()),
        "threads": threading.active_count(),
        "floats": numpy.geterr(),
    }
"""

_IMPORT_ALL = """
for package in {packages}:
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith(("__main__", ".process")):
            importlib.import_module(found.name)
"""

_COMPARE = """
after = snapshot()
for name in before:
    if before[name] != after[name]:
        raise SystemExit(f"{name}: {before[name]} became {after[name]}")
"""


def imported_by(code: str) -> set[str]:
    """Return the modules outside the package that a fresh interpreter holds after running code."""
    listing = "import sys as s; s.stderr.write(' '.join(s.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\n{listing}"], capture_output=True, check=True, text=True
    )
    return {name for name in ran.stderr.split() if not name.startswith(("tagger", "__"))}


def test_importing_any_module_changes_nothing_for_the_process() -> None:
    importing = "import tagger" + _IMPORT_ALL.format(packages="[tagger]")
    others = imported_by("import importlib, pkgutil\n" + importing)
    first = "".join(
        f"try: importlib.import_module({name!r})\nexcept ImportError: pass\n"
        for name in sorted(others)
    )

    done = subprocess.run(
        [sys.executable, "-c", f"{_SNAPSHOT}\n{first}before = snapshot()\n{importing}{_COMPARE}"],
        env={**os.environ, "ORT_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("before", [None, "0"])
def test_the_runtime_is_imported_in_an_environment_of_its_own(before: str | None) -> None:
    name = "ORT_DISABLE_TELEMETRY"
    changed = f"os.environ[{name!r}] = {before!r}" if before else f"os.environ.pop({name!r}, None)"
    code = f"import os; {changed}; import tagger.network.ort; print(os.environ.get({name!r}))"

    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    ).stdout

    assert told == f"{before}\n"


def test_a_change_by_an_import_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "changing.py").write_text("import os\nos.environ['CHANGED'] = 'yes'\n")

    done = subprocess.run(
        [sys.executable, "-c", f"{_SNAPSHOT}\nbefore = snapshot()\nimport changing{_COMPARE}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("environment: ")


@pytest.mark.train
def test_importing_training_puts_back_what_tensorflow_is_to_see() -> None:
    pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")
    names = (
        "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND", "ORT_DISABLE_TELEMETRY",
    )  # fmt: skip
    code = (
        "import os, socket, tagger_training.train, tagger_export.export\n"
        f"print(socket.has_ipv6, [os.environ.get(name) for name in {names}])"
    )
    environment = {name: value for name, value in os.environ.items() if name not in names}

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )

    assert done.stdout == f"{socket.has_ipv6} {[None] * len(names)}\n", done.stderr
