"""Commands and formats that need an extra say so where it is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import Argument, command_line, environment
from test_imports import imports_of

from tagger.cli.faults import EXTRAS

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"

# Started by Python itself, before the command: nothing of the extras can be found.
_WITHOUT_EXTRA = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {
            "keras", "tensorflow", "sklearn", "tf2onnx", "onnx", "pyarrow", "xlsxwriter", "openpyxl"
        }:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        (("train", "--images", ".", "--labels", "labels.csv", "-o", "run"), "sklearn"),
        (("average", "one", "two", "-o", "run"), "sklearn"),
        (("export", "run", "-o", "model.onnx"), "keras"),
        (("evaluate", "--images", ".", "--labels", "labels.csv"), "sklearn"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_the_missing_extra_is_named(arguments: tuple[Argument, ...], package: str, tmp_path: Path):
    ran, here = run_without_extras(tmp_path, arguments)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == (
        f"tagger: 'tagger {arguments[0]}' needs the 'train' extra ({package} is not installed): "
        "pip install 'poster-tagger[train]'\n"
    )
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [("-o", "t.{0}"), ("-f", "{0}"), ("-f", "{0}", "-o", "t.csv")], ids=" ".join
)
@pytest.mark.parametrize(
    ("format", "package"), [("parquet", "pyarrow"), ("xlsx", "xlsxwriter")], ids=lambda name: name
)
def test_the_missing_extra_of_a_format_is_named(
    arguments: tuple[str, ...], format: str, package: str, tmp_path: Path
) -> None:
    asked = [argument.format(format) for argument in arguments]
    ran, here = run_without_extras(tmp_path, ("tag", SAMPLES, *asked))
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == (
        f"tagger: The format {format} needs the '{format}' extra ({package} is not installed): "
        f"pip install 'poster-tagger[{format}]'\n"
    )
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("format", "start", "package"),
    [("parquet", b"PAR1", "pyarrow"), ("xlsx", b"PK\x03\x04", "openpyxl")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_missing_extra_of_a_table_to_be_read_is_named(
    format: str, start: bytes, package: str, tmp_path: Path
) -> None:
    (tmp_path / "table").write_bytes(start)
    ran, _ = run_without_extras(tmp_path, ("retag", "../table"))
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == (
        f"tagger: ../table needs the '{format}' extra ({package} is not installed): "
        f"pip install 'poster-tagger[{format}]'\n"
    )


def test_every_package_of_an_extra_is_known() -> None:
    """What the sources import, and the base installation lacks, belongs to an extra by name."""
    sources = [
        file
        for folder in ("tagger", "training", "export")
        for file in (ROOT / folder).rglob("*.py")
    ]
    imported = set().union(*(imports_of(file) for file in sources))
    ours = {"tagger", "tagger_training", "tagger_export"}
    others = imported - sys.stdlib_module_names - ours
    base = {"PIL", "filelock", "numpy", "onnxruntime", "platformdirs", "rich", "typer"}
    typing_alone = {"typing_extensions"}

    assert others - base - typing_alone <= EXTRAS.keys()


def test_other_formats_need_no_extra(tmp_path: Path) -> None:
    ran, here = run_without_extras(tmp_path, ("tag", SAMPLES, "-q", "-o", "t.tsv"))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert sorted(file.name for file in here.iterdir()) == [
        "t.tsv",
        "t.tsv.run.journal",
        "t.tsv.run.json",
    ]


def run_without_extras(
    tmp_path: Path, arguments: tuple[Argument, ...]
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run ``tagger ARGUMENTS`` where no extra is installed; return also the folder it ran in."""
    startup = tmp_path / "startup"
    startup.mkdir()
    (startup / "sitecustomize.py").write_text(_WITHOUT_EXTRA)
    here = tmp_path / "here"
    here.mkdir()
    ran = subprocess.run(
        command_line(*arguments),
        cwd=here,
        capture_output=True,
        text=True,
        env=environment(startup),
        check=False,
    )
    return ran, here
