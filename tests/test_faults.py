"""What should not happen: the exit code 70, one sentence, and what helps to find the reason."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import PATIENCE, Ran, environment, run_tagger
from pictures import save_picture

FAULT = 70

#: Started by Python before the command: the bundled model's card cannot be read for a reason that
#: nobody thought of, after native code has written to stderr.
_BUG = """
import os
import tagger.network.card

__name__ = "tagger.broken"

def broken(*arguments, **named):
    os.write(2, b"native words\\n")
    {breaks}

tagger.network.card.ModelCard.from_json = broken
"""


def run_broken(tmp_path: Path, breaks: str, *arguments: str, **variables: str) -> Ran:
    """Run ``tagger ARGUMENTS`` where reading a model's card does something unexpected."""
    startup = tmp_path / "startup"
    startup.mkdir()
    (startup / "sitecustomize.py").write_text(_BUG.format(breaks=breaks))
    here = tmp_path / "here"
    here.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "tagger", *arguments],
        cwd=here,
        capture_output=True,
        env={**environment(startup), **variables},
        timeout=PATIENCE,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr.decode("utf-8"))


SENTENCE = (
    "tagger: KeyError: 'a bug'. This is a bug in tagger: run again with TAGGER_DEBUG=1 to see "
    "where it happened, and please report it.\n"
)


def test_an_unexpected_exception_is_one_sentence(tmp_path: Path) -> None:
    ran = run_broken(tmp_path, "raise KeyError('a bug')", "info")

    assert ran == Ran(
        FAULT, b"", f"Earlier output of libraries on stderr:\n  native words\n{SENTENCE}"
    )


def test_silence_does_not_hide_it(tmp_path: Path) -> None:
    ran = run_broken(tmp_path, "raise KeyError('a bug')", "tag", "-q", "--device", "cpu", ".")

    assert (ran.code, ran.stdout) == (FAULT, b"")
    assert ran.stderr.endswith(SENTENCE)


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [(("info",), {"TAGGER_DEBUG": "1"}), (("info", "-v"), {})],
    ids=["variable", "verbose"],
)
def test_the_traceback_is_shown_to_who_asks(
    arguments: tuple[str, ...], variables: dict[str, str], tmp_path: Path
) -> None:
    ran = run_broken(tmp_path, "raise KeyError('a bug')", *arguments, **variables)

    assert (ran.code, ran.stdout) == (FAULT, b"")
    said = ran.stderr.splitlines()
    assert "Traceback (most recent call last):" in said
    assert "KeyError: 'a bug'" in said
    assert "native words" in ran.stderr
    assert said[-1] == "tagger: KeyError: 'a bug'. This is a bug in tagger: please report it."


def test_an_error_that_is_explained_shows_its_traceback_to_who_asks(folder: Path) -> None:
    environ = {**environment(), "TAGGER_DEBUG": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "tagger", "info", "nowhere.onnx"],
        cwd=folder,
        capture_output=True,
        env=environ,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert ran.returncode == 3
    said = ran.stderr.splitlines()
    assert said[0] == "Traceback (most recent call last):"
    assert said[-1] == "tagger: The model file nowhere.onnx does not exist."


def test_native_words_are_not_shown_where_an_error_is_explained(tmp_path: Path) -> None:
    breaks = "from tagger.errors import ModelError; raise ModelError('The card is bad.')"
    ran = run_broken(tmp_path, breaks, "info")

    assert (ran.code, ran.stdout, ran.stderr.count("\n")) == (3, b"", 1)
    assert ran.stderr.endswith("poster-genres.onnx: The card is bad.\n")


def test_many_native_words_neither_fill_the_memory_nor_block(tmp_path: Path) -> None:
    breaks = (
        "import contextlib\n    for _ in range(100000):\n        "
        "with contextlib.suppress(BlockingIOError): os.write(2, b'x' * 999 + b'\\n')\n"
        "    raise KeyError('a bug')"
    )
    ran = run_broken(tmp_path, breaks, "info")

    assert ran.code == FAULT
    assert ran.stderr.endswith(SENTENCE)
    assert ran.stderr.count("x" * 999) == 20


def test_a_crash_of_native_code_says_where(tmp_path: Path) -> None:
    ran = run_broken(tmp_path, "os.abort()", "info")

    assert ran.code < 0
    assert ran.stderr.startswith("Fatal Python error: Aborted\n")
    assert re.search(r'File ".*info\.py", line \d+ in info', ran.stderr)


def test_a_module_of_ours_that_cannot_be_imported_is_a_fault(tmp_path: Path) -> None:
    ran = run_broken(tmp_path, "import tagger.nothing", "info")

    assert ran.code == FAULT
    assert ran.stderr.endswith(
        "tagger: ModuleNotFoundError: No module named 'tagger.nothing'. This is a bug in tagger: "
        "run again with TAGGER_DEBUG=1 to see where it happened, and please report it.\n"
    )


BROKEN = "raise ImportError('DLL load failed: A routine failed.')\n"
CANNOT = (
    "The Python package 'onnxruntime' cannot be loaded (DLL load failed: A routine failed): "
    "install it again; on Windows it needs the Microsoft Visual C++ Redistributable, too."
)


@pytest.fixture
def broken_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an ONNX Runtime in the way that cannot be loaded."""
    package = tmp_path / "broken" / "onnxruntime"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(package.parent), *sys.path]))


def test_a_runtime_that_cannot_be_loaded_is_named(broken_runtime: None, folder: Path) -> None:
    save_picture(folder / "a.png")

    assert run_tagger("tag", "a.png", cwd=folder) == Ran(3, b"", f"tagger: {CANNOT}\n")


def test_doctor_goes_on_to_the_end_with_a_broken_runtime(
    broken_runtime: None, folder: Path
) -> None:
    ran = run_tagger("doctor", cwd=folder)

    assert (ran.code, ran.stderr) == (3, "")
    assert ran.stdout.decode("utf-8").splitlines()[-1] == f"problem: {CANNOT}"
