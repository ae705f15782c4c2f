"""The files for containers, as far as they go without an engine; `make offline-check` runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from commands import TREE
from container_steps import here, instructions, sections, steps

DOCKERFILE = TREE / "packaging/Dockerfile"
DEFINITION = TREE / "packaging/tagger.def"
HADOLINT = Path(sys.prefix) / "formats/bin/hadolint"

#: Of Apptainer's documentation; a section that it does not know ends its build.
SECTIONS = {
    "arguments", "files", "post", "test", "runscript", "environment", "labels", "help", "setup",
    "startscript", "pre",
}  # fmt: skip


def hadolint(dockerfile: str) -> str:
    done = subprocess.run(
        [HADOLINT, "--no-color", "-"], input=dockerfile, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(
    not HADOLINT.is_file() and not os.environ.get("TAGGER_TEST_READERS"),
    reason="hadolint is not installed beside the others",
)
def test_hadolint_finds_nothing() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")

    assert hadolint(text) == ""
    assert "DL3042" in hadolint(text.replace("--no-cache-dir ", ""))


def test_the_definition_has_sections_that_apptainer_knows() -> None:
    made = sections(DEFINITION.read_text(encoding="utf-8"))

    assert set(made) == {"header", "arguments", "files", "post", "test", "runscript"}
    assert set(made) - {"header"} <= SECTIONS
    assert [line.split(":")[0] for line in made["header"]] == ["Bootstrap", "From"]
    assert made["files"] == ["wheelhouse /wheelhouse"]
    assert made["runscript"] == ['exec tagger "$@"']


def test_both_begin_with_the_same_python_which_is_a_supported_one() -> None:
    made = sections(DEFINITION.read_text(encoding="utf-8"))
    first, second, *_ = instructions(DOCKERFILE.read_text(encoding="utf-8"))
    project = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert made["arguments"] == [first[1]]
    assert made["header"][1] == f"From: {second[1].replace('${PYTHON}', '{{ PYTHON }}')}"
    version = first[1].removeprefix("PYTHON=")
    assert f"Programming Language :: Python :: {version}" in project["classifiers"]


def test_both_install_as_make_says() -> None:
    make = ["make", "-n", "--no-print-directory", "wheelhouse", "EXTRAS=cuda"]
    said = subprocess.run(make, cwd=TREE, capture_output=True, text=True, check=True).stdout
    (line,) = re.findall(r"pip install --no-index .*'", said)
    expected = line.replace("install ", "install --no-cache-dir ").replace(
        "links wheelhouse", "links /wheelhouse"
    )

    assert [step for step in steps(DOCKERFILE) if step.startswith("pip")] == [expected]
    assert [step for step in steps(DEFINITION) if step.startswith("pip")] == [expected]


def test_what_is_not_run_without_an_engine_is_the_user() -> None:
    left = [
        step for file in (DOCKERFILE, DEFINITION) for step in steps(file) if not here(step, "w")
    ]

    assert left == ["useradd --create-home --uid 1000 tagger"]


def test_the_engine_is_sent_the_wheelhouse_alone() -> None:
    ignored = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text(encoding="utf-8")

    assert [line for line in ignored.splitlines() if not line.startswith("#")] == [
        "*",
        "!wheelhouse",
    ]
