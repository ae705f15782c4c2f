"""Names that hold no title: numbers, cameras' names, hashes, ids."""

from __future__ import annotations

import re

from tagger.find.names.words import AMONG_NAMELESS, NAMELESS

_LETTERS = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"[0-9]+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"(?=(?:[a-f]*[0-9]){2})[0-9a-f]{8,}", re.IGNORECASE)
_SHORT = re.compile(r"(?=(?:[a-f]*[0-9]){3})[0-9a-f]{5,}", re.IGNORECASE)
# Of a person (nm), a user, a product: letters, then a number.
_NUMBERED_ID = re.compile(r"[a-z]{1,12}[-_]?[0-9]{5,}|[0-9]{5,}[a-z]{1,3}", re.IGNORECASE)
# Letters of one case, with a capital before small ones, or digits: as a name is put together.
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_WORD = re.compile(r"[A-Z][a-z]+")
_ORDINAL = re.compile(r"(?<=[0-9])(?:st|nd|rd|th)(?![a-z])")
_VOWEL = re.compile("[aeiouy]", re.IGNORECASE)
_CONSONANTS = re.compile("[^aeiouy]{5}", re.IGNORECASE)
_BESIDE_ID = re.compile(r"[-_@~{}]")
_LAST_YEAR = re.compile(r"[-_ .](?:19|20)[0-9]{2}\Z")
_FEW = 3
_SHORTEST_ID = 8
_LONG_ID = 16
# Measured on 30,000 titles and on ids of base 62; in letters, on average.
_LONGEST_PIECES, _LONGEST_PIECES_OF_SHORT = 3.0, 2.5
_SHORTEST_WORDS = 2.3
_SHORTEST_OF_SEVERAL = 4
_MANY_PIECES = 4
_MANY_DIGITS = 5
_LONGEST_NUMBER = 4


def is_nameless(text: str) -> bool:
    """Return whether a name is one that nobody has given: a camera's, a hash, an id."""
    text = _LAST_YEAR.sub("", text)
    words = _LETTERS.findall(text.casefold())
    digits = sum(map(len, _DIGITS.findall(text)))
    if words and all(word in NAMELESS or word in AMONG_NAMELESS for word in words):
        return any(word in NAMELESS for word in words) or digits >= _MANY_DIGITS
    if not words or not text.isascii() or " " in text:
        return False
    if is_hash(text) or _NUMBERED_ID.fullmatch(text):
        return True
    parts = _BESIDE_ID.split(text)
    return len(parts) <= _FEW and _is_random(max(parts, key=len))


def is_hash(text: str) -> bool:
    """Return whether a name is a hexadecimal number or a UUID."""
    bare = _BESIDE_ID.sub("", _LAST_YEAR.sub("", text))
    if is_number(bare):
        return False
    return bool(_UUID.fullmatch(bare) or _HEXADECIMAL.fullmatch(bare) or _SHORT.fullmatch(text))


def is_number(text: str) -> bool:
    """Return whether a text has no letter."""
    return _LETTERS.search(text) is None


def may_be_title(number: str, *, is_sure: bool) -> bool:
    """Return whether a text without letters is a film's title, the film's year standing behind it.

    Args:
        number: the text.
        is_sure: whether the year is one: it may be a day of that year.
    """
    found = _DIGITS.findall(number)
    if any(len(digits) > _LONGEST_NUMBER for digits in found):
        return False
    if is_sure:
        return bool(number.strip("-_. "))
    return len(found) == 1 and not found[0].startswith("0")


def _is_random(bare: str) -> bool:
    """Return whether letters and digits are mixed as in no title."""
    if len(bare) < _SHORTEST_ID or not bare.isalnum():
        return False
    pieces = _PIECE.findall(_ORDINAL.sub("", bare))
    letters = [piece for piece in pieces if piece.isalpha()]
    if len(letters) < len(pieces):
        shortest = _SHORTEST_OF_SEVERAL if len(letters) > 1 else 1
        return not all(_is_word(piece, shortest) for piece in letters)
    if len(pieces) > _MANY_PIECES and len(bare) < _SHORTEST_WORDS * len(pieces):
        return True
    longest = _LONGEST_PIECES if len(bare) >= _LONG_ID else _LONGEST_PIECES_OF_SHORT
    is_odd = any(not _WORD.fullmatch(piece) for piece in pieces[1:-1])
    return is_odd and len(pieces) >= _MANY_PIECES and len(bare) < longest * len(pieces)


def _is_word(piece: str, shortest: int) -> bool:
    """Return whether people write these letters among digits: ``Fast``, ``furious``, ``Of``."""
    if not _VOWEL.search(piece) or _CONSONANTS.search(piece):
        return False
    return len(piece) >= shortest or bool(_WORD.fullmatch(piece)) or piece in "AI"
