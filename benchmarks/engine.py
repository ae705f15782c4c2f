"""What the pipeline reaches of what the machine can decode, and beside PyTorch's DataLoader.

    python benchmarks/engine.py FOLDER --network free --workers 1 2
    python benchmarks/engine.py tiny --network free --workers 2
    python benchmarks/engine.py FOLDER --network gpu:20000 --options="--decode processes"
    python benchmarks/engine.py FOLDER --network bundled --against OTHER/.venv/bin/python

The approaches are those of ``parties.py``: a bare pool of processes that decodes and throws away,
the same with the start of its processes, a ``DataLoader`` feeding ONNX Runtime (left out if PyTorch
is not installed), and ``tagger tag``, once for each ``--options`` and once more with the Python of
another revision (``--against``). In each round all of them run once, one after the other, each in a
process of its own. Rates and processor times are medians over the rounds; so is the share, each
round's rate divided by the pool's in the same round. Interrupted, it shows what it has.

FOLDER's images are linked as often as it takes to reach the number of images; ``tiny`` draws JPEGs
of 8 × 8 pixels. The network ``free`` is the tests' mean colour of 8 × 8 pixels, which takes almost
no time; ``gpu:N`` is a simulated GPU that runs N images of the bundled model's size per second; a
device such as ``cuda`` runs the bundled model itself.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import runpy
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from PIL import Image

_HERE = Path(__file__).parent
_TINY_MODEL = _HERE.parent / "tests" / "tiny_model.py"


@dataclass(frozen=True)
class Party:
    """Something that is measured.

    Attributes:
        name: in the table.
        kind: its name in ``parties.py``.
        python: the interpreter that runs it.
        options: of ``tagger tag``.
    """

    name: str
    kind: str
    python: str = sys.executable
    options: str = ""


def main() -> None:
    """Measure and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("images", metavar="FOLDER", help="images, or 'tiny' for drawn ones")
    parser.add_argument(
        "--network", default="free", help="free, bundled, a device, gpu:N or a file"
    )
    parser.add_argument("--count", type=int, help="images; default: 8,088, or 20,000 tiny ones")
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--options", action="append", help="of tagger tag; may be repeated")
    parser.add_argument("--against", metavar="PYTHON", help="the Python of another revision")
    parser.add_argument("--only", nargs="+", metavar="PARTY", help="pool, dataloader, tagger, …")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    parties = [
        party
        for party in _parties(options.options or [""], options.against)
        if not options.only or party.kind in options.only or party.name in options.only
    ]
    with tempfile.TemporaryDirectory(prefix="tagger-engine-") as scratch:
        network = options.network
        if network == "free":
            network = str(runpy.run_path(str(_TINY_MODEL))["write_model"](Path(scratch, "m.onnx")))
        images = Path(scratch) / "images"
        if options.images == "tiny":
            _draw_tiny(images, options.count or 20_000)
        else:
            _link(images, Path(options.images), options.count or 8_088)
        found: dict[tuple[int, str], list[dict[str, float]]] = {}
        with suppress(KeyboardInterrupt):  # what was measured so far is shown
            for _ in range(options.rounds):
                for workers, party in itertools.product(options.workers, parties):
                    measured = _run(party, images, workers, network)
                    found.setdefault((workers, party.name), []).append(measured)
        report = list(_report(found))
        if options.json:
            print(
                json.dumps({"network": options.network, "rounds": options.rounds, "rates": report})
            )
        else:
            _show(report)


def _stop(number: int, frame: FrameType | None) -> None:
    """Stop, once: `timeout` sends its signal twice, and the second would stop the tidying up."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt


def _parties(options: Sequence[str], against: str | None) -> Iterator[Party]:
    yield Party("pool", "pool")
    yield Party("pool, started", "started")
    if find_spec("torch") is not None:
        yield Party("dataloader", "dataloader")
    for text in options:
        yield Party(f"tagger {text}".strip(), "tagger", options=text)
    if against:
        yield Party("against", "tagger", python=against)


def _run(party: Party, images: Path, workers: int, network: str) -> dict[str, float]:
    command = [party.python, str(_HERE / "parties.py"), party.kind, str(images)]
    command += ["--workers", str(workers), "--network", network, f"--options={party.options}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _report(found: dict[tuple[int, str], list[dict[str, float]]]) -> Iterator[dict[str, Any]]:
    for (workers, name), rounds in found.items():
        pool = found.get((workers, "pool"))
        rates = [one["images"] / one["seconds"] for one in rounds]
        of_pool = None
        if pool:
            marks = [one["images"] / one["seconds"] for one in pool]
            shares = [rate / mark for rate, mark in zip(rates, marks, strict=False)]
            of_pool = round(statistics.median(shares), 3)
        yield {
            "workers": workers,
            "party": name,
            "images_per_second": round(statistics.median(rates), 1),
            "lowest": round(min(rates), 1),
            "highest": round(max(rates), 1),
            "of_pool": of_pool,
            "main_us": round(
                statistics.median(1e6 * one["main"] / one["images"] for one in rounds)
            ),
            "all_us": round(statistics.median(1e6 * one["all"] / one["images"] for one in rounds)),
        }


def _show(report: list[dict[str, Any]]) -> None:
    print("workers  images/s  (lowest to highest)  of pool  µs of a core an image: main, all")
    for row in report:
        share = "" if row["of_pool"] is None else f"{row['of_pool']:.1%}"
        print(
            f"{row['workers']:>7}  {row['images_per_second']:>8,.0f}  "
            f"({row['lowest']:>7,.0f} to {row['highest']:>7,.0f})  {share:>7}  "
            f"{row['main_us']:>8,} {row['all_us']:>8,}  {row['party']}"
        )


def _draw_tiny(folder: Path, count: int) -> None:
    drawn = []
    for number in range(100):
        file = io.BytesIO()
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file, "jpeg")
        drawn.append(file.getvalue())
    for number in range(count):
        _named(folder, number, ".jpg").write_bytes(drawn[number % len(drawn)])


def _link(folder: Path, given: Path, count: int) -> None:
    """Make links to images, or to a copy of each if they are on another file system."""
    images = sorted(path for path in given.rglob("*") if path.suffix in (".jpg", ".png", ".webp"))
    if not images:
        sys.exit(f"{given} contains no images")
    for number in range(count):
        image = images[number % len(images)]
        name = _named(folder, number, image.suffix)
        try:
            os.link(image, name)
        except OSError:
            shutil.copyfile(image, name)
            images[number % len(images)] = name


def _named(folder: Path, number: int, suffix: str) -> Path:
    """Return the name of an image: a thousand per folder."""
    inner = folder / f"{number // 1000:03}"
    inner.mkdir(parents=True, exist_ok=True)
    return inner / f"{number:06}{suffix}"


if __name__ == "__main__":
    main()
