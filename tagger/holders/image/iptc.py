"""Keywords in IPTC-IIM: ours in and out, all else to the byte.

Source: IPTC-NAA Information Interchange Model, version 4.2: chapter 3 (datasets), 1:90 and 2:25.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from tagger.holders.image.container import EmbedError
from tagger.text import same_keyword

_CHARSET, _KEYWORD = (1, 90), (2, 25)
_UTF8 = b"\x1b%G"
# The longest keyword that the model allows.
_MOST_BYTES = 64

#: What :attr:`Keywords.was` may be.
NOTHING, EMPTY, UNDECLARED = "nothing", "empty", "undeclared"


@dataclass(frozen=True, slots=True, eq=False)  # where one stands twice, each is itself
class _DataSet:
    """A value with its record and number, and as it stands in the file."""

    kind: tuple[int, int]
    value: bytes
    raw: bytes

    @property
    def text(self) -> str:
        """The value, in whatever character set."""
        try:
            return self.value.decode("utf-8")
        except UnicodeDecodeError:
            return self.value.decode("latin-1")

    @property
    def key(self) -> str:
        """What it has in common with the same keyword elsewhere."""
        return same_keyword(self.text)


@dataclass(frozen=True, slots=True)
class Keywords:
    """IPTC with other keywords.

    Attributes:
        data: the datasets; None if there are none.
        written: the keywords that are ours there: none that stood there already or cannot stand.
        was: what the data were before they were changed for our sake: ``nothing``, ``empty``, or
            ``undeclared`` (they did not say that they are UTF-8); None if that does not matter.
    """

    data: bytes | None
    written: tuple[str, ...]
    was: str | None


def set_keywords(
    data: bytes | None, texts: Sequence[str], ours: Collection[str], was: str | None
) -> Keywords:
    """Put keywords into IPTC in place of our earlier ones.

    What cannot be written so that every reader takes it for what it is stays out: keywords of over
    64 bytes, and letters beyond ASCII where other data are in a character set that is not UTF-8 or
    not declared. ``ours`` and ``was`` are what :class:`Keywords` said of the earlier ones.

    Raises:
        EmbedError: the data are damaged.
    """
    sets, tail = _parse(data or b"")
    charset = next((one.value for one in sets if one.kind == _CHARSET), None)
    takes_all = charset == _UTF8 or (charset is None and _are_ascii(sets))
    keys = {same_keyword(text) for text in ours}
    # Where one of ours stands twice, the first is taken for it.
    mine = {one.key: one for one in reversed(sets) if one.kind == _KEYWORD and one.key in keys}
    foreign = {one.key for one in sets if one.kind == _KEYWORD} - set(mine)
    wanted: dict[str, str] = {}
    for text in texts:
        key = same_keyword(text)
        fits = len(text.encode()) <= _MOST_BYTES and (takes_all or text.isascii())
        if fits and key not in foreign:
            wanted.setdefault(key, text)
    doomed = [one for key, one in mine.items() if key not in wanted]
    left = [one for one in sets if one not in doomed]
    added = [_data_set(_KEYWORD, text.encode()) for key, text in wanted.items() if key not in mine]
    if not wanted:
        return Keywords(None if data is None else _restored(left, tail, was), (), None)
    if not sets:
        was = NOTHING if data is None else EMPTY
        left = list(_HEAD)
    elif charset is None and not _are_ascii(added):
        was = was or UNDECLARED
        left = _inserted(left, [_DECLARATION])
    return Keywords(_joined(_inserted(left, added), tail), tuple(wanted.values()), was)


def keywords_in(data: bytes) -> list[str]:
    """Return the keywords, as far as the data can be read."""
    return [one.text for one in _datasets(data)[0] if one.kind == _KEYWORD]


def with_copies(
    data: bytes | None,
    tags: Sequence[str],
    copies: Sequence[str],
    ours: Sequence[str],
    was: str | None,
) -> Keywords:
    """Put tags into IPTC, and behind which other people's keywords would be hidden: copies of them.

    A copy that someone took out is not put there again. Where not all copies can be written, the
    IPTC gets no keywords: programs that prefer it go on to find all of them elsewhere. The other
    arguments and errors are those of :func:`set_keywords`.
    """
    noted = {same_keyword(text) for text in ours}
    present = {same_keyword(text) for text in keywords_in(data or b"")}
    gone = [text for text in copies if same_keyword(text) in noted - present]
    wanted = [text for text in copies if text not in gone]
    found = set_keywords(data, [*wanted, *tags], ours, was)
    held = present.union(map(same_keyword, found.written))
    if not held.issuperset(map(same_keyword, wanted)):
        return set_keywords(data, (), ours, was)
    return replace(found, written=(*found.written, *gone))


def trimmed(data: bytes) -> bytes:
    """Return datasets without the zeros that TIFF may have filled them up with."""
    try:
        return _joined(_parse(data)[0], b"")
    except EmbedError:
        return data


def _data_set(kind: tuple[int, int], value: bytes) -> _DataSet:
    head = bytes((0x1C, *kind)) + len(value).to_bytes(2, "big")
    return _DataSet(kind, value, head + value)


_DECLARATION = _data_set(_CHARSET, _UTF8)
# What the model asks for: the versions of both records; and the character set.
_HEAD = (_data_set((1, 0), b"\0\4"), _DECLARATION, _data_set((2, 0), b"\0\4"))


def _parse(data: bytes) -> tuple[list[_DataSet], bytes]:
    """Return the datasets, and the zeros behind them."""
    found, rest = _datasets(data)
    if rest.strip(b"\0"):
        raise EmbedError("IPTC that cannot be read")
    return found, rest


def _datasets(data: bytes) -> tuple[list[_DataSet], bytes]:
    """Return the datasets up to the first damaged one, and what follows."""
    found = []
    at = 0
    while data[at : at + 1] == b"\x1c" and at + 5 <= len(data):
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        start = at + 5
        if size & 0x8000:  # an extended dataset: that is how long its length is
            start += size & 0x7FFF
            size = int.from_bytes(data[at + 5 : start], "big")
        end = start + size
        if end > len(data):
            break
        found.append(_DataSet((data[at + 1], data[at + 2]), data[start:end], data[at:end]))
        at = end
    return found, data[at:]


def _inserted(sets: list[_DataSet], new: list[_DataSet]) -> list[_DataSet]:
    """Put datasets of one kind behind those that come before them."""
    if not new:
        return sets
    kind = new[0].kind
    place = max((at for at, one in enumerate(sets, start=1) if one.kind <= kind), default=0)
    return [*sets[:place], *new, *sets[place:]]


def _restored(left: list[_DataSet], tail: bytes, was: str | None) -> bytes | None:
    """Return the data without ours, and without what was made for ours."""
    declared = [one for one in left if one.raw == _DECLARATION.raw]
    if was in (NOTHING, EMPTY) and {one.raw for one in left} <= {one.raw for one in _HEAD}:
        return None if was == NOTHING else tail
    if was == UNDECLARED and _are_ascii([one for one in left if one not in declared]):
        left = [one for one in left if one not in declared[:1]]
    return _joined(left, tail)


def _are_ascii(sets: Sequence[_DataSet]) -> bool:
    return all(one.value.isascii() for one in sets)


def _joined(sets: Sequence[_DataSet], tail: bytes) -> bytes:
    return b"".join(one.raw for one in sets) + tail
