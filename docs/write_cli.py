"""Write docs/cli.md from what the commands say of themselves: ``python docs/write_cli.py``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMANDS = (
    "",
    "tag",
    "retag",
    "apply",
    "untag",
    "train",
    "refit",
    "export",
    "evaluate",
    "info",
    "doctor",
    "bench",
)
PAGE = Path(__file__).parent / "cli.md"


def cli_page() -> str:
    """Return the page: every command's ``--help``, word for word."""
    parts = ["# The command line\n\nWritten by `python docs/write_cli.py`; a test holds it true.\n"]
    for command in COMMANDS:
        arguments = [*command.split(), "--help"]
        text = subprocess.run(
            [sys.executable, "-m", "tagger", *arguments],
            env={**os.environ, "COLUMNS": "100"},
            check=True,
            capture_output=True,
            text=True,
            encoding="utf-8",
        ).stdout
        text = "\n".join(line.rstrip() for line in text.strip().splitlines())
        parts.append(f"## {f'tagger {command}'.strip()}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(cli_page(), encoding="utf-8")
