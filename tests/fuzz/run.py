"""Fuzzes every target for a while: ``run.py --seconds 300``, or ``run.py --runs 2000 --seed 1``.

Starts from the corpus beside it, keeps what it learns in ``.fuzz/`` from one run to the next, and
leaves there what breaks a target. Such a file belongs into the corpus once it is understood.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

_HERE = Path(__file__).resolve().parent
# targets.py needs what the tests draw and write.
sys.path.insert(0, str(_HERE.parent))

_FIGURES = {
    "runs": re.compile(r"stat::number_of_executed_units:\s*(\d+)"),
    "slowest": re.compile(r"stat::slowest_unit_time_sec:\s*(\d+)"),
    "memory": re.compile(r"stat::peak_rss_mb:\s*(\d+)"),
    "new": re.compile(r"stat::new_units_added:\s*(\d+)"),
}


def main() -> int:
    """Fuzz, tell the figures of each target, and return 1 where anything was found."""
    from targets import CORPUS_OF, TARGETS

    parser = argparse.ArgumentParser(description=__doc__, prog="run.py")
    parser.add_argument("--seconds", type=int, help="of all targets together")
    parser.add_argument("--runs", type=int, help="inputs a target")
    parser.add_argument("--seed", type=int, default=0, help="0 takes another one each time")
    parser.add_argument("--keep", type=Path, default=Path(".fuzz"), help="folder for what is new")
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    options = parser.parse_args()
    limits = [f"-seed={options.seed}"]
    if options.runs is not None:
        limits.append(f"-runs={options.runs}")
    if options.seconds is not None:
        limits.append(f"-max_total_time={max(1, options.seconds // len(options.targets))}")
    if find_spec("atheris") is None:
        sys.exit("Atheris is not installed; there are wheels for Linux on x86-64.")
    found = False
    print(f"{'target':14}{'inputs':>10}{'kept':>7}{'slowest':>9}{'memory':>10}")
    for target in options.targets:
        seeds = _HERE / "corpus" / CORPUS_OF.get(target, target)
        found |= not _fuzz(target, [*limits, f"-artifact_prefix={options.keep}/{target}-"],
                           options.keep / target, seeds)  # fmt: skip
    return 1 if found else 0


def _fuzz(target: str, limits: list[str], kept: Path, seeds: Path) -> bool:
    """Fuzz one target; say whether nothing was found."""
    kept.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, _HERE / "fuzz.py", target, *limits, kept, seeds],
        env={**os.environ, "PYTHONPATH": str(_HERE.parent)},
        capture_output=True,
        check=False,
    )
    said = done.stderr.decode("utf-8", "replace")
    figures = {name: (re.findall(pattern, said) or ["?"])[-1] for name, pattern in _FIGURES.items()}
    print(
        f"{target:14}{figures['runs']:>10}{figures['new']:>7}{figures['slowest'] + ' s':>9}"
        f"{figures['memory'] + ' MB':>10}",
        flush=True,
    )
    if done.returncode != 0:
        print(done.stdout.decode("utf-8", "replace")[-3000:], said[-3000:], sep="\n")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
