"""Linear probes as the initial head of fine-tuning, and as its teachers."""

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
    """Linear probes on networks with ImageNet weights, each fitted once."""

    def __init__(
        self, settings: TrainSettings, data: FitData, probing: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._data = data
        self._probing = probing
        self._fitted: dict[str, Probe] = {}

    def of(self, name: str, network: Any = None) -> Probe:
        """Return the probe on a network, which is built if it is not given."""
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
    """Return the training targets: the labels, blended with the teachers' predictions.

    A probability carries more information than a label that is one of at most three, some of which
    cannot be seen, and a network that learns it overfits later (Hinton et al., "Distilling the
    Knowledge in a Neural Network", 2015). The predictions for an image come from probes that were
    not fitted on it, since a probe only repeats the labels it was fitted on. They are stored for a
    resumed training.
    """
    if not settings.teachers:
        return data.targets.astype(np.float32)
    if not run.taught.exists():
        opinion = np.mean([probes.of(name).held_out for name in settings.teachers], axis=0)
        blended = data.targets.astype(np.float32)
        # Images that are not used for training keep their labels.
        blended[data.training] *= 1 - settings.teacher_share
        blended[data.training] += settings.teacher_share * opinion
        run.write(run.taught, lambda file: np.save(file, blended))
    try:
        return np.load(run.taught)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{run.taught} cannot be read ({first_line(error)}): delete it to have it rebuilt."
        ) from None
