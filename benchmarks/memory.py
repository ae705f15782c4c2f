"""Peak memory and the time to the first result, for folders of different sizes.

    python benchmarks/memory.py POSTER [--counts 2000 100000] [--model FILE]

Each folder holds hard links to one poster (copies if the file system does not support links). The
real command tags it in a new process; its peak memory is read at its end, and its first line on
stdout is timed from its start. Pass a small network as ``--model`` if only the growth is of
interest.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_CHILD = """
import sys
from tagger.cli import run
code = run(sys.argv[1:])
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
except ModuleNotFoundError:  # Windows
    import ctypes, ctypes.wintypes
    counters = (ctypes.c_size_t * 10)()
    handle = ctypes.windll.kernel32.GetCurrentProcess()
    ctypes.windll.psapi.GetProcessMemoryInfo(handle, counters, ctypes.sizeof(counters))
    peak = counters[1]
print(peak, file=sys.stderr)
sys.exit(code)
"""


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("poster", type=Path)
    parser.add_argument("--counts", type=int, nargs="+", default=[2_000, 100_000])
    parser.add_argument("--model", type=Path, default=None)
    options = parser.parse_args()

    found = []
    for count in options.counts:
        with tempfile.TemporaryDirectory(prefix="tagger-memory-", dir=".") as scratch:
            _fill(Path(scratch), options.poster, count)
            found.append({"images": count, **_tag(Path(scratch), options.model)})
    first = found[0]["peak_mb"]
    print(
        json.dumps(
            {"runs": found, "growth": [round(run["peak_mb"] / first, 3) for run in found]},
            indent=2,
        )
    )


def _fill(folder: Path, poster: Path, count: int) -> None:
    """Make links to one poster: a thousand per folder, and the last half all in one."""
    for number in range(count):
        inner = folder / (f"{number // 1000:04}" if number < count // 2 else "rest")
        inner.mkdir(exist_ok=True)
        name = inner / f"{number:07}{poster.suffix}"
        try:
            os.link(poster, name)
        except OSError:
            shutil.copyfile(poster, name)


def _tag(folder: Path, model: Path | None) -> dict[str, float]:
    arguments = ["tag", str(folder), "-f", "csv", "--quiet", "--device", "cpu"]
    if model:
        arguments += ["--model", str(model)]
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()  # the header
        child.stdout.readline()
        first = time.perf_counter() - began
        rows = 1 + sum(1 for _ in child.stdout)
        peak = int(child.stderr.read().split()[-1])
    seconds = time.perf_counter() - began
    return {
        "rows": rows,
        "seconds": round(seconds, 1),
        "seconds_to_first_row": round(first, 2),
        "peak_mb": round(peak / 1e6, 1),
    }


if __name__ == "__main__":
    main()
