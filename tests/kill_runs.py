"""Kills runs of every kind at random, goes on with them, and compares with runs left in peace.

``python tests/kill_runs.py 200`` (or ``make kill``) does so 200 times and says what came of it; the
test suite does it a few times. The seed makes a campaign repeatable as far as time allows.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from forked import Forks, Outcome
from pictures import save_picture
from tiny_model import write_model

_COLOURS = ((204, 51, 153), (20, 230, 40), (250, 250, 5), (0, 0, 0), (90, 130, 170))
_HOSTILE = (
    b'comma, "name".png',
    b"two\nlines.png",
    b"=cmd.png",
    b"not utf-8 \xff.png",
    b"\xc3\xa9.png",
)

# A person's own words, which no run may lose.
_FOREIGN_XMP = """\
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
   <dc:subject><rdf:Bag><rdf:li>mine</rdf:li></rdf:Bag></dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""


Command: TypeAlias = tuple[str, ...]


def _tag(*options: str) -> Command:
    return ("tag", "p", *options)


def _shard(number: int, *options: str) -> Command:
    return _tag("-o", f"{number}.csv", "--shard", f"{number}/3", *options)


@dataclass(frozen=True)
class Scenario:
    """A run to be killed.

    Attributes:
        name: for messages.
        command: the arguments of the command.
        before: what comes before it: other commands, which nobody kills, and changes of the folder.
        after: a command that comes after it and that nobody kills.
        again: options that are added when the command is run once more.
        replaces: whether the run begins anew where there is the table of another one.
    """

    name: str
    command: Command
    before: tuple[Command | Callable[[Path], None], ...] = ()
    after: Command = ()
    again: Command = ("--resume",)
    replaces: bool = False


def _own_sidecars(folder: Path) -> None:
    for image in sorted((folder / "p").rglob("*.png"))[::3]:
        Path(f"{image}.xmp").write_text(_FOREIGN_XMP)
        Path(f"{image}.txt").write_text("mine\n")


def _news(folder: Path) -> None:
    """New images, changed ones, one that is gone, and one that can be read now."""
    save_picture(folder / "p/b/0 new.png", "red")
    save_picture(folder / "p/zz new.png", "blue")
    for name in ("p/a/001.png", "p/b/004.png"):
        (folder / name).unlink()
        save_picture(folder / name, "white", size=(20, 20))
    (folder / "p/a/003.png").unlink()
    (folder / "p/broken.png").unlink()
    save_picture(folder / "p/broken.png", "lime")


def _own_notes(folder: Path) -> None:
    """A person's table, view and index in a database."""
    with contextlib.closing(sqlite3.connect(folder / "t.db")) as database, database:
        database.execute("CREATE TABLE notes (image INTEGER REFERENCES images (id), note TEXT)")
        database.execute("INSERT INTO notes SELECT id, 'seen ' || path FROM images")
        database.execute("CREATE INDEX notes_by_note ON notes (note)")
        database.execute(
            "CREATE VIEW noted AS SELECT path, note FROM notes JOIN images ON id = image"
        )


_SIDECARS = ("--sidecar", "xmp", "--sidecar", "json", "--sidecar", "txt")
_AGAIN = ("--resume", "--update", "--retry-failed")
_MERGE = ("merge", "1.csv", "2.csv", "3.csv", "-o")
_SHARDS = (_shard(1), _shard(2), _shard(3))

