"""Batch normalisation of a network that starts from ImageNet weights."""

from __future__ import annotations

from typing import Any


def fix_batch_norm(network: Any) -> None:
    """Let batch normalisation use the statistics that it came with, in training too.

    Batches of a small labelled set would only blur them. ``training=False`` where the layer is
    called does not do this: when a functional model is trained, Keras 3 passes ``training=True`` to
    every layer in it. A layer that is not trainable does; its scale and shift stay as well, which
    the convolutions around it make up for.

    Args:
        network: a Keras model, changed in place; not yet compiled.
    """
    from tagger_training.backend import layers

    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False
