"""A name → the part of it that holds the title, and the year."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tagger.find.names.text import as_title
from tagger.find.names.words import (
    ABOUT_THE_FILE,
    ARTICLES,
    BEFORE_TECHNICAL,
    EDITION,
    LANGUAGE_CODES,
    RESTORED,
    TECHNICAL,
)

_YEAR = r"(?:18[7-9][0-9]|19[0-9][0-9]|20[0-9][0-9])"
# Without brackets a later one is part of a title: Blade Runner 2049.
_BARE_YEAR = r"(?:18[7-9][0-9]|19[0-9][0-9]|20[0-3][0-9])"
_ALONE_IN_BRACKETS = re.compile(
    rf"[(\[{{] *({_YEAR})(?: *[-–—/] *(?:{_YEAR}|[0-9]{{2}}|present)?)? *[)\]}}]", re.IGNORECASE
)
# (1995 film), (TV Series 2008–2013), (Michael Mann, 1995), (1995-12-15)
_IN_BRACKETS = re.compile(
    rf"[(\[{{](?:[^()\[\]{{}}]{{0,60}}[ ,_])?({_YEAR})(?:[-–— ,;._][^()\[\]{{}}]{{0,60}})?[)\]}}]"
)
# In Class of 1984 it is part of the title.
_BARE = re.compile(
    rf"(?<=[-_. ,+])(?<![-_. ]of[-_. ])(?<![-_. ]the[-_. ]){_BARE_YEAR}(?=[-_. ,+]|\Z)"
)
_GLUED = re.compile(rf"(?<=[^\W\d_][^\W\d_]){_BARE_YEAR}\Z")
_FIRST = re.compile(rf"({_BARE_YEAR}) +[-–] +(?=\S)")
_DATE = re.compile(
    rf"(?<![ ._-])[ ._-]*+(?<![0-9]){_BARE_YEAR}([-_.]?)(?:0[1-9]|1[0-2])\1"
    r"(?:0[1-9]|[12][0-9]|3[01])(?![0-9])"
    r"(?:[ T_-]+(?:at )?[0-9]{2}[-_.:h]?[0-9]{2}(?:[-_.:m]?[0-9]{2})?)?"
)
_GROUPS = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]")
_ROUND = re.compile(r"\(([^()]*)\)")
_BETWEEN_WORDS = re.compile(r"[ ._,+-]+")
_PART = re.compile(
    r"(?<![ ._-])[ ._-]++[(\[]?(?:(?:cd|dvd|dis[ck])[ ._-]?|part|pt)[0-9]{1,2}[)\]]?\Z",
    re.IGNORECASE,
)
_LAST_WORD = re.compile(r"(?<![ ._-])[ ._-]++([^ ._-]+)\Z")
_LAST_LANGUAGE = re.compile(rf"(?<=[^\W_])[._](?:{'|'.join(sorted(LANGUAGE_CODES))})\Z")
# 01 - Heat, 007. Heat, 1. Heat, #1) Heat, 12 - Heat
_NUMBERED = re.compile(
    r"(?:#?0[0-9]{1,3}(?: *[)_] *| +[-–] *|\. *|-(?=[^\W\d_]))|#?[0-9]{1,3}[.)] +"
    r"|[0-9]{1,2} +[-–] +)(?=\w|[(\['¡¿$#])"
)
_AKA = re.compile(r"(?<=[^\W_])[ ._]+(?:aka|a\.k\.a\.?)[ ._]+(?=\w)", re.IGNORECASE)
# "Step Up 3D 2010" is a title.
_SHORTEST_LOUD = 4
#: What stands between words.
BLANKS = "-_. ,+:;–—"
_BUT_DOTS = BLANKS.replace(".", "")


@dataclass(frozen=True)
class TitlePart:
    """What a name holds.

    Attributes:
        title: None if nothing is left of the name.
        year: None if there is none.
        is_sure: whether the year is one: it stands in brackets, or in front.
    """

    title: str | None
    year: int | None
    is_sure: bool


def title_part(text: str) -> TitlePart:
    """Find title and year in a name without marks: the rest is about the file."""
    if match := bracketed_year(text):
        before, after = text[: match.start()], text[match.end() :]
        # Where blanks stand anywhere, dots and hyphens stand for none.
        raw = before if before.strip(BLANKS) else after + " " * (" " in text)
        return TitlePart(_title(raw), int(match[1]), is_sure=True)
    text = _without_groups(_DATE.sub(" ", text))
    first = _FIRST.match(text)
    if first and not _BARE.search(text, first.end()):
        return TitlePart(_title(text[first.end() :]), int(first[1]), is_sure=True)
    raw, year = _before_year(text)
    return TitlePart(_title(raw), year, is_sure=False)


def bracketed_year(text: str) -> re.Match[str] | None:
    """Return the first year in brackets, rather one alone there, and rather one behind a title."""
    for pattern in (_ALONE_IN_BRACKETS, _IN_BRACKETS):
        if found := list(pattern.finditer(text)):
            return next((one for one in found if text[: one.start()].strip(BLANKS)), found[0])
    return None


def _before_year(text: str) -> tuple[str, int | None]:
    """Return what precedes the last year, or what is technical, and the year."""
    technical = _technical(text)
    head = text[:technical] if technical else text
    years = [one for one in _BARE.finditer(head) if head[: one.start()].strip(BLANKS)]
    if technical and len(years) > 1 and RESTORED.search(head, years[0].end(), years[-1].start()):
        years = years[:1]
    if years:
        before = head[: years[-1].start()]
        return _without_words(before, is_loud=True), int(years[-1][0])
    if technical:
        later = _BARE.search(text, technical)
        return _without_words(head), int(later[0]) if later else None
    if glued := _GLUED.search(head):
        return head[: glued.start()], int(glued[0])
    return head, None


def _technical(text: str) -> int:
    """Return where a name is no longer about the film; 0 if it is throughout."""
    starts = (one.start() for one in TECHNICAL.finditer(text))
    return next((start for start in starts if text[:start].strip(BLANKS)), 0)


def _title(raw: str) -> str | None:
    """Return the title in the part of a name that holds it."""
    text = _without_groups(raw)
    if technical := _technical(text):
        text = _without_words(text[:technical])
    text = _ROUND.sub(_kept, text).lstrip()
    if number := _NUMBERED.match(text):
        text = text[number.end() :]
    text = _AKA.split(text, maxsplit=1)[0] or text
    joint = text[-1:] if text[-1:] in BLANKS else ""
    for pattern in (EDITION, _PART):
        whole = text.rstrip(_BUT_DOTS)
        shorter = pattern.sub("", whole)
        if shorter != whole and shorter.lower() not in ARTICLES:
            text, joint = shorter, ""
    if not joint and " " not in text:
        text = _LAST_LANGUAGE.sub("", text)
    return as_title(text, joint)


def _without_groups(text: str) -> str:
    """Return a text without what stands in square and curly brackets; but [REC] is a title."""
    rest = _GROUPS.sub("", text)
    is_alone = rest[:1] in ("²", "³") or not any(map(str.isalpha, rest))
    is_title = is_alone and text.lstrip().startswith("[")
    return text if is_title else rest


def _kept(group: re.Match[str]) -> str:
    """Return a group in round brackets unless it is about the file, as (Director's Cut) is."""
    words = [word for word in _BETWEEN_WORDS.split(group[1].lower()) if word]
    is_about_file = all(word in ABOUT_THE_FILE or TECHNICAL.fullmatch(word) for word in words)
    is_other_name = words[:1] == ["aka"]
    return "" if words and (is_about_file or is_other_name) else group[0]


def _without_words(text: str, *, is_loud: bool = False) -> str:
    """Return a text without words at its end that are about the file; its first word stays.

    With ``is_loud`` only those go that are in capitals while others are not: Heat.EXTENDED.1995.
    """
    if is_loud and text == text.upper():
        return text
    while match := _LAST_WORD.search(text.rstrip(BLANKS)):
        word = match[1]
        is_about_file = word.lower() in BEFORE_TECHNICAL or word == "WEB"
        if is_loud and (word != word.upper() or len(word) < _SHORTEST_LOUD):
            break
        if not is_about_file or not text[: match.start()].strip(BLANKS):
            break
        text = text[: match.start() + 1]
    return text
