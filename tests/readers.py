"""Programs of others that read what we write."""

import os
import shutil

import pytest


def reader(program: str) -> str:
    """Return the path of a program, or skip the test where it is not installed.

    With ``TAGGER_TEST_READERS=required`` a missing program fails the test: what is skipped there
    would be taken for tested.
    """
    found = shutil.which(program)
    if found is None:
        message = f"{program} is not installed"
        if os.environ.get("TAGGER_TEST_READERS") == "required":
            pytest.fail(message)
        pytest.skip(message)
    return found
