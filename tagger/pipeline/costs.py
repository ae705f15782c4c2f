"""What the stages of a run cost, for the log."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


class Costs:
    """Seconds that workers spend in each stage, all of them together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Count the time that is spent inside as that of a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            with self._lock:
                self._seconds[stage] = self._seconds.get(stage, 0.0) + spent

    def log(self, workers: int) -> None:
        """Say what the stages have cost."""
        stages = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in self._seconds.items())
        total = time.perf_counter() - self._began
        logger.debug("%.1f s with %d workers; all together: %s", total, workers, stages)
