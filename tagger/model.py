"""An .onnx file with its card, ready to run: batch of images → scores.

The only place that imports onnxruntime.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from tagger.card import METADATA_KEY, ModelCard
from tagger.errors import DeviceError, ModelError, UsageError, first_line
from tagger.results import Pixels

#: The model that the package brings along.
BUNDLED_MODEL = Path(__file__).parent / "models" / "poster-genres.onnx"

#: The same in float16; a package may come without it.
BUNDLED_CUDA_MODEL = BUNDLED_MODEL.with_name("poster-genres-cuda.onnx")

INPUT_NAME = "images"
OUTPUT_NAME = "scores"

# Convolutions of small batches stay in a CPU's cache; a GPU wants many images at once.
_BATCH_SIZES = {"cpu": 8, "cuda": 64}

_DEVICE = re.compile(r"auto|cpu|cuda(?::(\d+))?")

# Native log lines would tear the progress line; what matters is raised or asked for.
onnxruntime.set_default_logger_severity(4)


@dataclass(frozen=True)
class Device:
    """Where a session really runs.

    Attributes:
        kind: ``cpu`` or ``cuda``.
        index: which GPU.
    """

    kind: str
    index: int = 0

    def __str__(self) -> str:
        """Return the device as the command line spells it."""
        return f"cuda:{self.index}" if self.kind == "cuda" else "cpu"


def bundled_model(kind: str) -> Path:
    """Return the bundled file for a kind of device, ``cpu`` or ``cuda``."""
    return BUNDLED_CUDA_MODEL if kind == "cuda" and BUNDLED_CUDA_MODEL.is_file() else BUNDLED_MODEL


class TaggerModel:
    """A model file opened on a device.

    Every run has the same batch shape: short batches are padded. That keeps an image's scores
    the same to the bit whatever its neighbours are, and spares cuDNN a search for each new shape
    (microsoft/onnxruntime#19838).

    Args:
        file: the ``.onnx`` file; None takes the bundled one for the device.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; ``auto`` takes CUDA where it works.
        batch_size: images a run; None takes what suits the device.
        threads: threads of one run on the CPU; None takes all cores.

    Raises:
        ModelError: the file is missing, damaged, or not one of ours.
        DeviceError: the device was asked for by name and cannot run here.
        UsageError: the device's name is none.
    """

    def __init__(
        self,
        file: Path | None,
        device: str = "auto",
        *,
        batch_size: int | None = None,
        threads: int | None = None,
    ) -> None:
        wanted = _DEVICE.fullmatch(device)
        if wanted is None:
            raise UsageError(f"There is no device '{device}': use auto, cpu, cuda or cuda:N.")
        opened = _open(file, device, int(wanted[1] or 0), threads)
        self.file = opened.file
        self.card = opened.card
        self._session = opened.session
        self.device = opened.device
        #: Why ``auto`` did not take CUDA, in words for a person.
        self.device_note = opened.note
        self.batch_size = batch_size or _BATCH_SIZES[self.device.kind]
        self._batch = np.zeros(
            (self.batch_size, self.card.height, self.card.width, 3), dtype=np.uint8
        )

    def scores(self, images: Pixels) -> npt.NDArray[np.float32]:
        """Score up to ``batch_size`` images.

        Args:
            images: uint8 RGB, shape ``(n, height, width, 3)``.

        Returns:
            float32 probabilities, shape ``(n, labels)``.

        Raises:
            ModelError: the network gives something that is no probability.
        """
        self._batch[: len(images)] = images
        try:
            scores = self._session.run([OUTPUT_NAME], {INPUT_NAME: self._batch})[0][: len(images)]
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise ModelError(f"{self.file} failed while running: {_said(error)}.") from None
        if not (np.isfinite(scores).all() and (scores >= 0).all() and (scores <= 1).all()):
            raise ModelError(f"{self.file} gives scores that are not probabilities.")
        return np.asarray(scores, dtype=np.float32)


def read_card(file: Path) -> ModelCard:
    """Read the card of a model file.

    Raises:
        ModelError: the file is missing, damaged, or not one of ours.
    """
    return _open(file, "cpu", 0, 1).card


def cuda_problem() -> str | None:
    """Say in one sentence why CUDA cannot run here, or return None when nothing speaks against it.

    ONNX Runtime itself lists CUDA and falls back to the CPU without a word; only the parts that it
    needs tell beforehand.
    """
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this ONNX Runtime was built without CUDA (poster-tagger uses CUDA on x86-64 only)"
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(driver)
    except OSError:
        return f"no NVIDIA driver is installed ({driver} cannot be loaded)"
    missing = _preload_cuda()
    if missing:
        return (
            f"CUDA libraries are missing ({missing}): pip install 'poster-tagger[cuda]', "
            "or [cuda12] for drivers older than CUDA 13"
        )
    return None


def _preload_cuda() -> str | None:
    """Load CUDA libraries that came as pip packages; return the first that is missing."""
    said = io.StringIO()
    # It prints failures to stdout, where a table may be on its way into a pipe.
    with contextlib.redirect_stdout(said):
        onnxruntime.preload_dlls()
    failed = re.search(r"Failed to load (\S+?):? ", said.getvalue())
    return failed[1].rstrip(":") if failed else None


@dataclass(frozen=True)
class _Opened:
    file: Path
    card: ModelCard
    session: onnxruntime.InferenceSession
    device: Device
    note: str | None


def _open(file: Path | None, device: str, index: int, threads: int | None) -> _Opened:
    for_cpu, for_cuda = (file or bundled_model(kind) for kind in ("cpu", "cuda"))
    if not for_cpu.is_file():
        raise ModelError(f"There is no model file {for_cpu}.")
    on_cuda: onnxruntime.InferenceSession | None = None
    problem: str | None = None
    if device != "cpu":
        problem = cuda_problem()
        if problem is None:
            on_cuda, problem = _cuda_session(for_cuda, index)
        if on_cuda is None and device != "auto":
            raise DeviceError(f"--device {device} cannot run here: {problem}.")
    taken = for_cuda if on_cuda else for_cpu
    session = on_cuda or _cpu_session(taken, threads)
    card = _checked_card(taken, session)
    return _Opened(
        taken, card, session, Device("cuda", index) if on_cuda else Device("cpu"), problem
    )


def _cpu_session(file: Path, threads: int | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    # Threads that spin while they wait take cores away from decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with _model_errors(file):
        return onnxruntime.InferenceSession(
            os.fspath(file), options, providers=["CPUExecutionProvider"]
        )


def _cuda_session(file: Path, index: int) -> tuple[onnxruntime.InferenceSession | None, str | None]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    provider: Mapping[str, Any] = {"device_id": index, "cudnn_conv_algo_search": "HEURISTIC"}
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its fall-back to stdout
            session = onnxruntime.InferenceSession(
                os.fspath(file), options,
                providers=[("CUDAExecutionProvider", provider), "CPUExecutionProvider"],
            )  # fmt: skip
    except Exception as error:
        return None, f"CUDA refused device {index} ({_said(error)})"
    # The list of providers that the session got is the only word to be trusted.
    if "CUDAExecutionProvider" not in session.get_providers():
        return None, f"CUDA could not start on device {index}"
    return session, None


def _checked_card(file: Path, session: onnxruntime.InferenceSession) -> ModelCard:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise ModelError(
            f"{file} is an ONNX file without a model card: make one with 'tagger export'."
        )
    try:
        card = ModelCard.from_json(text)
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from None
    ends = [
        (end.name, end.type, end.shape[1:]) for end in session.get_inputs() + session.get_outputs()
    ]
    expected = [
        (INPUT_NAME, "tensor(uint8)", [card.height, card.width, 3]),
        (OUTPUT_NAME, "tensor(float)", [len(card.labels)]),
    ]
    if ends != expected:
        raise ModelError(f"{file} does not have the inputs and outputs that its card describes.")
    return card


@contextlib.contextmanager
def _model_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise ModelError(f"{file} cannot be opened as a model: {_said(error)}.") from None


def _said(error: BaseException) -> str:
    """What onnxruntime says, without its error codes."""
    return re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", first_line(error))
