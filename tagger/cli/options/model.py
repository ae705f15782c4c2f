"""The model, where it runs, and what reading an image may cost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.completing import devices
from tagger.cli.options.groups import OptionGroup
from tagger.errors import UsageError, about
from tagger.network.devices import LARGEST_BATCH, MOST_WORKERS
from tagger.pipeline.decode import Decode

if TYPE_CHECKING:
    from tagger.decode.budget import ImageLimits
    from tagger.network.card import ModelCard
    from tagger.network.model import TaggerModel

# Seconds; a day.
_LONGEST_TIMEOUT = 86_400
# Bytes; what runtimes and systems hold in a signed number of 64 bits.
_MOST_MEMORY = 2**63 - 1

ModelArgument = Annotated[
    Path | None, typer.Argument(metavar="[MODEL]", help="Model file; default: the bundled one.")
]


@dataclass(frozen=True, kw_only=True)
class ModelOptions(OptionGroup):
    """Which network tags, and where it runs."""

    panel: ClassVar[str] = "Network and speed"

    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Model file; default: the bundled one.")
    ] = None
    device: Annotated[
        str,
        typer.Option(
            metavar="DEVICE",
            autocompletion=devices,
            help="Where the network runs: auto, cpu, cuda, cuda:N, tensorrt, openvino, or several "
            "such as cuda:0,cuda:1. auto is CUDA if available, otherwise cpu; openvino is the CPU "
            "with other kernels. Any choice but auto fails if unavailable.",
        ),
    ] = "auto"
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST_BATCH,
            metavar="N",
            help="Batch size; default: chosen for the device.",
        ),
    ] = None
    gpu_mem_limit: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Memory limit for the network on each GPU, such as 4G or 512M."
        ),
    ] = None

    @property
    def file(self) -> Path:
        """The model file: the one that was named, or the bundled one."""
        from tagger.network.model import BUNDLED_MODEL

        return self.model or BUNDLED_MODEL

    def card(self) -> ModelCard:
        """Return the model's card, without opening the model.

        Raises:
            ModelError: there is none.
        """
        from tagger.network.model import read_card

        with about("model"):
            return read_card(self.file)

    def open(self) -> TaggerModel:
        """Open the model where it should run.

        Raises:
            ModelError: it cannot be opened.
            DeviceError: the device cannot run it.
            UsageError: an option cannot be understood.
        """
        from tagger.network.model import TaggerModel

        gpu_memory = self.gpu_memory()
        with about("model"):
            return TaggerModel(
                self.model, self.device, batch_size=self.batch_size, gpu_memory=gpu_memory
            )

    def gpu_memory(self) -> int | None:
        """Return the bytes that the network may use of each GPU; None for no limit.

        Raises:
            UsageError: it is not a size.
        """
        return _memory_size(self.gpu_mem_limit)


@dataclass(frozen=True, kw_only=True)
class DecodeOptions(OptionGroup):
    """How images are decoded, and what one may cost."""

    panel: ClassVar[str] = "Network and speed"

    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_WORKERS,
            metavar="N",
            help="Number of workers that decode, and on a CPU tag, images; default: one per core.",
        ),
    ] = None
    image_timeout: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=_LONGEST_TIMEOUT,
            metavar="SECONDS",
            help="Time limit for one image, or for listing one folder; 0 means no limit. Default: "
            "60, and 10 of CPU time.",
            show_default=False,
        ),
    ] = None
    image_memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Memory limit for all images being decoded; an image that needs more fails. "
            "Default: 1G.",
            show_default=False,
        ),
    ] = None
    decode: Annotated[
        Decode,
        typer.Option(
            help="Who decodes: threads, or processes, where a file that crashes its decoder fails "
            "alone. auto begins with threads and goes over to processes if they are faster."
        ),
    ] = Decode.AUTO
    isolate: Annotated[bool, typer.Option(help="The same as --decode processes.")] = False

    def worker_count(self) -> int:
        """Return how many workers there are."""
        from tagger.network.devices import available_cores

        return self.workers or available_cores()

    def decoders(self) -> Decode:
        """Return who decodes.

        Raises:
            UsageError: the options contradict each other.
        """
        if self.isolate and self.decode is Decode.THREADS:
            raise UsageError(
                "--isolate decodes in processes and --decode threads does not: choose one.",
                "isolate",
                "decode",
            )
        return Decode.PROCESSES if self.isolate else self.decode

    def limits(self) -> ImageLimits:
        """Return what one image may cost.

        Raises:
            UsageError: the memory is not a size.
        """
        from tagger.decode.budget import DEFAULT_LIMITS, ImageLimits

        memory = _memory_size(self.image_memory, "--image-memory") or DEFAULT_LIMITS.memory
        if self.image_timeout is None:
            return ImageLimits(memory=memory)
        return ImageLimits(self.image_timeout or None, self.image_timeout or None, memory)


def _memory_size(text: str | None, option: str = "--gpu-mem-limit") -> int | None:
    """Read an amount of memory such as ``4G``, ``512M`` or a number of bytes.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    size = float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " ") if match else 0.0
    if not 1 <= size < _MOST_MEMORY:
        raise UsageError(f"{option} {text}: give a size such as 4G or 512M.", option[2:])
    return int(size)
