"""One approach to a folder of images, measured once in a process of its own; see ``engine.py``.

    python benchmarks/parties.py tagger FOLDER --workers 2 --network bundled

The approaches:

* ``pool``: as many processes as there are workers decode and resize with this tool's decoder and
  throw the pixels away; they are started before the clock is. What a machine can decode, and so
  the mark for everything else;
* ``started``: the same with the start of its processes, as the others have it;
* ``dataloader``: a PyTorch ``DataLoader`` with batches of 64, feeding ONNX Runtime with its default
  settings, as popular taggers do; no tags are chosen and nothing is written;
* ``tagger``: the command ``tagger tag`` with a CSV file, everything included but the start of the
  interpreter and imports.

Processor time is given for the main process, and for all processes together.
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
from dataclasses import dataclass
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
    parser.add_argument("party", choices=["pool", "started", "dataloader", "tagger"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument(
        "--network",
        required=True,
        help="'bundled', a file, a device such as 'cuda' that runs the bundled one, or 'gpu:N', a "
        "simulated GPU's rate",
    )
    parser.add_argument("--options", default="", help="of tagger tag")
    options = parser.parse_args()
    ways = {"pool": _pool, "started": _started, "dataloader": _data_loader, "tagger": _tagger}
    way = ways[options.party]
    network = Network.named(options.network)
    print(json.dumps(way(options.folder, options.workers, network, options.options.split())))


@dataclass(frozen=True)
class Network:
    """A network and where it runs.

    Attributes:
        file: the model.
        device: as for ``tagger tag``.
        rate: of a simulated GPU that takes the device's place, in images per second.
    """

    file: Path
    device: str = "cpu"
    rate: float | None = None

    @classmethod
    def named(cls, name: str) -> Network:
        """Return the network with a name."""
        if name.startswith("gpu:"):
            return cls(bundled_model("cpu"), rate=float(name[4:]))
        if name == "bundled":
            return cls(bundled_model("cpu"))
        if Path(name).is_file():
            return cls(Path(name))
        return cls(bundled_model(name.partition(":")[0]), name)


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


def _pool(folder: Path, workers: int, network: Network, options: Sequence[str]) -> dict[str, float]:
    paths, work = _decoding(folder, network)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(work, [paths[0]] * (4 * workers), chunksize=1)  # imports
        return _measured(sum(map(len, paths)), lambda: sum(pool.imap_unordered(work, paths)))


def _started(
    folder: Path, workers: int, network: Network, options: Sequence[str]
) -> dict[str, float]:
    paths, work = _decoding(folder, network)

    def decode() -> None:
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            sum(pool.imap_unordered(work, paths))

    return _measured(sum(map(len, paths)), decode)


def _decoding(
    folder: Path, network: Network
) -> tuple[list[list[str]], Callable[[Sequence[str]], float]]:
    """Return paths that are decoded together, and what does so and returns processor time."""
    card, paths = read_card(network.file), _paths(folder)
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    return chunks, partial(_decode, card.height, card.width)


def _decode(height: int, width: int, paths: Sequence[str]) -> float:
    from tagger.decode.picture import load_picture

    before = time.process_time()
    for path in paths:
        load_picture(path, height, width)
    return time.process_time() - before


def _data_loader(
    folder: Path, workers: int, network: Network, options: Sequence[str]
) -> dict[str, float]:
    from peers import Posters
    from torch.utils.data import DataLoader

    card = read_card(network.file)
    paths = _paths(folder)
    run = _session(network)

    def work() -> None:
        posters = Posters(paths, (card.height, card.width))
        loader: Any = DataLoader(posters, batch_size=_BATCH, num_workers=workers)
        done = sum(len(run(batch.numpy())) for batch in loader)
        assert done == len(paths)

    run(np.zeros((_BATCH, card.height, card.width, 3), np.uint8))
    return _measured(len(paths), work)


def _session(network: Network) -> Callable[[Any], Any]:
    if network.rate is not None:
        from tagger.network.simulated import SimulatedGpu

        return SimulatedGpu(network.file, network.rate).scores
    from tagger.network.ort import cuda_problem, onnxruntime

    provider = "CPUExecutionProvider"
    if network.device.startswith(("cuda", "tensorrt")):
        provider = "CUDAExecutionProvider"  # TensorRT is rarely used so
        cuda_problem()  # loads the libraries
    session = onnxruntime.InferenceSession(os.fspath(network.file), providers=[provider])
    assert session.get_providers()[0] == provider
    names = [end.name for end in session.get_inputs()]
    length = next((end.shape[1] for end in session.get_inputs() if end.name == "text"), 0)

    def run(pixels: Any) -> Any:
        nothing = {
            "text": np.zeros((len(pixels), length), np.int32),
            "year": np.zeros(len(pixels), np.int32),
        }
        return session.run(["scores"], {name: nothing.get(name, pixels) for name in names})[0]

    return run


def _tagger(
    folder: Path, workers: int, network: Network, options: Sequence[str]
) -> dict[str, float]:
    from tagger.cli import run

    if network.rate is not None:
        from tagger.network.simulated import SimulatedGpu

        gpu = partial(SimulatedGpu, rate=network.rate)

        def opened(file: Path | None, device: str, **rest: Any) -> TaggerModel:
            return gpu(file, batch_size=rest["batch_size"])

        model_module.TaggerModel = opened  # type: ignore[assignment, misc]
    images = _paths(folder)
    with tempfile.TemporaryDirectory(prefix="tagger-engine-") as scratch:

        def tag(name: str, path: str) -> None:
            table = Path(scratch) / f"{name}.csv"
            code = run([
                "tag", path, "-o", str(table), "--quiet", "--device", network.device, "--model",
                str(network.file), "--workers", str(workers), *options,
            ])  # fmt: skip
            if code != 0:
                sys.exit(f"tagger ended with {code}")

        tag("first", images[0])  # imports
        return _measured(len(images), lambda: tag("all", str(folder)))


if __name__ == "__main__":
    main()
