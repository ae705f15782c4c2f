"""Images themselves: tags into their XMP and IPTC, whole or not at all, with the same pixels."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tagger.files.rights import refuse_read_only, take_after
from tagger.files.write import replacing, write_synced
from tagger.holders.change import is_unchanged, keep_backup
from tagger.holders.holder import IMAGE, UNCHANGED, Edit, Genres, Holder, State, Wish
from tagger.holders.image.container import (
    Container,
    EmbedError,
    Metadata,
    Reader,
    Span,
    opened,
)
from tagger.holders.image.foreign import foreign_of
from tagger.holders.image.formats import NoPlaceError, read_container
from tagger.holders.image.iptc import set_keywords, with_copies
from tagger.holders.places import Places
from tagger.holders.plan import HolderPlan
from tagger.holders.xmp.foreign import IPTC, Foreign
from tagger.holders.xmp.names import TAGGER, has_our_mark
from tagger.holders.xmp.packet import Packet
from tagger.holders.xmp.xmp import Draft, Xmp, with_pinned, with_tags, without_tags

_ATTEMPTS = 3

# A word as in Container.was, of every format: there was a place for XMP, and nothing in it.
_EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Target:
    """What an image should contain, and what of its former form, see :attr:`Container.was`."""

    metadata: Metadata
    was: tuple[str, ...] = ()


class Image(Holder):
    """An image file; its content is a :class:`Container`, and what it should be a :class:`Target`.

    XMP is changed as that of a sidecar is. IPTC gets the same tags as XMP's record, as far as it
    can hold them; which of its keywords are ours is noted there too.
    """

    kind = IMAGE
    is_sidecar = False
    is_made = False
    merges = frozenset({"merge", "overwrite", "skip", "error"})

    def files(self, image: str, places: Places) -> Sequence[str]:
        """See :meth:`Holder.files`."""
        return (image,)

    def look(self, file: str) -> Container:
        """See :meth:`Holder.look`. Only the file's structure is read, not its pixels."""
        with opened(file) as stream:
            container = read_container(Reader(stream), file)
            container.foreign = foreign_of(container.reader.again())
            return container

    def has(self, content: Container, genres: Genres) -> bool:
        """See :meth:`Holder.has`."""
        packet = content.metadata.xmp
        return packet is not None and Xmp().has(packet, genres)

    def put(self, content: Container, wish: Wish) -> Edit:
        """See :meth:`Holder.put`."""
        if content.metadata.xmp is None and not wish.tags:
            return UNCHANGED
        return _edited(content, with_tags, wish)[0]

    def pin(self, content: Container, wish: Wish) -> Edit:
        """See :meth:`Holder.pin`."""
        edit, draft, xmp = _edited(content, with_pinned, wish)
        told = draft.told(xmp, wish)
        return dataclasses.replace(told, state=edit.state, content=edit.content)

    def take_out(self, content: Container, *, settled: bool) -> Edit:
        """See :meth:`Holder.take_out`."""
        packet, end = _split_packet(content.metadata.xmp)
        if not has_our_mark(packet):
            return UNCHANGED
        parsed = Packet(packet)
        edit = without_tags(parsed, settled=settled)
        if parsed.record is None or edit.state is State.SETTLED:
            return edit
        iptc, record = content.metadata.iptc, parsed.record
        if content.takes_iptc:
            iptc = set_keywords(iptc, (), record.iptc, record.iptc_was).data
        was = tuple((record.container_was or "").split())
        xmp = (edit.content or b"") + end
        metadata = Metadata(xmp if xmp or _EMPTY in was else None, iptc)
        return dataclasses.replace(edit, state=State.CHANGED, content=Target(metadata, was))

    def change(
        self, file: str, edit: Callable[[Container], Edit], plan: HolderPlan, *, anew: bool = False
    ) -> Edit:
        """See :meth:`Holder.change`.

        A link stays, and the file it leads to is replaced in one step. Owner, permissions and
        extended attributes stay. If another program writes the file meanwhile, its new content is
        changed.
        """
        real = os.path.realpath(file)
        for _ in range(_ATTEMPTS):
            with opened(real) as stream:
                container = read_container(Reader(stream), real)
                edited = edit(container)
                if edited.state is not State.CHANGED:
                    return edited
                try:
                    _rewrite(file, stream, container, edited.content, plan)
                except _ChangedMeanwhile:
                    continue
            return edited
        raise EmbedError("being written by another program")

    def untag(self, file: str, plan: HolderPlan, *, settled: bool, dry_run: bool = False) -> Edit:
        """See :meth:`Holder.untag`; files without our record are left alone, damaged or not."""
        try:
            return super().untag(file, plan, settled=settled, dry_run=dry_run)
        except (NoPlaceError, FileNotFoundError):
            return UNCHANGED
        except EmbedError:
            if _bears_our_mark(file):
                raise
            return UNCHANGED


