"""Compares two trees of this repository: the same images and options must give the same bytes.

``python tests/same_bytes.py OLD_TREE IMAGES [--count 500]`` runs some forty sets of options
(``same_bytes_sets.py``) with the package in OLD_TREE and with the one of this tree, each in fresh
processes, in the same folder, with a state folder of its own, over a library that is laid out from
the first COUNT images of a folder (``same_bytes_library.py``): other formats, films' folders,
hostile names, broken images, sidecars of other programs. Some sets take all images, most an eighth
or a third of them. OLD_TREE is a folder with ``tagger/`` in it, such as ``git worktree add`` makes.

After every step of a set these must be equal: the exit code, what came on stdout, the names, modes
and bytes of all files below the folder and the state folder, and whether a file kept its time of
change. Before that, what may differ from run to run is replaced:

- dates and times of ISO 8601 in text (``.xmp``, ``.json``, ``.nfo``, stdout); run both on one day:
  inside images and Parquet they are compared as they are;
- versions of this package in text, as ``poster-tagger 0.1.0``; the tree's own path on stdout;
- in summaries, ``seconds`` and ``images_per_second``;
- in manifests (``.run.json``) the run's name, its times, its processes' tokens and the versions;
  what is left is compared as JSON;
- in journals (``.run.journal``) the run's name, the times of files and the checksums. Where a run
  is killed, the journal is not compared: how far it came is chance.

Messages on stderr are not compared, unless ``--messages`` asks for it. A line is printed for each
set; the exit code is 1 where anything differs. ``--keep DIR`` leaves the folders of sets that
differ there, of both trees.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from same_bytes_library import WRITTEN, draw_library
from same_bytes_sets import SETS, Killed, OptionSet, run_killed

_HERE = Path(__file__).resolve().parent.parent

#: What a step that is no command is called.
_DEED = "then"

#: How many images a set takes at least.
_FEWEST = 20

_DATE = re.compile(rb"20\d\d-\d\d-\d\d(T\d\d:\d\d:\d\d([.]\d+)?(Z|[+-]\d\d:\d\d)?)?")
_VERSION = re.compile(rb"poster-tagger[ /]\d[\w.]*")
_SECONDS = re.compile(rb'"(seconds|images_per_second)": [\d.]+')

#: What a journal consists of: see tagger/runs/journal.py.
_JOURNAL_HEAD = 17 + 17
_ENTRY = np.dtype(
    [("key", "S16"), ("size", "<i8"), ("time", "<i8"), ("length", "<u4"), ("crc", "<u4"),
     ("rows", "<u4"), ("flags", "<u4"), ("check", "<u4")]
)  # fmt: skip


@dataclass(frozen=True)
class After:
    """What is there after a step of a set.

    Attributes:
        step: for people.
        code: the exit code; 0 for what is no command.
        stdout: what came there.
        stderr: what was said.
        files: name → digest of what is compared of a file.
    """

    step: str
    code: int
    stdout: bytes
    stderr: bytes
    files: dict[str, str]


class Runner:
    """Runs a set with either tree.

    Args:
        folder: an empty one, to work in.
        library: what is tagged; a copy of it is.
    """

    def __init__(self, folder: Path, library: Path) -> None:
        self._folder = folder
        self._library = library

    def states(self, tree: Path, options: OptionSet) -> Iterator[After]:
        """Run a set in ``folder``; yield what is there after each of its steps."""
        work = self._folder / "work"
        shutil.copytree(self._library, work / "p")
        killed = any(isinstance(step, Killed) for step in options.steps)
        for step in options.steps:
            code, stdout, stderr = 0, b"", b""
            if isinstance(step, str):
                code, stdout, stderr = self._run(tree, step)
            elif isinstance(step, Killed):
                run_killed(step, _command(step.command), work, self._environment(tree))
                continue
            else:
                step(work)
            name = step if isinstance(step, str) else _DEED
            yield After(name, code, stdout, stderr, self._files(journals=not killed))

    def _run(self, tree: Path, line: str) -> tuple[int, bytes, bytes]:
        done = subprocess.run(
            _command(line),
            cwd=self._folder / "work",
            env=self._environment(tree),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return done.returncode, as_text(done.stdout.replace(bytes(tree), b"TREE")), done.stderr

    def _environment(self, tree: Path) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(tree),
            "XDG_STATE_HOME": str(self._folder / "state"),
            "XDG_CONFIG_HOME": str(self._folder / "configuration"),
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
        }

    def _files(self, *, journals: bool) -> dict[str, str]:
        return {
            str(file.relative_to(self._folder)): _digest(file)
            for file in sorted(self._folder.rglob("*"), key=os.fsencode)
            if file.is_file() and (journals or file.suffix != ".journal")
        }


def _command(line: str) -> list[str]:
    arguments = shlex.split(line)
    device = ["--device", "cpu"] if arguments[0] == "tag" else []
    return [sys.executable, "-m", "tagger", *arguments, *device]


def _digest(file: Path) -> str:
    status = file.stat()
    time = "same time" if status.st_mtime == WRITTEN else "new time"
    content = hashlib.sha256(as_compared(file.name, file.read_bytes())).hexdigest()
    return f"{status.st_mode:o} {time} {content}"


def as_compared(name: str, data: bytes) -> bytes:
    """Return a file's content without what may differ from run to run."""
    if name.endswith(".run.journal"):
        entries = np.frombuffer(data[_JOURNAL_HEAD:], dtype=_ENTRY).copy()
        entries["time"], entries["check"] = entries["time"] >= 0, 0
        return data[:17] + entries.tobytes()
    if name.endswith(".run.json"):
        return json.dumps(_manifest(json.loads(data)), sort_keys=True).encode()
    if name.endswith((".xmp", ".json", ".nfo", ".xmp.bak", ".nfo.bak")):
        return as_text(data)
    return data


