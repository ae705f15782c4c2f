"""Everything that a machine with a GPU can show, into the table of ``docs/performance.md``.

    make bench-gpu IMAGES=posters/

For each device: how far its scores are from the CPU's; the rate of its network alone; then, for the
given images and for drawn ones of 2000 × 3000 pixels, what ``engine.py`` measures: a bare pool that
decodes and throws away, PyTorch's ``DataLoader`` feeding ONNX Runtime on the same GPU, and
``tagger tag``. A device that is not available is left out, and said so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagger.decode.picture import load_rgb
from tagger.errors import DeviceError
from tagger.network.devices import available_cores
from tagger.network.model import TaggerModel
from tagger.pipeline.rates import DRAWN_SIZES, draw_posters, network_rate
from tagger.rules import Rules, select

_HERE = Path(__file__).parent
_COLUMNS = (
    "device", "images", "network alone", "decoding alone", "DataLoader", "`tagger tag`",
    "of the slower stage", "main process, µs an image", "largest difference from the CPU",
    "images with other tags",
)  # fmt: skip
_MARKED = re.compile(r"(<!-- make bench-gpu -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Measure, and put the table into the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--devices", nargs="+", default=["cuda", "tensorrt"])
    parser.add_argument("--count", type=int, default=8_088)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--document", type=Path, default=_HERE.parent / "docs" / "performance.md")
    options = parser.parse_args()

    rows = []
    with tempfile.TemporaryDirectory(prefix="tagger-gpu-") as scratch:
        large = Path(scratch)
        draw_posters(large, *DRAWN_SIZES["large"], 4)
        for device in options.devices:
            try:
                model = TaggerModel(None, device)
            except DeviceError as error:
                print(error, file=sys.stderr)
                continue
            sets = {"given": options.folder, "2000 × 3000": large}
            rows += list(_measured(model, sets, options.count, options.rounds))
    if not rows:
        sys.exit("nothing was measured")
    table = "\n".join([f"{_machine()}:", "", *_table(rows)])
    text = options.document.read_text(encoding="utf-8")
    if not _MARKED.search(text):
        sys.exit(f"{options.document} has no place for the table")
    filled = _MARKED.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)
    options.document.write_text(filled, encoding="utf-8")
    print(table)


def _measured(
    model: TaggerModel, sets: dict[str, Path], count: int, rounds: int
) -> Iterator[dict[str, str]]:
    cores = available_cores()
    apart, others = _parity(model, sorted(sets["given"].rglob("*.jpg"))[:256])
    network_rate(model.batch_size, model, workers=cores)  # the first run allocates
    alone = network_rate(min(count, 32 * model.batch_size), model, workers=cores)
    for name, folder in sets.items():
        images = count if name == "given" else max(8, count // 8)
        rates = _engine(model.device, folder, images, rounds)
        tagger, pool = rates["tagger"], rates["pool"]
        slower = min(alone, pool["images_per_second"])
        loader = rates.get("dataloader")
        yield dict(
            zip(
                _COLUMNS,
                (
                    model.device,
                    name,
                    f"{alone:,.0f}",
                    f"{pool['images_per_second']:,.0f}",
                    f"{loader['images_per_second']:,.0f}" if loader else "–",
                    f"{tagger['images_per_second']:,.0f}",
                    f"{tagger['images_per_second'] / slower:.0%}",
                    f"{tagger['main_us']}",
                    f"{apart:.4f}",
                    f"{others:.1%}",
                ),
                strict=True,
            )
        )


def _parity(model: TaggerModel, images: Sequence[Path]) -> tuple[float, float]:
    """Return the largest difference from the CPU, and the share of images with other tags."""
    card = model.card
    rules = Rules.of_card(card)
    reference = TaggerModel(model.file, "cpu")
    apart, others = 0.0, 0
    for start in range(0, len(images), model.batch_size):
        paths = images[start : start + model.batch_size]
        pixels = np.stack([load_rgb(path, card.height, card.width) for path in paths])
        found = model.scores(pixels)
        expected = np.concatenate(
            [reference.scores(pixels[at : at + 4]) for at in range(0, len(pixels), 4)]
        )
        apart = max(apart, float(np.abs(found - expected).max()))
        for here, there in zip(found, expected, strict=True):
            tags, theirs = (
                {tag.name for tag in select(row.astype(np.float64), rules)} for row in (here, there)
            )
            others += tags != theirs
    return apart, others / len(images)


def _engine(device: str, folder: Path, count: int, rounds: int) -> dict[str, dict[str, Any]]:
    command = [sys.executable, str(_HERE / "engine.py"), str(folder), "--network", device]
    command += ["--count", str(count), "--rounds", str(rounds), "--json"]
    command += ["--workers", str(available_cores())]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return {rate["party"]: rate for rate in json.loads(done.stdout)["rates"]}


def _machine() -> str:
    """Name the card, its driver and the processor."""
    try:
        asked = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        found = subprocess.run(asked, stdout=subprocess.PIPE, check=True, text=True).stdout
        card = ", driver ".join(part.strip() for part in found.splitlines()[0].split(","))
    except (OSError, subprocess.CalledProcessError, IndexError):
        card = "No NVIDIA card"
    processor = platform.processor() or platform.machine()
    if os.path.isfile("/proc/cpuinfo"):
        names = re.findall(
            r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE
        )
        processor = names[0] if names else processor
    return f"{card}; {available_cores()} cores of {processor}"


def _table(rows: Sequence[dict[str, str]]) -> Iterator[str]:
    yield f"| {' | '.join(_COLUMNS)} |"
    yield f"| {' | '.join('---' for _ in _COLUMNS)} |"
    for row in rows:
        yield f"| {' | '.join(row.values())} |"


if __name__ == "__main__":
    main()
