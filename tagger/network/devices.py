"""Where a network can run: the names of devices, and the cores of this machine."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from tagger.errors import UsageError

_DEVICE = re.compile(r"cpu|openvino|(cuda|tensorrt)(?::(\d+))?")
_NAMES = "auto, cpu, openvino, cuda, cuda:N, tensorrt, or several of one kind such as cuda:0,cuda:1"


@dataclass(frozen=True)
class Device:
    """Where a session really runs.

    Attributes:
        kind: ``cpu``, ``openvino`` (on the CPU too), ``cuda`` or ``tensorrt``.
        index: which GPU.
    """

    kind: str
    index: int = 0

    def __str__(self) -> str:
        """Return the device as the command line spells it."""
        return self.kind if self.on_cpu else f"{self.kind}:{self.index}"

    @property
    def on_cpu(self) -> bool:
        """Whether no GPU is asked for."""
        return self.kind in ("cpu", "openvino")


def parse_devices(text: str) -> tuple[Device, ...]:
    """Read the value of ``--device``, except ``auto``.

    Raises:
        UsageError: a device is unknown, or they are of several kinds.
    """
    found = [_DEVICE.fullmatch(name) for name in text.split(",")]
    devices = tuple(Device(match[1] or match[0], int(match[2] or 0)) for match in found if match)
    if len(devices) != len(found):
        raise UsageError(f"There is no device '{text}': use {_NAMES}.")
    if len({device.kind for device in devices}) > 1:
        raise UsageError(f"--device {text}: several devices must be of one kind.")
    return devices


def available_cores() -> int:
    """Return the cores of this process's affinity mask, or of the machine where there is none."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no such call
        return os.cpu_count() or 1
