"""Every input that fuzzing starts from, or once found, through its targets; no fuzzer is needed."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent / "fuzz"
sys.path.insert(0, str(FUZZ))  # as the fuzzer itself finds them

_module = importlib.import_module("targets")
TARGETS, CORPUS_OF = _module.TARGETS, _module.CORPUS_OF

CORPORA = {
    target: sorted((FUZZ / "corpus" / CORPUS_OF.get(target, target)).iterdir())
    for target in TARGETS
}


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_breaks_a_target(target: str) -> None:
    assert CORPORA[target]
    for file in CORPORA[target]:
        began = time.thread_time()
        try:
            TARGETS[target](file.read_bytes())
        except Exception as error:
            raise AssertionError(f"{file.name} breaks {target}") from error
        assert time.thread_time() - began < 10, file.name


@pytest.mark.parametrize("target", TARGETS)
def test_no_part_of_an_input_breaks_a_target(target: str) -> None:
    for file in CORPORA[target]:
        data = file.read_bytes()
        for size in {0, 1, len(data) // 3, len(data) // 2, len(data) - 1}:
            TARGETS[target](data[:size])
