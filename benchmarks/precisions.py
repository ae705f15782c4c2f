"""Rates of the network alone for several model files, interleaved so that they are comparable.

    python benchmarks/precisions.py FP32.onnx INT8.onnx ... [--rounds N] [--images N]

In each round every file runs on the same images, one file after the other. A file's ratio is the
median over the rounds of its rate divided by the first file's rate *in the same round*, so that
other load on the machine slows both.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from tagger.network.devices import available_cores
from tagger.network.model import TaggerModel
from tagger.pipeline.rates import network_rate


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=256, help="images per file and round")
    parser.add_argument("--batch-size", type=int, default=None)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    models = [
        TaggerModel(file, options.device, batch_size=options.batch_size) for file in options.files
    ]
    workers = available_cores()
    for model in models:
        network_rate(model.batch_size, model, workers=workers)  # the first run allocates
    rounds = [
        [network_rate(options.images, model, workers=workers) for model in models]
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
                        "device": model.device,
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


if __name__ == "__main__":
    main()
