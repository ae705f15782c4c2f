"""Record the command on a terminal of 80 columns as SVG: ``python docs/write_recording.py``.

Colours are those of the terminal, fonts those of the reader: nothing is fetched.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
IMAGE = Path(__file__).parent / "images" / "terminal.svg"
_COLUMNS = 80


def recording(*arguments: str) -> str:
    """Return the picture of a terminal on which the command ran."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        terminal = importlib.import_module("terminal")
    finally:
        sys.path.pop(0)
    shown = terminal.on_terminal(*arguments, columns=_COLUMNS, cwd=ROOT)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(width=_COLUMNS, record=True, file=nowhere, force_terminal=True)
        console.print(Text(f"$ tagger {' '.join(arguments)}", style="bold"))
        console.print(Text.from_ansi(shown.text.replace("\r\n", "\n")))
        svg = console.export_svg(title="tagger", unique_id="tagger")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    IMAGE.write_text(recording("tag", "samples"), encoding="utf-8")
