"""Which images are for training and which for validation: determined by their ids alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from tagger.files.kinds import IMAGE_SUFFIXES


def is_validation(image_id: str, share: float) -> bool:
    """Return whether an image belongs to validation.

    This depends on the SHA-256 of the id's bare name, so it stays the same when images are added,
    moved to another folder, or converted to another format.

    Args:
        image_id: id or path of the image.
        share: share of validation, 0 to 1.
    """
    digest = hashlib.sha256(bare_name(image_id).encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def bare_name(image_id: str) -> str:
    """Return the name of an image without its folder and extension."""
    path = PurePosixPath(image_id.replace("\\", "/"))
    # "Mr. Nobody" has no extension: only those of images count.
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name


def validation_mask(ids: Sequence[str], share: float) -> npt.NDArray[np.bool_]:
    """Return :func:`is_validation` of every id, as a bool array of shape ``(ids,)``."""
    return np.array([is_validation(image_id, share) for image_id in ids], dtype=np.bool_)
