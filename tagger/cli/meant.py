"""What was meant by a command or an option that does not exist."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from difflib import get_close_matches

from tagger.text import printable

_MOST_SUGGESTIONS = 3

# Names that other programs have for ours.
_COMMANDS = {
    "predict": "tag", "classify": "tag", "label": "tag", "run": "tag", "scan": "tag",
    "correct": "apply", "write": "apply", "undo": "untag", "remove": "untag", "delete": "untag",
    "html": "gallery", "view": "gallery", "show": "gallery", "fit": "train", "learn": "train",
    "convert": "export", "test": "evaluate", "validate": "evaluate", "check": "doctor",
    "benchmark": "bench", "model": "info", "models": "info", "completions": "completion",
}  # fmt: skip
_OPTIONS = {
    "--gpu": "--device cuda", "--cuda": "--device cuda", "--cpu": "--device cpu",
    "--csv": "--format csv", "--json": "--format jsonl", "--xlsx": "--format xlsx",
    "--force": "--overwrite", "--jobs": "--workers", "--threads": "--workers",
    "--processes": "--decode processes", "--score": "--threshold", "--confidence": "--threshold",
    "--continue": "--resume", "--top": "--max-tags", "--top-k": "--max-tags", "--out": "--output",
    "--labels-only": "--layout list", "--xmp": "--sidecar xmp", "--txt": "--sidecar txt",
    "--nfo": "--sidecar nfo", "--silent": "--quiet", "--debug": "-vv", "--weights": "--model",
    "--skip-existing": "--skip-tagged", "--dryrun": "--dry-run", "--simulate": "--dry-run",
}  # fmt: skip
_PAGES = {"version": "--version", "help": "--help"}
_TABLES = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ".db", ".sqlite")


def command_meant(name: str, commands: Iterable[str]) -> str:
    """Return the message on a command that does not exist.

    Args:
        name: what stands where a command should.
        commands: those that exist.
    """
    if name == "help":
        return "'help' is not a command: run 'tagger --help', or 'tagger tag --help' for 'tag'."
    if name in _PAGES:
        return f"'{name}' is not a command: run 'tagger {_PAGES[name]}'."
    if other := _COMMANDS.get(name.lower()):
        return f"No such command '{name}': did you mean 'tagger {other}'?"
    if os.path.exists(name) or "/" in name or os.sep in name:
        return _path_meant(name)
    if alike := get_close_matches(name.lower(), list(commands), _MOST_SUGGESTIONS):
        return f"No such command '{printable(name)}': did you mean {_either(alike)}?"
    return f"No such command '{printable(name)}': 'tagger --help' lists all."


def _path_meant(path: str) -> str:
    shown = printable(shlex.quote(path))
    ending = os.path.splitext(path)[1].lower()
    if ending in _TABLES:
        way = f"'tagger gallery {shown} -o gallery.html' shows it, 'tagger --help' lists the rest"
    elif ending == ".onnx":
        way = f"'tagger info {shown}' describes the model"
    else:
        way = f"run 'tagger tag {shown}'"
    return f"{printable(path)} is not a command: {way}."


def option_meant(name: str, options: Iterable[str], command: str) -> str:
    """Return the message on an option that does not exist.

    Args:
        name: what was given: ``--outpt``.
        options: those of the command.
        command: ``tagger tag``.
    """
    known = list(options)
    shown = printable(name)
    other = _OPTIONS.get(name.lower(), "")
    if other.split(" ")[0] in known:
        return f"No such option: {shown}: did you mean {other}?"
    if alike := get_close_matches(name.lower(), known, _MOST_SUGGESTIONS, 0.7):
        return f"No such option: {shown}: did you mean {_either(alike, quote='')}?"
    return f"No such option: {shown}: '{command} --help' lists all."


def _either(names: list[str], *, quote: str = "'") -> str:
    *first, last = (f"{quote}{name}{quote}" for name in names)
    return f"{', '.join(first)} or {last}" if first else last
