"""What -h and --help show: usage, examples, then the options.

On a terminal they are drawn, with Rich: ``--help`` in panels, ``-h`` without their frames, so that
it fits a screen of 24 lines. In a file or a pipe they are plain text.
"""

from __future__ import annotations

import inspect
import io
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text
    from typer._click.formatting import HelpFormatter

#: Where a context's ``meta`` says that ``--help`` was given, and not ``-h``.
ALL_KEY = "tagger.help.all"
#: The panel of what a command prints, the last one.
OUTPUT = "Output"
#: The panel of a command's own options, which belong to no group.
OWN = "Options"
_ARGUMENTS = "Arguments"

#: Heading → rows of a name and what it means.
Panels = dict[str, list[tuple[str, str]]]

_WIDEST_NAME = 30
_MOST_COLUMNS = 100


@dataclass(frozen=True)
class Help:
    """A page of help.

    Attributes:
        usage: how the command is called.
        description: what it does.
        examples: command lines.
        panels: heading → rows of a name and what it means.
        ending: what is to be known besides.
        brief: it is to fit a screen.
    """

    usage: str
    description: str
    examples: str
    panels: Panels
    ending: str
    brief: bool = False


def help_text(command: Any, context: Any) -> str:
    """Return the help of a command, drawn for a terminal or plain."""
    page: Help = command.help_page(context, brief=not context.meta.get(ALL_KEY, True))
    return drawn(page) if is_drawn() else _plain(page, context)


def plain_help(context: Any) -> str:
    """Return the help of a context's command in plain text."""
    return _plain(context.command.help_page(context, brief=False), context)


def _plain(page: Help, context: Any) -> str:
    formatter = context.make_formatter()
    write_plain(page, formatter)
    return str(formatter.getvalue()).rstrip("\n")


def help_option(option: Any) -> Any:
    """Return the option of help with what its two names show."""
    option.opts = ["-h", "--help"]
    option.help = "Show the most used options (-h) or all (--help), and exit."
    option.rich_help_panel = OUTPUT
    return option


def usage(line: str) -> str:
    """Return Typer's line of usage in the usual spelling: ``[PATH]... TABLE``, not ``{TABLE}``."""
    line = re.sub(r"\{(\S+?)(\.\.\.)?\}", r"\1", line)
    return line.replace("[[", "[").replace("]]", "]")


def first_sentence(text: str | None) -> str:
    """Return what a list of commands says of one."""
    return inspect.cleandoc(text or "").split("\n\n", 1)[0].replace("\n", " ")


def option_panels(context: Any, params: Sequence[Any]) -> Panels:
    """Return arguments and options below their headings."""
    panels: Panels = {_ARGUMENTS: [], OWN: [], OUTPUT: []}
    for param in params:
        if record := param.get_help_record(context):
            name, meaning = record
            heading = param.rich_help_panel or OWN
            if param.param_type_name == "argument":
                name = (param.metavar or param.name.upper()).removesuffix("...")
                name, heading = f"{name}..." if param.nargs == -1 else name, _ARGUMENTS
            panels.setdefault(heading, []).append((name, meaning))
    return panels | {heading: panels.pop(heading) for heading in (OWN, OUTPUT)}


def brief_panels(context: Any, params: Sequence[Any], wanted: Sequence[str]) -> Panels:
    """Return the options that are wanted, each with its first clause.

    Args:
        context: of the command.
        params: its parameters.
        wanted: the options, by their long names, in the order in which they are shown; none means
            all, and the arguments.
    """
    if not wanted:
        return {
            heading: [(name, first_clause(text)) for name, text in rows if "--help" not in name]
            for heading, rows in option_panels(context, params).items()
        } | {"Help": [("--help", "Show all options, and what they mean.")]}
    by_name = {name: param for param in params for name in param.opts}
    records = [by_name[name].get_help_record(context) for name in wanted]
    rows = [(name, first_clause(text)) for name, text in records]
    return {"Most used options": [*rows, ("--help", "Show all options.")]}


