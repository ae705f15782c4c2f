"""Write docs/mistakes.md from the messages that tests hold: ``python docs/write_mistakes.py``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).parent / "mistakes.md"

# What a person typed, as tests/messages.txt has it; its answers are held there.
_TYPICAL = (
    "help", "version", "p", "tags.csv", "words.onnx", "tga p", "predict p",
    "tag", "tag nowhere", "tag p --outpt t.csv", "tag p --gpu", "tag p --force", "tag p -f ods",
    "tag p --ignore gren", "tag p --threshold rde=0.5", "tag p -q --model m.onnx",
    "tag p -q --model p", "tag p -q --model best.keras", "tag p -q --model p/a.png",
    "tag p -q --model foreign.onnx", "tag p --files-from list", "tag p --precision 0.8",
)  # fmt: skip
_MOST = 60
_LONGEST = 70


def mistakes_page() -> str:
    """Return the page: what was typed, and what it is answered with."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        messages = importlib.import_module("messages")
    finally:
        sys.path.pop(0)
    shown: dict[str, Any] = {}
    for example in messages.examples():
        if example.code == 2 or example.command in _TYPICAL:
            plain = "<any>" not in example.sentence and "{folder}" not in example.sentence
            if plain and len(example.command) <= _LONGEST:
                shown.setdefault(example.command, example)
    first = [shown[command] for command in _TYPICAL if command in shown]
    rest = [example for example in shown.values() if example not in first]
    lines = [
        "# Mistakes, and what they are answered with",
        "",
        "Written by `python docs/write_mistakes.py` from the table that `test_messages.py` checks.",
        "In the folder are `p` with images, `tags.csv` and models that know red, green and blue.",
        "",
    ]
    for example in (first + rest)[:_MOST]:
        command = f"tagger {example.command}".rstrip()
        lines += ["```text", f"$ {command}", f"tagger: {example.sentence}", "```", ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(mistakes_page(), encoding="utf-8")