def _split_packet(xmp: bytes | None) -> tuple[bytes, bytes]:
    """Split off the zeros with which some programs end a packet; XML cannot hold them."""
    xmp = xmp or b""
    packet = xmp.rstrip(b"\0")
    if b"\0" in packet:  # UTF-16, whose last character may end with one
        packet = xmp
    return packet, xmp[len(packet) :]


def _edited(
    container: Container, change: Callable[[Packet | None, Wish, Foreign], Draft], wish: Wish
) -> tuple[Edit, Draft, bytes]:
    """Change an image's tags: return what comes of it, the draft, and the new packet."""
    packet, end = _split_packet(container.metadata.xmp)
    foreign = container.foreign or foreign_of(container.reader.again())
    draft = change(Packet(packet) if packet else None, wish, foreign)
    record, former = draft.record, draft.former
    iptc, noted, was = container.metadata.iptc, former.iptc, former.iptc_was
    if container.takes_iptc:
        tags = [entry.tag for entry in record.entries] if record else []
        hidden = [] if foreign.keywords.get(IPTC) or not tags else draft.copies
        copies = [one.written[0] or "" for one in hidden]
        keywords = with_copies(iptc, tags, copies, noted, was)
        iptc, noted, was = keywords.data, keywords.written, keywords.was
    words = dict.fromkeys([*(former.container_was or "").split(), *container.was])
    if container.metadata.xmp == b"":
        words[_EMPTY] = None
    if record is not None:
        container_was = " ".join(words) or None
        record = dataclasses.replace(record, iptc=noted, iptc_was=was, container_was=container_was)
    xmp = draft.spelled(record)
    metadata = Metadata(xmp + end, iptc)
    is_same = metadata == container.metadata
    target = Target(metadata, () if record else tuple(words))
    return UNCHANGED if is_same else Edit(State.CHANGED, target), draft, xmp


class _ChangedMeanwhile(Exception):  # noqa: N818 (no error: it is tried again)
    """Another program has written the file since it was read."""


def _rewrite(
    file: str, stream: BinaryIO, container: Container, target: Target, plan: HolderPlan
) -> None:
    """Put a file with other metadata in an image's place, once it was read again."""
    real, state = os.path.realpath(file), os.fstat(stream.fileno())
    refuse_read_only(real)
    pieces = container.changed(target.metadata, was=target.was)
    # Without the image's ending: a later run must not take what a kill leaves for one.
    with replacing(real, ending="", asked=True) as beside:
        write_synced(beside, container.reader.blocks(pieces))
        _verify(beside, real, target, container)
        if not take_after(beside, real, keep_time=plan.keep_time):
            raise EmbedError("a file whose owner or access rights would change")
        if not is_unchanged(real, state):
            raise _ChangedMeanwhile
        if plan.backup:
            keep_backup(file, stream)
        stream.close()  # Windows replaces no file that is open


def _verify(beside: Path, name: str, target: Target, former: Container) -> None:
    """Read the new file: only its metadata may differ, and must be what they should."""
    with open(beside, "rb") as file:
        new = read_container(Reader(file), name)
        is_right = new.metadata == target.metadata
        if not is_right or new.reader.digest(new.rest) != former.reader.digest(former.rest):
            raise EmbedError("an image in which more than its tags would change")


def _bears_our_mark(path: str) -> bool:
    """Look for our namespace in a file that cannot be read as an image."""
    with contextlib.suppress(EmbedError), opened(path) as file:  # no regular file
        reader = Reader(file)
        return reader.contains(Span(0, reader.size), TAGGER.encode())
    return False
