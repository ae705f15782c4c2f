"""ONNX Runtime: sessions on devices, and batches through them.

The only module that imports onnxruntime, and the only one that depends on the GPU.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tagger.network.copying import copied_to_gpu
from tagger.network.devices import Device
from tagger.network.tensorrt import provider_options, tensorrt_problem


@contextlib.contextmanager
def _without_telemetry() -> Iterator[None]:
    """Switch the telemetry of ONNX Runtime off while it is imported.

    From 1.29 on it reports every use over the network, and keeps a number of the machine and a
    database in the home folder. Only this variable stops it, and it is read once, while the library
    is loaded (microsoft/onnxruntime#27379; seen with 1.31).
    """
    name = "ORT_DISABLE_TELEMETRY"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


with _without_telemetry():
    import onnxruntime as onnxruntime  # other modules take it from here

INPUT_NAME = "images"
OUTPUT_NAME = "scores"

#: A batch: each input by its name, with one entry an image.
Inputs: TypeAlias = Mapping[str, npt.NDArray[Any]]

# What a message of ONNX Runtime has before its reason: a code, the file, a place in its source.
_SURPLUS = (
    re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : "),
    re.compile(r"Load model from .*? failed:"),
    re.compile(r"\S+\.(?:cc|cpp|cu|h|hpp):\d+ [^()]*\((?:[^()]|\([^()]*\))*\)(?: const)? "),
    re.compile(r"ONNX Runtime only \*guarantees\* [^.]*\. | and support for this is limited(?=\.)"),
    re.compile(r"The operator schemas and or other .*? backward compatibility\. "),
)
_LONGEST = 360

_KINDS = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}


# How the reasons begin that hold on most machines and tell nobody of anything that is wrong.
NO_GPU = ("no NVIDIA driver is installed", "this ONNX Runtime was built without CUDA")


def cuda_problem() -> str | None:
    """Return in one sentence why CUDA is not available, or None if nothing indicates that.

    ONNX Runtime itself lists CUDA and silently falls back to the CPU, so the libraries that it
    needs are checked beforehand.
    """
    _quiet()
    if _KINDS["cuda"] not in onnxruntime.get_available_providers():
        return "this ONNX Runtime was built without CUDA (poster-tagger uses CUDA on x86-64 only)"
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(driver)
    except OSError:
        return f"no NVIDIA driver is installed ({driver} cannot be loaded)"
    # It prints failures to stdout, which may be a pipe with a table.
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        onnxruntime.preload_dlls()
    if failed := re.search(r"Failed to load (\S+?):? ", printed.getvalue()):
        return (
            f"CUDA libraries are missing ({failed[1].rstrip(':')}): pip install "
            "'poster-tagger[cuda]', or [cuda12] for drivers older than CUDA 13"
        )
    return None


class Session:
    """A network on a device.

    Args:
        file: the ``.onnx`` file.
        device: where it runs.
        gpu_memory: in bytes; None leaves it to ONNX Runtime.

    Raises:
        Exception: any error of ONNX Runtime; they share no base class.
        DeviceRefusedError: the device did not accept the network.
    """

    def __init__(self, file: Path, device: Device, *, gpu_memory: int | None = None) -> None:
        self.device = device
        self._session = inference_session(file, device, gpu_memory=gpu_memory)
        self._bindings = threading.local()
        self._running = threading.Lock()

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's metadata."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def fixed_batches(self) -> set[int]:
        """The numbers of images in each run that inputs prescribe; empty if any number will do."""
        firsts = [end.shape[0] for end in self._session.get_inputs() if end.shape]
        return {first for first in firsts if isinstance(first, int) and first > 0}

    @property
    def ends(self) -> list[tuple[str, str, list[Any] | None]]:
        """Name, type and shape (without the batch) of each input and output; None for a scalar."""
        ends = self._session.get_inputs() + self._session.get_outputs()
        return [(end.name, end.type, end.shape[1:] if end.shape else None) for end in ends]

    def run(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        """Run one batch; may be called from several threads.

        Args:
            inputs: all that the network takes, of as many images.

        Returns:
            float32, shape ``(n, labels)``.
        """
        if self.device.kind == "cpu":
            found = self._session.run([OUTPUT_NAME], inputs)[0]
        else:
            found = self._run_bound(inputs, "cuda")
        return np.asarray(found, dtype=np.float32)

    def _run_bound(self, inputs: Inputs, memory: str) -> Any:
        """Run on inputs in device memory: one thread copies while another one runs."""
        own = self._bindings
        shapes = {name: values.shape for name, values in inputs.items()}
        if getattr(own, "shapes", None) != shapes:
            own.shapes = shapes
            own.binding = self._session.io_binding()
            own.inputs = {}
            for name, values in inputs.items():
                own.inputs[name] = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
                    values.shape, values.dtype, memory, self.device.index
                )
                own.binding.bind_ortvalue_input(name, own.inputs[name])
            own.binding.bind_output(OUTPUT_NAME, "cpu")
        for name, values in inputs.items():
            if memory == "cpu" or not copied_to_gpu(values, own.inputs[name], self.device.index):
                own.inputs[name].update_inplace(values)
        with self._running:
            self._session.run_with_iobinding(own.binding)
            return own.binding.copy_outputs_to_cpu()[0]


def inference_session(file: Path, device: Device, *, gpu_memory: int | None = None) -> Any:
    """Open a network of any kind on a device; arguments and errors as for :class:`Session`."""
    _quiet()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # A file called .ort would otherwise be read in another format, which nothing checks.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if device.kind == "cpu":
        # Each worker of the pipeline runs its own batches on one core: no thread waits for
        # another or spins, and a few images stay in the core's cache.
        options.intra_op_num_threads = 1
        providers: list[Any] = ["CPUExecutionProvider"]
    else:
        providers = [*_gpu_providers(file, device, gpu_memory), "CPUExecutionProvider"]
    with contextlib.redirect_stdout(io.StringIO()):  # it reports its fall-back on stdout
        session = onnxruntime.InferenceSession(path_or_bytes(file), options, providers=providers)
    # Only the session's own list of providers is reliable.
    if device.kind != "cpu" and _KINDS[device.kind] not in session.get_providers():
        raise DeviceRefusedError(f"{device.kind} could not start on device {device.index}")
    return session


def path_or_bytes(file: Path) -> str | bytes:
    """Return a file's name, or its content if a runtime, which expects UTF-8, could not read it."""
    name = os.fspath(file)
    try:
        name.encode()
    except UnicodeEncodeError:
        return file.read_bytes()
    return name


def _quiet() -> None:
    """Silence ONNX Runtime, whose settings are the whole process's, before its first use."""
    # On Windows events go to the system's own tracing.
    onnxruntime.disable_telemetry_events()
    # Native log lines would break the progress bar; relevant problems are raised or queried.
    onnxruntime.set_default_logger_severity(4)


class DeviceRefusedError(Exception):
    """A device did not accept a network; the message gives the reason for a person."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether ONNX Runtime ran out of memory."""
    return re.search(r"failed to allocate|out of memory", str(error), re.IGNORECASE) is not None


def said(error: BaseException) -> str:
    """Return a runtime's reason in one line: its message without codes, places and signatures."""
    text = " ".join(str(error).split()) or type(error).__name__
    for surplus in _SURPLUS:
        text = surplus.sub("", text)
    if len(text) > _LONGEST:  # what it is about comes first, and the reason last
        text = f"{text[: _LONGEST // 3]} … {text[-_LONGEST // 2 :]}"
    return text.rstrip(".")


def _gpu_providers(file: Path, device: Device, memory: int | None) -> list[Any]:
    # By default, cuDNN searches its algorithms again for each shape (microsoft/onnxruntime#19838),
    # and the arena grows by doubling.
    cuda: dict[str, Any] = {
        "device_id": device.index,
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
    }
    if memory is not None:
        cuda["gpu_mem_limit"] = memory
    if device.kind == "cuda":
        return [(_KINDS["cuda"], cuda)]
    if (problem := tensorrt_problem()) is not None:
        raise DeviceRefusedError(problem)
    tensorrt = provider_options(file, device.index, memory)
    return [(_KINDS["tensorrt"], tensorrt), (_KINDS["cuda"], cuda)]
