"""One approach to a folder of images, measured once in a process of its own; see ``engine.py``.

    python benchmarks/parties.py tagger FOLDER --workers 2 --network bundled

The approaches:

* ``pool``: as many processes as there are workers decode and resize with this tool's decoder and
  throw the pixels away; they are started before the clock is. What a machine can decode, and so
  the mark for everything else;
* ``dataloader``: a PyTorch ``DataLoader`` with batches of 64, feeding ONNX Runtime with its default
  settings, as popular taggers do; no tags are chosen and nothing is written;
* ``tagger``: the command ``tagger tag`` with a CSV file, everything included but the start of the
  interpreter and imports.

Processor time is told for the main process and for all processes together.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tagger.network import model as model_module
from tagger.network.model import TaggerModel, bundled_model, read_card

_CHUNK = 32
_BATCH = 64


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("party", choices=["pool", "dataloader", "tagger"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument(
        "--network", required=True, help="'bundled', a file, or 'gpu:N', a simulated GPU's rate"
    )
    parser.add_argument("--options", default="", help="of tagger tag")
    options = parser.parse_args()
    file, rate = network(options.network)
    ways = {"pool": _pool, "dataloader": _data_loader, "tagger": _tagger}
    way = ways[options.party]
    print(json.dumps(way(options.folder, options.workers, file, rate, options.options.split())))


def network(name: str) -> tuple[Path, float | None]:
    """Return the model file of a network, and the rate of the simulated GPU that runs it."""
    if name.startswith("gpu:"):
        return bundled_model("cpu"), float(name[4:])
    return bundled_model("cpu") if name == "bundled" else Path(name), None


def _paths(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if path.is_file())


def _measured(images: int, work: Callable[[], float | None]) -> dict[str, float]:
    """Time work; it returns the processor time of its processes unless those have ended."""
    before, began = os.times(), time.perf_counter()
    processes = work()
    seconds = time.perf_counter() - began
    after = os.times()
    own = after.user + after.system - before.user - before.system
    if processes is None:
        processes = after.children_user + after.children_system
        processes -= before.children_user + before.children_system
    return {"images": images, "seconds": seconds, "main": own, "all": own + processes}


def _pool(
    folder: Path, workers: int, file: Path, rate: float | None, options: Sequence[str]
) -> dict[str, float]:
    card = read_card(file)
    paths = _paths(folder)
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    decode = partial(_decode, card.height, card.width)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(decode, [paths[:_CHUNK]] * (4 * workers), chunksize=1)  # imports
        return _measured(len(paths), lambda: sum(pool.imap_unordered(decode, chunks)))


def _decode(height: int, width: int, paths: Sequence[str]) -> float:
    from tagger.decode.picture import load_picture

    before = time.process_time()
    for path in paths:
        load_picture(path, height, width)
    return time.process_time() - before


def _data_loader(
    folder: Path, workers: int, file: Path, rate: float | None, options: Sequence[str]
) -> dict[str, float]:
    from peers import Posters
    from torch.utils.data import DataLoader

    card = read_card(file)
    paths = _paths(folder)
    run = _network(file, rate)

    def work() -> None:
        posters = Posters(paths, (card.height, card.width))
        loader: Any = DataLoader(posters, batch_size=_BATCH, num_workers=workers)
        done = sum(len(run(batch.numpy())) for batch in loader)
        assert done == len(paths)

    run(np.zeros((_BATCH, card.height, card.width, 3), np.uint8))
    return _measured(len(paths), work)


def _network(file: Path, rate: float | None) -> Callable[[Any], Any]:
    if rate is not None:
        from tagger.network.simulated import SimulatedGpu

        return SimulatedGpu(file, rate).scores
    from tagger.network.ort import onnxruntime

    session = onnxruntime.InferenceSession(os.fspath(file), providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(["scores"], {"images": pixels})[0]


def _tagger(
    folder: Path, workers: int, file: Path, rate: float | None, options: Sequence[str]
) -> dict[str, float]:
    from tagger.cli import run

    if rate is not None:
        from tagger.network.simulated import SimulatedGpu

        gpu = partial(SimulatedGpu, rate=rate)

        def opened(file: Path | None, device: str, **rest: Any) -> TaggerModel:
            return gpu(file, batch_size=rest["batch_size"])

        model_module.TaggerModel = opened  # type: ignore[assignment, misc]
    images = _paths(folder)
    with tempfile.TemporaryDirectory(prefix="tagger-engine-") as scratch:

        def tag(name: str, path: str) -> None:
            table = Path(scratch) / f"{name}.csv"
            code = run([
                "tag", path, "-o", str(table), "--quiet", "--device", "cpu", "--model", str(file),
                "--workers", str(workers), *options,
            ])  # fmt: skip
            if code != 0:
                sys.exit(f"tagger ended with {code}")

        tag("first", images[0])  # imports
        return _measured(len(images), lambda: tag("all", str(folder)))


if __name__ == "__main__":
    main()
