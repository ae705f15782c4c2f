"""The way of a GPU on machines without one: bound inputs, in the CPU's memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tagger.network.devices import Device
from tagger.network.ort import Inputs, Session


class SessionInMainMemory(Session):
    """A session that does what one on a GPU does, with the CPU's memory for the GPU's."""

    def __init__(self, file: Path, device: Device, *, gpu_memory: int | None = None) -> None:
        super().__init__(file, Device("cpu"))
        self.device = device
        self.shapes: list[tuple[int, ...]] = []

    def run(self, inputs: Inputs) -> np.ndarray:
        if self.device.kind == "cpu":
            return super().run(inputs)
        self.shapes.append(inputs["images"].shape)
        return np.asarray(self._run_bound(inputs, "cpu"), dtype=np.float32)
