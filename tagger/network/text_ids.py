"""Words → the ids that a network takes for them: hashed words, pairs of words and n-grams.

The rule is named on the card, so that a network always gets the ids it was trained on. It knows no
language, and gives the same ids on every platform; only characters that are newer than Python's
table of Unicode would be read as no letters.

``ngrams-1``: the text in Unicode's NFKD, case folded, without combining marks. Words are runs of
letters and digits, of which the first 64 characters count. The features, in this order: each word
as ``wWORD``; each pair of neighbours as ``bONE TWO``; and of each word between two spaces the
sequences of 3, then of 4 and of 5 characters as ``cABC``. A feature's id is the CRC-32 of its UTF-8
modulo the number of buckets, plus 1. Each id counts once, and the first ``length`` ids count; of a
text, the first ``length`` words and ``65 * length`` characters.

``ngrams-2``: the same, except that the sequences of 3, 4 and 5 characters are those of all words
joined without spaces, as ``xABC``: what reads words off a picture often loses the spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from tagger.network.card import TextInput
from tagger.results import ImageText

TEXT_NAME = "text"
YEAR_NAME = "year"

_WORD = re.compile(r"[^\W_]+")
_LONGEST_WORD = 64
_SIZES = (3, 4, 5)
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
            ids[place] = text_ids(one.words, text)
            if one.year is not None and one.year in _YEARS:
                years[place] = one.year
    return {TEXT_NAME: ids, YEAR_NAME: years} if text.year else {TEXT_NAME: ids}


def text_ids(words: str, text: TextInput) -> npt.NDArray[np.int32]:
    """Return the ids of a text, padded with zeros; a long text costs no more than a short one.

    Args:
        words: any text, even with lone surrogates or control characters.
        text: what the network takes.

    Returns:
        int32, shape ``(length,)``, 1 to ``buckets`` or 0; not to be changed.
    """
    return _ids(words[: _most_characters(text)], text)


@lru_cache(maxsize=_KEPT)
def _ids(words: str, text: TextInput) -> npt.NDArray[np.int32]:
    found: dict[int, None] = {}
    for feature in _FEATURES[text.rule](_words(words, text)):
        found[crc32(feature.encode()) % text.buckets + 1] = None
        if len(found) == text.length:
            break
    ids = np.zeros(text.length, dtype=np.int32)
    ids[: len(found)] = list(found)
    ids.flags.writeable = False
    return ids


def _most_characters(text: TextInput) -> int:
    """Return how much of a text is read: enough for as many words as there are ids."""
    return (_LONGEST_WORD + 1) * text.length


def _words(words: str, text: TextInput) -> list[str]:
    if not words.isascii():
        # One character may become eighteen.
        words = unicodedata.normalize("NFKD", words)[: _most_characters(text)]
    words = words.casefold()
    if not words.isascii():
        words = "".join(one for one in words if unicodedata.category(one)[0] != "M")
    return [match[0][:_LONGEST_WORD] for match in islice(_WORD.finditer(words), text.length)]


def _within_words(words: list[str]) -> Iterator[str]:
    yield from _words_and_pairs(words)
    for word in words:
        yield from _sequences("c", f" {word} ")


def _across_words(words: list[str]) -> Iterator[str]:
    yield from _words_and_pairs(words)
    yield from _sequences("x", "".join(words))


def _words_and_pairs(words: list[str]) -> Iterator[str]:
    for word in words:
        yield "w" + word
    for one, two in pairwise(words):
        yield f"b{one} {two}"


def _sequences(kind: str, text: str) -> Iterator[str]:
    for size in _SIZES:
        for start in range(len(text) - size + 1):
            yield kind + text[start : start + size]


_FEATURES = {"ngrams-1": _within_words, "ngrams-2": _across_words}
