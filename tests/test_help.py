"""Help: what is shown where, on terminals of several widths and in pipes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import typer
from commands import Ran
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


@pytest.mark.parametrize("name", NAMES)
def test_short_help_fits_a_screen(tagger: Run, name: str) -> None:
    brief, whole = (tagger(name, option).stdout.decode("utf-8") for option in ("-h", "--help"))

    assert len(brief.splitlines()) <= 45
    assert len(brief) <= len(whole)
    shown = set(re.findall(r"--[a-z-]+", brief.partition("Most used options")[2]))
    assert shown <= set(re.findall(r"--[a-z-]+", whole))


def test_short_help_has_the_first_sentence_of_the_most_used_options(tagger: Run) -> None:
    said = tagger("tag", "-h").stdout.decode("utf-8")

    assert headings(said) == ["Examples", "Arguments", "Most used options"]
    assert re.search(r"^  -o, --output FILE +Write the table to FILE\.$", said, re.MULTILINE)
    assert said.endswith("--help                      Show all options.\n")
    assert "--gpu-mem-limit" not in said


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
    assert "\x1b[" in on_terminal("tag", "-h").text
    assert "\x1b[" not in re.sub(
        r"\x1b\[(0|1|2)?m", "", on_terminal("tag", "-h", NO_COLOR="1").text
    )
    assert "╭" not in on_terminal("tag", "-h", TERM="dumb").text
    assert "╭" not in on_terminal("tag", "-h", LC_ALL="C", PYTHONIOENCODING="ascii").text


def test_the_columns_that_are_offered_are_those_there_are() -> None:
    assert list(COLUMNS) == list(EXTRA_COLUMNS)
