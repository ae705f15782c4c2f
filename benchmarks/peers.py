"""This tool compared with other approaches to tagging a folder: same posters, same network.

    python benchmarks/peers.py FOLDER --keras RUN/model.keras --fp32 FP32.onnx [--chart FILE]

The approaches:

* ``notebook``: Keras ``load_img`` and ``model.predict``, one image at a time;
* ``notebook, batches``: the same with 32 images per ``predict``;
* ``plain loop``: Pillow and ONNX Runtime with its default settings, 32 images per run;
* ``DataLoader``: a PyTorch ``DataLoader`` with one worker per core, feeding ONNX Runtime 32 images
  per run, as popular taggers do (skipped if PyTorch is not installed);
* ``tagger``: this tool, with the bundled model;
* ``tagger, openvino``: the same with ``--device openvino`` (skipped if it is not installed).

Each round measures every approach once, excluding start-up: sessions are open, workers are running.
A ratio is the median over the rounds of the tool's rate divided by the approach's rate in the same
round. Slow approaches process fewer images.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tagger.find.scan import WalkOptions, scan
from tagger.network.devices import available_cores
from tagger.network.model import TaggerModel
from tagger.network.openvino import openvino_problem
from tagger.network.ort import onnxruntime
from tagger.pipeline.pipeline import tag_images
from tagger.rules import Rules

_BATCH = 32

Way = Callable[[Sequence[str]], Iterator[object]]


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keras", type=Path, default=None, help="the network as Keras saved it")
    parser.add_argument("--fp32", type=Path, default=None, help="the same, exported in fp32")
    parser.add_argument("--model", type=Path, default=None, help="for tagger; default: bundled")
    parser.add_argument("--images", type=int, default=2048, help="images per round of fast ones")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chart", type=Path, default=None, help="PNG to draw")
    options = parser.parse_args()

    found = scan([str(options.folder)], WalkOptions()).paths(lambda folder, reason: None)
    paths = list(islice(found, options.images))
    model = TaggerModel(options.model, "cpu")
    ways = dict(_ways(model, options.keras, options.fp32))
    counts = {name: len(paths) // (16 if name.startswith("notebook") else 1) for name in ways}
    rounds = [
        {name: _rate(way, paths[: max(_BATCH, counts[name])]) for name, way in ways.items()}
        for _ in range(options.rounds)
    ]
    report = {
        "cores": available_cores(),
        "images": len(paths),
        "rounds": options.rounds,
        "model": f"{model.card.name} {model.card.version} ({model.card.precision})",
        "ways": {
            name: {
                "images_per_second": round(statistics.median(r[name] for r in rounds), 1),
                "tagger_is_times_as_fast": round(
                    statistics.median(r["tagger"] / r[name] for r in rounds), 2
                ),
            }
            for name in ways
        },
    }
    if options.chart:
        _draw(report, options.chart)
    print(json.dumps(report, indent=2))


def _rate(way: Way, paths: Sequence[str]) -> float:
    for _ in way(paths[:_BATCH]):  # the first call includes start-up
        pass
    began = time.perf_counter()
    done = sum(1 for _ in way(paths))
    seconds = time.perf_counter() - began
    assert done == len(paths)
    return len(paths) / seconds


def _ways(
    model: TaggerModel, keras_file: Path | None, fp32: Path | None
) -> Iterator[tuple[str, Way]]:
    size = (model.card.height, model.card.width)
    rules = Rules.of_card(model.card)
    yield "tagger", lambda paths: tag_images(paths, model, rules, workers=available_cores())
    if openvino_problem() is None:
        other = TaggerModel(model.file, "openvino")
        yield (
            "tagger, openvino",
            lambda paths: tag_images(paths, other, rules, workers=available_cores()),
        )
    files = {"same model": model.file, **({"fp32": fp32} if fp32 else {})}
    for kind, file in files.items():
        session = onnxruntime.InferenceSession(os.fspath(file), providers=["CPUExecutionProvider"])
        yield f"plain loop, {kind}", partial(_plain_loop, session=session, size=size)
        if find_spec("torch") is not None:
            yield f"DataLoader, {kind}", partial(_data_loader, session=session, size=size)
    if keras_file:
        import keras

        network = keras.models.load_model(keras_file, compile=False)
        yield "notebook, batches", lambda paths: _notebook(paths, network, size, _BATCH)
        yield "notebook", lambda paths: _notebook(paths, network, size, 1)


def _plain_loop(paths: Sequence[str], session: Any, size: tuple[int, int]) -> Iterator[object]:
    for start in range(0, len(paths), _BATCH):
        images = [_opened(path, size) for path in paths[start : start + _BATCH]]
        yield from session.run(["scores"], {"images": np.stack(images)})[0]


def _opened(path: str, size: tuple[int, int]) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize(size[::-1], Image.Resampling.BILINEAR))


class Posters:
    """A map-style dataset, as PyTorch's ``DataLoader`` takes it."""

    def __init__(self, paths: Sequence[str], size: tuple[int, int]) -> None:
        self._paths = paths
        self._size = size

    def __len__(self) -> int:
        """Return the number of posters."""
        return len(self._paths)

    def __getitem__(self, index: int) -> Any:
        """Return the pixels of a poster."""
        return np.array(_opened(self._paths[index], self._size))


def _data_loader(paths: Sequence[str], session: Any, size: tuple[int, int]) -> Iterator[object]:
    from torch.utils.data import DataLoader

    loader: Any = DataLoader(
        Posters(paths, size),
        batch_size=_BATCH,
        num_workers=available_cores(),
    )
    for batch in loader:
        yield from session.run(["scores"], {"images": batch.numpy()})[0]


def _notebook(
    paths: Sequence[str], network: Any, size: tuple[int, int], batch: int
) -> Iterator[object]:
    import keras

    for start in range(0, len(paths), batch):
        images = [
            keras.utils.img_to_array(keras.utils.load_img(path, target_size=size))
            for path in paths[start : start + batch]
        ]
        yield from network.predict(np.stack(images).astype(np.uint8), verbose=0)


def _draw(report: dict[str, Any], file: Path) -> None:
    from matplotlib.figure import Figure

    ways = report["ways"]
    figure = Figure(figsize=(7, 0.5 * len(ways) + 1), layout="constrained")
    axes = figure.subplots()
    rates = [way["images_per_second"] for way in ways.values()]
    bars = axes.barh(list(ways), rates, color=["#2563a8"] + ["#9aa5b1"] * (len(ways) - 1))
    axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=3)
    axes.invert_yaxis()
    axes.set_xlabel(f"images per second on {report['cores']} cores")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
