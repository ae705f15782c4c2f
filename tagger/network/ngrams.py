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
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from zlib import crc32

from tagger.network.card import TextInput
from tagger.results import ImageText

_WORD = re.compile(r"[^\W_]+")
_LONGEST_WORD = 64
_SIZES = (3, 4, 5)


def ngram_ids(words: str, text: TextInput) -> array[int]:
    """Return the ids of a text, without padding; a long text costs no more than a short one.

    Args:
        words: any text, even with lone surrogates or control characters.
        text: what the network takes.

    Returns:
        At most ``length`` integers of 32 bits, each 1 to ``buckets``.
    """
    words = words[: most_characters(text)]
    found: dict[int, None] = {}
    for feature in _FEATURES[text.rule](_words(words, text)):
        found[crc32(feature.encode()) % text.buckets + 1] = None
        if len(found) == text.length:
            break
    return array("i", found)


@dataclass(frozen=True)
class WithIds:
    """Says what is known of an image in words together with their ids, where it is read.

    A decoding process makes them on a core of its own: in the process that has all images in hand,
    they would cost more than all else that it does for an image.

    Attributes:
        text_of: says what is known, or None.
        text: what the network takes.
    """

    text_of: Callable[[str], ImageText | None]
    text: TextInput

    def __call__(self, path: str) -> ImageText | None:
        """Say it of an image."""
        said = self.text_of(path)
        return said and said._replace(ids=ngram_ids(said.words, self.text).tobytes())


def most_characters(text: TextInput) -> int:
    """Return how much of a text is read: enough for as many words as there are ids."""
    return (_LONGEST_WORD + 1) * text.length


def _words(words: str, text: TextInput) -> list[str]:
    if not words.isascii():
        # One character may become eighteen.
        words = unicodedata.normalize("NFKD", words)[: most_characters(text)]
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