def first_clause(text: str) -> str:
    """Return the beginning of a text, without what it lists and explains."""
    clause = re.split(r"(?<=[^.])[.;:](?= )| [(\[]", text, maxsplit=1)[0]
    return f"{clause.rstrip('.')}."


def short(examples: str, most: int = 3) -> str:
    """Return the first of a command's examples."""
    return "\n".join(examples.strip().splitlines()[:most])


def write_plain(page: Help, formatter: HelpFormatter) -> None:
    """Write a page as plain text."""
    formatter.write(f"{page.usage}\n")
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(inspect.cleandoc(page.description))
    if page.examples:
        with formatter.section("Examples"):
            for line in page.examples.strip().splitlines():
                formatter.write(f"  {line}".rstrip() + "\n")
    for heading, rows in page.panels.items():
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows)
    if page.ending:
        formatter.write_paragraph()
        formatter.write_text(inspect.cleandoc(page.ending))


def is_drawn() -> bool:
    """Return whether stdout is a terminal that shows panels."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return False
    if "0" in (os.environ.get("TTY_COMPATIBLE"), os.environ.get("TTY_INTERACTIVE")):
        return False
    return (sys.stdout.encoding or "").lower().startswith("utf")


def drawn(page: Help) -> str:
    """Return a page with panels and colours, as wide as the terminal."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    console = Console(file=io.StringIO(), force_terminal=True, highlight=False)
    if console.legacy_windows:
        console.legacy_windows = False
        console.no_color = True
    console.width = max(40, min(console.width, _MOST_COLUMNS))

    def section(heading: str, content: Text | Table) -> None:
        if page.brief:
            console.print(Text(f"{heading}:", style="bold"), Padding(content, (0, 0, 0, 2)))
        else:
            console.print(Panel(content, title=heading, title_align="left", border_style="dim"))

    console.print(_styled(page.usage, bold=True))
    around = (0, 0) if page.brief else (1, 1)
    console.print(Padding(Text(inspect.cleandoc(page.description)), around, expand=False))
    if page.examples:
        lines = Text("\n").join(_example(line) for line in page.examples.strip().splitlines())
        section("Examples", lines)
    names = [name for rows in page.panels.values() for name, _ in rows]
    widest = min(_WIDEST_NAME, console.width * 2 // 5, max(map(len, names), default=0))
    for heading, rows in page.panels.items():
        if not rows:
            continue
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(width=widest, overflow="fold")
        table.add_column(ratio=1)
        for name, meaning in rows:
            table.add_row(_styled(name), _meaning(meaning))
        section(heading, table)
    if page.ending:
        around = (0, 0) if page.brief else (0, 1)
        console.print(Padding(Text(" ".join(page.ending.split())), around, expand=False))
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return written.rstrip("\n")


def _styled(text: str, *, bold: bool = False) -> Text:
    from rich.text import Text

    styled = Text(text, style="bold" if bold else "")
    styled.highlight_regex(r"(?<![\w-])--?[a-zA-Z0][\w-]*", "bold cyan")
    styled.highlight_regex(r"(?<=\s)(<\S+>|[A-Z][A-Z|=,+x]*(\.\.\.)?)$", "yellow")
    return styled


def _example(line: str) -> Text:
    from rich.text import Text

    styled = Text(line)
    styled.highlight_regex(r"\s#.*|^#.*", "dim")
    styled.highlight_regex(r"(?<![\w-])--?[a-zA-Z0][\w-]*", "cyan")
    styled.highlight_regex(r"\btagger \w+", "bold")
    return styled


def _meaning(text: str) -> Text:
    from rich.text import Text

    styled = Text(re.sub(r"\s{2,}", " ", text))
    styled.highlight_regex(r"\[(default: .*|required|[\d.]+<=x<=[\d.]+)\]$", "dim")
    return styled
