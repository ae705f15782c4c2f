"""The part of a name that is a title → the title: blanks for dots, articles in front."""

from __future__ import annotations

import re
import unicodedata

# Dots are part of the title: S.W.A.T., Mr. Smith, Vol. 2. Two small letters may be words: e o.
_LETTER = r"[^\W\d_]"
_ACRONYM = re.compile(
    rf"(?<![^\W_])(?:(?:{_LETTER}\.){{3,}}|(?:[A-ZÀ-ÞА-Я]\.){{2}})(?:{_LETTER}(?![^\W_]))?"
)
_ABBREVIATION = re.compile(
    r"(?<![^\W_])(?:(?:Mrs?|Ms|Dr|St|Jr|Sr|Sgt|vs|Inc)\.|(?:Vol|No|Pt)\.(?= ?[0-9]))", re.IGNORECASE
)
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])\.(?=[0-9])")
_BETWEEN_WORDS = re.compile(r"(?<=[^\W_]{2})\.(?=[^\W_]{2})")
_HYPHEN = re.compile(r"(?<=\S)-(?=\S)")

_ARTICLES = (
    "the|an?|der|die|das|een?|het|den|det|eine?|les?|la|une?|el|los|las|una|uno|il|lo|gli|os?|as"
)
_MOVED = re.compile(
    rf"(?P<rest>.*?[^ ,])(?:, ?(?P<behind>{_ARTICLES}|(?-i:I)|[ld]['’])"
    rf"| \((?P<bracketed>{_ARTICLES}|l['’])\))(?P<more>(?: -|:) .*)?",
    re.IGNORECASE,
)
_JOINERS = "\u200c\u200d"  # part of Persian, Indic and other words
_BEFORE = " -_–—,:;|~"
_BEHIND = f"{_BEFORE}([{{"


def visible(text: str) -> str:
    """Return a text composed, with blanks for controls, and without what cannot be seen.

    It must be short: to compose a sequence of accents takes quadratic time.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, unicodedata.normalize("NFC", text)))


def _visible(char: str) -> str:
    kind = unicodedata.category(char)
    if kind == "Cf":
        return char if char in _JOINERS else ""
    return " " if kind in ("Cc", "Zs", "Zl", "Zp") else char


def as_title(text: str, joint: str) -> str | None:
    """Return the title in a part of a name, None if there is none.

    Where names have no blanks, dots, underscores and hyphens stand for them.

    Args:
        text: the part.
        joint: the character between it and what follows; empty if nothing follows.
    """
    core = text.strip()
    if " " in core:
        title = core.replace("_", " ")
        if joint == "." and not _ACRONYM.search(title[-4:]) and not title.endswith(".."):
            title = title.removesuffix(".")
    elif "_" in core:
        title = _BETWEEN_WORDS.sub(" ", core.replace("_", " "))
    elif core.strip(".").count(".") > (joint == " "):
        title = _undotted(core, but_digits=joint == " ")
    elif "+" in core and joint == "+":
        title = core.replace("+", " ")
    elif _joins_by_hyphens(core, joint):
        title = _HYPHEN.sub(" ", core)
    else:
        title = core if joint == " " else core.removesuffix(".")
    title = " ".join(title.split()).lstrip(_BEFORE).rstrip(_BEHIND)
    if moved := _MOVED.fullmatch(title):
        title = _in_front(moved)
    return (
        title
        if any(char.isalnum() or not char.isascii() or char in "$#" for char in title)
        else None
    )


def _undotted(text: str, *, but_digits: bool = False) -> str:
    """Return a text with blanks for the dots that are no part of the title."""
    kept: list[str] = []
    at = 0
    marks = sorted(
        match.span()
        for pattern in (_ACRONYM, _ABBREVIATION, *((_BETWEEN_DIGITS,) if but_digits else ()))
        for match in pattern.finditer(text)
    )
    for start, end in marks:
        if start >= at:
            kept += (text[at:start].replace(".", " "), text[start:end])
            kept += (" ",) if text[end - 1] == "." and end - start > 1 else ()
            at = end
    return "".join((*kept, text[at:].replace(".", " ")))


def _joins_by_hyphens(text: str, joint: str) -> bool:
    """Return whether hyphens stand for blanks: they do not in Spider-Man."""
    if joint in (" ", ".", "_"):
        return False
    count = len(_HYPHEN.findall(text))
    return count > 1 or (count == 1 and (joint == "-" or text == text.lower()))


def _in_front(moved: re.Match[str]) -> str:
    article = moved["behind"] or moved["bracketed"]
    blank = "" if article[-1] in "'’" else " "
    return f"{article}{blank}{moved['rest']}{moved['more'] or ''}"
