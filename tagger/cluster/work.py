"""What a worker of a cluster does: paths → results, with the code that a run on one machine has.

It runs in a process of another machine, so nothing that it needs belongs to the one that asks.
Errors that end a run come back as values: what a library makes of an exception on its way between
machines changes with its version.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from tagger import __version__
from tagger.cluster.nodes import another_version, node, plain
from tagger.decode.budget import ImageLimits, Memory
from tagger.decode.isolation import Isolation
from tagger.decode.pillow import one_thread_per_image
from tagger.errors import ModelError, TaggerError, os_reason
from tagger.network.model import TaggerModel
from tagger.pipeline.costs import Costs
from tagger.pipeline.loading import Read, TextOf
from tagger.pipeline.stages import Reading, Stages
from tagger.pipeline.workers import worker_pool
from tagger.results import Failed, Pixels, Result
from tagger.rules import Rules

if TYPE_CHECKING:
    from tagger.cluster.ray_cluster import Cluster
    from tagger.network.card import ModelCard

#: Columns with an entry for each image.
Batch: TypeAlias = Mapping[str, npt.NDArray[Any]]

#: What becomes of an image; the node is named where the image's file is not there.
Outcome: TypeAlias = tuple[Result, str | None] | TaggerError


@dataclass(frozen=True)
class Work:
    """What a worker is to do.

    Attributes:
        version: of this package, where the run was started.
        folder: what relative paths start from.
        model: returns the content of the model file; ``model_name`` is the file's name.
        device: where the network runs.
        batch_size: images per run; None takes what suits the device.
        gpu_memory: bytes that the network may use of a GPU; None sets no limit.
        size: height and width of what the network takes.
        rules: which scores become tags.
        facts: facts that :func:`tagger.decode.facts.measure` finds out about each file.
        limits: an image's budget.
        isolated: whether images are decoded in a process of their own.
        texts: returns what makes what says what is known of an image in words, if anything does.
        run: a name that no other run has.
    """

    version: str
    folder: str
    model: Callable[[], bytes]
    model_name: str
    device: str
    batch_size: int | None
    gpu_memory: int | None
    size: tuple[int, int]
    rules: Rules
    facts: tuple[str, ...]
    limits: ImageLimits
    isolated: bool
    texts: Callable[[], Callable[[], TextOf | None]]
    run: str = field(default_factory=lambda: uuid4().hex)


def work_on(
    cluster: Cluster,
    card: ModelCard,
    rules: Rules,
    facts: Sequence[str],
    limits: ImageLimits,
    text_of: Callable[[], TextOf | None],
) -> Work:
    """Return what the workers of a cluster are to do; what is large lies there once.

    Raises:
        ModelError: the model file cannot be read.
    """
    plan, file = cluster.plan, cluster.model
    try:
        model = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {os_reason(error)}.") from None
    return Work(
        __version__,
        os.getcwd(),
        cluster.shared(model),
        file.name,
        cluster.device,
        plan.batch_size,
        plan.gpu_memory,
        (card.height, card.width),
        replace(rules, renamed=dict(rules.renamed)),  # as something that can be sent
        tuple(facts),
        limits,
        plan.isolated,
        cluster.shared(text_of),
    )


class Reader:
    """Reads images: the column ``path`` becomes ``path``, ``read`` and ``pixels``."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __call__(self, batch: Batch) -> dict[str, npt.NDArray[Any]]:
        """Read a lot of images; the rows of unreadable ones contain zeros."""
        paths = [os.fsdecode(path) for path in batch["path"]]
        pixels = np.zeros((len(paths), *self._work.size, 3), dtype=np.uint8)
        outcomes: Sequence[Any]
        try:
            begin(self._work)
            outcomes = self._read(paths, pixels)
        except TaggerError as error:
            outcomes = [plain(error)] * len(paths)
        return {"path": batch["path"], "read": pickled(outcomes), "pixels": pixels}

    def _read(self, paths: list[str], pixels: Pixels) -> list[tuple[Any, str | None]]:
        work = self._work
        reading = Reading(work.facts, work.limits, Memory(work.limits.memory), _text_of(work))
        with ExitStack() as stack:
            stack.enter_context(one_thread_per_image())
            load = {}
            if work.isolated:
                isolation = Isolation(work.size[0] * work.size[1])
                stack.callback(isolation.close)
                load = {"load": isolation.load}
            images = reading.in_threads()(paths, pixels=pixels, **load)
            pool = stack.enter_context(worker_pool(1, "read"))
            read: Read = pool.submit_watched(images.finish, images.gave_up).result()
        return [
            (one, node() if isinstance(one, Failed) and not os.path.exists(path) else None)
            for path, one in zip(paths, read, strict=True)
        ]


