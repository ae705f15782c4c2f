"""The engine that a run is spread out by: this program's own, or one on several machines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.options.groups import OptionGroup
from tagger.errors import UsageError
from tagger.network.devices import MOST_WORKERS

if TYPE_CHECKING:
    from tagger.cli.options.model import DecodeOptions, ModelOptions
    from tagger.cluster.ray_cluster import RayPlan


class Engine(StrEnum):
    """Who spreads the work out."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True, kw_only=True)
class EngineOptions(OptionGroup):
    """Where a run takes place: on this machine, or on those of a cluster."""

    panel: ClassVar[str] = "Cluster"

    engine: Annotated[
        Engine,
        typer.Option(
            help="Where images are tagged: on this machine, or by Ray, on one machine or many "
            "(extra 'ray')."
        ),
    ] = Engine.LOCAL
    ray_address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Ray cluster to use: HOST:PORT of its head, or auto for the one that this machine "
            "is a node of. Default: start Ray on this machine, for this run only.",
            show_default=False,
        ),
    ] = None
    gpus_per_worker: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1024,
            metavar="N",
            help="GPUs of each Ray worker that runs the network; 0.5 lets two share one. Default: "
            "1, or 0 on a CPU.",
            show_default=False,
        ),
    ] = None
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_WORKERS,
            metavar="N",
            help="Number of Ray workers that run the network; default: as many as the cluster has "
            "room for.",
        ),
    ] = None

    def ray(self, model: ModelOptions, decoding: DecodeOptions) -> RayPlan | None:
        """Return how Ray is to be used; None if it is not.

        Raises:
            UsageError: options contradict each other.
        """
        given = {
            "ray-address": self.ray_address,
            "gpus-per-worker": self.gpus_per_worker,
            "concurrency": self.concurrency,
        }
        if self.engine is Engine.LOCAL:
            if surplus := [name for name, value in given.items() if value is not None]:
                raise UsageError(
                    f"--{surplus[0]} is for --engine ray: add that, or omit --{surplus[0]}.",
                    surplus[0],
                    "engine",
                )
            return None
        if decoding.workers is not None:
            raise UsageError(
                "--workers is for one machine: with --engine ray, use --concurrency.",
                "workers",
                "engine",
            )
        from tagger.cluster.ray_cluster import RayPlan
        from tagger.pipeline.decode import Decode

        return RayPlan(
            self.ray_address,
            self.gpus_per_worker,
            self.concurrency,
            model.model,
            model.device,
            model.batch_size,
            model.gpu_memory(),
            decoding.decoders() is Decode.PROCESSES,
        )
