"""Decoding in processes; loaded by runs that do so."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import ExitStack

import numpy as np

from tagger.decode.shared import SharedBytes
from tagger.network.ngrams import WithIds
from tagger.pipeline.decoders import ProcessDecoders, bytes_of_progress, can_be_sent
from tagger.pipeline.loading import Read, add_texts
from tagger.pipeline.stages import Reading, Stages
from tagger.pipeline.ways import Slot, slots_in_shared_memory
from tagger.pipeline.workers import worker_pool


class InProcesses:
    """Decodes in processes, into memory that they share with this one."""

    def __init__(self, stages: Stages, reading: Reading, workers: int, stack: ExitStack) -> None:
        self._reading = reading
        self._lots, self._rows = slots_in_shared_memory(stages.model, workers)
        card = stages.model.card
        self._size = (card.height, card.width)
        self._first = bytes_of_progress(workers)
        self._row_bytes = card.height * card.width * 3
        needed = self._first + self._lots * self._rows * self._row_bytes
        self._shared = SharedBytes(needed)
        stack.callback(self._shared.close)
        text_of, text = reading.text_of, card.text
        travels = can_be_sent(text_of)
        self._texts = None if travels else stack.enter_context(worker_pool(workers, "text"))
        self.processes = ProcessDecoders(
            workers,
            self._shared,
            tuple(reading.facts),
            reading.limits,
            stages.costs,
            WithIds(text_of, text) if travels and text_of and text else None,
        )
        stack.callback(self.processes.close)

    def slots(self) -> list[Slot]:
        """Return the slots to fill."""
        size = self._rows * self._row_bytes
        shape = (self._rows, *self._size, 3)
        return [
            Slot(np.frombuffer(self._shared.bytes, np.uint8, size, offset).reshape(shape), offset)
            for offset in range(self._first, self._first + self._lots * size, size)
        ]

    def submit(self, paths: list[str], slot: Slot, start: int) -> Future[Read]:
        """Read images into the rows of a slot."""
        offset = slot.offset + start * self._row_bytes
        read = self.processes.submit(paths, offset, self._size)
        text_of, limits = self._reading.text_of, self._reading.limits
        if self._texts is None or text_of is None:
            return read
        return add_texts(paths, read, text_of, limits, self._texts.submit_watched)
