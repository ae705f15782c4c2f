"""Kills runs of every kind at random, goes on with them, and compares with runs left in peace.

``python tests/kill_runs.py 200`` (or ``make kill``) does so 200 times and says what came of it; the
test suite does it a few times. The seed makes a campaign repeatable as far as time allows.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

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


@dataclass(frozen=True)
class Scenario:
    """A run to be killed.

    Attributes:
        name: for messages.
        options: of ``tagger tag p``.
        before: what is done to the folder before the run.
        second: options of a second run, after ``between``; that is the one to be killed.
        between: what happens to the folder between both.
        replaces: whether the second run begins anew, with other options.
    """

    name: str
    options: tuple[str, ...]
    before: Callable[[Path], None] = lambda folder: None
    second: tuple[str, ...] = ()
    between: Callable[[Path], None] = lambda folder: None
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


_SIDECARS = ("--sidecar", "xmp", "--sidecar", "json", "--sidecar", "txt")
_AGAIN = ("--resume", "--update", "--retry-failed")

SCENARIOS = (
    Scenario("csv", ("-o", "t.csv")),
    Scenario("csv by processes", ("-o", "t.csv", "--decode", "processes")),
    Scenario("tsv long", ("-o", "t.tsv", "--layout", "long", "--min-tags", "2")),
    Scenario("jsonl list", ("-o", "t.jsonl", "--layout", "list")),
    Scenario("excel", ("-o", "t.csv", "--excel", "--columns", "sha256,width,title")),
    Scenario("parquet", ("-o", "t.parquet")),
    Scenario("xlsx long", ("-o", "t.xlsx", "--layout", "long")),
    Scenario("sidecars", _SIDECARS),
    Scenario("sidecars of others", ("--sidecar", "xmp", "--backup"), _own_sidecars),
    Scenario("shared names", (*_SIDECARS, "--sidecar-name", "replace")),
    Scenario("mirrored", (*_SIDECARS, "--sidecar-dir", "s", "--existing", "error")),
    Scenario("overwritten", (*_SIDECARS, "--existing", "overwrite", "--backup"), _own_sidecars),
    Scenario("table and sidecars", ("-o", "t.csv", *_SIDECARS), _own_sidecars),
    Scenario(
        "only the untagged",
        ("-o", "t.csv", "--sidecar", "xmp", "--skip-tagged"),
        _own_sidecars,
    ),
    Scenario("embedded", ("-o", "t.csv", "--embed", "--backup")),
    Scenario("csv again", ("-o", "t.csv"), second=("-o", "t.csv", *_AGAIN), between=_news),
    Scenario(
        "long again",
        ("-o", "t.csv", "--layout", "long"),
        second=("-o", "t.csv", "--layout", "long", *_AGAIN),
        between=_news,
    ),
    Scenario(
        "parquet again", ("-o", "t.parquet"), second=("-o", "t.parquet", *_AGAIN), between=_news
    ),
    Scenario("sidecars again", _SIDECARS, second=(*_SIDECARS, *_AGAIN), between=_news),
    Scenario(
        "anew",
        ("-o", "t.csv", "--max-tags", "1"),
        second=("-o", "t.csv"),
        between=_news,
        replaces=True,
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
        options = scenario.second or scenario.options
        runs = []
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            if dice.random() < timed:
                runs.append(self._run(work, *options, kill_after=dice.random() * whole.seconds))
            else:
                runs.append(self._run(work, *options, kill_at_step=dice.randint(1, whole.steps)))
            campaign.kills += runs[-1].code == -9
            options = (*options, "--resume")
        runs += self._finished(scenario, work)
        campaign.problems += self._problems(scenario, work, runs)

    def kill_at(self, scenario: Scenario, step: int) -> list[str]:
        """Kill a run before a change of a file, and say what is wrong with what comes of it."""
        work = self._prepared(scenario)
        options = scenario.second or scenario.options
        runs = [self._run(work, *options, kill_at_step=step)]
        if runs[0].code != -9:
            return [f"{scenario.name}: no step {step}"]
        runs += self._finished(scenario, work)
        return [*self._problems(scenario, work, runs)]

    def _finished(self, scenario: Scenario, work: Path) -> list[Outcome]:
        """Go on with a run that was killed."""
        options = scenario.second or scenario.options
        runs = [self._run(work, *options, "--resume")]
        if scenario.replaces and runs[0].code == 2:
            # It was killed before it noted anything: what there is, is another table.
            runs.append(self._run(work, *options))
        return runs

    def whole(self, scenario: Scenario) -> _Whole:
        """Return what a run leaves that nobody kills."""
        if scenario.name not in self._wholes:
            work = self._prepared(scenario)
            started = time.monotonic()
            ended = self._run(work, *(scenario.second or scenario.options))
            seconds = time.monotonic() - started
            assert ended.code == 1, ended.stderr  # the broken image
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
        scenario.before(work)
        if scenario.second:
            ended = self._run(work, *scenario.options)
            assert ended.code == 1, ended.stderr
            scenario.between(work)
        return work

    def _run(
        self,
        work: Path,
        *options: str,
        kill_after: float | None = None,
        kill_at_step: int | None = None,
    ) -> Outcome:
        fixed = ("--model", self._model, "--device", "cpu", "--workers", "2", "--no-config")
        return self._forks.run(
            "tag",
            "p",
            *options,
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
        str(file.relative_to(folder)): file.read_bytes() if file.is_file() else b"a folder"
        for file in folder.rglob("*")
        if not file.name.endswith((".run.json", ".run.journal"))
    }


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
