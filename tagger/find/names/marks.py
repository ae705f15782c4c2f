"""What copies, sizes, kinds of artwork and addresses add to a name."""

from __future__ import annotations

import contextlib
import re
from urllib.parse import unquote

from tagger.find.names.text import visible
from tagger.find.names.words import ARTICLES

#: No file system allows longer names; no part of a longer one is looked at.
LONGEST = 255
_MOST_MARKS = 4
_BLANKS = "-_. "

_RUN = re.compile(r"([-_. ,+()\[\]{}])\1{4,}")
_BRACKETS = str.maketrans("（）［］【】｛｝", "()[][]{}")
_ENDINGS = re.compile(
    r"(?:\.(?:jpe?g|jpe|jfif|a?png|webp|gif|bmp|dib|tiff?|avif|hei[cf]|jxl|jp2|j2k|tbn|tga|svg|psd|"
    r"ico|mkv|mp4|avi|m4v|mov|wmv|m2ts|iso|mpe?g|webm|flv|strm|nfo))+\Z",
    re.IGNORECASE,
)
_OTHER_ENDING = re.compile(r"(?<=[^.])\.[a-z][a-z0-9]{2,3}\Z")

_BEFORE = re.compile(
    r"copy of |[.]?\[? *www\.[^\s\]]+ *\]?(?: *- *| +|_)|[0-9]{3,}-(?=.*-crop\Z)", re.IGNORECASE
)
_BEHIND = re.compile(
    # (1), (copy 2), " - Copy", " copy 2", @2x, -300x444, ~1
    r"(?<=.)(?:[ ._-]*\((?:[0-9]{1,3}|(?:copy|copie|kopie|copia)(?: [0-9]+)?)\)"
    r"| - (?:[Cc]opy|[Cc]opie|[Kk]opie|[Cc]opia)(?: ?\(?[0-9]{1,3}\)?)?"
    r"|[ ._-](?:copy|kopie|copie)(?:[ _-]?\(?[0-9]{1,3}\)?)?"
    r"|@[1-4]x|[-_. ]\(?[0-9]{2,5} ?[x×] ?[0-9]{2,5}\)?(?:px)?|~[0-9]{1,2}"
    # Amazon's, WordPress's, IMP Awards' and Letterboxd's sizes; the hash of a content
    r"|(?:@|\.)*_V1_?.*|\._[A-Z]{2}[A-Z0-9_,]*"
    r"|[-_](?:scaled|rotated|cropped|resized|e[0-9]{10,}|min|thumbnail|large|medium|small|original"
    r"|xlg|xxlg|hires|ver[0-9]{1,3})(?:-[0-9]{1,2})?"
    r"|(?:-[0-9]{1,4}){4}-crop|[-_.](?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,64})\Z"
)
_ARTWORK = re.compile(
    r"(?<![-_ ])[-_ ]*([-_. ])(?:(?:movie|film|official|theatrical|teaser|original|dvd)\1)*posters?"
    r"(?:[-_. ]?[0-9]{1,3})?\Z"
    r"|[-_](?:fanart|backdrop|landscape|thumb|clearlogo|clearart|keyart|discart|folder|cover)"
    r"(?:[-_. ]?[0-9]{1,3})?\Z"
    r"|-(?:banner|logo|background|disc)\Z",
    re.IGNORECASE,
)
_ID = re.compile(
    r"[(\[{]?(?:(?:imdb|tmdb|tvdb|anidb|tvmaze|trakt)(?:id)?[-=_ ])?(?<![^\W_])tt[0-9]{6,9}"
    r"(?![^\W_])[)\]}]?|[(\[{](?:imdb|tmdb|tvdb|anidb|tvmaze|trakt)(?:id)?[-=_ ][^()\[\]{}]*[)\]}]",
    re.IGNORECASE,
)


def plain(name: str) -> str:
    """Return a name in one spelling, decoded if it is an address; of a long one its beginning."""
    text = name if len(name) <= LONGEST else name[:LONGEST]
    if "%" in text and " " not in text:
        with contextlib.suppress(UnicodeDecodeError):
            text = unquote(text, errors="strict")
    text = visible(text.replace("&amp;", "&").replace("&#39;", "'")).translate(_BRACKETS)
    return _RUN.sub(r"\1\1\1\1", text).strip()


def without_ending(name: str) -> str:
    """Return a file's name without the endings of images and videos, or a single other one."""
    stem = _ENDINGS.sub("", name)
    if stem == name and name.count(".") == 1:
        return _OTHER_ENDING.sub("", name)
    return stem


def without_marks(name: str) -> str:
    """Return a name without what stands around that of the film; it is never left empty."""
    text = _BEFORE.sub("", name, count=1) if _BEFORE.match(name) else name
    for _ in range(_MOST_MARKS):
        shorter = _ARTWORK.sub("", _BEHIND.sub("", text))
        if shorter == text or not shorter.strip(_BLANKS) or shorter.lower() in ARTICLES:
            break
        text = shorter
    return text


def without_ids(name: str) -> str:
    """Return a name without the film's ids in databases, as Jellyfin, Plex and Radarr add them."""
    return _ID.sub("", name).strip()
