"""Write docs/cli.md and the man pages from the application: ``python docs/write_cli.py``."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

import typer
import typer.main
from write_man import man_page

from tagger.cli.app import app, run
from tagger.cli.command import Commands
from tagger.cli.help import Help

PAGE = Path(__file__).parent / "cli.md"
MAN = Path(__file__).parent / "man"

_WIDTH = "100"


def cli_page() -> str:
    """Return the page: every command's ``--help``, word for word."""
    group = typer.main.get_command(app)
    assert isinstance(group, Commands)
    parts = ["# The command line\n\nWritten by `python docs/write_cli.py`; a test holds it true.\n"]
    for words in [(), *((name,) for name in group.commands)]:
        heading = " ".join(("tagger", *words))
        parts.append(f"## {heading}\n\n```text\n{_help(words)}\n```\n")
    return "\n".join(parts)


def man_pages() -> dict[str, str]:
    """Return the man pages by the names of their files."""
    group = typer.main.get_command(app)
    assert isinstance(group, Commands)
    context = typer.Context(group, info_name="tagger")
    pages: dict[tuple[str, ...], Help] = {("tagger",): group.help_page(context)}
    for name in group.commands:
        command = group.get_command(context, name)
        of_command = typer.Context(command, parent=context, info_name=name)
        pages["tagger", name] = command.help_page(of_command, brief=False)
    names = ["-".join(words) for words in pages]
    return {
        f"{'-'.join(words)}.1": man_page(
            words, page, [name for name in names if name != "-".join(words)]
        )
        for words, page in pages.items()
    }


def _help(words: tuple[str, ...]) -> str:
    printed = io.StringIO()
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = _WIDTH
    try:
        with contextlib.redirect_stdout(printed):
            code = run([*words, "--help"])
    finally:
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
    if code != 0:
        raise RuntimeError(f"{words}: --help ended with {code}")
    return "\n".join(line.rstrip() for line in printed.getvalue().strip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(cli_page(), encoding="utf-8")
    MAN.mkdir(exist_ok=True)
    for file in MAN.glob("*.1"):
        file.unlink()
    for name, text in man_pages().items():
        (MAN / name).write_text(text, encoding="utf-8")
