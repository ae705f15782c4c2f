"""An .onnx file with its card, ready to run: batch of images → scores."""

from __future__ import annotations

import contextlib
import logging
import shlex
import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tagger.errors import DeviceError, ModelError, os_reason
from tagger.network.card import METADATA_KEY, ModelCard
from tagger.network.devices import LARGEST_BATCH, Device, parse_devices
from tagger.network.model_file import check_model_file
from tagger.network.openvino import OpenVinoSession, openvino_problem
from tagger.network.ort import (
    INPUT_NAME,
    NO_GPU,
    OUTPUT_NAME,
    DeviceRefusedError,
    Inputs,
    Session,
    cuda_problem,
    is_out_of_memory,
    said,
)
from tagger.network.text_ids import TEXT_NAME, YEAR_NAME, text_inputs
from tagger.results import ImageText, Pixels

logger = logging.getLogger(__name__)

AnySession = Session | OpenVinoSession


class Runs(Protocol):
    """What runs batches: a session, or something that stands for one."""

    device: Device

    @property
    def fixed_batches(self) -> Collection[int]:
        """The numbers of images in each run that inputs prescribe; empty if any number will do."""

    def run(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        """Run one batch; may be called from several threads."""


#: The model in the package.
BUNDLED_MODEL = Path(__file__).parent.parent / "models" / "poster-genres.onnx"

#: The same in float16; not every package has it.
BUNDLED_CUDA_MODEL = BUNDLED_MODEL.with_name("poster-genres-cuda.onnx")

# A few images stay in a core's cache: four of 336 × 224, more if they are smaller, but no more than
# are soon decoded. A GPU needs many at once.
_BATCH_ON_CPU = 4
_PIXELS_ON_CPU = 4 * 336 * 224
_SMALL_ON_CPU = 16
_BATCH_ON_GPU = 64
_MOST_ON_CPU = 64


def bundled_model(kind: str) -> Path:
    """Return the bundled file for a kind of device, such as ``cpu`` or ``cuda``."""
    if not Device(kind).on_cpu and BUNDLED_CUDA_MODEL.is_file():
        return BUNDLED_CUDA_MODEL
    return BUNDLED_MODEL


class TaggerModel:
    """A model file opened on one device or several.

    Every run has the same batch shape: short batches are padded. That keeps an image's scores
    the same to the bit whatever its neighbours are, and spares cuDNN a search for each new shape
    (microsoft/onnxruntime#19838).

    Args:
        file: the ``.onnx`` file; None takes the bundled one for the device.
        device: ``auto``, ``cpu``, ``openvino``, ``cuda``, ``cuda:N``, ``tensorrt``, or several of
            one kind with commas between them; ``auto`` takes CUDA where it works, else ``cpu``.
        batch_size: images per run; None takes what suits the device. A file that prescribes it is
            run with that many.
        gpu_memory: bytes of GPU memory that each device may use; None sets no limit.

    Raises:
        ModelError: the file is missing, damaged, or not one of ours.
        DeviceError: the device was asked for by name and cannot run here.
        UsageError: there is no such device.
    """

    def __init__(
        self,
        file: Path | None,
        device: str = "auto",
        *,
        batch_size: int | None = None,
        gpu_memory: int | None = None,
    ) -> None:
        sessions, opened, self.device_note = _open(file, device, gpu_memory)
        self._prepare(sessions, opened, _checked_card(opened, sessions[0]), batch_size)

    def _prepare(
        self, sessions: Sequence[Runs], file: Path, card: ModelCard, batch_size: int | None
    ) -> None:
        self._sessions = sessions
        self.file = file
        self.card = card
        #: Where it actually runs, in the command line's spelling.
        self.device = ",".join(str(session.device) for session in self._sessions)
        #: Whether workers run the network themselves, each on its own core.
        self.runs_on_cpu = self._sessions[0].device.on_cpu
        #: Number of devices that can run at the same time.
        self.lanes = len(self._sessions)
        fixed = next(iter(self._sessions[0].fixed_batches), None)
        if fixed is not None:
            logger.info("%s prescribes batches of %d", self.file, fixed)
            if fixed > LARGEST_BATCH:
                raise ModelError(
                    f"{self.file} prescribes batches of {fixed:,} images, above the limit of "
                    f"{LARGEST_BATCH:,}."
                )
        self.batch_size = fixed or batch_size or self._usual_batch()
        # Reduced when a GPU has run out of memory. On a CPU many images at once only take memory.
        most = _MOST_ON_CPU if self.runs_on_cpu else self.batch_size
        self._run_size = fixed or min(self.batch_size, most)
        self._smallest_run = fixed or 1
        self._shrinking = threading.Lock()

    def _usual_batch(self) -> int:
        if not self.runs_on_cpu:
            return _BATCH_ON_GPU
        fitting = _PIXELS_ON_CPU // (self.card.height * self.card.width)
        return max(_BATCH_ON_CPU, min(fitting, _SMALL_ON_CPU))

    def empty_batch(self) -> Pixels:
        """Return an array of zeros for a batch: uint8, ``(batch_size, height, width, 3)``."""
        return np.zeros((self.batch_size, self.card.height, self.card.width, 3), dtype=np.uint8)

    def scores(
        self,
        images: Pixels,
        texts: Sequence[ImageText | None] | None = None,
        *,
        lane: int = 0,
    ) -> npt.NDArray[np.float32]:
        """Score up to ``batch_size`` images; may be called from several threads.

        Args:
            images: one or more, uint8 RGB, shape ``(n, height, width, 3)``.
            texts: of each image, or of the first ones; a model that takes none ignores them.
            lane: which device.

        Returns:
            float32 probabilities, shape ``(n, labels)``.

        Raises:
            ModelError: the network breaks, or returns a score that is not a probability.
        """
        told = text_inputs(texts or (), len(images), self.card.text)
        scores = self._run({INPUT_NAME: images, **told}, self._sessions[lane])
        expected = (len(images), len(self.card.labels))
        if scores.shape != expected:
            raise ModelError(f"{self.file} returns scores of shape {scores.shape}, not {expected}.")
        if not (np.isfinite(scores).all() and (scores >= 0).all() and (scores <= 1).all()):
            raise ModelError(f"{self.file} returns scores that are not probabilities.")
        return scores

    def _run(self, inputs: Inputs, session: Runs) -> npt.NDArray[np.float32]:
        """Run a batch; when a GPU runs out of memory, this and later batches are halved."""
        while True:
            size = self._run_size
            try:
                parts = [session.run(part) for part in _parts(inputs, size)]
                return np.concatenate(parts)[: len(inputs[INPUT_NAME])]
            except Exception as error:  # onnxruntime's exceptions share no base class
                if self.runs_on_cpu or size == self._smallest_run or not is_out_of_memory(error):
                    raise ModelError(f"{self.file} failed while running: {said(error)}.") from None
            with self._shrinking:
                self._run_size = min(self._run_size, -(-size // 2))
                logger.info("GPU memory is full: runs of %d images from now on", self._run_size)


def _parts(inputs: Inputs, size: int) -> Iterator[Inputs]:
    """Cut a batch into parts of equal size, without overlap; the last one is padded."""
    for start in range(0, len(inputs[INPUT_NAME]), size):
        yield {
            name: _padded(np.ascontiguousarray(values[start : start + size]), size)
            for name, values in inputs.items()
        }


def _padded(values: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    missing = size - len(values)
    if not missing:
        return values
    return np.concatenate([values, np.zeros((missing, *values.shape[1:]), values.dtype)])


def read_card(file: Path) -> ModelCard:
    """Read the card of a model file.

    Raises:
        ModelError: the file is missing, damaged, or not a poster-tagger model.
    """
    (session,), _, _ = _open(file, "cpu", None)
    return _checked_card(file, session)


def _no_model_file(file: Path) -> str | None:
    """Say what stands in a model file's place; None if it may be one."""
    is_folder, is_keras = file.is_dir(), file.suffix.lower() in (".keras", ".h5")
    if not is_folder and not file.is_file():
        return f"The model file {file} does not exist."
    if not is_folder and not is_keras:
        return None
    kind = "a folder" if is_folder else "a Keras model"
    run = shlex.quote(str(file if is_folder else file.parent))
    return (
        f"{file} is {kind}, not a model file: 'tagger export {run} -o model.onnx' makes one from "
        "the folder of a training."
    )


def _open(
    file: Path | None, device: str, gpu_memory: int | None
) -> tuple[Sequence[AnySession], Path, str | None]:
    """Return the sessions, their file, and why ``auto`` did not choose CUDA."""
    devices = (Device("cuda"),) if device == "auto" else parse_devices(device)
    for_cpu, for_device = (file or bundled_model(kind) for kind in ("cpu", devices[0].kind))
    if problem := _no_model_file(for_cpu):
        raise ModelError(problem)
    with _model_errors(for_cpu):
        check_model_file(for_cpu)
    if devices[0].on_cpu:
        if devices[0].kind == "openvino" and (missing := openvino_problem()):
            raise DeviceError(f"--device {device} is not available: {missing}.", "device")
        engine = OpenVinoSession if devices[0].kind == "openvino" else Session
        logger.info("%s: asked for", device)
        with _model_errors(for_cpu):
            return [engine(for_cpu, one) for one in devices], for_cpu, None
    problem = cuda_problem()
    if problem is None:
        try:
            sessions = [Session(for_device, one, gpu_memory=gpu_memory) for one in devices]
        except DeviceRefusedError as error:
            problem = str(error)
        except Exception as error:  # onnxruntime's exceptions share no base class
            problem = f"{devices[0].kind} rejected the device ({said(error)})"
        else:
            logger.info("%s: %s took the network", device, ",".join(map(str, devices)))
            return sessions, for_device, None
    if device != "auto":
        raise DeviceError(f"--device {device} is not available: {problem}.", "device")
    logger.info("%s: the CPU, since %s", device, problem)
    with _model_errors(for_cpu):
        note = None if problem.startswith(NO_GPU) else problem
        return [Session(for_cpu, Device("cpu"))], for_cpu, note


def _checked_card(file: Path, session: AnySession) -> ModelCard:
    text = session.metadata.get(METADATA_KEY)
    if text is None:
        raise ModelError(
            f"{file} is an ONNX file without a model card: make models with 'tagger export'."
        )
    try:
        card = ModelCard.from_json(text)
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from None
    expected: list[tuple[str, str, list[Any] | None]] = [
        (INPUT_NAME, "tensor(uint8)", [card.height, card.width, 3])
    ]
    if card.text is not None:
        expected.append((TEXT_NAME, "tensor(int32)", [card.text.length]))
        if card.text.year:
            expected.append((YEAR_NAME, "tensor(int32)", []))
    expected.append((OUTPUT_NAME, "tensor(float)", [len(card.labels)]))
    if session.ends != expected or len(session.fixed_batches) > 1:
        raise ModelError(f"The inputs and outputs of {file} do not match its card.")
    return card


@contextlib.contextmanager
def _model_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {os_reason(error)}.") from None
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise ModelError(f"{file} cannot be opened as a model: {said(error)}.") from None
