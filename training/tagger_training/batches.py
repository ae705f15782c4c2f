"""Shuffled, augmented batches for one epoch after another."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tagger.results import Pixels
from tagger_training.augmentation import Augmentation
from tagger_training.backend import keras


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of uint8 images and their targets, in an order determined by seed and epoch.

    Args:
        images: uint8, shape ``(images, height, width, 3)``.
        targets: between 0 and 1, shape ``(images, labels)``.
        rows: positions of the images to use.
        batch_size: images per batch; the last one may be smaller.
        seed: determines order and augmentation, together with the epoch.
        first_epoch: epoch to start with, when a training is resumed.
        augmentation: how the images are changed.
        size: height and width of the batches; None keeps those of the images.
    """

    def __init__(
        self,
        images: Pixels,
        targets: npt.NDArray[np.uint8] | npt.NDArray[np.float32],
        rows: npt.NDArray[np.int64],
        *,
        batch_size: int,
        seed: int,
        first_epoch: int = 0,
        augmentation: Augmentation,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
        self._images = images
        self._targets = targets.astype(np.float32)
        self._rows = rows
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = first_epoch
        self._augmentation = augmentation
        self._size = size
        self._order = self._shuffled()

    def __len__(self) -> int:
        """Return the number of batches per epoch."""
        return math.ceil(len(self._rows) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Pixels, npt.NDArray[np.float32]]:
        """Return batch ``index`` of the current epoch."""
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        random = np.random.default_rng((self._seed, self._epoch, index))
        batch = np.stack(
            [self._augmentation.image(self._images[row], random, self._size) for row in chosen]
        )
        return self._augmentation.batch(batch, self._targets[chosen], random)

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        self._epoch += 1
        self._order = self._shuffled()

    def _shuffled(self) -> npt.NDArray[np.int64]:
        return np.random.default_rng((self._seed, self._epoch)).permutation(self._rows)
