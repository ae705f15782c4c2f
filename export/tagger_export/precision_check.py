"""How much accuracy another precision loses: two model files on the same labelled images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from tagger_training.labels import LabelledSet
from tagger_training.metrics import macro_average_precision

from tagger.errors import DataError, ModelError
from tagger.network.model import TaggerModel
from tagger.results import Result, Tagged

#: Paths of images and a model → a result per image, by the rules of the model's card.
TagFiles: TypeAlias = Callable[[Iterable[str], TaggerModel], Iterable[Result]]

#: The macro-AP that another precision may lose by default.
MAX_LOSS = 0.01


@dataclass(frozen=True)
class PrecisionCheck:
    """How a file differs from its fp32 original on the run's validation images.

    Attributes:
        images: number of images compared.
        device: where the file ran; the original ran on the CPU.
        fp32_macro_ap: of the original.
        macro_ap: of the file.
        other_tags: share of images that get different tags.
        largest_difference: largest absolute difference of a score.
        mean_difference: mean absolute difference of the scores.
    """

    images: int
    device: str
    fp32_macro_ap: float
    macro_ap: float
    other_tags: float
    largest_difference: float
    mean_difference: float

    def to_dict(self) -> Mapping[str, Any]:
        """Return plain data for the card, rounded to meaningful digits."""
        figures = vars(self).items()
        return {key: round(v, 5) if isinstance(v, float) else v for key, v in figures}


def compare_precisions(
    fp32: Path, file: Path, validation: LabelledSet, tag: TagFiles, *, device: str = "cpu"
) -> PrecisionCheck:
    """Tag the validation images with both files.

    Args:
        fp32: the original; it runs on the CPU.
        file: the same network in another precision.
        validation: images and targets, labels in the model's order.
        tag: tags images.
        device: where ``file`` runs, as for :class:`tagger.network.model.TaggerModel`.

    Raises:
        DataError: no image can be read, or none has a label that metrics cover.
    """
    original = TaggerModel(fp32, "cpu")
    other = TaggerModel(file, device)
    card = original.card
    before = _tagged(tag, original, validation)
    after = _tagged(tag, other, validation)
    keep = sorted(before.keys() & after.keys())
    if not keep:
        raise DataError(
            "None of the run's validation images can be read, so the file cannot be measured."
        )
    targets = validation.targets[keep]
    scored = card.scored or [label for label in card.labels if label not in card.never]
    mask = np.array([label in scored for label in card.labels])
    first, second = (np.stack([side[i].scores for i in keep]) for side in (before, after))
    gaps = np.abs(first - second)
    check = PrecisionCheck(
        images=len(keep),
        device=str(other.device),
        fp32_macro_ap=macro_average_precision(targets, first, mask),
        macro_ap=macro_average_precision(targets, second, mask),
        other_tags=float(np.mean([_names(before[i]) != _names(after[i]) for i in keep])),
        largest_difference=float(gaps.max()),
        mean_difference=float(gaps.mean()),
    )
    if np.isnan(check.fp32_macro_ap):
        raise DataError("The run's validation images have none of the labels that metrics cover.")
    return check


def refuse_loss(check: PrecisionCheck, precision: str, max_loss: float) -> None:
    """Reject a file that is too much worse than its original.

    Raises:
        ModelError: it loses more macro-AP than allowed.
    """
    loss = check.fp32_macro_ap - check.macro_ap
    if not loss <= max_loss:  # also true for NaN
        raise ModelError(
            f"The {precision} file was not written: it loses {loss:.4f} macro-AP "
            f"({check.fp32_macro_ap:.4f} → {check.macro_ap:.4f} on {check.images} validation "
            f"images), more than --max-loss {max_loss:g}."
        )


def _tagged(tag: TagFiles, model: TaggerModel, validation: LabelledSet) -> dict[int, Tagged]:
    """Tag the images; return the results by position, without unreadable images."""
    results = enumerate(tag((str(file) for file in validation.files), model))
    return {i: result for i, result in results if isinstance(result, Tagged)}


def _names(result: Tagged) -> frozenset[str]:
    return frozenset(tag.name for tag in result.tags)
