"""Make the pictures of the documentation: ``python docs/write_recording.py``.

The command on terminals of 80 and 120 columns, as SVG: colours are those of the terminal, fonts
those of the reader, nothing is fetched. Runs take place in a folder of the samples, one of them
damaged. And the gallery over the samples, light and dark, as Chromium shows it.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
IMAGES = Path(__file__).parent / "images"
WIDTHS = (80, 120)
_COPIES = 150


@dataclass(frozen=True)
class Recording:
    """Commands that are shown one after another.

    Attributes:
        name: the beginning of the picture's name.
        commands: lines, as they are typed.
        in_the_middle: whether the last one is shown while it is at work, too.
    """

    name: str
    commands: tuple[str, ...]
    in_the_middle: bool = False


RECORDINGS = (
    Recording("terminal", ("tagger tag samples",)),
    Recording("terminal-help", ("tagger -h", "tagger tag -h")),
    Recording("terminal-run", ("tagger tag posters -o tags.csv",), in_the_middle=True),
    Recording(
        "terminal-errors",
        (
            "tagger posters",
            "tagger tag posters --outpt tags.csv",
            "tagger tag postres -o tags.csv",
            "tagger tag posters/broken.jpg samples/the-red-moon.jpg",
            "tagger tag posters --model runs/mine",
            "tagger tag samples --threshold Horor=0.5",
        ),
    ),
)


def picture(recording: Recording, columns: int, folder: Path) -> str:
    """Return the picture of a terminal on which the commands ran, in a folder of posters."""
    terminal = _from_tests("terminal")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(width=columns, record=True, file=nowhere, force_terminal=True)
        for line in recording.commands:
            arguments = line.removeprefix("tagger ").split()
            shown = terminal.on_terminal(*arguments, columns=columns, rows=24, cwd=folder)
            console.print(Text(f"$ {line}", style="bold"))
            _print(console, shown, in_the_middle=recording.in_the_middle)
        console.print()  # the picture ends in the middle of its last line
        svg = console.export_svg(title="tagger", unique_id=recording.name)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def _from_tests(name: str) -> Any:
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


def _print(console: Console, shown: Any, *, in_the_middle: bool) -> None:
    text = shown.text.replace("\r\n", "\n")
    if in_the_middle:
        drawn = [part for part in text.split("\r\x1b[2K") if "Tagging" in part and "/s" in part]
        bar = drawn[len(drawn) * 3 // 5].split("\n")[0]
        console.print("\n".join(shown.screen[:2]), highlight=False)
        console.print(Text.from_ansi(bar))
        console.print("[dim]…and at its end:[/dim]")
        console.print("\n".join(shown.screen[2:]).rstrip(), highlight=False, markup=False)
    else:
        console.print(Text.from_ansi(text.rstrip("\n")))


def posters(folder: Path) -> None:
    """Fill a folder with the samples, and with many copies of them and a broken one."""
    for name in ("samples", "posters"):
        shutil.copytree(ROOT / "samples", folder / name, ignore=shutil.ignore_patterns("*.py"))
    files = [file for file in sorted((folder / "posters").rglob("*")) if file.is_file()]
    for number in range(_COPIES):
        file = files[number % len(files)]
        shutil.copy(file, file.with_stem(f"{file.stem}-{number}"))
    (folder / "posters" / "broken.jpg").write_text("a text of some length, not an image\n")
    (folder / "runs" / "mine").mkdir(parents=True)


def gallery(folder: Path) -> None:
    """Write pictures of the gallery, and of its large view, with all samples."""
    _from_tests("commands").run_tagger("tag", "samples", "-o", "gallery.html", cwd=folder)
    with _from_tests("browser").browser(folder) as page:
        page.resize(1280, 800)
        for scheme, ending in (("light", ""), ("dark", "-dark")):
            page.prefer(scheme)
            page.open(folder / "gallery.html")
            page.wait(
                "[...document.querySelectorAll('.cell img')].every(one => one.naturalWidth > 100)"
            )
            _as_jpeg(page.picture(folder / "page.png"), IMAGES / f"gallery{ending}.jpg")
            page.click(".cell:nth-child(6)")
            page.wait("document.querySelector('#view-bars .p')")
            _as_jpeg(page.picture(folder / "page.png"), IMAGES / f"gallery-view{ending}.jpg")


def _as_jpeg(png: Path, file: Path) -> None:
    with Image.open(png) as picture:
        picture.convert("RGB").save(file, quality=82, optimize=True, progressive=True)


def main() -> None:
    """Write all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        posters(Path(folder))
        gallery(Path(folder))
        for recording in RECORDINGS:
            for columns in WIDTHS:
                file = IMAGES / f"{recording.name}-{columns}.svg"
                file.write_text(picture(recording, columns, Path(folder)), encoding="utf-8")
                (Path(folder) / "tags.csv").unlink(missing_ok=True)
                for rest in Path(folder).glob("tags.csv.*"):
                    rest.unlink()


if __name__ == "__main__":
    main()
