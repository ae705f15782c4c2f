"""The documents say what the program does."""

import importlib
import re
import shlex
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
from commands import run_tagger
from readers import reader

from tagger import __version__
from tagger.cli.app import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def writing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the module that writes what comes from the application itself."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module("write_cli")


def test_the_command_line_page_is_what_help_prints(writing: Any) -> None:
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == writing.cli_page()


def test_the_page_of_mistakes_is_what_the_table_of_messages_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    page = importlib.import_module("write_mistakes").mistakes_page()

    assert (ROOT / "docs" / "mistakes.md").read_text(encoding="utf-8") == page
    assert page.count("\n$ tagger") >= 40


def test_the_wheelhouse_prints_the_line_that_installs_its_extras() -> None:
    for extras, name in {"cuda,ocr": "poster-tagger[cuda,ocr]", "": "poster-tagger"}.items():
        make = ["make", "-n", "--no-print-directory", "wheelhouse", f"EXTRAS={extras}"]
        said = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        line = f"pip install --no-index --find-links wheelhouse '{name}'"
        assert said.splitlines()[-1] == f'echo "{line}"'


def test_the_man_pages_are_those_of_the_commands(writing: Any) -> None:
    files = (ROOT / "docs" / "man").iterdir()
    assert {file.name: file.read_text(encoding="utf-8") for file in files} == writing.man_pages()


def test_the_man_pages_are_sound() -> None:
    lint = [reader("mandoc"), "-Tlint", "-Wwarning", *sorted((ROOT / "docs" / "man").iterdir())]
    said = subprocess.run(lint, capture_output=True, text=True, check=False).stdout
    assert [line for line in said.splitlines() if "cannot parse date" not in line] == []


def test_the_tests_that_pages_name_are_there() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    named = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", text)

    assert len(named) > 40
    for file, test in named:
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in source, f"{file}::{test}"


def test_readme_shows_what_the_demo_prints() -> None:
    ran = run_tagger("tag", "samples", "--format", "csv", "--layout", "list", cwd=ROOT)
    assert ran.code == 0
    assert ran.stdout.decode("utf-8") in README


def test_readme_shows_a_row_with_its_probabilities() -> None:
    header, row = re.findall(r"^(?:path,tags,error|samples/).*(?=…$)", README, re.MULTILINE)
    ran = run_tagger("tag", row.split(",")[0], "--format", "csv", cwd=ROOT)

    said = ran.stdout.decode("utf-8").splitlines()
    assert (said[0][: len(header)], said[1][: len(row)]) == (header, row)


PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and others make them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_the_documents_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]*)(?:#([^):]*))?\)", page.read_text(encoding="utf-8"))
    for target, anchor in links:
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


def test_the_page_on_testing_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    missing = [
        name
        for name in set(re.findall(r"test_\w+\.py", page))
        if not list((ROOT / "tests").rglob(name))
    ]
    assert missing == []


def test_the_examples_of_help_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their options exist and take these values; pages with the same commands run them."""
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    lines = [
        re.split(r" +#|  +| >", line)[0]
        for line in re.findall(r"^  (tagger .+)", page, re.MULTILINE)
    ]
    root = typer.main.get_command(app)

    for line in lines:
        _, name, *arguments = shlex.split(line)
        command = root.get_command(root.make_context("tagger", [name]), name)
        command.make_context(name, arguments)

    assert len(lines) > 60


def test_the_version_is_that_of_the_last_entry_of_the_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased, first, *_ = re.findall(
        r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.MULTILINE
    )

    assert unreleased == ("Unreleased", "")
    assert first[0] == __version__
    assert date.fromisoformat(first[1])
