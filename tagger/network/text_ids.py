"""Texts → the arrays that a network takes; :mod:`tagger.network.ngrams` has the rules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tagger.network.card import TextInput
from tagger.network.ngrams import most_characters, ngram_ids
from tagger.results import ImageText

TEXT_NAME = "text"
YEAR_NAME = "year"

_YEARS = range(1, 10_000)
# Images of one folder often have one title.
_KEPT = 256


def text_inputs(
    texts: Sequence[ImageText | None], count: int, text: TextInput | None
) -> dict[str, npt.NDArray[np.int32]]:
    """Return what a network takes besides pictures, by the names of its inputs.

    Args:
        texts: of the first images; the others have none.
        count: the number of images.
        text: what the network takes; None if it takes no text.

    Returns:
        ``text``: int32, shape ``(count, length)``, and ``year``: int32, shape ``(count,)``, as far
        as the network takes them; 0 is for what is unknown.
    """
    if text is None:
        return {}
    ids = np.zeros((count, text.length), dtype=np.int32)
    years = np.zeros(count, dtype=np.int32)
    for place, one in enumerate(texts):
        if one is not None:
            if one.ids is None:
                ids[place] = text_ids(one.words, text)
            else:
                made = np.frombuffer(one.ids, dtype=np.intc)
                ids[place, : len(made)] = made
            if one.year is not None and one.year in _YEARS:
                years[place] = one.year
    return {TEXT_NAME: ids, YEAR_NAME: years} if text.year else {TEXT_NAME: ids}


def text_ids(words: str, text: TextInput) -> npt.NDArray[np.int32]:
    """Return the ids of a text, padded with zeros; a long one costs no more than a short one.

    Args:
        words: any text.
        text: what the network takes.

    Returns:
        int32, shape ``(length,)``, 1 to ``buckets`` or 0; not to be changed.
    """
    return _ids(words[: most_characters(text)], text)


@lru_cache(maxsize=_KEPT)
def _ids(words: str, text: TextInput) -> npt.NDArray[np.int32]:
    ids = np.zeros(text.length, dtype=np.int32)
    found = ngram_ids(words, text)
    ids[: len(found)] = found
    ids.flags.writeable = False
    return ids
