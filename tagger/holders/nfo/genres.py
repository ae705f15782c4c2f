"""When two names mean the same genre."""

from __future__ import annotations

import re
import unicodedata

from tagger.text import LONGEST_NORMALISED

# What programs and people join genres by: Kodi by " / ", Jellyfin and Emby by "/".
_JOINTS = re.compile(r"[/|,;&]|(?<=\s)and(?=\s)", re.IGNORECASE)

_BETWEEN_WORDS = re.compile(r"[\s._'’‐‑–-]+")

#: Spellings of one genre, without what stands between words. English only: for another language
#: there is ``--rename``. What some sites keep apart (Music and Musical) stays apart.
_SPELLINGS = {
    "animated": "animation",
    "biographical": "biography",
    "biopic": "biography",
    "historical": "history",
    "reality": "realitytv",
    "romantic": "romance",
    "sciencefiction": "scifi",
    "sf": "scifi",
    "sports": "sport",
}


def meanings(text: str) -> frozenset[str]:
    """Return what a genre's name means, whatever its case and punctuation; several where joined.

    ``Sci-Fi``, ``sci fi`` and ``Science Fiction`` mean the same, and so do the two halves of
    ``Drama / Crime`` and ``crime`` with ``DRAMA``.
    """
    parts = [part for part in _JOINTS.split(text) if part.strip()]
    return frozenset(_meaning(part) for part in parts or [text])


def _meaning(part: str) -> str:
    if len(part) <= LONGEST_NORMALISED:
        part = unicodedata.normalize("NFKC", part)
    folded = part.casefold()
    letters = _BETWEEN_WORDS.sub("", folded)
    return _SPELLINGS.get(letters, letters)
