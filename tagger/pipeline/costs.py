"""What the stages of a run cost: for the log, and for how work is cut into pieces."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

logger = logging.getLogger(__name__)


@dataclass
class Cost:
    """Of one stage: seconds, of all its workers together, and the images on which they went."""

    seconds: float = 0.0
    images: int = 0


class Costs:
    """What each stage has cost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.perf_counter()
        self.stages: dict[str, Cost] = {}

    @contextmanager
    def of(self, stage: str, images: int) -> Iterator[None]:
        """Count the time that is spent inside as that of a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - began, images)

    def add(self, stage: str, seconds: float, images: int) -> None:
        """Count seconds that a stage has taken for some images."""
        with self._lock:
            cost = self.stages.setdefault(stage, Cost())
            cost.seconds += seconds
            cost.images += images

    def an_image(self, stage: str) -> float | None:
        """Return the seconds that a stage takes for an image; None before there was one."""
        cost = self.stages.get(stage)
        return cost.seconds / cost.images if cost is not None and cost.images else None

    def images(self, stage: str) -> int:
        """Return how many images a stage has done."""
        cost = self.stages.get(stage)
        return 0 if cost is None else cost.images

    @property
    def seconds(self) -> float:
        """The time since the start, in seconds."""
        return time.perf_counter() - self._began

    def log(self, workers: Mapping[str, int]) -> None:
        """Say how busy the workers of each stage were: who is busy all the time bounds the rate."""
        total = self.seconds
        stages = (
            f"{stage} {cost.seconds:.1f} s ({cost.seconds / (workers[stage] * total):.0%} of "
            f"{workers[stage]})"
            for stage, cost in self.stages.items()
        )
        logger.info("%.1f s; busy: %s", total, ", ".join(stages))
