"""A ``.keras`` file → the network in it, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tagger.errors import DataError, first_line
from tagger_training.backend import keras


def load_network(file: Path, *, compiled: bool = True) -> Any:
    """Load a network that may come from anywhere: no code in its file is run.

    Keras refuses layers that hold code or name other files (safe mode). Earlier versions than the
    one that we ask for could be talked out of that, by a dozen ways that are known by now.

    Args:
        file: as Keras saves it.
        compiled: whether also what it is trained with is read.

    Raises:
        DataError: it is damaged, or asks for more than being data.
    """
    try:
        return keras.models.load_model(file, compile=compiled, safe_mode=True)
    except Exception as error:  # zip, JSON, HDF5 and layer errors share no base class
        sentence = first_line(error).partition(". ")[0]
        raise DataError(f"{file} cannot be loaded: {sentence}.") from None
