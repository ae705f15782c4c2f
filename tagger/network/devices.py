"""Names of devices that a network can run on, and what the machine has: cores and memory."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from tagger.errors import UsageError

_DEVICE = re.compile(r"cpu|openvino|(cuda|tensorrt)(?::([0-9]{1,3}))?")
_NAMES = "auto, cpu, openvino, cuda, cuda:N, tensorrt, or several of one kind such as cuda:0,cuda:1"

#: More of them only cost memory: no machine decodes, and no network runs, so many images at a time.
MOST_WORKERS = 1024
LARGEST_BATCH = 4096


@dataclass(frozen=True)
class Device:
    """Where a session actually runs.

    Attributes:
        kind: ``cpu``, ``openvino`` (on the CPU too), ``cuda`` or ``tensorrt``.
        index: which GPU.
    """

    kind: str
    index: int = 0

    def __str__(self) -> str:
        """Return the device in the command line's spelling."""
        return self.kind if self.on_cpu else f"{self.kind}:{self.index}"

    @property
    def on_cpu(self) -> bool:
        """Return whether no GPU is requested."""
        return self.kind in ("cpu", "openvino")


def parse_devices(text: str) -> tuple[Device, ...]:
    """Parse the value of ``--device``, except ``auto``.

    Raises:
        UsageError: a name is unknown, or they are of several kinds.
    """
    found = [_DEVICE.fullmatch(name) for name in text.split(",")]
    devices = tuple(Device(match[1] or match[0], int(match[2] or 0)) for match in found if match)
    if len(devices) != len(found):
        raise UsageError(f"Unknown device '{text}': use {_NAMES}.", "device")
    if len({device.kind for device in devices}) > 1:
        raise UsageError(f"--device {text}: several devices must be of one kind.", "device")
    return devices


def main_memory() -> int | None:
    """Return the bytes of memory of this machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no such call
        return None


def available_cores() -> int:
    """Return the number of cores in this process's affinity mask, or else of the machine."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no such call
        return os.cpu_count() or 1
