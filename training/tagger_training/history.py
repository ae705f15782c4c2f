"""The epochs of a training so far."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Epoch:
    """The results of one epoch; ``seconds`` is wall time, including validation."""

    number: int
    loss: float
    validation_log_loss: float
    validation_macro_ap: float
    learning_rate: float
    seconds: float


@dataclass
class TrainingState:
    """State needed to resume a training: every epoch so far."""

    epochs: list[Epoch] = field(default_factory=list)

    @property
    def best(self) -> Epoch | None:
        """The epoch with the highest validation macro-AP."""
        measured = [epoch for epoch in self.epochs if not math.isnan(epoch.validation_macro_ap)]
        return max(measured, key=lambda epoch: epoch.validation_macro_ap, default=None)

    def epochs_since_best(self) -> int:
        """Return the number of epochs since the best one."""
        best = self.best
        return len(self.epochs) - best.number if best else 0
