"""A person's tags into an XMP packet: from then on no model changes them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from tagger.errors import CannotChange
from tagger.holders.xmp.edit import Editor
from tagger.holders.xmp.our_tags import EMPTY, NOTHING, checked, set_tags, subjects
from tagger.holders.xmp.packet import Packet
from tagger.text import same_keyword


class SettledError(CannotChange):
    """A person has settled the tags of a sidecar that was to lose them."""


@dataclass(frozen=True)
class Verdict:
    """What a sidecar shall say because a person says so.

    Attributes:
        tags: names, each with the probability that a model gave it; None where none did.
        root: levels above every tag in the hierarchical fields; None keeps those that are there.
        date: today, ``YYYY-MM-DD``.
    """

    tags: tuple[tuple[str, float | None], ...]
    root: tuple[str, ...] | None
    date: str


@dataclass(frozen=True)
class Settled:
    """A sidecar that says what a person says.

    Attributes:
        content: the file; the very same object where it said so already.
        added: keywords that are in ``dc:subject`` now.
        removed: keywords that are there no more.
        kept: tags that the person does not give and that stay, since they are not ours.
        was_settled: whether a person had settled its tags before.
    """

    content: bytes
    added: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...] = ()
    was_settled: bool = False


def settle(data: bytes | None, verdict: Verdict) -> Settled:
    """Let a packet hold a person's tags in place of ours, and note that a person chose them.

    Keywords that are not ours stay. Unlike a model, a person may put in again what someone took
    out. The outcome does not depend on how often this is done.

    Args:
        data: the file; None makes a new one.
        verdict: what it shall say.

    Raises:
        CannotChange: the file is no XMP, or none that can be changed safely.
    """
    packet = Packet(EMPTY if data is None else data)
    former = packet.record or dataclasses.replace(NOTHING, created=data is None)
    tags = [(name, "" if score is None else f"{score:.4f}") for name, score in verdict.tags]
    editor = Editor(packet, former)
    root = former.root if verdict.root is None else verdict.root
    record = set_tags(editor, tags, root, former, verdict.date)
    if former.settled and record.says_the_same_tags(former):
        record = dataclasses.replace(former, former=record.former)
    else:
        record = dataclasses.replace(record, removed=(), settled=verdict.date)
    changed = editor.finished(record)
    before = subjects(packet)
    after = before if changed is data else subjects(checked(changed))
    given = {same_keyword(name) for name, _ in verdict.tags}
    return Settled(
        changed,
        tuple(text for key, text in after.items() if key not in before),
        tuple(text for key, text in before.items() if key not in after),
        tuple(
            entry.tag for entry in former.entries if same_keyword(entry.tag) in after.keys() - given
        ),
        bool(former.settled),
    )


def is_settled(data: bytes) -> bool:
    """Say whether a person has settled the tags of a packet.

    Raises:
        CannotChange: the file is no XMP, or none that can be changed safely.
    """
    if b"settled" not in data.replace(b"\0", b""):
        return False
    record = Packet(data).record
    return record is not None and bool(record.settled)
