"""Rates of the network alone for several model files, measured in turns so that they compare.

    python benchmarks/precisions.py FP32.onnx INT8.onnx ... [--rounds N] [--images N]

In each round every file runs for the same images, one file after the other. A file's ratio is the
median over the rounds of its rate by the first file's rate *in the same round*: what else the
machine does meanwhile slows both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tagger.model import TaggerModel


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=256, help="images a file and round")
    parser.add_argument("--batch-size", type=int, default=None)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    from tagger.model import TaggerModel

    models = [
        TaggerModel(file, options.device, batch_size=options.batch_size) for file in options.files
    ]
    for model in models:
        images_per_second(model, model.batch_size)  # the first run allocates
    rounds = [
        [images_per_second(model, options.images) for model in models]
        for _ in range(options.rounds)
    ]
    print(
        json.dumps(
            {
                "rounds": options.rounds,
                "models": [
                    {
                        "file": str(model.file),
                        "precision": model.card.precision,
                        "megabytes": round(model.file.stat().st_size / 1e6, 1),
                        "device": str(model.device),
                        "batch_size": model.batch_size,
                        "images_per_second": round(statistics.median(r[i] for r in rounds), 1),
                        "ratio": round(statistics.median(r[i] / r[0] for r in rounds), 2),
                        "ratio_range": [
                            round(bound(r[i] / r[0] for r in rounds), 2) for bound in (min, max)
                        ],
                    }
                    for i, model in enumerate(models)
                ],
            },
            indent=2,
        )
    )


def images_per_second(model: TaggerModel, images: int) -> float:
    """Run a model on noise, in whole batches of at least so many images."""
    card = model.card
    noise = np.random.default_rng(1).integers(
        0, 256, (model.batch_size, card.height, card.width, 3), dtype=np.uint8
    )
    runs = -(-images // model.batch_size)
    started = time.perf_counter()
    for _ in range(runs):
        model.scores(noise)
    return runs * model.batch_size / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