SCENARIOS = (
    Scenario("csv", _tag("-o", "t.csv")),
    Scenario("csv by processes", _tag("-o", "t.csv", "--decode", "processes")),
    Scenario("tsv long", _tag("-o", "t.tsv", "--layout", "long", "--min-tags", "2")),
    Scenario("jsonl list", _tag("-o", "t.jsonl", "--layout", "list")),
    Scenario("excel", _tag("-o", "t.csv", "--excel", "--columns", "sha256,width,title")),
    Scenario("parquet", _tag("-o", "t.parquet")),
    Scenario("xlsx long", _tag("-o", "t.xlsx", "--layout", "long")),
    Scenario("sidecars", _tag(*_SIDECARS)),
    Scenario("sidecars of others", _tag("--sidecar", "xmp", "--backup"), (_own_sidecars,)),
    Scenario("shared names", _tag(*_SIDECARS, "--sidecar-name", "replace")),
    Scenario("mirrored", _tag(*_SIDECARS, "--sidecar-dir", "s", "--existing", "error")),
    Scenario(
        "overwritten", _tag(*_SIDECARS, "--existing", "overwrite", "--backup"), (_own_sidecars,)
    ),
    Scenario(
        "table and sidecars by processes",
        _tag("-o", "t.csv", *_SIDECARS, "--decode", "processes"),
        (_own_sidecars,),
    ),
    Scenario(
        "only the untagged",
        _tag("-o", "t.csv", "--sidecar", "xmp", "--skip-tagged"),
        (_own_sidecars,),
    ),
    Scenario("embedded", _tag("-o", "t.csv", "--embed", "--backup")),
    Scenario("csv again", _tag("-o", "t.csv", *_AGAIN), (_tag("-o", "t.csv"), _news)),
    Scenario(
        "long again",
        _tag("-o", "t.csv", "--layout", "long", *_AGAIN),
        (_tag("-o", "t.csv", "--layout", "long"), _news),
    ),
    Scenario("parquet again", _tag("-o", "t.parquet", *_AGAIN), (_tag("-o", "t.parquet"), _news)),
    Scenario("sidecars again", _tag(*_SIDECARS, *_AGAIN), (_tag(*_SIDECARS), _news)),
    Scenario(
        "anew",
        _tag("-o", "t.csv"),
        (_tag("-o", "t.csv", "--max-tags", "1"), _news),
        replaces=True,
    ),
    Scenario("database", _tag("-o", "t.db")),
    Scenario("database long", _tag("-o", "t.db", "--layout", "long", "--decode", "processes")),
    Scenario(
        "database again", _tag("-o", "t.db", *_AGAIN), (_tag("-o", "t.db"), _own_notes, _news)
    ),
    Scenario(
        "database anew",
        _tag("-o", "t.db"),
        (_tag("-o", "t.db", "--max-tags", "1"), _news),
        replaces=True,
    ),
    Scenario("shard, merged", _shard(2), (_shard(1), _shard(3)), after=(*_MERGE, "t.csv")),
    Scenario(
        "shard by processes again, merged",
        _shard(2, *_AGAIN, "--decode", "processes"),
        (*_SHARDS, _news, _shard(1, *_AGAIN), _shard(3, *_AGAIN)),
        after=(*_MERGE, "t.csv"),
    ),
    Scenario("merge", (*_MERGE, "t.csv"), _SHARDS, again=()),
    Scenario("merge to a database", (*_MERGE, "t.db"), _SHARDS, again=()),
    Scenario(
        "merge again",
        (*_MERGE, "t.csv"),
        (*_SHARDS, (*_MERGE, "t.csv"), _news, *(_shard(part, *_AGAIN) for part in (1, 2, 3))),
        again=(),
    ),
    Scenario(
        "merge again to a database",
        (*_MERGE, "t.db", "--overwrite"),
        (
            *(*_SHARDS, (*_MERGE, "t.db"), _own_notes, _news),
            *(_shard(part, *_AGAIN) for part in (1, 2, 3)),
        ),
        again=(),
    ),
)


@dataclass
class Campaign:
    """What came of many kills.

    Attributes:
        kills: how many runs were really killed; some come to their end before it is their turn.
        problems: what was not as it should be.
    """

    kills: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Whole:
    """What a run leaves that nobody kills; how many changes of files it takes, and how long."""

    content: dict[str, bytes]
    steps: int
    seconds: float


class Killer:
    """Kills runs.

    Args:
        folder: an empty one, to work in.
        forks: where runs come from.
        images: how many there are in a run, at least.
        side: of the larger images, in pixels: what makes a run last.
    """

    def __init__(self, folder: Path, forks: Forks, *, images: int, side: int) -> None:
        self._folder = folder
        self._forks = forks
        self._model = write_model(folder / "colours.onnx")
        self._library = folder / "library"
        _draw(self._library / "p", images, side)
        self._wholes: dict[str, _Whole] = {}

    def try_once(
        self, scenario: Scenario, dice: random.Random, campaign: Campaign, *, timed: float = 0.6
    ) -> None:
        """Kill a run once or several times, then let it end, and compare.

        Args:
            scenario: the run.
            dice: when to kill it.
            campaign: takes what comes of it.
            timed: share of the kills that come after some time instead of before a change of a
                file; what they hit depends on what else the machine does.
        """
        whole = self.whole(scenario)
        work = self._prepared(scenario)
        command = scenario.command
        runs = []
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            if dice.random() < timed:
                runs.append(self._run(work, *command, kill_after=dice.random() * whole.seconds))
            else:
                runs.append(self._run(work, *command, kill_at_step=dice.randint(1, whole.steps)))
            campaign.kills += runs[-1].code == -9
            command = (*scenario.command, *scenario.again)
        runs += self._finished(scenario, work)
        campaign.problems += self._problems(scenario, work, runs)

    def kill_at(self, scenario: Scenario, step: int) -> list[str]:
        """Kill a run before a change of a file, and say what is wrong with what comes of it."""
        work = self._prepared(scenario)
        runs = [self._run(work, *scenario.command, kill_at_step=step)]
        if runs[0].code != -9:
            return [f"{scenario.name}: no step {step}"]
        runs += self._finished(scenario, work)
        return [*self._problems(scenario, work, runs)]

    def _finished(self, scenario: Scenario, work: Path) -> list[Outcome]:
        """Go on with a run that was killed."""
        runs = [self._run(work, *scenario.command, *scenario.again)]
        if scenario.replaces and runs[0].code == 2:
            # It was killed before it noted anything: what there is, is another table.
            runs.append(self._run(work, *scenario.command))
        if scenario.after:
            runs.append(self._run(work, *scenario.after))
        return runs

    def whole(self, scenario: Scenario) -> _Whole:
        """Return what a run leaves that nobody kills."""
        if scenario.name not in self._wholes:
            work = self._prepared(scenario)
            started = time.monotonic()
            ended = self._run(work, *scenario.command)
            seconds = time.monotonic() - started
            last = self._run(work, *scenario.after) if scenario.after else ended
            assert last.code == 1, last.stderr  # the broken image
            self._wholes[scenario.name] = _Whole(_content(work), ended.steps, seconds)
        return self._wholes[scenario.name]

    def _problems(self, scenario: Scenario, work: Path, runs: list[Outcome]) -> Iterator[str]:
        """Yield what is wrong with what runs have left, all but the last of which were killed."""
        whole, content = self.whole(scenario).content, _content(work)
        different = [
            f"{'missing' if name not in content else 'left' if name not in whole else 'other'}: "
            f"{name}"
            for name in sorted({*whole, *content})
            if whole.get(name) != content.get(name)
        ]
        if runs[-1].code != 1 or different or any("Traceback" in run.stderr for run in runs):
            yield f"{scenario.name}: {different} {runs}"

    def _prepared(self, scenario: Scenario) -> Path:
        work = self._folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(self._folder / "state", ignore_errors=True)
        shutil.copytree(self._library, work, copy_function=os.link)
        for step in scenario.before:
            if callable(step):
                step(work)
            else:
                ended = self._run(work, *step)
                assert ended.code in (0, 1), ended.stderr  # the broken image, of some shard
        return work

    def _run(
        self,
        work: Path,
        *command: str,
        kill_after: float | None = None,
        kill_at_step: int | None = None,
    ) -> Outcome:
        fixed: tuple[str | Path, ...] = ()
        if command[0] == "tag":
            fixed = ("--model", self._model, "--device", "cpu", "--workers", "2", "--no-config")
        return self._forks.run(
            *command,
            *fixed,
            cwd=work,
            state=self._folder / "state",
            kill_after=kill_after,
            kill_at_step=kill_at_step,
        )


