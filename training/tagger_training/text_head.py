"""What words and a year say of labels, added to what the picture says.

A logistic regression per label on the ids of a text (:mod:`tagger.network.ngrams`), weighted by
how rare they are (tf-idf) and scaled to unit length, so that long texts count as much as short
ones; and on the year, five years at a time. It is kept as one table, from which an exported graph
sums a row per id: nothing else is needed to apply it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from tagger.errors import DataError, first_line
from tagger.network.card import TextInput
from tagger.network.text_ids import text_ids
from tagger.results import ImageText
from tagger_training.folds import FOLDS
from tagger_training.metrics import binary_log_loss
from tagger_training.probe import minimise

Array = npt.NDArray[Any]

#: Years are told apart five at a time, from 1900 to 2049; earlier and later ones are in the first
#: and the last bin. Bin 0 is for images whose year is unknown.
FIRST_YEAR, YEARS_PER_BIN, YEAR_BINS = 1900, 5, 30

# From strong to weak; the search ends when held-out loss rises.
_PENALTIES = (10.0, 3.0, 1.0, 0.3)
# Judged on a fifth of the rows, since a fit takes long; on all in turn if there are few.
_FEW_ROWS = 5000
# An id that occurs in one text alone says nothing of others.
_FEWEST_TEXTS = 2
# The year is worth half as much as a whole text.
_YEAR_WEIGHT = 0.5
# Shares of the rows that have both whose year and whose words are dropped: some images have one.
_WITHOUT_YEAR, _WITHOUT_WORDS = 0.3, 0.1


@dataclass(frozen=True)
class Told:
    """Texts as a network takes them.

    Attributes:
        ids: sparse matrix of ones, shape ``(texts, buckets + 1)``: which ids each has.
        years: int64, shape ``(texts,)``; 0 where unknown.
    """

    ids: Any
    years: Array

    @classmethod
    def of_ids(cls, ids: Sequence[Array], years: Sequence[int], text: TextInput) -> Told:
        """Take the ids of each text, of which 0 is none."""
        found = [one[one > 0] for one in ids]
        ends = np.cumsum([0, *(len(one) for one in found)])
        joined = np.concatenate([np.zeros(0, np.int32), *found])
        shape = (len(found), text.buckets + 1)
        matrix = sparse.csr_matrix((np.ones(len(joined), np.float32), joined, ends), shape=shape)
        return cls(matrix, np.array(years, dtype=np.int64))

    @classmethod
    def of_texts(cls, texts: Sequence[ImageText | None], text: TextInput) -> Told:
        """Make ids of texts; the year is left out if the network takes none."""
        return cls.of_ids(
            [text_ids(one.words if one else "", text) for one in texts],
            [(one.year or 0) if one and text.year else 0 for one in texts],
            text,
        )


@dataclass(frozen=True)
class TextHead:
    """logits of the picture, ids, year → logits, where an id or the year is known.

    The fused logits are ``scale * logits + text score + years[bin] + shift``; the text score of a
    label is the sum of ``table[id, label]`` over a text's ids, divided by the square root of the
    sum of ``table[id, -1]``, the squared weights of the ids. Ids that occurred in no training text
    have a row of zeros; a text of such ids alone, without a year, leaves the logits unchanged.

    Attributes:
        text: what it takes.
        table: float32, shape ``(buckets + 1, labels + 1)``; row 0 is zeros.
        years: float32, shape ``(YEAR_BINS + 1, labels)``; row 0 is zeros.
        scale: of the picture's logits.
        shift: float32, shape ``(labels,)``.
    """

    text: TextInput
    table: Array
    years: Array
    scale: float
    shift: Array

    def __call__(self, logits: Array, told: Told) -> Array:
        """Return the fused logits, shape ``(images, labels)``."""
        words, years, known = self.scores(told)
        fused = self.scale * logits + words + years + self.shift
        return np.where(known[:, np.newaxis], fused, logits)

    def scores(self, told: Told) -> tuple[Array, Array, Array]:
        """Return what words and years say, shape ``(images, labels)``, and where one is known."""
        sums = told.ids @ self.table.astype(np.float64)
        words = sums[:, :-1] / np.sqrt(np.maximum(sums[:, -1:], 1))
        bins = _bins(told.years)
        return words, self.years[bins].astype(np.float64), (sums[:, -1] > 0) | (bins > 0)

    def save(self, file: Path) -> None:
        """Write the arrays as ``.npz``; the card says what the text is."""
        scale = np.float32(self.scale)
        np.savez(file, table=self.table, years=self.years, scale=scale, shift=self.shift)

    @classmethod
    def load(cls, file: Path, text: TextInput, labels: int) -> TextHead:
        """Read it as data, for a card's text input and number of labels.

        Raises:
            DataError: it is missing or damaged, or belongs to another card.
        """
        shapes = {
            "table": (text.buckets + 1, labels + 1),
            "years": (YEAR_BINS + 1, labels),
            "scale": (),
            "shift": (labels,),
        }
        try:
            with np.load(file, allow_pickle=False) as stored:
                arrays = {name: np.asarray(stored[name], dtype=np.float32) for name in shapes}
        except FileNotFoundError:
            raise DataError(
                f"{file.parent} is not a finished run: {file.name} is missing."
            ) from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{file} cannot be read: {first_line(error)}.") from None
        for name, shape in shapes.items():
            if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
                raise DataError(f"{file} does not match the run's card: delete it and train again.")
        return cls(text, arrays["table"], arrays["years"], float(arrays["scale"]), arrays["shift"])


def learn_text_head(
    texts: Sequence[ImageText], targets: Array, groups: Array, own: Array, text: TextInput
) -> TextHead:
    """Learn the tables from labelled texts; scale and shift are left to :mod:`.fusion`.

    Args:
        texts: of training images, and others; an image may have several.
        targets: 0/1, shape ``(texts, labels)``.
        groups: a number for each text; texts of one image, which share it, are on one side when
            penalties are compared.
        own: bool, shape ``(texts,)``: the texts on which penalties are compared.
        text: what the head takes.
    """
    told = Told.of_texts(texts, text)
    occurrences, bins = told.ids, _bins(told.years)
    counts = np.asarray(occurrences.sum(axis=0)).ravel()
    weights = np.log((1 + len(texts)) / (1 + counts)) + 1
    weights = np.where(counts >= _FEWEST_TEXTS, weights, 0.0)
    used = np.flatnonzero(weights)
    words, bins = _some_dropped(_unit_rows(occurrences[:, used], weights[used]), bins)
    years = sparse.csr_matrix(
        (np.full(len(bins), _YEAR_WEIGHT), bins, np.arange(len(bins) + 1)),
        shape=(len(bins), YEAR_BINS + 1),
    )
    inputs = sparse.hstack([words, years[:, 1:]], format="csr").astype(np.float32)

    solution = _regressions(inputs, targets, _best_penalty(inputs, targets, groups, own))
    table = np.zeros((text.buckets + 1, targets.shape[1] + 1), dtype=np.float32)
    table[used, :-1] = solution[: len(used)] * weights[used, np.newaxis]
    table[:, -1] = weights**2
    table[0] = 0
    by_year = np.zeros((YEAR_BINS + 1, targets.shape[1]), dtype=np.float32)
    by_year[1:] = solution[len(used) : -1] * _YEAR_WEIGHT
    return TextHead(text, table, by_year, 1.0, np.zeros(targets.shape[1], dtype=np.float32))


def _best_penalty(inputs: Any, targets: Array, groups: Array, own: Array) -> float:
    """Return the penalty with the lowest log-loss on texts that were held out."""
    folds = groups % FOLDS
    judged = [0] if len(targets) >= _FEW_ROWS else range(FOLDS)
    held = [fold for fold in judged if (own & (folds == fold)).any() and (folds != fold).any()]
    best, lowest = _PENALTIES[0], np.inf
    for penalty in _PENALTIES if held else ():
        truths, scores = [], []
        for fold in held:
            outside = own & (folds == fold)
            solution = _regressions(inputs[folds != fold], targets[folds != fold], penalty)
            scores.append(1 / (1 + np.exp(-(inputs[outside] @ solution[:-1] + solution[-1]))))
            truths.append(targets[outside])
        loss = binary_log_loss(np.concatenate(truths), np.concatenate(scores))
        if loss >= lowest:
            break
        best, lowest = penalty, loss
    return best


def _regressions(inputs: Any, targets: Array, penalty: float) -> Array:
    """Return the kernel with the bias as its last row, one label after the other.

    All at once would take 25 times the memory, and as many steps as the slowest label needs.
    """
    columns = np.split(targets.astype(np.float32), targets.shape[1], axis=1)
    return np.hstack([minimise(inputs, column, penalty, None) for column in columns])


def _bins(years: Array) -> Array:
    """Return the bin of each year; 0 where it is unknown."""
    bins = np.clip((years - FIRST_YEAR) // YEARS_PER_BIN + 1, 1, YEAR_BINS)
    return np.where(years > 0, bins, 0)


def _unit_rows(occurrences: Any, weights: Array) -> Any:
    weighted = occurrences @ sparse.diags(weights)
    lengths = np.sqrt(np.maximum(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel(), 1))
    return sparse.diags(1 / lengths) @ weighted


def _some_dropped(words: Any, bins: Array) -> tuple[Any, Array]:
    """Drop the years of some texts and the words of others, so that each is learned alone, too."""
    drawn = np.random.default_rng(0).random(len(bins))
    both = (bins > 0) & (np.diff(words.indptr) > 0)
    without_year = both & (drawn < _WITHOUT_YEAR)
    without_words = both & (drawn > 1 - _WITHOUT_WORDS)
    return sparse.diags(1.0 - without_words) @ words, np.where(without_year, 0, bins)
