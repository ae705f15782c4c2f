"""Runs that are killed at any moment leave nothing torn, and going on gives what no kill would."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked import Forks
from kill_runs import SCENARIOS, Campaign, Killer, Scenario

pytestmark = [
    pytest.mark.slow,  # kills
    pytest.mark.skipif(
        not hasattr(__import__("os"), "fork"), reason="Windows has neither fork nor SIGKILL"
    ),
]


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    """Return what runs come from."""
    with Forks() as started:
        yield started


@pytest.fixture(scope="module")
def killer(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Killer:
    """Return what kills runs on some dozen images."""
    return Killer(tmp_path_factory.mktemp("kills"), forks, images=16, side=300)


def test_runs_of_every_kind_survive_kills_at_random(killer: Killer) -> None:
    """`make kill` does the same 200 times, also at moments that no change of a file marks."""
    dice = random.Random(1)
    campaign = Campaign()

    for scenario in SCENARIOS:
        killer.try_once(scenario, dice, campaign, timed=0)

    assert campaign.problems == []
    assert campaign.kills >= 12


def named(name: str) -> Scenario:
    """Return a scenario."""
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


@pytest.mark.parametrize("name", ["csv again", "parquet"])
def test_a_run_survives_a_kill_before_any_change_of_a_file(
    forks: Forks, tmp_path: Path, name: str
) -> None:
    killer = Killer(tmp_path, forks, images=6, side=16)
    scenario = named(name)
    steps = killer.whole(scenario).steps

    problems = [
        problem for step in range(1, steps + 1, 2) for problem in killer.kill_at(scenario, step)
    ]

    assert steps > 20
    assert problems == []


def test_no_kill_leaves_a_half_made_copy_behind(forks: Forks, tmp_path: Path) -> None:
    """Of a database that a person changed, which is copied before it is replaced."""
    killer = Killer(tmp_path, forks, images=6, side=16)
    scenario = named("merge again to a database")
    steps = killer.whole(scenario).steps

    problems = [
        problem for step in range(1, steps + 1) for problem in killer.kill_at(scenario, step)
    ]

    assert steps > 15
    assert problems == []
