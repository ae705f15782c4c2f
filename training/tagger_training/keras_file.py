"""A ``.keras`` file → the network in it, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tagger.errors import DataError, first_line
from tagger_training.backend import keras


def load_network(file: Path, *, compiled: bool = True) -> Any:
    """Load a network from an untrusted file without running code in it.

    Keras refuses layers that contain code or name other files (safe mode). Versions before the
    required one had a dozen known ways around this.

    Args:
        file: a file saved by Keras.
        compiled: whether loss and optimizer are loaded too.

    Raises:
        DataError: it is damaged, or contains more than data.
    """
    try:
        return keras.models.load_model(file, compile=compiled, safe_mode=True)
    except Exception as error:  # zip, JSON, HDF5 and layer errors share no base class
        sentence = first_line(error).partition(". ")[0]
        raise DataError(f"{file} cannot be loaded: {sentence}.") from None
