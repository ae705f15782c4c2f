"""A GPU that is not there: its batches take a set time, and no core."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagger.network.card import ModelCard
from tagger.network.devices import Device
from tagger.network.model import BUNDLED_MODEL, TaggerModel, read_card
from tagger.network.ort import INPUT_NAME, Inputs


class SimulatedGpu(TaggerModel):
    """A model whose network runs nowhere; its scores mean nothing.

    It shows how fast a machine feeds a GPU without having one. As on a GPU, one batch runs after
    another, without a pause if the next one comes before the last one is finished. What a batch
    costs the machine on its way to a real device is not in it.

    Args:
        file: the model that it stands for; None takes the bundled one.
        rate: images per second and device; infinity for batches that take no time.
        batch_size: images per run; None takes what suits a GPU.
        lanes: number of devices.

    Raises:
        ModelError: the file is missing, damaged, or not one of ours.
    """

    def __init__(
        self, file: Path | None, rate: float, *, batch_size: int | None = None, lanes: int = 1
    ) -> None:
        self.device_note = None
        card = read_card(file or BUNDLED_MODEL)
        sessions = [_Session(card, rate, index) for index in range(lanes)]
        self._prepare(sessions, file or BUNDLED_MODEL, card, batch_size)


class _Session:
    """One device: like :class:`tagger.network.ort.Session`."""

    fixed_batches: Collection[int] = ()

    def __init__(self, card: ModelCard, rate: float, index: int) -> None:
        self.device = Device("simulated", index)
        self._rate = rate
        self._lock = threading.Lock()
        self._busy_until = 0.0
        samples = np.linspace(0, card.height * card.width * 3 - 1, len(card.labels))
        self._samples = samples.astype(np.intp)

    def run(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        """Take a batch's time; an image's scores are samples of its own pixels."""
        images = inputs[INPUT_NAME]
        with self._lock:
            self._busy_until = max(self._busy_until, time.monotonic()) + len(images) / self._rate
            rest = self._busy_until - time.monotonic()
        if rest > 0:
            time.sleep(rest)
        sampled = images.reshape(len(images), -1)[:, self._samples]
        return np.asarray(sampled / np.float32(255), dtype=np.float32)
