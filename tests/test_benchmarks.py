"""The benchmarks run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_precisions_are_compared_with_the_first_file(tiny_model: Path) -> None:
    arguments = [tiny_model, tiny_model, "--rounds", "2", "--images", "16"]
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "precisions.py", *arguments], capture_output=True, check=True
    )
    first, second = json.loads(done.stdout)["models"]
    assert (first["file"], first["precision"], first["ratio"]) == (str(tiny_model), "fp32", 1.0)
    assert second["ratio"] > 0
