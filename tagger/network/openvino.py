"""OpenVINO: the same networks on a CPU, with kernels that are faster on some processors.

The only module that imports openvino, which is an extra.
"""

from __future__ import annotations

import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.network.devices import Device, available_cores
from tagger.network.ort import INPUT_NAME, Inputs, Session, path_or_bytes


def openvino_problem() -> str | None:
    """Return in one sentence why OpenVINO is not available, or None."""
    if find_spec("openvino") is None:
        return "OpenVINO is not installed: pip install 'poster-tagger[openvino]'"
    return None


def _without_telemetry() -> Any:
    """Import openvino, which otherwise reports that over the network.

    It has a stub for the package that does so, which is used where that package is missing.
    """
    name = "openvino_telemetry"
    hidden = name not in sys.modules
    if hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        import openvino
    finally:
        if hidden:
            del sys.modules[name]
    return openvino


class OpenVinoSession:
    """A network in OpenVINO on the CPU, with the interface of :class:`tagger.network.ort.Session`.

    Each thread that runs a batch has its own request, and each request one core, so that one worker
    per core keeps all of them busy, and none waits for another.

    Raises:
        Exception: any error of ONNX Runtime or OpenVINO; they share no base class.
    """

    def __init__(self, file: Path, device: Device) -> None:
        openvino = _without_telemetry()
        self.device = device
        # ONNX Runtime rejects references to files outside the model's folder, and reports what is
        # wrong with a damaged file; OpenVINO's reader is less strict.
        checked = Session(file, Device("cpu"))
        self.metadata = checked.metadata
        self.ends = checked.ends
        cores, core = available_cores(), openvino.Core()
        network = core.read_model(path_or_bytes(file))
        self.fixed_batches = checked.fixed_batches
        # One image at a time: OpenVINO plans memory much better without dynamic sizes, the last
        # batch may have any size, and more images at a time are no faster.
        self._at_once = min(self.fixed_batches, default=1)
        if not self.fixed_batches:
            network.reshape({end: [1, *list(end.partial_shape)[1:]] for end in network.inputs})
        self._network: Any = core.compile_model(
            network,
            "CPU",
            {
                "NUM_STREAMS": cores,
                "INFERENCE_NUM_THREADS": cores,
                # Pinned to a core, a request would wait for a decoder running there.
                "ENABLE_CPU_PINNING": False,
                # On some CPUs the default is bfloat16, and scores would depend on the machine.
                "INFERENCE_PRECISION_HINT": "f32",
            },
        )
        self._tensor: Any = openvino.Tensor
        self._own = threading.local()
        self._making = threading.Lock()

    def run(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        """Run one batch, as :meth:`tagger.network.ort.Session.run` does.

        Raises:
            Exception: any error of OpenVINO.
        """
        size = self._at_once
        parts = (
            {name: values[place : place + size] for name, values in inputs.items()}
            for place in range(0, len(inputs[INPUT_NAME]), size)
        )
        return np.concatenate([self._run_part(part) for part in parts])

    def _run_part(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        # Two threads that create their first tensors at the same time may deadlock inside OpenVINO.
        with self._making:
            if not hasattr(self._own, "request"):
                self._own.request = self._network.create_infer_request()
            for name, values in inputs.items():
                self._own.request.set_tensor(name, self._tensor(values, shared_memory=True))
        self._own.request.infer()
        return np.array(self._own.request.get_output_tensor().data, dtype=np.float32)
