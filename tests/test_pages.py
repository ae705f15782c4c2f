"""Every command of README and the pages runs, in the order of its page, in a fresh folder."""

from __future__ import annotations

import csv
import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import TREE
from garments import draw_garments
from readers import reader
from shell import Shell

# Trainings, if tiny ones.
pytestmark = pytest.mark.slow

#: A line's beginning, as it stands on its page.
Start = str

INDEX = "installs from a package index"
INSTALLED = "takes what a wheelhouse installs, as `make offline-check` does"
GPU = "needs a GPU with CUDA; `make test-gpu` and `make bench-gpu` are for one"
CI = "`.ci/run` runs it"
CLUSTER = "needs a cluster"
SYSTEM = "for another system"
ENGINE = "needs a container engine"

#: What no test runs, and why.
NOT_RUN: dict[str, dict[Start, str]] = {
    "README.md": {
        "uv tool install": INDEX,
        "pipx install": INDEX,
        "python3 -m venv": INDEX,
        "py -m venv": SYSTEM,
        "make demo": CI,
        "make test": CI,
        "pip install --no-index": INSTALLED,
        "pip install '.[": INDEX,
        "tagger tag posters/ -o tags.csv --device cuda": GPU,
    },
    "CONTRIBUTING.md": {"make demo": CI, "make test": CI},
    "docs/offline.md": {
        "make wheelhouse": INDEX,
        "python3 -m venv": INSTALLED,
        "tagger-env/bin/pip": INSTALLED,
        "tagger-env/bin/tagger doctor": INSTALLED,
        "tagger-env/bin/tagger tag": GPU,
        "docker": ENGINE,
        "apptainer": ENGINE,
    },
    "docs/performance.md": {
        "python benchmarks/peers.py": "needs PyTorch, and a network of Keras of 33 MB",
        "pip install": INDEX,
        "make bench-gpu": GPU,
    },
    "docs/places.md": {"pip install": INDEX},
    "docs/scaling.md": {
        "sbatch": CLUSTER,
        "pip install": INDEX,
        "ray start": CLUSTER,
        "tagger tag /mnt/posters": CLUSTER,
    },
}

#: What tests of its own run, with more than it takes here.
ELSEWHERE: dict[str, dict[Start, str]] = {
    "README.md": {
        "tagger refit": "test_train_garments.py",
        "tagger train --images garments/": "test_train_garments.py",
        "tagger export runs/garments": "test_train_garments.py",
        "tagger tag garments/": "test_train_garments.py",
        "tagger train --images . --labels photos.csv": "test_labels.py",
        "tagger train --images posters/ --labels train.csv": "test_train_text.py",
        "tagger export runs/posters": "test_train_text.py",
        "tagger evaluate posters.onnx": "test_train_text.py",
        # Drawn images by the dozen teach the bundled network nothing, so no file is written.
        "tagger train --init bundled": "test_corrections.py",
        "tagger tag elsewhere/ --model better.onnx": "test_corrections.py",
    },
    "docs/formats.md": {"datasette": "test_sqlite.py", "tagger train": "test_labels.py"},
    "docs/models.md": {
        "tagger train": "test_train_run.py",
        "tagger export": "test_export.py",
        "tagger evaluate": "test_evaluate.py",
        "python benchmarks/precisions.py": "test_benchmarks.py",
    },
    "docs/performance.md": {
        "python benchmarks/engine.py": "test_benchmarks.py",
        "tagger bench": "test_bench.py",
    },
    "docs/places.md": {
        "tagger tag s3://": "test_stores.py",
        "tagger tag --files-from urls.txt": "test_stores.py",
    },
    "docs/python.md": {"python": "test_python_jobs.py"},
    "docs/scaling.md": {"#!/bin/bash": "test_merge.py"},
}

#: What a small machine and a few drawn images change in a line.
SMALLER = (
    (r"^(tagger train (?!.*--init)(?!.*--architecture).*)", r"\1 --architecture sequential"),
    (r"^(tagger train (?!.*--init)(?!.*--size).*)", r"\1 --size 32x32"),
    (r"^(tagger train (?!.*--init).*)", r"\1 --epochs 1"),
    (r"^(tagger export .*--precision int8.*)", r"\1 --max-loss 1"),
)


