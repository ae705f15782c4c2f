"""Wrong usage and hopeless cases: the exit code and the whole message."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from commands import Ran

from tagger import __version__

Run = Callable[..., Ran]

USAGE, CANNOT_GO_ON = 2, 3


def test_no_command_shows_help_on_stderr(tagger: Run) -> None:
    ran = tagger()

    assert (ran.code, ran.stdout) == (USAGE, b"")
    assert ran.stderr.startswith("Usage: tagger [OPTIONS] COMMAND [ARGS]...\n")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_goes_to_stdout(tagger: Run, option: str) -> None:
    ran = tagger("tag", option)

    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.startswith(b"Usage: tagger tag [OPTIONS] ")


def test_the_version_is_printed(tagger: Run) -> None:
    assert tagger("--version") == Ran(0, f"poster-tagger {__version__}\n".encode(), "")
