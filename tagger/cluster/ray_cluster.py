"""A Ray cluster: what a run wants of it, and what it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from tagger.cluster.nodes import name_of
from tagger.errors import TaggerError, UsageError, first_line
from tagger.network.devices import Device, parse_devices
from tagger.network.model import bundled_model
from tagger.text import counted

Shared = TypeVar("Shared")

# Seconds, for a node to have a core or GPU to spare.
_TO_START: Final = 300.0


@dataclass(frozen=True)
class RayPlan:
    """Which cluster is used, and how much of it.

    Attributes:
        address: of the cluster's head, or ``auto``; None starts one on this machine.
        gpus: of each worker, which may be a part of one; None takes one if the network runs on
            GPUs.
        concurrency: number of workers that run the network; None takes as many as the cluster has
            room for.
        model: the model file; None takes the bundled one for the device.
        device: the kind of device; ``auto`` takes GPUs if the cluster has any.
        batch_size: images per run; None takes what suits the device.
        gpu_memory: bytes that the network may use of each GPU; None sets no limit.
        isolated: whether images are decoded in processes of their own.
    """

    address: str | None = None
    gpus: float | None = None
    concurrency: int | None = None
    model: Path | None = None
    device: str = "auto"
    batch_size: int | None = None
    gpu_memory: int | None = None
    isolated: bool = False

    def __post_init__(self) -> None:
        """Check what can be checked without a cluster.

        Raises:
            UsageError: several devices are wanted, or a certain one.
        """
        if self.device != "auto":
            devices = parse_devices(self.device)
            if ":" in self.device or len(devices) > 1:
                raise UsageError(
                    f"--device {self.device}: Ray chooses the devices of its workers, so name only "
                    f"the kind: {devices[0].kind}.",
                    "device",
                    "engine",
                )


@dataclass(frozen=True)
class Node:
    """A machine of a cluster that can work.

    Attributes:
        id: Ray's name for it.
        name: a person's.
        cores: that Ray may use.
        gpus: likewise.
    """

    id: str
    name: str
    cores: float
    gpus: float


class Cluster:
    """A cluster that this process is connected to; see :func:`tagger.cluster.connect.connected`."""

    def __init__(self, plan: RayPlan) -> None:
        self.plan = plan

    @property
    def head(self) -> str:
        """``HOST:PORT`` where its head answers."""
        import ray

        return str(ray.get_runtime_context().gcs_address)

    def nodes(self) -> list[Node]:
        """Return the machines that are there and can work."""
        import ray

        found = [
            Node(
                one["NodeID"],
                name_of(one),
                float(one["Resources"].get("CPU", 0)),
                float(one["Resources"].get("GPU", 0)),
            )
            for one in ray.nodes()
            if one["Alive"]
        ]
        return [node for node in found if node.cores or node.gpus]

    @property
    def device(self) -> str:
        """Where the network runs on all nodes: on GPUs if there are any, unless told otherwise."""
        plan = self.plan
        if plan.device != "auto":
            return plan.device
        has_gpus = any(node.gpus for node in self.nodes()) if plan.gpus is None else plan.gpus > 0
        return "cuda" if has_gpus else "cpu"

    @property
    def model(self) -> Path:
        """The model file."""
        return self.plan.model or bundled_model(self.device)

    @property
    def gpus(self) -> float:
        """How many GPUs each worker has."""
        if self.plan.gpus is not None:
            return self.plan.gpus
        return 0.0 if Device(self.device).on_cpu else 1.0

    def sentence(self) -> str:
        """Say what there is, for the inside of parentheses."""
        nodes = self.nodes()
        cores = int(sum(node.cores for node in nodes))
        gpus = int(sum(node.gpus for node in nodes))
        there = f"{counted(len(nodes), 'node')}, {counted(cores, 'CPU')}"
        return f"Ray: {there}, {counted(gpus, 'GPU')}" if gpus else f"Ray: {there}"

    def shared(self, value: Shared) -> Callable[[], Shared]:
        """Give a value to all nodes once; return what returns it on any of them."""
        import ray

        return partial(ray.get, ray.put(value))

    def workers(self) -> int:
        """Return how many workers run the network: all that there is room for, unless told."""
        if self.plan.concurrency is not None:
            return self.plan.concurrency
        gpus = self.gpus
        rooms = [node.gpus / gpus if gpus else node.cores for node in self.nodes()]
        return max(1, sum(map(int, rooms)))

    def check_room(self) -> None:
        """Check that one worker can start, now or when other jobs leave room.

        Raises:
            TaggerError: there is no node that could have one, or none has in time.
        """
        import ray

        gpus = self.gpus
        needed = "GPUs" if gpus else "CPUs"
        fits = [node for node in self.nodes() if (node.gpus >= gpus and node.cores >= (not gpus))]
        if not fits:
            raise TaggerError(
                f"No node of the Ray cluster has {gpus:g} GPU{'s' * (gpus != 1)} for a worker: "
                "choose another --gpus-per-worker or --device cpu."
                if gpus
                else "No node of the Ray cluster has a CPU for a worker.",
                "gpus-per-worker",
            )

        def nothing() -> None:
            pass

        remote = ray.remote(num_cpus=0 if gpus else 1, num_gpus=gpus)(nothing)
        try:
            ray.get(remote.remote(), timeout=_TO_START)
        except ray.exceptions.GetTimeoutError:
            raise TaggerError(
                f"None of the Ray cluster's {needed} became free in {_TO_START / 60:.0f} min: "
                "other jobs use them all."
            ) from None
        except ray.exceptions.RayError as error:
            raise TaggerError(f"The Ray cluster does not work: {first_line(error)}.") from None
