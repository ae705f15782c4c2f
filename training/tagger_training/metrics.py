"""Metrics of multi-label scores, compared with what label frequencies alone would reach.

All metrics follow scikit-learn's definitions. Macro averages are over the *scored* labels: those
that can be tags (``N/A`` cannot) and are frequent enough to be measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

Array = npt.NDArray[Any]

#: A label with fewer positives in the labelled set is excluded from macro averages.
MIN_POSITIVES = 20


@dataclass(frozen=True)
class LabelQuality:
    """One label's metrics; NaN if the set has no positive or no negative.

    ``tags`` is the number of images that got it as a tag, ``precision`` the share of them that have
    the label (NaN without tags), ``recall`` the share of images with the label that got the tag.
    """

    label: str
    positives: int
    scored: bool
    average_precision: float
    baseline_average_precision: float
    roc_auc: float
    f1: float
    tags: int
    precision: float
    recall: float


@dataclass(frozen=True)
class Quality:
    """Metrics of one set of scores on one labelled set.

    ``log_loss`` is the mean over images and *all* labels of the binary cross-entropy, in nats.
    ``calibration_error`` is the expected calibration error of all labels pooled, 15 equal bins
    (Guo et al., ICML 2017). F1 is that of the emitted tags, as are the ``micro_precision`` and
    ``micro_recall`` of all of them together, and ``untagged``, the share of images without a tag.
    """

    macro_ap: float
    micro_ap: float
    macro_roc_auc: float
    log_loss: float
    calibration_error: float
    top1: float
    micro_f1: float
    macro_f1: float
    sample_f1: float
    micro_precision: float
    micro_recall: float
    untagged: float


@dataclass(frozen=True)
class Evaluation:
    """The metrics of a model, of the label-frequency baseline, and of each label."""

    images: int
    scored_labels: int
    model: Quality
    baseline: Quality
    labels: tuple[LabelQuality, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, NaN as None."""
        data: dict[str, Any] = _without_nan(asdict(self))
        return data


def rounded(quality: Quality) -> dict[str, float | None]:
    """Return the figures as a card shows them: four decimals, NaN as None."""
    return {
        key: None if math.isnan(value) else round(value, 4)
        for key, value in asdict(quality).items()
    }


def scored_labels(
    labels: Sequence[str], positives: npt.NDArray[Any], never: Sequence[str]
) -> tuple[str, ...]:
    """Return the labels that macro averages include."""
    return tuple(
        label
        for label, count in zip(labels, positives, strict=True)
        if label not in never and count >= MIN_POSITIVES
    )


def most_frequent(base_rates: Any, count: int) -> Any:
    """Return a 0/1 array that marks the ``count`` most frequent labels: the baseline's tags."""
    tags = np.zeros(len(base_rates), np.uint8)
    tags[np.argsort(-np.asarray(base_rates), kind="stable")[:count]] = 1
    return tags


def macro_average_precision(targets: Array, scores: Array, scored: Array) -> float:
    """Mean average precision over the scored labels that have a positive.

    Args:
        targets: 0/1, shape ``(images, labels)``.
        scores: probabilities, the same shape.
        scored: bool, shape ``(labels,)``.
    """
    usable = scored & targets.any(axis=0)
    if not usable.any():
        return float("nan")
    return float(average_precision_score(targets[:, usable], scores[:, usable], average="macro"))


def binary_log_loss(targets: Array, scores: Array) -> float:
    """Mean binary cross-entropy over all images and labels, in nats."""
    return float(log_loss(targets.ravel(), scores.ravel().astype(np.float64), labels=[0, 1]))


@dataclass(frozen=True)
class CalibrationBins:
    """Probabilities of all labels pooled, in equal bins; float64, shape ``(bins,)`` each.

    Attributes:
        counts: number of probabilities in the bin.
        predicted: their sum.
        true: number of them for which the label is true.
    """

    counts: Array
    predicted: Array
    true: Array

    @property
    def error(self) -> float:
        """The expected calibration error."""
        return float(np.abs(self.predicted - self.true).sum() / self.counts.sum())


def calibration_bins(targets: Array, scores: Array, bins: int = 15) -> CalibrationBins:
    """Pool all labels and sort them into equal bins of the probability."""
    flat = scores.ravel().astype(np.float64)
    place = np.minimum((flat * bins).astype(np.int64), bins - 1)
    counts, predicted, true = (
        np.bincount(place, weights=weights, minlength=bins)
        for weights in (np.ones_like(flat), flat, targets.ravel().astype(np.float64))
    )
    return CalibrationBins(counts, predicted, true)


