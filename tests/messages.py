"""Reads ``messages.txt``: what the command says in which situation, in one place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_TEXT = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
_NAMED = dict(re.findall(r"^([a-z ]+) = (.+)$", _TEXT, flags=re.MULTILINE))


@dataclass(frozen=True)
class Example:
    """A command line and what comes of it.

    Attributes:
        command: the arguments, as a shell reads them.
        files: name → content of what lies in the folder; ``stdin`` is what comes there.
        code: the exit code.
        sentence: what is said; see ``messages.txt``.
    """

    command: str
    files: Mapping[str, bytes]
    code: int
    sentence: str

    def is_said(self, text: str, folder: Path) -> bool:
        """Say whether a text is the sentence, in a folder."""
        pattern = re.escape(self.sentence).replace("<any>", ".*")
        return re.fullmatch(pattern.replace(re.escape("{folder}"), str(folder)), text) is not None


def examples() -> Iterator[Example]:
    """Yield the examples."""
    for block in _TEXT.split("\n\n"):
        files, commands = {}, []
        for line in block.splitlines():
            if line.startswith("$ tagger"):
                commands.append(line.removeprefix("$ tagger").strip())
            elif commands:
                code, _, sentence = line.partition(" ")
                yield from (Example(command, files, int(code), sentence) for command in commands)
            elif found := re.fullmatch(r"([\w.]+): ?(.*)", line):
                files[found[1]] = found[2].encode().decode("unicode_escape").encode("latin-1")


def says(name: str, **parts: object) -> str:
    """Return a sentence with a name as the command prints it, with its parts put in."""
    return f"tagger: {_NAMED[name].format(**parts)}\n"
