"""Where fine-tuning starts and what it learns: linear probes as a head and as teachers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tagger.errors import DataError, first_line
from tagger_training.architectures import find_architecture
from tagger_training.fit import FitData
from tagger_training.probe import Probe, fit_probe, pooled_features
from tagger_training.run_folder import RunFolder
from tagger_training.settings import TrainSettings


class Probes:
    """Linear probes on networks as they come from ImageNet, each fitted once."""

    def __init__(
        self, settings: TrainSettings, data: FitData, probing: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._data = data
        self._probing = probing
        self._fitted: dict[str, Probe] = {}

    def of(self, name: str, network: Any = None) -> Probe:
        """Return the probe on a network, which is built here where it is not given."""
        if name not in self._fitted:
            self._probing(name)
            settings, data = self._settings, self._data
            if network is None:
                network = find_architecture(name).build(
                    settings.height, settings.width, data.targets.shape[1], True
                )
            features = pooled_features(network, data.images, data.training)
            self._fitted[name] = fit_probe(features, data.targets[data.training])
        return self._fitted[name]


def taught_targets(data: FitData, settings: TrainSettings, run: RunFolder, probes: Probes) -> Any:
    """Return what to learn: the labels, blended with what teachers say of them.

    A probability says more than a label that is one of at most three, some of which cannot be
    seen, and a network that learns it overfits later (Hinton et al., "Distilling the Knowledge in
    a Neural Network", 2015). What teachers say of an image is what probes say that were not fitted
    on it: of what they were fitted on they only repeat the labels. It is kept for a training that
    goes on.
    """
    if not settings.teachers:
        return data.targets.astype(np.float32)
    if not run.taught.exists():
        opinion = np.mean([probes.of(name).held_out for name in settings.teachers], axis=0)
        blended = data.targets.astype(np.float32)
        # Other images than those that are trained on keep their labels.
        blended[data.training] *= 1 - settings.teacher_share
        blended[data.training] += settings.teacher_share * opinion
        run.write(run.taught, lambda file: np.save(file, blended))
    try:
        return np.load(run.taught)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{run.taught} cannot be read ({first_line(error)}): remove it to have it made anew."
        ) from None
