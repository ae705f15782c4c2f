"""Peak memory and the time to the first result, for folders of different sizes.

    python benchmarks/memory.py POSTER [--counts 2000 100000] [--model FILE] [--workers N]

Each folder holds hard links to one poster (copies if the file system does not support links). The
real command tags it in a new process; its peak memory is read at its end, and its first line on
stdout is timed from its start. Where /proc tells it (Linux), ``all_mb`` is the most that it and the
processes that it started had together, seen four times a second; what they share counts once.
Pass a small network as ``--model`` if only the growth is of interest.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
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
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--options", default="", help="further options of tagger tag")
    options = parser.parse_args()
    further = options.options.split()
    if options.workers:
        further += ["--workers", str(options.workers)]

    found = []
    for count in options.counts:
        with tempfile.TemporaryDirectory(prefix="tagger-memory-") as scratch:
            _fill(Path(scratch), options.poster, count)
            found.append({"images": count, **_tag(Path(scratch), options.model, further)})
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
            poster = shutil.copyfile(poster, name)  # which further ones are linked to


def _tag(folder: Path, model: Path | None, further: Sequence[str]) -> dict[str, float]:
    arguments = ["tag", str(folder), "-f", "csv", "--quiet", "--device", "cpu", *further]
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
        together = [0]
        watch = threading.Thread(target=_watch, args=(child, together))
        watch.start()
        rows = 1 + sum(1 for _ in child.stdout)
        peak = int(child.stderr.read().split()[-1])
        watch.join()
    seconds = time.perf_counter() - began
    return {
        "rows": rows,
        "seconds": round(seconds, 1),
        "seconds_to_first_row": round(first, 2),
        "peak_mb": round(peak / 1e6, 1),
        "all_mb": round(together[0] / 1e6, 1),
    }


def _watch(child: subprocess.Popen[str], most: list[int]) -> None:
    """Note the most memory that a process and those that it started have together."""
    while child.poll() is None:
        most[0] = max(most[0], sum(_memory(process) for process in _family(child.pid)))
        time.sleep(0.25)


def _family(process: int) -> list[int]:
    """Return a process and all that it started, as far as the system tells."""
    found = [process]
    for one in found:
        for file in Path(f"/proc/{one}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, file.read_text().split())
    return found


def _memory(process: int) -> int:
    """Return the bytes of a process's memory; of pages that several have, its share."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line[:4] == "Pss:")
    return 0


if __name__ == "__main__":
    main()