def commands(page: str) -> list[str]:
    """Return the commands of a page in order; lines that go on are joined, a script is one."""
    text = (TREE / page).read_text(encoding="utf-8")
    found = []
    for language, block in re.findall(
        r"^```(sh|console|bash|python)\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    ):
        if language == "python":
            found.append(f"python - <<'END'\n{block}END\n")
        elif block.startswith("#!"):
            found.append(block)
        else:
            lines = re.sub(r"\s*\\\n\s*", " ", block).splitlines()
            found += [re.sub(r"\s+#.*", "", line.removeprefix("$ ")) for line in lines if line]
    return found


def named(where: dict[str, dict[Start, str]], page: str, command: str) -> str | None:
    """Return what a list says of a command, if it has it."""
    starts = where.get(page, {})
    return next((said for start, said in starts.items() if command.startswith(start)), None)


def to_run(page: str) -> list[str]:
    return [
        line
        for line in [*PREPARED.get(page, []), *commands(page)]
        if not named(NOT_RUN, page, line) and not named(ELSEWHERE, page, line)
    ]


def smaller(command: str) -> str:
    for pattern, instead in SMALLER:
        command = re.sub(pattern, instead, command)
    return command


#: What a page takes for granted.
PREPARED = {
    "docs/formats.md": [f"tagger tag posters/ -o tags.{kind}" for kind in ("csv", "parquet")],
}

PAGES = tuple(
    page
    for page in ("README.md", "CONTRIBUTING.md", *(
        file.relative_to(TREE).as_posix() for file in sorted((TREE / "docs").rglob("*.md"))
    ))
    if commands(page)
)  # fmt: skip


def test_as_little_as_possible_is_not_run() -> None:
    for where in (NOT_RUN, ELSEWHERE):
        for page, starts in where.items():
            for start in starts:
                assert any(line.startswith(start) for line in commands(page)), f"{page}: {start}"
    counts = [
        sum(bool(named(where, page, line)) for page in PAGES for line in commands(page))
        for where in (NOT_RUN, ELSEWHERE)
    ]
    assert counts == [34, 29]
    assert sum(len(to_run(page)) for page in PAGES) >= 60


def test_what_other_tests_run_is_there() -> None:
    for starts in ELSEWHERE.values():
        assert all((TREE / "tests" / file).is_file() for file in starts.values())
    made = re.findall(r"\bmake [\w-]+", (TREE / ".ci/run").read_text(encoding="utf-8"))
    assert {"make demo", "make test", "make offline-check"} <= set(made)


NFO = "<movie>\n  <title>Heat</title>\n  <year>1995</year>\n</movie>\n"


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all that the pages speak of: posters, photos, archives, tables."""
    folder = tmp_path_factory.mktemp("stock")
    draw_garments(folder, 24)
    (folder / "images").rename(folder / "photos")
    posters = folder / "posters"
    shutil.copytree(folder / "photos", posters / "images")
    first, second, *_ = sorted((TREE / "samples").glob("*.jpg"))
    shutil.copy(first, folder / "heat.jpg")
    shutil.copy(second, posters / "heat.jpg")
    film = folder / "movies/Heat (1995)"
    film.mkdir(parents=True)
    for name in ("poster.jpg", "fanart.jpg"):
        shutil.copy(folder / "heat.jpg", film / name)
    (film / "movie.nfo").write_text(NFO)
    shutil.copytree(film, posters / film.name)
    shutil.copytree(film, folder / "elsewhere")
    for name in ("labels.csv", "test.csv"):  # no figure is looked at
        shutil.copy(folder / "garments.csv", folder / name)
    write_archives(folder)
    return folder


def write_archives(folder: Path) -> None:
    for name in ("films.zip", "comics.cbz", "downloads/more.zip"):
        (folder / name).parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.write(folder / "heat.jpg", "heat/poster.jpg")
    with tarfile.open(folder / "shard-0001.tar", "w") as shard:
        shard.add(folder / "heat.jpg", "0001.jpg")


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    with Shell({"python": PYTHON, "duckdb": DUCKDB}) as opened:
        yield opened


PYTHON = f'#!/bin/sh\nexec {sys.executable} "$@"\n'

#: DuckDB's own command, which the tests' package of it lacks.
DUCKDB = f"""\
#!{sys.executable}
import sys
import duckdb
assert sys.argv[1] == "-c"
duckdb.sql(sys.argv[2]).show()
"""


PROGRAMS = [page for page in PAGES if page.startswith("docs/programs/")]


@pytest.mark.parametrize("page", [page for page in PAGES if to_run(page) and page not in PROGRAMS])
def test_the_commands_of_a_page_work_one_after_the_other(
    page: str, stock: Path, shell: Shell, tmp_path: Path
) -> None:
    run_all(to_run(page), shell, Path(shutil.copytree(stock, tmp_path / "work")))


def test_the_commands_of_the_pages_of_programs_work(
    stock: Path, shell: Shell, tmp_path: Path
) -> None:
    """Several of them have the same, which are run once."""
    lines = [line for page in PROGRAMS for line in to_run(page)]
    assert len(PROGRAMS) == 13

    run_all(list(dict.fromkeys(lines)), shell, Path(shutil.copytree(stock, tmp_path / "work")))


def run_all(lines: list[str], shell: Shell, work: Path) -> None:
    for program in ("jq", "sqlite3"):
        if any(re.search(rf"\b{program} ", line) for line in lines):
            reader(program)
    for command in lines:
        if command == "tagger apply tags.csv":
            apply_as_a_person_does(shell, work)
            continue
        ran = shell.run(smaller(command), work)

        assert ran.code == 0, f"{command}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr, command


def apply_as_a_person_does(shell: Shell, work: Path) -> None:
    """Correct a table, look at what changes, agree; later commands find the table as it was."""
    table = work / "tags.csv"
    former = table.read_text(encoding="utf-8")
    first, tags = next((row["path"], row["tags"]) for row in csv.DictReader(former.splitlines()))
    table.write_text(former.replace(f"{first},{tags},", f"{first},Noir,"), encoding="utf-8")

    ran = shell.run("tagger apply tags.csv", work, answer="y")

    removed = " ".join(f"-{tag}" for tag in tags.split("|") if tag)
    assert ran.code == 0, ran.stderr
    assert f"{first}: +Noir {removed}\n" in ran.stdout.decode("utf-8")
    assert "[y/N]" in ran.stderr
    table.write_text(former, encoding="utf-8")