def calibration_error(targets: Array, scores: Array, bins: int = 15) -> float:
    """Expected calibration error of all labels pooled, over equal bins of the probability."""
    return calibration_bins(targets, scores, bins).error


def f1_score(truth: Array, tags: Array, axis: int | None = None) -> Array:
    """F1 of emitted tags; 0 if there is neither a true label nor a tag.

    scikit-learn treats a single label's column as a binary problem and then averages differently;
    this function means the same for any number of labels.

    Args:
        truth: 0/1, shape ``(images, labels)``.
        tags: 0/1, the same shape.
        axis: 0 returns one value per label, 1 one per image, None one for all pooled.
    """
    hits = (truth & tags).sum(axis=axis)
    both = truth.sum(axis=axis) + tags.sum(axis=axis)
    return np.asarray(2 * hits / np.maximum(both, 1))


def evaluate(
    targets: Array,
    scores: Array,
    emitted: Array,
    labels: Sequence[str],
    scored: Sequence[str],
    base_rates: Array,
    baseline_emitted: Array,
    *,
    ranking: Array | None = None,
) -> Evaluation:
    """Measure a model and the label-frequency baseline on the same images.

    Args:
        targets: 0/1, shape ``(images, labels)``.
        scores: probabilities, the same shape.
        emitted: 0/1, the same shape: which labels became tags.
        labels: label names.
        scored: names of the labels that macro averages include.
        base_rates: share of each label in the data the model was trained on, shape ``(labels,)``.
        baseline_emitted: 0/1, shape ``(labels,)``: the tags that the baseline gives every image.
        ranking: values that order the images of each label, for average precision and ROC-AUC, the
            same shape; None means the probabilities. A single calibration per label does not change
            this order, but held-out calibration, which uses several, does.
    """
    ranking = scores if ranking is None else ranking
    mask = np.array([label in set(scored) for label in labels], dtype=np.bool_)
    usable = mask & targets.any(axis=0) & ~targets.all(axis=0)
    constant = np.broadcast_to(base_rates, targets.shape).astype(np.float64)
    always = np.broadcast_to(baseline_emitted, targets.shape)
    return Evaluation(
        images=len(targets),
        scored_labels=int(usable.sum()),
        model=_quality(targets, scores, ranking, emitted, usable),
        baseline=_quality(targets, constant, constant, always, usable),
        labels=tuple(
            _label_quality(label, targets[:, i], ranking[:, i], emitted[:, i], bool(mask[i]))
            for i, label in enumerate(labels)
        ),
    )


def _quality(
    targets: Array, scores: Array, ranking: Array, emitted: Array, usable: Array
) -> Quality:
    if not usable.any():
        nan = float("nan")
        return Quality(
            nan, nan, nan, binary_log_loss(targets, scores), calibration_error(targets, scores),
            nan, nan, nan, nan, nan, nan, nan,
        )  # fmt: skip
    truth, probability, tags = targets[:, usable], scores[:, usable], emitted[:, usable]
    best = np.argmax(probability, axis=1)
    return Quality(
        macro_ap=macro_average_precision(targets, ranking, usable),
        micro_ap=float(average_precision_score(truth, probability, average="micro")),
        macro_roc_auc=float(roc_auc_score(truth, ranking[:, usable], average="macro")),
        log_loss=binary_log_loss(targets, scores),
        calibration_error=calibration_error(targets, scores),
        top1=float(truth[np.arange(len(truth)), best].mean()),
        micro_f1=float(f1_score(truth, tags)),
        macro_f1=float(f1_score(truth, tags, axis=0).mean()),
        sample_f1=float(f1_score(truth, tags, axis=1).mean()),
        micro_precision=_share((truth & tags).sum(), tags.sum()),
        micro_recall=_share((truth & tags).sum(), truth.sum()),
        untagged=float((~tags.any(axis=1)).mean()),
    )


def _label_quality(
    label: str, truth: Array, ranking: Array, emitted: Array, scored: bool
) -> LabelQuality:
    nan = float("nan")
    positives = int(truth.sum())
    both = 0 < positives < len(truth)
    return LabelQuality(
        label=label,
        positives=positives,
        scored=scored,
        average_precision=float(average_precision_score(truth, ranking)) if positives else nan,
        baseline_average_precision=positives / len(truth) if positives else nan,
        roc_auc=float(roc_auc_score(truth, ranking)) if both else nan,
        f1=float(f1_score(truth, emitted)) if positives else nan,
        tags=int(emitted.sum()),
        precision=_share((truth & emitted).sum(), emitted.sum()),
        recall=_share((truth & emitted).sum(), positives),
    )


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else float("nan")


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and value != value else value
