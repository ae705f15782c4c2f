"""Joins the stages: paths → results, in input order.

Images are decoded by threads or by processes. Where threads decode for a CPU, a worker decodes a
few images and runs the network on them itself, on one core: no core waits for another, and nothing
has to be balanced. Otherwise decoders fill a batch together, piece by piece, and a thread of the
device then runs it.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from itertools import chain, count, islice
from typing import TYPE_CHECKING, Any, TypeVar

from tagger.decode.budget import DEFAULT_LIMITS, ImageLimits, Memory
from tagger.decode.pillow import one_thread_per_image
from tagger.errors import TaggerError, UsageError
from tagger.network.devices import main_memory
from tagger.network.model import TaggerModel
from tagger.pipeline.costs import Costs
from tagger.pipeline.decode import Decode
from tagger.pipeline.loading import TextOf
from tagger.pipeline.stages import Reading, See, Stages
from tagger.pipeline.ways import (
    BATCHES_PER_DEVICE,
    InThreads,
    InWorkers,
    OnDevices,
    Way,
    device_pools,
    network_threads,
    slots_in_shared_memory,
)
from tagger.pipeline.workers import worker_pool
from tagger.results import Result
from tagger.rules import Rules

if TYPE_CHECKING:
    from tagger.pipeline.in_processes import InProcesses

logger = logging.getLogger(__name__)

Given = TypeVar("Given")
Done = TypeVar("Done")


# Images after which it is known how many are tagged in a second.
_TO_SEE = 128
# At this rate threads begin to wait for the interpreter's lock: it is held for about 0.3 ms for
# each image that a thread decodes, and for a tenth of that if a process does. A GPU's threads wait
# for it, too, at any rate: the decoders of images for one are processes after the first few.
_TOO_MANY = 500.0


def tag_images(
    paths: Iterable[str], model: TaggerModel, rules: Rules, **how: Any
) -> Iterator[Result]:
    """Return the results of :func:`tag_lots` one by one."""
    return chain.from_iterable(tag_lots(paths, model, rules, **how))


def tag_lots(
    paths: Iterable[str],
    model: TaggerModel,
    rules: Rules,
    *,
    workers: int,
    facts: Collection[str] = (),
    limits: ImageLimits = DEFAULT_LIMITS,
    decode: Decode = Decode.AUTO,
    text_of: TextOf | None = None,
    see: See | None = None,
) -> Iterator[list[Result]]:
    """Tag images, some together; one that cannot be read keeps its place as a Failed.

    Args:
        paths: image files; consumed at most two batches per worker (threads on a CPU), four per
            device (on a GPU), or as many lots as fit into the memory that processes share ahead.
        model: an opened model.
        rules: which scores become tags.
        workers: number of images decoded, and on a CPU also scored, at a time.
        facts: facts that :func:`tagger.decode.facts.measure` finds out about each file.
        limits: an image's budget.
        decode: who decodes images; a crash of a decoder ends a thread's process, while in a process
            of its own the image fails like any other. AUTO begins with threads, and goes over to
            processes if images are tagged so quickly that threads would wait for each other.
        text_of: says what is known of an image in words, or None; called with its path, by a
            worker, within the image's budget, and not at all for a model that takes no text.
        see: called by a worker for each image that could be read, with its pixels.

    Raises:
        UsageError: the batches do not fit into memory.
        ModelError: the model fails while running.
        StalledError: many images hang.
        TaggerError: no process or no thread can be started.
    """
    check_memory(model, workers, decode)
    costs = Costs()
    wanted = text_of if model.card.text is not None else None
    reading = Reading(facts, limits, Memory(limits.memory), wanted)

    def lots() -> Iterator[list[Result]]:
        with ExitStack() as stack:
            engine = _Engine(Stages(model, rules, costs, see), reading, workers, decode, stack)
            taken, images = 0.0, 0  # seconds of whoever takes the results
            for lot in in_order(engine.lots(paths), engine.submit, ahead=engine.ahead):
                since = time.perf_counter()
                yield lot
                taken += time.perf_counter() - since
                images += len(lot)
            costs.add("outputs", taken, images)
        threads = network_threads(model, workers)
        costs.log({"reading": workers, "network": threads, "pictures": threads, "outputs": 1})

    return lots()


def check_memory(model: TaggerModel, workers: int, decode: Decode = Decode.AUTO) -> None:
    """Check that this machine can hold the batches that are at work at the same time.

    Raises:
        UsageError: they would take more than half of its memory.
    """
    size = _memory_of_batches(model, workers, decode)
    there = main_memory()
    if there is not None and size > there // 2:
        raise UsageError(
            f"--batch-size {model.batch_size}: the batches at work take {size / 1e9:,.1f} GB of "
            f"memory, and this machine has {there / 1e9:,.1f} GB: reduce --batch-size or "
            "--workers.",
            "batch-size",
            "workers",
        )


def _memory_of_batches(model: TaggerModel, workers: int, decode: Decode) -> int:
    """Return the bytes of all batches at work; AUTO counts what is decoded by threads."""
    if decode is Decode.PROCESSES:
        lots, rows = slots_in_shared_memory(model, workers)
        images = lots * rows
    else:
        lots = workers if model.runs_on_cpu else BATCHES_PER_DEVICE * model.lanes
        images = lots * model.batch_size
    return images * model.card.height * model.card.width * 3


class _Engine:
    """Takes each lot of images the way that suits it."""

    def __init__(
        self, stages: Stages, reading: Reading, workers: int, decode: Decode, stack: ExitStack
    ) -> None:
        self._stages, self._reading, self._workers = stages, reading, workers
        self._costs, self._stack = stages.costs, stack
        self._processes: tuple[Way, InProcesses] | None = None
        self._may_change = decode is Decode.AUTO
        if decode is Decode.PROCESSES:
            self._way = self._start_processes()[0]
        else:
            self._way = self._by_threads()

    def lots(self, paths: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
        """Cut a stream of paths into numbered lots."""
        paths = iter(paths)
        for number in count():
            if self._may_change and self._costs.images("reading") > _TO_SEE:
                self._consider()
            lot = list(islice(paths, self._way.lot))
            if not lot:
                return
            yield number, lot

    def submit(self, lot: tuple[int, list[str]]) -> Future[list[Result]]:
        """Start the work on a lot."""
        return self._way.submit(*lot)

    def ahead(self) -> int:
        """Return how many lots may be at work."""
        return self._way.ahead

    def _consider(self) -> None:
        """Go over to processes if threads would wait for each other."""
        if self._processes is None:
            rate = self._costs.images("reading") / self._costs.seconds
            if rate >= _TOO_MANY or not self._stages.model.runs_on_cpu:
                self._try_processes()
            return
        way, decoders = self._processes
        if decoders.processes.error is not None:
            logger.info("threads go on decoding: %s", decoders.processes.error)
            self._may_change = False
        elif decoders.processes.are_ready:
            logger.info("processes go on decoding after %d images", self._costs.images("reading"))
            self._way, self._may_change = way, False

    def _try_processes(self) -> None:
        there = main_memory()
        needed = _memory_of_batches(self._stages.model, self._workers, Decode.PROCESSES)
        # A program with an interpreter inside would be started once more instead.
        is_python = os.path.basename(sys.executable or "").lower().startswith("python")
        if not is_python or (there is not None and needed > there // 2):
            self._may_change = False
            return
        try:
            self._processes = self._start_processes()
        except (OSError, TaggerError) as error:
            logger.info("threads go on decoding: %s", error)
            self._may_change = False

    def _start_processes(self) -> tuple[Way, InProcesses]:
        from tagger.pipeline.in_processes import InProcesses

        stages, workers = self._stages, self._workers
        devices = device_pools(stages.model, workers, self._stack)
        # Exited first: a device waits for none of the pieces that are cancelled.
        decoders = InProcesses(stages, self._reading, workers, self._stack)
        return OnDevices(stages, decoders, devices, workers), decoders

    def _by_threads(self) -> Way:
        stages, workers = self._stages, self._workers
        self._stack.enter_context(one_thread_per_image())
        if stages.model.runs_on_cpu:
            return InWorkers(stages, self._reading, workers, self._stack)
        decoding = self._stack.enter_context(worker_pool(workers, "decode"))
        # Exited first: a device would wait forever for pieces that were dropped.
        devices = device_pools(stages.model, workers, self._stack)
        decoders = InThreads(stages, self._reading, decoding)
        return OnDevices(stages, decoders, devices, workers)


def batches(paths: Iterable[str], size: int) -> Iterator[list[str]]:
    """Cut a stream of paths into lists of ``size``; the last one may be shorter."""
    paths = iter(paths)
    while batch := list(islice(paths, size)):
        yield batch


def in_order(
    items: Iterable[Given],
    submit: Callable[[Given], Future[Done]],
    *,
    ahead: int | Callable[[], int],
) -> Iterator[Done]:
    """Yield what becomes of the items, in their order.

    At most ``ahead`` items are submitted whose work has not been taken yet; a function says how
    many at the time.
    """
    items = iter(items)
    window: deque[Future[Done]] = deque()
    while True:
        most = ahead if isinstance(ahead, int) else ahead()
        window.extend(submit(item) for item in islice(items, max(0, most - len(window))))
        if not window:
            return
        yield window.popleft().result()
