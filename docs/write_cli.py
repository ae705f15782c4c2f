"""Write docs/cli.md from the application itself: ``python docs/write_cli.py``."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

import typer.main

from tagger.cli.app import app, run
from tagger.cli.command import Commands

PAGE = Path(__file__).parent / "cli.md"

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
