"""Batch normalisation of a network that starts from ImageNet weights."""

from __future__ import annotations

from typing import Any


def fix_batch_norm(network: Any) -> None:
    """Make batch normalisation use its original statistics, even in training.

    Batches of a small labelled set would only blur them. Passing ``training=False`` when calling
    the layer does not achieve this: when a functional model is trained, Keras 3 passes
    ``training=True`` to every layer in it. Making the layer non-trainable does; this also freezes
    its scale and shift, for which the convolutions around it compensate.

    Args:
        network: a Keras model, changed in place; not yet compiled.
    """
    from tagger_training.backend import layers

    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False
