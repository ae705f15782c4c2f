"""The gallery of a large collection: how long it takes to make, and how quick it is in a browser.

    python benchmarks/gallery.py [--images 20000] [--keep FOLDER]

Draws posters of 300 × 444 pixels, writes a table of them with 25 labels, makes the page, and opens
it in Chromium. Needs Chromium, and tests/browser.py, which drives it.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from tagger.gallery.gallery import Gallery
from tagger.gallery.plan import GalleryPlan
from tagger.network.devices import available_cores
from tagger.network.model import BUNDLED_MODEL, read_card
from tagger.rules import Rules, select

SIZE = 300, 444
DIFFERENT = 200  # posters are drawn; the others are copies
SCROLLING = """
new Promise(done => {
  const gaps = [], grid = document.getElementById('grid'), start = performance.now();
  let last = start;
  const step = now => {
    gaps.push(now - last);
    last = now;
    grid.scrollTop += 900;
    if (now - start < 4000) requestAnimationFrame(step); else done(gaps.slice(1));
  };
  requestAnimationFrame(step);
})
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="where to draw; made if it is not there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        os.chdir(_drawn(folder, options.images))
        size = _make(options.images)
        print(f"page {size / 1e6:.1f} MB")
        _look(folder / "gallery.html", Path(scratch) / "browser")


def _drawn(folder: Path, count: int) -> Path:
    """Draw posters and write their table; return the folder."""
    if (folder / "tags.csv").exists():
        return folder
    random.seed(1)
    noise = np.random.default_rng(1)
    (folder / "posters").mkdir(parents=True)
    card = read_card(BUNDLED_MODEL)
    rules = Rules.of_card(card)
    with open(folder / "tags.csv", "w", encoding="utf-8") as table:
        print("path,tags,error", *card.labels, sep=",", file=table)
        for number in range(count):
            path = f"posters/film-{number:05} ({1950 + number % 70}).jpg"
            if number < DIFFERENT:
                rough = noise.integers(0, 256, (37, 25, 3), dtype=np.uint8)
                poster = Image.fromarray(rough).resize(SIZE, Image.Resampling.BICUBIC)
                poster.save(folder / path, quality=88)
            else:
                file = (
                    f"posters/film-{number % DIFFERENT:05} ({1950 + number % DIFFERENT % 70}).jpg"
                )
                (folder / path).write_bytes((folder / file).read_bytes())
            scores = np.round(noise.beta(0.35, 2.2, len(card.labels)), 4)
            tags = "|".join(tag.name for tag in select(scores, rules))
            print(path, tags, "", *(f"{score:.4f}" for score in scores), sep=",", file=table)
    return folder


def _make(count: int) -> int:
    """Make the page twice, the second time from the thumbnails that are there; return its size."""
    cores = available_cores()
    for what in ("first time", "again"):
        wall, cpu = time.perf_counter(), time.process_time()
        plan = GalleryPlan("tags.csv", "gallery.html", card=read_card(BUNDLED_MODEL), workers=cores)
        Gallery(plan).write()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"made {what}: {wall:.1f} s, {cpu / count * 1e3:.2f} ms of a core an image")
    files = [file.stat().st_size for file in Path("gallery_files").rglob("*.jpg")]
    print(f"{len(files):,} thumbnails, {sum(files) / 1e6:.0f} MB")
    return Path("gallery.html").stat().st_size


def _look(page_file: Path, scratch: Path) -> None:
    scratch.mkdir(exist_ok=True)
    browser: Any = import_module("browser")  # of the tests
    with browser.browser(scratch) as page:
        paints = []
        for _ in range(3):
            page.open("about:blank")
            page.open(page_file.resolve())
            page.wait("performance.getEntriesByName('first-contentful-paint').length")
            paints.append(
                page.run("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            )
        print(f"first paint {_said(paints)}")
        for what, (before, script) in _FILTERS.items():
            print(f"{what} {_said([_timed(page, before, script) for _ in range(5)])}")
        page.run("toggleTune(false); order = 'given'; resetFilter()")
        gaps = sorted(page.run(SCROLLING))
        print(
            f"scrolling: {len(gaps) / 4:.0f} frames a second, the longest gap {gaps[-1]:.0f} ms, "
            f"99 of 100 within {gaps[len(gaps) * 99 // 100]:.0f} ms"
        )


# What a person does, and what they had done before.
_FILTERS = {
    "filter by a tag": ("resetFilter()", "filter.wanted.add(0); refresh()"),
    "filter by two tags and a text": (
        "resetFilter()",
        "filter.wanted.add(0).add(4); filter.text = '19'; refresh()",
    ),
    "filter by probability": ("resetFilter()", "filter.label = 3; filter.from = .3; refresh()"),
    "show all again": ("filter.wanted.add(0); refresh()", "resetFilter()"),
    "sort by doubt": ("order = 'given'; refresh()", "order = 'doubt'; refresh()"),
    "move a threshold": ("toggleTune(true)", "tuned[3] = Math.random(); tune()"),
}


def _timed(page: Any, before: str, script: str) -> float:
    """Return the milliseconds until a change is laid out."""
    page.run(f"{before};0")
    ran: float = page.run(
        f"(() => {{ const start = performance.now(); {script};"
        "document.getElementById('grid').getBoundingClientRect();"
        "return performance.now() - start; })()"
    )
    return ran


def _said(times: list[float]) -> str:
    return f"{statistics.median(times):.0f} ms (at most {max(times):.0f})"


if __name__ == "__main__":
    main()
