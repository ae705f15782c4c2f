"""Joins the stages: paths → results, in input order.

On a CPU, a worker decodes a few images and runs the network on them itself, on one core: no core
waits for another, and nothing has to be balanced. On a GPU, many workers fill a batch together, and
a thread of the device then runs it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, islice
from queue import SimpleQueue
from typing import TypeVar

import numpy as np

from tagger.decode.budget import DEFAULT_LIMITS, ImageLimits, Memory
from tagger.decode.picture import load_picture
from tagger.decode.pillow import one_thread_per_image
from tagger.errors import UsageError
from tagger.network.devices import main_memory
from tagger.network.model import TaggerModel
from tagger.pipeline.costs import Costs
from tagger.pipeline.loading import Loading, LoadPicture, Read, TextOf
from tagger.pipeline.workers import worker_pool
from tagger.results import DECIMALS, Failed, Pixels, Result, Tagged
from tagger.rules import Rules, select

Given = TypeVar("Given")
Done = TypeVar("Done")

# A batch for a GPU is decoded in pieces of this many images, by all workers.
_PIECE = 8
# In the network, being copied, complete, being filled.
_BATCHES_PER_DEVICE = 4


def tag_images(
    paths: Iterable[str],
    model: TaggerModel,
    rules: Rules,
    *,
    workers: int,
    facts: Collection[str] = (),
    limits: ImageLimits = DEFAULT_LIMITS,
    isolated: bool = False,
    text_of: TextOf | None = None,
) -> Iterator[Result]:
    """Tag images; one that cannot be read keeps its place as a Failed.

    Args:
        paths: image files; consumed at most two batches per worker (CPU) or four per device (GPU)
            ahead.
        model: an opened model.
        rules: which scores become tags.
        workers: number of images decoded, and on a CPU also scored, at a time.
        facts: facts that :func:`tagger.decode.facts.measure` finds out about each file.
        limits: an image's budget.
        isolated: whether images are decoded in separate processes, so that one that crashes its
            decoder fails like any other.
        text_of: says what is known of an image in words, or None; called with its path, by a
            worker, within the image's budget, and not at all for a model that takes no text.

    Raises:
        UsageError: the batches do not fit into memory.
        ModelError: the model fails while running.
        StalledError: many images hang.
        TaggerError: no process or no thread can be started.
    """
    check_memory(model, workers)
    memory = Memory(limits.memory)
    costs = Costs()
    wanted = text_of if model.card.text is not None else None

    def tagged_batches() -> Iterator[list[Result]]:
        numbered = zip(count(), batches(paths, model.batch_size), strict=False)
        tagged = _in_workers if model.runs_on_cpu else _on_devices
        with _picture_loader(isolated=isolated) as load:

            def loading(paths: Sequence[str], pixels: Pixels | None = None) -> Loading:
                return Loading(paths, facts, limits, memory, pixels, load, wanted)

            yield from tagged(numbered, _Stages(model, rules, costs), workers, loading)
        costs.log(workers)

    return chain.from_iterable(tagged_batches())


def check_memory(model: TaggerModel, workers: int) -> None:
    """Check that this machine can hold the batches that are at work at the same time.

    Raises:
        UsageError: they would take more than half of its memory.
    """
    count = workers if model.runs_on_cpu else _BATCHES_PER_DEVICE * model.lanes
    size = count * model.batch_size * model.card.height * model.card.width * 3
    there = main_memory()
    if there is not None and size > there // 2:
        raise UsageError(
            f"--batch-size {model.batch_size}: the batches at work take {size / 1e9:,.1f} GB of "
            f"memory, and this machine has {there / 1e9:,.1f} GB: reduce --batch-size or "
            "--workers.",
            "batch-size",
            "workers",
        )


@contextmanager
def _picture_loader(*, isolated: bool) -> Iterator[LoadPicture]:
    if not isolated:
        with one_thread_per_image():
            yield load_picture
        return
    from tagger.decode.processes import isolation

    with isolation() as processes:
        yield processes.load


def _in_workers(
    numbered: Iterable[tuple[int, list[str]]],
    stages: _Stages,
    workers: int,
    loading: Callable[[Sequence[str]], Loading],
) -> Iterator[list[Result]]:
    free: list[Pixels] = []  # arrays of finished batches, the last one still in a cache

    def work(number: int, batch: list[str], images: Loading) -> list[Result]:
        if images.pixels is None:
            try:
                images.pixels = free.pop()
            except IndexError:
                images.pixels = stages.model.empty_batch()
        results = stages.results(number, batch, stages.read(images), images.pixels)
        free.append(images.pixels)
        return results

    def submit(item: tuple[int, list[str]]) -> Future[list[Result]]:
        images = loading(item[1])
        return pool.submit_watched(partial(work, *item, images), images.gave_up)

    with worker_pool(workers, "tag") as pool:
        yield from in_order(numbered, submit, ahead=2 * workers)


def _on_devices(
    numbered: Iterable[tuple[int, list[str]]],
    stages: _Stages,
    workers: int,
    loading: Callable[[Sequence[str], Pixels], Loading],
) -> Iterator[list[Result]]:
    model = stages.model
    ahead = _BATCHES_PER_DEVICE * model.lanes
    free: SimpleQueue[Pixels] = SimpleQueue()
    for _ in range(ahead):
        free.put(model.empty_batch())

    def run(
        number: int, batch: list[str], pixels: Pixels, pieces: list[Future[Read]]
    ) -> list[Result]:
        read = [one for piece in pieces for one in piece.result()]
        results = stages.results(number, batch, read, pixels)
        free.put(pixels)
        return results

    with ExitStack() as stack:
        decoding = stack.enter_context(worker_pool(workers, "decode"))
        # Exited first: a device would wait forever for pieces that were dropped. Two threads each:
        # one copies its batch to the device while the other's is in the network.
        devices = [stack.enter_context(worker_pool(2, "device")) for _ in range(model.lanes)]

        def submit(item: tuple[int, list[str]]) -> Future[list[Result]]:
            number, batch = item
            pixels = free.get()
            images = [
                loading(batch[start : start + _PIECE], pixels[start : start + _PIECE])
                for start in range(0, len(batch), _PIECE)
            ]
            pieces = [
                decoding.submit_watched(partial(stages.read, piece), piece.gave_up)
                for piece in images
            ]
            return devices[number % model.lanes].submit(run, number, batch, pixels, pieces)

        yield from in_order(numbered, submit, ahead=ahead)


@dataclass(frozen=True)
class _Stages:
    """What workers do with a batch."""

    model: TaggerModel
    rules: Rules
    costs: Costs

    def read(self, images: Loading) -> Read:
        """Read images; see :meth:`tagger.pipeline.loading.Loading.finish`."""
        with self.costs.of("reading"):
            return images.finish()

    def results(self, number: int, batch: list[str], read: Read, pixels: Pixels) -> list[Result]:
        """Score a batch; rows of unreadable images contain leftovers."""
        failed = [one for one in read if isinstance(one, Failed)]
        if len(failed) == len(read):
            return list(failed)
        with self.costs.of("network"):
            texts = [None if isinstance(one, Failed) else one.text for one in read]
            exact = self.model.scores(pixels, texts, lane=number % self.model.lanes)
            scores = exact.astype(np.float64).round(DECIMALS)
        return [
            one
            if isinstance(one, Failed)
            else Tagged(path, select(own, self.rules), own, one.facts, one.text)
            for path, one, own in zip(batch, read, scores[: len(batch)], strict=True)
        ]


def batches(paths: Iterable[str], size: int) -> Iterator[list[str]]:
    """Cut a stream of paths into lists of ``size``; the last one may be shorter."""
    paths = iter(paths)
    while batch := list(islice(paths, size)):
        yield batch


def in_order(
    items: Iterable[Given], submit: Callable[[Given], Future[Done]], *, ahead: int
) -> Iterator[Done]:
    """Yield what becomes of the items, in their order.

    At most ``ahead`` items are submitted whose work has not been taken yet.
    """
    items = iter(items)
    window = deque(submit(item) for item in islice(items, ahead))
    while window:
        yield window.popleft().result()
        window.extend(submit(item) for item in islice(items, 1))
