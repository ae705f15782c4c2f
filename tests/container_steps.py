"""The steps of the files in ``packaging/``: ``python container_steps.py FILE WHEELHOUSE``.

Prints them as a shell script for an environment whose programs come first in PATH: that is as far
as they go without a container engine. CUDA's libraries are left out, which no machine of CI needs.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

#: What changes the system, which is the container's in an engine and somebody's here.
_OF_THE_SYSTEM = ("useradd",)


def sections(definition: str) -> dict[str, list[str]]:
    """Return the sections of an Apptainer definition by name, without comments and blank lines.

    What comes before the first section has the name ``header``.
    """
    found: dict[str, list[str]] = {"header": []}
    name = "header"
    for line in definition.splitlines():
        if line.startswith("%"):
            name = line[1:].strip()
            assert name not in found, f"%{name} comes twice"
            found[name] = []
        elif line.strip() and not line.lstrip().startswith("#"):
            found[name].append(line.strip())
    return found


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile and what follows them."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile, flags=re.MULTILINE)
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    pairs = [line.split(maxsplit=1) for line in lines if line.strip()]
    return [(name, rest) for name, rest in pairs]


def steps(file: Path) -> list[str]:
    """Return the commands by which a container is made, tested and started, in order."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".def":
        made = sections(text)
        return [*made["post"], *made["test"], *made["runscript"]]
    found, start = [], []
    for name, rest in instructions(text):
        if name == "RUN":
            found.append(re.sub(r"^(--mount=\S+\s+)+", "", rest))
        elif name == "ENV":
            found.append(f"export {rest}")
        elif name in ("ENTRYPOINT", "CMD"):
            start += json.loads(rest)
    return [*found, " ".join(start)]


def here(step: str, wheelhouse: str) -> str | None:
    """Return a step as it runs without an engine; None if it does not."""
    if step.startswith(_OF_THE_SYSTEM):
        return None
    return step.replace("/wheelhouse", f'"{wheelhouse}"').replace("[cuda]", "")


if __name__ == "__main__":
    file, wheelhouse = Path(sys.argv[1]), sys.argv[2]
    print("set -eu")
    for step in steps(file):
        run = here(step, wheelhouse)
        print(run if run is not None else f"echo {file.name}, not run without an engine: {step}")
