"""A linear head on frozen features: the start from which fine-tuning distorts them least.

Source: Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution", ICLR 2022.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tagger.results import Pixels

# Chosen on validation posters: 40 epochs at 1e-3 overfit (macro-AP 0.286, log-loss 0.213 against
# 0.305 and 0.208), and the large weights that they gave made fine-tuning diverge.
_EPOCHS = 20
_LEARNING_RATE = 3e-4
_DROPOUT = 0.5
_BATCH = 256
_CHUNK = 64


def fit_head(
    model: Any,
    images: Pixels,
    targets: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int64],
    *,
    seed: int,
) -> None:
    """Fit the model's last layer on features of the given images, plain and mirrored.

    Args:
        model: a network whose last layer is a sigmoid ``Dense`` on a layer named ``pool``.
        images: uint8, shape ``(images, height, width, 3)``.
        targets: 0/1, shape ``(images, labels)``.
        rows: positions of the images to learn from.
        seed: of the order.
    """
    features = keras.Model(model.inputs, model.get_layer("pool").output)
    plain = _features(features, images, rows, mirrored=False)
    mirrored = _features(features, images, rows, mirrored=True)
    inputs = np.concatenate([plain, mirrored])
    truth = np.concatenate([targets[rows], targets[rows]]).astype(np.float32)
    rates = np.clip(truth.mean(axis=0), 1e-4, 1 - 1e-4)
    # Features of unit variance let one learning rate and one decay fit all of them; the scaling is
    # folded into the layer afterwards.
    centre, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-3
    head = keras.layers.Dense(
        truth.shape[1],
        activation="sigmoid",
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(np.log(rates / (1 - rates))),
    )
    probe = keras.Sequential(
        [keras.Input((inputs.shape[1],)), keras.layers.Dropout(_DROPOUT), head]
    )
    steps = _EPOCHS * -(-len(inputs) // _BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    probe.compile(optimizer, keras.losses.BinaryCrossentropy())
    keras.utils.set_random_seed(seed)
    probe.fit((inputs - centre) / scale, truth, batch_size=_BATCH, epochs=_EPOCHS, verbose=0)
    kernel, bias = head.get_weights()
    kernel = kernel / scale[:, None]
    model.layers[-1].set_weights([kernel, bias - centre @ kernel])


def _features(
    network: Any, images: Pixels, rows: npt.NDArray[np.int64], *, mirrored: bool
) -> npt.NDArray[np.float32]:
    chunks = []
    for start in range(0, len(rows), _CHUNK):
        batch = images[rows[start : start + _CHUNK]]
        chunks.append(network.predict_on_batch(batch[:, :, ::-1] if mirrored else batch))
    return np.concatenate(chunks)