def _draw(folder: Path, images: int, side: int) -> None:
    """Draw a library: folders, large images, hostile names, images that share a stem, a broken one.

    Copies are links, so that there may be many.
    """
    large = [
        save_picture(folder.parent / "large" / f"{place}.png", colour, size=(side, side))
        for place, colour in enumerate(_COLOURS)
    ]
    for place in range(images):
        name = folder / ("a" if place % 2 else "b") / f"{place:03}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        os.link(large[place % len(large)], name)
    shutil.rmtree(folder.parent / "large")
    for place, hostile in enumerate(_HOSTILE):
        save_picture(folder / "c" / os.fsdecode(hostile), _COLOURS[place % 5])
    for place, ending in enumerate(("bmp", "gif", "jpg", "png", "webp")):
        save_picture(folder / f"d/x.{ending}", _COLOURS[place])
    for name in ("broken.png", "zz broken.jpg"):
        (folder / name).write_bytes(b"\x89PNG\r\n\x1a\nno more than that")


def _content(folder: Path) -> dict[str, bytes]:
    """Return all that lies in a folder but what runs note of themselves: times differ."""
    return {
        str(file.relative_to(folder)): _bytes(file) if file.is_file() else b"a folder"
        for file in folder.rglob("*")
        if not file.name.endswith((".run.json", ".run.journal"))
    }


def _bytes(file: Path) -> bytes:
    """Return what is in a file; of a database, the statements that make it.

    Its pages may differ, and of a run that was killed when it had just finished, the next one makes
    the same database with a row more in ``runs``.
    """
    if file.suffix != ".db":
        return file.read_bytes()
    with contextlib.closing(sqlite3.connect(file)) as database:
        lines = [re.sub(r'(INSERT INTO "runs" VALUES\()\d+', r"\1", x) for x in database.iterdump()]
    return "\n".join(dict.fromkeys(lines)).encode("utf-8", "surrogateescape")


def main() -> int:
    """Run a campaign; return the exit code: 1 where something was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("kills", type=int, help="how many runs are to be killed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--only", default="", help="scenarios whose name holds this")
    wanted = parser.parse_args()
    dice = random.Random(wanted.seed)
    scenarios = [scenario for scenario in SCENARIOS if wanted.only in scenario.name]
    campaign = Campaign()
    with tempfile.TemporaryDirectory() as folder, Forks() as forks:
        killer = Killer(Path(folder), forks, images=wanted.images, side=wanted.side)
        while campaign.kills < wanted.kills:
            for scenario in scenarios:
                killer.try_once(scenario, dice, campaign)
            print(f"{campaign.kills} kills, {len(campaign.problems)} problems", flush=True)
    for problem in campaign.problems:
        print(problem)
    return 1 if campaign.problems else 0


if __name__ == "__main__":
    sys.exit(main())
