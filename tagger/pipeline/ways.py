"""The ways in which batches are decoded and run."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final, Protocol

from tagger.network.model import TaggerModel
from tagger.pipeline.loading import Loading, Read
from tagger.pipeline.stages import Reading, Stages
from tagger.pipeline.workers import WorkerPool, worker_pool
from tagger.results import Pixels, Result

#: In the network, being copied, complete, being filled.
BATCHES_PER_DEVICE: Final = 4

# A piece of work, so that handing it over costs little and all workers end at about the same time.
_SECONDS_OF_PIECE: Final = 0.1
_MOST_IN_PIECE: Final = 256
_USUAL_PIECE: Final = 32
# Before it is known how long an image takes.
_FIRST_PIECE: Final = 8

# Images that are run together and then written together, if all workers together decode them within
# so many seconds. By the next time, decoders have emptied the caches: with lots of 64, one of them
# costs this process twice as much as with 512.
_MOST_IN_LOT: Final = 512
_SECONDS_OF_LOT: Final = 0.2

# Bytes of all batches in shared memory, unless there must be more.
_SHARED: Final = 512 * 1024**2


class Way(Protocol):
    """A way to results."""

    @property
    def ahead(self) -> int:
        """The most lots that are submitted and not taken."""

    @property
    def lot(self) -> int:
        """How many images to submit together next."""

    def submit(self, number: int, paths: list[str]) -> Future[list[Result]]:
        """Start the work on a lot of images."""


class InWorkers:
    """Threads that decode a batch and run it themselves."""

    def __init__(self, stages: Stages, reading: Reading, workers: int, stack: ExitStack) -> None:
        self.ahead = 2 * workers
        self.lot = stages.model.batch_size
        self._stages, self._loading = stages, reading.in_threads()
        self._free: list[Pixels] = []  # arrays of finished batches, the last one still in a cache
        self._pool = stack.enter_context(worker_pool(workers, "tag"))

    def submit(self, number: int, paths: list[str]) -> Future[list[Result]]:
        """Start the work on a batch."""
        images = self._loading(paths)
        work = partial(self._work, number, paths, images)
        return self._pool.submit_watched(work, images.gave_up)

    def _work(self, number: int, paths: list[str], images: Loading) -> list[Result]:
        if images.pixels is None:
            try:
                images.pixels = self._free.pop()
            except IndexError:
                images.pixels = self._stages.model.empty_batch()
        read = self._stages.read(images)
        results = self._stages.results(number, paths, read, images.pixels)
        self._free.append(images.pixels)
        return results


@dataclass(frozen=True)
class Slot:
    """Room for the pixels of a lot: whole batches; ``offset`` is their place in shared memory."""

    pixels: Pixels
    offset: int = 0


class Decoders(Protocol):
    """What fills slots."""

    def slots(self) -> list[Slot]:
        """Return the slots to fill."""

    def submit(self, paths: list[str], slot: Slot, start: int) -> Future[Read]:
        """Read images into the rows of a slot, from ``start`` on."""


class OnDevices:
    """Decoders that fill slots piece by piece, and threads of devices that run them."""

    def __init__(
        self, stages: Stages, decoders: Decoders, devices: list[WorkerPool], workers: int
    ) -> None:
        self._stages, self._decoders, self._devices = stages, decoders, devices
        self._workers = workers
        slots = decoders.slots()
        self.ahead = len(slots)  # so that there is always one for the next lot
        self._rows = len(slots[0].pixels)
        # The last one first: its pages are in memory.
        self._free = slots

    @property
    def lot(self) -> int:
        """The images of one batch, or of several if they take no time."""
        size, costs = self._stages.model.batch_size, self._stages.costs
        network, reading = costs.an_image("network"), costs.an_image("reading")
        if network is None or reading is None:
            return size
        reading /= self._workers
        in_time = min(_SECONDS_OF_PIECE / network, _SECONDS_OF_LOT / max(reading, 1e-9))
        return size * max(1, min(self._rows, int(in_time)) // size)

    def submit(self, number: int, paths: list[str]) -> Future[list[Result]]:
        """Start the work on a lot."""
        slot = self._free.pop()
        pieces_of_lot = -(-len(paths) // self._piece())
        if len(paths) < self.lot:  # the last images: no decoder waits while another has a few
            pieces_of_lot = max(pieces_of_lot, min(len(paths), self._workers))
        size = -(-len(paths) // pieces_of_lot)  # none much shorter than the others
        pieces = [
            self._decoders.submit(paths[start : start + size], slot, start)
            for start in range(0, len(paths), size)
        ]
        device = self._devices[number % len(self._devices)]
        return device.submit_after(pieces, partial(self._run, number, paths, slot, pieces))

    def _piece(self) -> int:
        seconds = self._stages.costs.an_image("reading")
        if seconds is None:
            return _FIRST_PIECE
        return max(1, min(_MOST_IN_PIECE, int(_SECONDS_OF_PIECE / max(seconds, 1e-9))))

    def _run(
        self, number: int, paths: list[str], slot: Slot, pieces: list[Future[Read]]
    ) -> list[Result]:
        read = list(chain.from_iterable(piece.result() for piece in pieces))
        results = self._stages.results(number, paths, read, slot.pixels)
        self._free.append(slot)
        return results


class InThreads:
    """Decodes in threads."""

    def __init__(self, stages: Stages, reading: Reading, pool: WorkerPool) -> None:
        self._stages, self._loading, self._pool = stages, reading.in_threads(), pool

    def slots(self) -> list[Slot]:
        """Return the slots to fill."""
        model = self._stages.model
        return [Slot(model.empty_batch()) for _ in range(BATCHES_PER_DEVICE * model.lanes)]

    def submit(self, paths: list[str], slot: Slot, start: int) -> Future[Read]:
        """Read images into the rows of a slot."""
        images = self._loading(paths, pixels=slot.pixels[start : start + len(paths)])
        return self._pool.submit_watched(partial(self._stages.read, images), images.gave_up)


def slots_in_shared_memory(model: TaggerModel, workers: int) -> tuple[int, int]:
    """Return how many lots fit into shared memory, and the images of each: whole batches.

    Each thread of the network has one, two are complete or being taken, and in the others decoders
    have two pieces each.
    """
    threads = network_threads(model, workers)
    image = model.card.height * model.card.width * 3
    for batches in range(max(1, _MOST_IN_LOT // model.batch_size), 0, -1):
        rows = batches * model.batch_size
        pieces = max(1, rows // _USUAL_PIECE)
        lots = threads + 2 - (-2 * workers // pieces)
        if lots * rows * image <= _SHARED:
            return lots, rows
    rows = model.batch_size
    return max(threads + 2, _SHARED // (rows * image)), rows


def network_threads(model: TaggerModel, workers: int) -> int:
    """Return how many threads run a network that does not decode: on a GPU two for each device.

    One of them copies its batch to the device while the other's is in the network.
    """
    return workers if model.runs_on_cpu else 2 * model.lanes


def device_pools(model: TaggerModel, workers: int, stack: ExitStack) -> list[WorkerPool]:
    """Open pools of threads that run the network, one for each device."""
    threads = -(-network_threads(model, workers) // model.lanes)
    return [stack.enter_context(worker_pool(threads, "device")) for _ in range(model.lanes)]
