"""Write docs/cli.md from the application itself: ``python docs/write_cli.py``."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from tagger.cli.app import app, run

PAGE = Path(__file__).parent / "cli.md"

_WIDTH = "100"


def cli_page() -> str:
    """Return the page: every command's ``--help``, word for word."""
    parts = ["# The command line\n\nWritten by `python docs/write_cli.py`; a test holds it true.\n"]
    for words in _commands(typer.main.get_command(app)):
        heading = " ".join(("tagger", *words))
        parts.append(f"## {heading}\n\n```text\n{_help(words)}\n```\n")
    return "\n".join(parts)


def _commands(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of a command, and of all below it, in the order in which help lists them."""
    yield words
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from _commands(child, *words, name)


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
