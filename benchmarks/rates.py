"""Rates of this machine on a folder of images: decode alone, model alone, and both together.

    python benchmarks/rates.py FOLDER [--model FILE] [--repeat N]

Every phase runs in the same process, one after the other, on the same images; start-up (imports and
opening the model) is stated apart. Peak memory is the whole process's, so it is measured in a fresh
child that only tags.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

_PROBE = """
import json, resource, sys, time
started = time.perf_counter()
from tagger.cli import run
code = run(["tag", sys.argv[1], "-o", sys.argv[2], "-f", "csv", "--quiet", "--model", sys.argv[3]])
scale = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
print(json.dumps({"exit": code, "peak": peak, "seconds": time.perf_counter() - started}))
"""


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the median is reported")
    options = parser.parse_args()

    started = time.perf_counter()
    from tagger.cores import available_cores
    from tagger.model import BUNDLED_MODEL, TaggerModel
    from tagger.scan import WalkOptions, scan

    file = options.model or BUNDLED_MODEL
    model = TaggerModel(file, "cpu")
    startup = time.perf_counter() - started
    paths = list(scan([str(options.folder)], WalkOptions()).paths(lambda folder, reason: None))
    rounds = [_rates(paths, model, available_cores()) for _ in range(options.repeat)]
    median = {key: sorted(each[key] for each in rounds)[len(rounds) // 2] for key in rounds[0]}
    ideal = 1 / (1 / median["decode"] + 1 / median["model"])
    print(
        json.dumps(
            {
                "machine": f"{platform.machine()}, {available_cores()} cores",
                "images": len(paths),
                "model": f"{model.card.name} {model.card.precision}",
                "startup_seconds": round(startup, 2),
                "images_per_second": {key: round(rate, 1) for key, rate in median.items()},
                "ideal_for_shared_cores": round(ideal, 1),
                "share_of_ideal": round(median["end_to_end"] / ideal, 3),
                "command": _command(options.folder, file, len(paths)),
            },
            indent=2,
        )
    )


def _rates(paths: list[str], model: Any, workers: int) -> dict[str, float]:
    from tagger.loading import load_all
    from tagger.pipeline import tag_images
    from tagger.selection import Rules

    card = model.card
    decode = _rate(
        load_all(paths, card.height, card.width, workers=workers, ahead=4 * workers), len(paths)
    )
    batch = [
        item.pixels
        for item in islice(
            load_all(paths, card.height, card.width, workers=workers, ahead=workers),
            model.batch_size,
        )
        if hasattr(item, "pixels")
    ]
    import numpy as np

    images = np.stack(batch)
    runs = max(1, min(len(paths), 2000) // len(images))
    network = _rate((model.scores(images) for _ in range(runs)), runs * len(images))
    together = _rate(tag_images(paths, model, Rules.of_card(card), workers=workers), len(paths))
    return {"decode": decode, "model": network, "end_to_end": together}


def _rate(work: Any, images: int) -> float:
    started = time.perf_counter()
    for _ in work:
        pass
    return images / (time.perf_counter() - started)


def _command(folder: Path, model: Path, images: int) -> dict[str, float]:
    """Run the real command in a fresh process: wall time with start-up, and peak memory."""
    table = Path(os.devnull)
    ended = subprocess.run(
        [sys.executable, "-c", _PROBE, str(folder), str(table), str(model)],
        check=True,
        capture_output=True,
        text=True,
    )
    result = json.loads(ended.stdout)
    return {
        "seconds": round(result["seconds"], 2),
        "images_per_second": round(images / result["seconds"], 1),
        "peak_memory_mb": round(result["peak"] / 1e6, 1),
    }


if __name__ == "__main__":
    main()
