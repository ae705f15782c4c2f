"""Option groups: a dataclass becomes parameters of a command, and a heading of its help."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Annotated, ClassVar

import pytest
import typer
from commands import Ran

from tagger.cli.app import app
from tagger.cli.command import Commands
from tagger.cli.options.groups import Only, OptionGroup, Without, spread

Run = Callable[..., Ran]


@dataclass(frozen=True, kw_only=True)
class Colours(OptionGroup):
    panel: ClassVar[str] = "Colours"

    ink: Annotated[str, typer.Option("--ink")]
    paper: Annotated[str, typer.Option("--paper")] = "white"
    frame: Annotated[str | None, typer.Option("--frame")] = None


def test_a_group_becomes_parameters_and_comes_back_as_one_value() -> None:
    got = []

    @spread
    def draw(shape: str, *, colours: Colours, size: int = 3) -> int:
        got.append((shape, colours, size))
        return 0

    names = {name: item.default for name, item in signature(draw).parameters.items()}
    empty = signature(draw).empty
    assert names == {"shape": empty, "ink": empty, "paper": "white", "frame": None, "size": 3}
    assert draw(shape="square", ink="red", paper="grey", frame=None, size=4) == 0
    assert got == [("square", Colours(ink="red", paper="grey"), 4)]


@pytest.mark.parametrize(
    ("part", "names"),
    [(Only("ink"), ["ink"]), (Without("frame"), ["ink", "paper"])],
    ids=["only", "without"],
)
def test_a_command_may_take_a_part_of_a_group(part: Only, names: list[str]) -> None:
    got = []

    def draw(*, colours: Colours) -> int:
        got.append(colours)
        return 0

    draw.__annotations__["colours"] = Annotated[Colours, part]
    spread_out = spread(draw)

    assert list(signature(spread_out).parameters) == names
    spread_out(**dict.fromkeys(names, "red"))
    assert got == [Colours(**dict.fromkeys(names, "red"))]


def test_help_has_a_heading_per_group(tagger: Run) -> None:
    said = tagger("tag", "--help").stdout.decode("utf-8")

    assert re.findall(r"^(\w.*):$", said, flags=re.MULTILINE) == [
        "Examples",
        "Arguments",
        "Choose images",
        "Table",
        "Sidecars and embedding",
        "Tags",
        "Network and speed",
        "Cluster",
        "Resume",
        "Output",
    ]


def test_an_option_that_commands_share_says_the_same_in_each() -> None:
    """Options of the same name under the same heading are declared once."""
    said: dict[tuple[str, str], set[str | None]] = {}
    group = typer.main.get_command(app)
    assert isinstance(group, Commands)
    context = typer.Context(group)
    for name in group.list_commands(context):
        for param in group.get_command(context, name).params:
            if param.param_type_name == "option" and param.rich_help_panel:
                key = param.rich_help_panel, param.opts[0]
                said.setdefault(key, set()).add(param.help)

    several = [key for key, texts in said.items() if len(texts) > 1]
    assert several == [("Sidecars and embedding", "--embed")]  # of untag: to be taken out
