"""A person's tags in a sidecar of each kind: pure functions, content → content and what changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from tagger.errors import CannotChange
from tagger.holders.xmp.pin import Settled, Verdict, settle
from tagger.table.corrections import Correction
from tagger.text import escape

_JSON_KEYS = frozenset({"path", "tags", "scores", "model"})


class ForeignSidecarError(CannotChange):
    """A text or JSON sidecar is not of our making; the message is for the middle of a sentence."""


@dataclass(frozen=True)
class Terms:
    """What holds for all sidecars of a run.

    Attributes:
        known: names that are tags: nothing else can tell a text sidecar from a person's notes.
        root: levels above every tag in XMP; None keeps those that are there.
        date: today, ``YYYY-MM-DD``.
    """

    known: Collection[str]
    root: tuple[str, ...] | None
    date: str


def verdict(correction: Correction, terms: Terms) -> Verdict:
    """Return what XMP shall say."""
    scores = correction.scores
    tags = tuple((tag, scores.get(tag)) for tag in correction.tags)
    return Verdict(tags, terms.root, terms.date)


def settled_xmp(data: bytes | None, correction: Correction, terms: Terms) -> Settled:
    """Settle the tags of an XMP sidecar, see :func:`tagger.holders.xmp.pin.settle`."""
    return settle(data, verdict(correction, terms))


def settled_txt(data: bytes | None, correction: Correction, terms: Terms) -> Settled:
    """Settle the tags of a text sidecar.

    Raises:
        ForeignSidecarError: it holds anything but one line of known tags.
    """
    content = (", ".join(correction.tags) + "\n").encode("utf-8")
    if data is None or data == content:
        return _settled(data, content, correction.tags if data else (), correction.tags)
    former = _line_of_tags(data, terms.known)
    if former is None:
        raise ForeignSidecarError("no line of tags that are known")
    return _settled(data, content, former, correction.tags)


def settled_json(data: bytes | None, correction: Correction, terms: Terms) -> Settled:
    """Settle the tags of a JSON sidecar.

    Scores are those of the table, or else stay; a tag that has none gets null. What no table tells,
    such as the model, stays. ``settled`` says on which day a person settled the tags.

    Raises:
        ForeignSidecarError: it is no JSON as we write it.
    """
    former = {} if data is None else _our_json(data)
    scores = {**former.get("scores", {}), **correction.scores}
    said = {
        "path": escape(correction.path),
        **former,
        "tags": [{"tag": tag, "score": scores.get(tag)} for tag in correction.tags],
        "scores": scores,
        "model": former.get("model"),
    }
    before = [tag["tag"] for tag in former.get("tags", [])]
    was_settled = "settled" in former
    if data is not None and was_settled and said == former:
        return _settled(data, data, before, correction.tags, was_settled=True)
    content = json.dumps({**said, "settled": terms.date}, indent=2, ensure_ascii=False) + "\n"
    return _settled(data, content.encode("utf-8"), before, correction.tags, was_settled=was_settled)


def _settled(
    data: bytes | None,
    content: bytes,
    before: Sequence[str],
    after: Sequence[str],
    *,
    was_settled: bool = False,
) -> Settled:
    return Settled(
        data if data == content else content,
        tuple(tag for tag in after if tag not in before),
        tuple(tag for tag in before if tag not in after),
        was_settled=was_settled,
    )


def _line_of_tags(data: bytes, known: Collection[str]) -> list[str] | None:
    """Read a text sidecar; a tag may hold the comma and blank that join them."""
    try:
        line = data.decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        return None
    pieces = line.split(", ") if line else []
    # Up to which piece → the tags that these are, of which there is one reading at least.
    read: dict[int, list[str]] = {0: []}
    for start in range(len(pieces)):
        for end in range(start + 1, len(pieces) + 1):
            tag = ", ".join(pieces[start:end])
            if start in read and tag in known:
                read.setdefault(end, [*read[start], tag])
    return read.get(len(pieces))


def _our_json(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
        tags = [tag["tag"] for tag in content["tags"]]
        is_ours = (
            content.keys() >= _JSON_KEYS
            and isinstance(content["scores"], dict)
            and all(isinstance(tag, str) for tag in tags)
        )
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        is_ours = False
    if not is_ours:
        raise ForeignSidecarError("no JSON as 'tagger tag' writes it")
    return dict(content)


#: Kind of sidecar → how a person's tags come into it.
SETTLED: dict[str, Callable[[bytes | None, Correction, Terms], Settled]] = {
    "txt": settled_txt,
    "json": settled_json,
    "xmp": settled_xmp,
}
