"""How fast this machine decodes, runs a network, and does both; and what the bottleneck is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from tagger.decode.budget import NO_HURRY
from tagger.decode.shared import SharedBytes
from tagger.errors import DataError
from tagger.network.devices import available_cores
from tagger.network.model import TaggerModel
from tagger.pipeline.costs import Costs
from tagger.pipeline.decoders import ProcessDecoders, bytes_of_progress
from tagger.pipeline.loading import Read
from tagger.pipeline.pipeline import batches, in_order, tag_images
from tagger.pipeline.workers import worker_pool
from tagger.results import ImageText, Tagged
from tagger.rules import Rules

#: Width and height of the posters that are drawn if none are given.
DRAWN_SIZES = {"small": (300, 444), "large": (2000, 3000)}

# Images that a process decodes together: small, so that all end at the same time.
_PIECE = 8

# A stage is the bottleneck if it takes at least this share of the time.
_DOMINANT = 0.6


@dataclass(frozen=True)
class Rates:
    """Images per second for one set of images: medians of several rounds in one process.

    Attributes:
        images: number of images.
        decode: reading, decoding and resizing only, by as many processes as there are workers.
        model: the network only, by all workers or on all devices.
        end_to_end: both, and choosing tags.
        shared_cores: whether the same cores do both, as on a CPU.
        decode_core: seconds of a core for an image: reading, decoding and resizing.
        model_core: likewise, the network; a GPU's work is not counted, handing it over is.
    """

    images: int
    decode: float
    model: float
    end_to_end: float
    shared_cores: bool
    decode_core: float = 0.0
    model_core: float = 0.0

    @property
    def ideal(self) -> float:
        """The rate that the stages allow: one after the other on shared cores, or the slower."""
        if self.shared_cores:
            return 1 / (1 / self.decode + 1 / self.model)
        return min(self.decode, self.model)

    @property
    def share(self) -> float:
        """The share of the ideal that is reached."""
        return self.end_to_end / self.ideal

    @property
    def bound(self) -> str:
        """What takes most of the time: ``decode``, ``model`` or ``both``."""
        decoding = self.model / (self.model + self.decode)
        if decoding >= _DOMINANT:
            return "decode"
        return "model" if decoding <= 1 - _DOMINANT else "both"

    def reckoned(self, cores: int, main_core: float) -> float:
        """Return the rate that as many cores like these would reach, by the cost of each stage.

        Args:
            cores: of another machine; they share all work but a GPU's.
            main_core: seconds of a core for an image in the main process, which has no more than
                one core.
        """
        rate = cores / (self.decode_core + self.model_core + main_core)
        if not self.shared_cores:
            rate = min(rate, self.model)
        return min(rate, 1 / main_core)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        names = ("decode", "model", "end_to_end", "ideal")
        rates = {name: round(getattr(self, name), 1) for name in names}
        costs = {
            "decode_core_us": round(1e6 * self.decode_core, 1),
            "model_core_us": round(1e6 * self.model_core, 1),
        }
        rest = {"share_of_ideal": round(self.share, 3), "bound": self.bound}
        return {"images": self.images, **rates, **costs, **rest}


def measure(paths: Sequence[str], model: TaggerModel, *, workers: int, rounds: int) -> Rates:
    """Measure all three in each round, so that a machine that slows down slows all of them.

    Args:
        paths: image files; unreadable ones are not counted.
        model: an opened model.
        workers: as for :func:`tagger.pipeline.pipeline.tag_images`.
        rounds: number of rounds.

    Raises:
        DataError: no image can be read.
        ModelError: the model fails while running.
    """
    rules = Rules.of_card(model.card)
    # The first runs do not count: they allocate memory and read files into the page cache.
    readable = sum(
        isinstance(result, Tagged)
        for result in tag_images(paths[: 4 * workers], model, rules, workers=workers)
    )
    if not readable:
        raise DataError("None of these images can be read, so there is nothing to measure.")
    measured: dict[str, list[_Cost]] = {"decode": [], "model": [], "end_to_end": []}
    with _decoding(model, workers) as decode:
        stages: dict[str, Callable[[], Iterable[Sized]]] = {
            "decode": lambda: decode(paths),
            "model": lambda: _run(len(paths), model, workers),
            "end_to_end": lambda: (
                [one] for one in tag_images(paths, model, rules, workers=workers)
            ),
        }
        for _ in range(rounds):
            for name, start in stages.items():
                measured[name].append(_cost(start()))
    costs = {
        name: _Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))
        for name, costs in measured.items()
    }
    return Rates(
        len(paths),
        decode=1 / costs["decode"].seconds,
        model=1 / costs["model"].seconds,
        end_to_end=1 / costs["end_to_end"].seconds,
        shared_cores=model.runs_on_cpu,
        decode_core=costs["decode"].seconds * min(workers, available_cores()),
        model_core=costs["model"].core,
    )


class _Cost(NamedTuple):
    """Seconds for an image, and those of a core that this process used in them."""

    seconds: float
    core: float


def _cost(pieces: Iterable[Sized]) -> _Cost:
    began, before = time.perf_counter(), time.process_time()
    images = sum(len(piece) for piece in pieces)
    return _Cost((time.perf_counter() - began) / images, (time.process_time() - before) / images)


def network_rate(
    images: int,
    model: TaggerModel,
    *,
    workers: int,
    text_of: Callable[[int], ImageText] | None = None,
) -> float:
    """Return the rate of the network alone, in images per second; rounds up to whole batches.

    ``text_of`` gives the text of each image, by its number.
    """
    return 1 / _cost(_run(images, model, workers, text_of)).seconds


@contextmanager
def _decoding(
    model: TaggerModel, workers: int
) -> Iterator[Callable[[Sequence[str]], Iterable[Sized]]]:
    """Start processes that read images and throw the pixels away: what the machine can decode.

    Threads would wait for the interpreter's lock, and so measure something else.
    """
    height, width = model.card.height, model.card.width
    room, ahead = _PIECE * height * width * 3, 2 * workers
    first = bytes_of_progress(workers)
    with ExitStack() as stack:
        shared = SharedBytes(first + ahead * room)
        stack.callback(shared.close)
        decoders = ProcessDecoders(workers, shared, (), NO_HURRY, Costs(), None)
        stack.callback(decoders.close)
        while not decoders.are_ready and decoders.error is None:
            time.sleep(0.01)

        def submit(item: tuple[int, list[str]]) -> Future[Read]:
            number, piece = item
            return decoders.submit(piece, first + number % ahead * room, (height, width))

        yield lambda paths: in_order(enumerate(batches(paths, _PIECE)), submit, ahead=ahead)


def _run(
    images: int,
    model: TaggerModel,
    workers: int,
    text_of: Callable[[int], ImageText] | None = None,
) -> Iterable[Sized]:
    size = model.batch_size
    pixels = np.random.default_rng(1).integers(0, 256, model.empty_batch().shape, dtype=np.uint8)
    threads = workers if model.runs_on_cpu else 2 * model.lanes
    runs = range(max(threads, -(-images // size)))

    def work(number: int) -> Sized:
        numbers = range(number * size, number * size + size)
        texts = None if text_of is None else [text_of(one) for one in numbers]
        return model.scores(pixels, texts, lane=number % model.lanes)

    with worker_pool(threads, "model") as pool:
        yield from in_order(runs, lambda number: pool.submit(work, number), ahead=2 * threads)


def draw_posters(folder: Path, width: int, height: int, count: int) -> list[str]:
    """Draw posters to measure on, with as much detail as a photograph: JPEGs of quality 80.

    Returns:
        Their paths.
    """
    paths = []
    for number in range(count):
        random = np.random.default_rng(number)
        page = np.zeros((height, width, 3), np.float32)
        for cells in (3, 12, 48, 192):  # light, objects, texture, grain: each half as strong
            coarse = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
            layer = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
            page += np.asarray(layer, dtype=np.float32) * (1.6 / cells**0.4)
        page *= 255 / page.max()
        file = folder / f"poster-{width}x{height}-{number:03}.jpg"
        Image.fromarray(page.astype(np.uint8)).save(file, quality=80)
        paths.append(str(file))
    return paths
