"""Learn what words and years add to a picture, and measure it on validation."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.errors import DataError
from tagger.network.card import TextInput
from tagger.results import ImageText
from tagger_training.calibration import learn_calibration
from tagger_training.fit import FitData
from tagger_training.folds import held_out
from tagger_training.fusion import Fusion, learn_fusion
from tagger_training.labels import LabelledTexts
from tagger_training.split import bare_name
from tagger_training.text_head import TextHead, Told, learn_text_head

Array = npt.NDArray[Any]
Texts = Sequence[ImageText | None]

#: Enough buckets for the n-grams of 30,000 titles, and enough ids for the words on a poster.
TEXT_INPUT = TextInput(rule="ngrams-2", buckets=2**17, length=512, year=True)


@dataclass(frozen=True)
class RunTexts:
    """What is known in words of the images of a run, and other labelled texts.

    Attributes:
        images: kind of text, such as ``title`` → a text or None for each image of the set, in its
            order. The network learns and is measured on each kind.
        others: labelled texts without images.
        text: what the network takes.
    """

    images: Mapping[str, Texts]
    others: Sequence[LabelledTexts] = ()
    text: TextInput = field(default=TEXT_INPUT)


@dataclass(frozen=True)
class FusedScores:
    """Validation images with their texts, judged by weights that were not learned on them.

    Attributes:
        scores: probabilities, shape ``(images, labels)``.
        ranking: values that order the images of each label, the same shape.
        known: bool, shape ``(images,)``: whether a text told anything; others have the picture's
            scores.
    """

    scores: Array
    ranking: Array
    known: Array


def learn_and_judge(
    texts: RunTexts, ids: Sequence[str], data: FitData, raw: Array
) -> tuple[TextHead, dict[str, FusedScores]]:
    """Learn a head from the texts of training images and others, and fuse it on validation.

    Args:
        texts: of the run's images, and others.
        ids: of the images.
        data: their targets and their split; its pixels are not used.
        raw: the network's probabilities for the validation images, before calibration, shape
            ``(images, labels)``.

    Returns:
        The head, for logits that are calibrated by all validation images; and for each kind of
        text the scores of the validation images.

    Raises:
        DataError: no training image has a text.
    """
    head = learn_text_head(*_training_texts(texts, ids, data), texts.text)
    validation = [[kind[row] for row in data.validation] for kind in texts.images.values()]
    evidence = _Evidence(raw, [head.scores(Told.of_texts(kind, texts.text)) for kind in validation])
    truth = data.targets[data.validation]
    rows = np.arange(len(truth))

    def learn(targets: Array, given: Array) -> Callable[[Array], Array]:
        calibration = learn_calibration(targets, raw[given])
        fusion = evidence.fusion(targets, given, calibration.logits)
        return lambda others: evidence.fused(others, fusion, calibration)

    fused = held_out(truth, rows, learn)
    by_kind = {
        name: FusedScores(1 / (1 + np.exp(-fused[:, 0, place])), fused[:, 1, place], known)
        for place, (name, (_, _, known)) in enumerate(zip(texts.images, evidence.told, strict=True))
    }
    calibration = learn_calibration(truth, raw)
    return evidence.fusion(truth, rows, calibration.logits).fold_into(head), by_kind


@dataclass(frozen=True)
class _Evidence:
    """What the picture and each kind of text say of the validation images.

    Attributes:
        raw: the picture's probabilities, before calibration.
        told: of each kind of text, its scores of words and years, and where one is known.
    """

    raw: Array
    told: Sequence[tuple[Array, Array, Array]]

    def fusion(self, targets: Array, rows: Array, logits: Callable[[Array], Array]) -> Fusion:
        """Learn weights from some of the images; ``logits`` calibrates the picture's."""
        pictures = logits(self.raw[rows])
        parts = [
            (targets[known[rows]], pictures[known[rows]],
             words[rows][known[rows]], years[rows][known[rows]])
            for words, years, known in self.told
        ]  # fmt: skip
        truth, seen, words, years = (np.concatenate(part) for part in zip(*parts, strict=True))
        return learn_fusion(truth, seen, words, years, kinds=len(self.told))

    def fused(self, rows: Array, fusion: Fusion, calibration: Any) -> Array:
        """Return logits and ranking of some images, shape ``(images, 2, kinds, labels)``.

        Weights of several folds shift and scale a label's logits differently; its ranking is
        without that, since images are ranked by one model.
        """
        picture = calibration.logits(self.raw[rows])
        logits = np.stack([
            np.where(known[rows, np.newaxis], fusion(picture, words[rows], years[rows]), picture)
            for words, years, known in self.told
        ], axis=1)  # fmt: skip
        known = np.stack([known[rows] for _, _, known in self.told], axis=1)[..., np.newaxis]
        unshifted = np.where(known, (logits - fusion.shift) / fusion.scale, logits)
        ranking = (unshifted - calibration.shift) / calibration.scale
        return np.stack([logits, ranking], axis=1)


def _training_texts(
    texts: RunTexts, ids: Sequence[str], data: FitData
) -> tuple[list[ImageText], Array, Array, Array]:
    """Return the texts to learn from, their targets, a number for each image, and which are own.

    Those of validation images are left out, whatever table they are in.
    """
    names = [bare_name(one) for one in ids]
    held = {names[row] for row in data.validation}
    found: list[tuple[ImageText, Array, str, bool]] = [
        (text, data.targets[row], names[row], True)
        for kind in texts.images.values()
        for row in data.training
        if (text := kind[row]) is not None
    ]
    if not found:
        raise DataError("None of the training images has a text.")
    found += [
        (text, targets, name, False)
        for others in texts.others
        for name, text, targets in zip(
            map(bare_name, others.ids), others.texts, others.targets, strict=True
        )
        if name not in held
    ]
    groups = np.array([zlib.crc32(name.encode(errors="surrogatepass")) for *_, name, _ in found])
    own = np.array([one for *_, one in found])
    return [text for text, *_ in found], np.stack([one[1] for one in found]), groups, own
