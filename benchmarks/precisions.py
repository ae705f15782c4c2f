"""Rates of the network alone for several model files, interleaved so that they are comparable.

    python benchmarks/precisions.py FP32.onnx INT8.onnx ... [--rounds N] [--images N] [--texts]

In each round every file runs on the same images, one file after the other. A file's ratio is the
median over the rounds of its rate divided by the first file's rate *in the same round*, so that
other load on the machine slows both. With --texts, files that take a text run a second time, with
another title and year for each image; compared with the same network without a text input, that
is what a text costs.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from tagger.network.devices import available_cores
from tagger.network.model import TaggerModel
from tagger.pipeline.rates import network_rate
from tagger.results import ImageText


def title_of(number: int) -> ImageText:
    """Return a title of five words, and a year; no two images share it."""
    return ImageText(f"The Long Road to {number:,} Rivers", 1900 + number % 100)


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=256, help="images per file and round")
    parser.add_argument("--batch-size", type=int, default=None)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--texts", action="store_true", help="also measure with texts")
    options = parser.parse_args()

    models = [
        TaggerModel(file, options.device, batch_size=options.batch_size) for file in options.files
    ]
    workers = available_cores()
    for model in models:
        network_rate(model.batch_size, model, workers=workers)  # the first run allocates
    measured = [
        (model, text_of)
        for model in models
        for text_of in ((None, title_of) if options.texts and model.card.text else (None,))
    ]
    rounds = [
        [
            network_rate(options.images, model, workers=workers, text_of=text_of)
            for model, text_of in measured
        ]
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
                        "texts": text_of is not None,
                        "images_per_second": round(statistics.median(r[i] for r in rounds), 1),
                        "ratio": round(statistics.median(r[i] / r[0] for r in rounds), 2),
                        "ratio_range": [
                            round(bound(r[i] / r[0] for r in rounds), 2) for bound in (min, max)
                        ],
                    }
                    for i, (model, text_of) in enumerate(measured)
                ],
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
