"""Help: what is shown where, on terminals of several widths and in pipes."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from commands import TREE, Ran
from terminal import on_terminal

from tagger.cli.app import app
from tagger.cli.command import Commands
from tagger.cli.completing import COLUMNS
from tagger.table.columns import EXTRA_COLUMNS

Run = Callable[..., Ran]

GROUP = typer.main.get_command(app)
assert isinstance(GROUP, Commands)
NAMES = list(GROUP.commands)


def headings(text: str) -> list[str]:
    return re.findall(r"^(\w.*):$", text, flags=re.MULTILINE)


def test_examples_come_first(tagger: Run) -> None:
    said = tagger("tag", "--help").stdout.decode("utf-8")

    assert headings(said)[0] == "Examples"
    assert "Examples:\n  tagger tag posters/ -o tags.csv\n" in said
    assert said.endswith("141 the reader closed the pipe.\n")


@pytest.mark.parametrize("name", ["", *NAMES])
def test_short_help_fits_a_screen_of_24_lines(tagger: Run, name: str) -> None:
    words = [name] if name else []
    brief = on_terminal(*words, "-h", columns=80, rows=24)
    whole = tagger(*words, "--help").stdout.decode("utf-8")

    lines = brief.plain.splitlines()
    assert (brief.code, max(map(len, lines)) <= 80) == (0, True)
    assert len(lines) <= 24
    shown = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+|[a-z]+)  ", brief.plain, re.MULTILINE))
    assert shown
    assert all(re.search(rf"(^|[ ,]){one}\b", whole, re.MULTILINE) for one in shown)


def test_short_help_has_the_first_clause_of_the_most_used_options(tagger: Run) -> None:
    said = tagger("tag", "-h").stdout.decode("utf-8")

    assert headings(said) == ["Examples", "Most used options"]
    assert re.search(r"^  -o, --output FILE +Write the table to FILE\.$", said, re.MULTILINE)
    assert said.endswith("--help                      Show all options.\n")
    assert "--gpu-mem-limit" not in said


def test_usage_is_spelled_as_everywhere(tagger: Run) -> None:
    usages = [tagger(name, "-h").stdout.decode("utf-8").splitlines()[0] for name in NAMES]

    assert not [line for line in usages if re.search(r"[{}]|\[\[|\]\]", line)]
    assert "Usage: tagger merge [OPTIONS] PART..." in usages
    assert "Usage: tagger info [OPTIONS] [MODEL]" in usages


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", ["", *NAMES])
def test_a_terminal_shows_panels_that_fit(name: str, columns: int) -> None:
    shown = on_terminal(*filter(None, [name]), "--help", columns=columns)

    lines = shown.plain.splitlines()
    assert shown.code == 0
    assert max(map(len, lines)) == min(columns, 100)
    for line in lines:
        if line.startswith("│"):
            assert (line[-1], len(line)) == ("│", min(columns, 100))
    assert any(re.match(r"╭─ \w", line) for line in lines)


def test_colours_are_left_out_where_they_are_not_wanted() -> None:
    assert "\x1b[" in on_terminal("tag", "--help").text
    assert "\x1b[" not in re.sub(
        r"\x1b\[(0|1|2)?m", "", on_terminal("tag", "--help", NO_COLOR="1").text
    )
    assert "╭" not in on_terminal("tag", "--help", TERM="dumb").text
    assert "╭" not in on_terminal("tag", "--help", LC_ALL="C", PYTHONIOENCODING="ascii").text


def test_the_columns_that_are_offered_are_those_there_are() -> None:
    assert list(COLUMNS) == list(EXTRA_COLUMNS)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_recorded_help_is_what_is_shown(
    columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(TREE / "docs")
    recorder = importlib.import_module("write_recording")
    (help_,) = [one for one in recorder.RECORDINGS if one.name == "terminal-help"]

    recorded = (TREE / f"docs/images/terminal-help-{columns}.svg").read_text(encoding="utf-8")
    assert recorder.picture(help_, columns, tmp_path) == recorded