def as_text(data: bytes) -> bytes:
    """Return text without what may differ from run to run."""
    for pattern, replacement in (
        (_DATE, b"DATE"),
        (_VERSION, b"poster-tagger VERSION"),
        (_SECONDS, rb'"\1": 0'),
    ):
        data = pattern.sub(replacement, data)
    return data


def _manifest(data: dict[str, object] | None) -> dict[str, object] | None:
    if data is None:
        return None
    for key in ("run", "started", "ended"):
        data[key] = data[key] is not None
    for key in ("resumed", "processes"):
        data[key] = len(list(data[key]))
    return {**data, "versions": None, "former": _manifest(data["former"])}


def differences(old: list[After], new: list[After], *, messages: bool) -> Iterator[str]:
    """Yield what differs, a line each."""
    for before, after in zip(old, new, strict=True):
        where = f"after '{before.step}'"
        if before.code != after.code:
            yield f"{where}: exit code {before.code} became {after.code}: {after.stderr[-300:]!r}"
        if before.stdout != after.stdout:
            yield f"{where}: stdout differs: {_first_difference(before.stdout, after.stdout)}"
        if messages and before.stderr != after.stderr:
            yield f"{where}: stderr differs: {_first_difference(before.stderr, after.stderr)}"
        for name in sorted({*before.files, *after.files}, key=os.fsencode):
            then, now = before.files.get(name), after.files.get(name)
            if then != now:
                yield f"{where}: {name!r}: {then} became {now}"


def _first_difference(old: bytes, new: bytes) -> str:
    for then, now in zip(old.split(b"\n"), new.split(b"\n"), strict=False):
        if then != now:
            return f"{then[:200]!r} became {now[:200]!r}"
    return f"{len(old)} bytes became {len(new)}"


@dataclass(frozen=True)
class Comparison:
    """Compares sets.

    Attributes:
        old: the other tree.
        libraries: share of the images → library.
        scratch: a folder to work in.
        messages: whether stderr counts.
        keep: where the folders of sets that differ are left; None for nowhere.
    """

    old: Path
    libraries: dict[float, Path]
    scratch: Path
    messages: bool
    keep: Path | None

    def run(self, options: OptionSet) -> tuple[OptionSet, list[int], list[str]]:
        """Run a set with both trees; return the old one's exit codes, and what differs."""
        found: list[list[After]] = []
        name = re.sub(r"\W+", "-", options.name)
        folder = self.scratch / name
        for tree in (self.old, _HERE):
            folder.mkdir()
            found.append(list(Runner(folder, self.libraries[options.share]).states(tree, options)))
            folder.rename(f"{folder}.{len(found)}")
        problems = list(differences(*found, messages=self.messages))
        for number, tree in ((1, "old"), (2, "new")):
            if problems and self.keep is not None:
                shutil.copytree(f"{folder}.{number}", self.keep / name / tree, symlinks=True)
            shutil.rmtree(f"{folder}.{number}")
        return options, [state.code for state in found[0] if state.step != _DEED], problems


def _libraries(posters: list[Path], shares: set[float], folder: Path) -> dict[float, Path]:
    """Lay out a library for each share of the images."""
    made = {}
    for share in shares:
        count = max(_FEWEST, math.ceil(len(posters) * share))
        made[share] = folder / f"library.{share}"
        draw_library(posters[:count], made[share])
    return made


def _imported_from(tree: Path) -> str:
    """Return where a process of a tree finds the package."""
    code = "import tagger, os; print(os.path.dirname(os.path.dirname(tagger.__file__)))"
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd="/", capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def main() -> int:
    """Compare; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", type=Path, metavar="OLD_TREE")
    parser.add_argument("images", type=Path, metavar="IMAGES", help="a folder of JPEG images")
    parser.add_argument("--count", type=int, default=500, help="of the images; 500 by default")
    parser.add_argument("--only", default="", help="sets whose name holds this")
    parser.add_argument("--messages", action="store_true", help="compare stderr, too")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--jobs", type=int, default=2, help="sets at a time; 2 by default")
    wanted = parser.parse_args()
    old = wanted.old.resolve()
    for tree in (old, _HERE):
        if _imported_from(tree) != str(tree):
            parser.error(f"there is no package 'tagger' in {tree}")
    posters = sorted(wanted.images.glob("*.jpg"))[: wanted.count]
    if len(posters) < _FEWEST:
        parser.error(f"at least {_FEWEST} .jpg files are needed in {wanted.images}")
    sets = [options for options in SETS if wanted.only in options.name]
    failed = 0
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(wanted.jobs) as pool:
        libraries = _libraries(posters, {options.share for options in sets}, Path(scratch))
        comparison = Comparison(old, libraries, Path(scratch), wanted.messages, wanted.keep)
        for options, codes, problems in pool.map(comparison.run, sets):
            failed += bool(problems)
            verdict = f"{len(problems)} differences" if problems else "the same"
            print(f"{options.name} (exit codes {codes}): {verdict}", flush=True)
            for problem in problems[:10]:
                print(f"    {problem}", flush=True)
    print(f"{len(sets)} sets, {failed} of them differ.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