class Network:
    """Runs the network: ``path``, ``read`` and ``pixels`` become ``outcome``.

    The model is opened when the first images come, and kept.
    """

    def __init__(self, work: Work) -> None:
        self._work = work

    def __call__(self, batch: Batch) -> dict[str, npt.NDArray[Any]]:
        """Score a lot of images."""
        # S301: of this run.
        read = [pickle.loads(one) for one in batch["read"]]  # noqa: S301
        outcomes: Sequence[Outcome]
        try:
            for one in read:
                if isinstance(one, TaggerError):
                    raise one
            begin(self._work)
            paths = [os.fsdecode(path) for path in batch["path"]]
            results = self._results(paths, [one for one, _ in read], batch["pixels"])
            outcomes = [(result, gone) for result, (_, gone) in zip(results, read, strict=True)]
        except TaggerError as error:
            outcomes = [plain(error)] * len(read)
        return {"outcome": pickled(outcomes)}

    def _results(self, paths: list[str], read: Read, pixels: Pixels) -> list[Result]:
        # Whole batches, as the stages need them.
        size = self._stages.model.batch_size
        rows = -(-len(paths) // size) * size
        if rows > len(pixels):
            missing = np.zeros((rows - len(pixels), *pixels.shape[1:]), dtype=np.uint8)
            pixels = np.concatenate([pixels, missing])
        return [
            result
            for start in range(0, len(paths), size)
            for result in self._stages.results(
                0,
                paths[start : start + size],
                read[start : start + size],
                pixels[start : start + size],
            )
        ]

    @cached_property
    def _stages(self) -> Stages:
        work = self._work
        with tempfile.TemporaryDirectory(prefix="tagger-model-") as folder:
            file = Path(folder, work.model_name)
            file.write_bytes(work.model())
            model = TaggerModel(
                file, work.device, batch_size=work.batch_size, gpu_memory=work.gpu_memory
            )
        return Stages(model, work.rules, Costs())


class ReaderAndNetwork:
    """Both on one core, as workers of a run on one machine do it: no pixels travel."""

    def __init__(self, work: Work) -> None:
        self._reader, self._network = Reader(work), Network(work)

    def __call__(self, batch: Batch) -> dict[str, npt.NDArray[Any]]:
        """Read and score a lot of images."""
        return self._network(self._reader(batch))


def begin(work: Work) -> None:
    """Make this process one that can do the work.

    Raises:
        TaggerError: another version of this package is installed here.
    """
    if __version__ != work.version:
        raise TaggerError(another_version(node(), __version__, work.version))
    with contextlib.suppress(OSError):  # absolute paths need no folder
        os.chdir(work.folder)


def _text_of(work: Work) -> TextOf | None:
    """Return what a run knows of its images in words; made once in a process."""
    if work.run not in _texts:
        _texts[work.run] = work.texts()()
    return _texts[work.run]


_texts: dict[str, TextOf | None] = {}


def pickled(values: Sequence[Any]) -> npt.NDArray[Any]:
    """Return a column of values, each pickled."""
    column = np.empty(len(values), dtype=object)
    column[:] = [pickle.dumps(value, pickle.HIGHEST_PROTOCOL) for value in values]
    return column
