"""Tags into an image's metadata, and out again: XMP and IPTC side by side."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from tagger.holders.image.container import Container, Metadata
from tagger.holders.image.iptc import set_keywords
from tagger.holders.xmp.files import has_our_tags
from tagger.holders.xmp.merge import TakenOut, Wish, merge, new_packet, take_out
from tagger.holders.xmp.notes import read_record, with_record
from tagger.holders.xmp.our_tags import NOTHING
from tagger.holders.xmp.pin import SettledError, Verdict, settle

#: What :attr:`tagger.holders.xmp.record.Record.container_was` notes of a file that was plain.
_PLAIN = "plain"


@dataclass(frozen=True)
class Target:
    """What an image shall hold.

    Attributes:
        metadata: see :class:`Metadata`.
        plain: whether its file shall have the plain form again, see :class:`Container`.
        taken: what was taken out of its XMP; None where tags were put in.
    """

    metadata: Metadata
    plain: bool = False
    taken: TakenOut | None = None


def with_tags(container: Container, wish: Wish | Verdict) -> Target:
    """Return an image's metadata with tags, a model's or a person's, in place of our earlier ones.

    XMP is merged, or settled, as a sidecar is. IPTC gets the same tags as XMP's record, as far as
    it can hold them; which of its keywords are ours is noted there too.

    Raises:
        CannotChange: the image's XMP or IPTC cannot be changed safely.
    """
    metadata = container.metadata
    if metadata.xmp is None and not wish.tags and isinstance(wish, Wish):
        return Target(metadata)
    packet, end = split_packet(metadata.xmp)
    former = (read_record(packet) if packet else None) or NOTHING
    merged = _said(packet, wish)
    record = read_record(merged)
    iptc, noted, was = metadata.iptc, former.iptc, former.iptc_was
    if container.takes_iptc:
        tags = [entry.tag for entry in record.entries] if record else []
        keywords = set_keywords(iptc, tags, noted, was)
        iptc, was = keywords.data, keywords.was
        noted = tuple(text for text in keywords.written if text is not None)
    if record is not None:
        container_was = _PLAIN if container.is_plain else record.container_was
        record = dataclasses.replace(record, iptc=noted, iptc_was=was, container_was=container_was)
        merged = with_record(merged, record)
    return Target(Metadata(merged + end, iptc))


def without_tags(container: Container, *, settled: bool = False) -> Target | None:
    """Return an image's metadata without our tags; None where nothing in them is ours.

    Args:
        container: the image.
        settled: also tags that a person has settled.

    Raises:
        SettledError: a person has settled its tags.
        CannotChange: as for :func:`with_tags`.
    """
    packet, end = split_packet(container.metadata.xmp)
    if not has_our_tags(packet):
        return None
    record, taken = read_record(packet), take_out(packet)
    if record is not None and record.settled and not settled:
        raise SettledError("a person has settled its tags")
    if record is None or taken is None:
        return None
    iptc = container.metadata.iptc
    if container.takes_iptc:
        iptc = set_keywords(iptc, (), record.iptc, record.iptc_was).data
    xmp = (taken.content or b"") + end or None
    return Target(Metadata(xmp, iptc), plain=record.container_was == _PLAIN, taken=taken)


def _said(packet: bytes, wish: Wish | Verdict) -> bytes:
    if isinstance(wish, Verdict):
        return settle(packet or None, wish).content
    return merge(packet, wish) if packet else new_packet(wish)


def split_packet(xmp: bytes | None) -> tuple[bytes, bytes]:
    """Split off the zeros with which some programs end a packet; XML cannot hold them."""
    packet = (xmp or b"").rstrip(b"\0")
    if b"\0" in packet:  # UTF-16, whose last character may end with one
        return xmp or b"", b""
    return packet, (xmp or b"")[len(packet) :]
