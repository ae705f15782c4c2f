"""Text sidecars: the tags on one line, joined by a comma and a blank."""

from __future__ import annotations

import re
from collections.abc import Collection

from tagger.errors import CannotChange
from tagger.holders.change import SidecarHolder
from tagger.holders.holder import UNCHANGED, Edit, Genres, State, Wish


class Txt(SidecarHolder):
    """A text sidecar, which bears no mark of ours."""

    kind = "txt"

    def has(self, content: bytes, genres: Genres) -> bool:
        """See :meth:`Holder.has`."""
        text = content.decode("utf-8-sig", "replace")
        return any(name in genres for name in re.split(r"[,;|\n]", text))

    def put(self, content: bytes | None, wish: Wish) -> Edit:
        """See :meth:`Holder.put`."""
        return Edit(State.CHANGED, (", ".join(wish.names) + "\n").encode("utf-8"))

    def is_ours(self, content: bytes, known: Collection[str]) -> bool:
        """See :meth:`Holder.is_ours`: it is, if it is one line of known tags."""
        try:
            _line_of_tags(content, known)
        except CannotChange:
            return False
        return content.endswith(b"\n")

    def pin(self, content: bytes | None, wish: Wish) -> Edit:
        """See :meth:`Holder.pin`.

        Raises:
            CannotChange: there is anything but one line of known tags.
        """
        new = self.put(None, wish).content
        if content == new:
            return UNCHANGED
        former = [] if content is None else _line_of_tags(content, wish.known)
        return Edit(State.CHANGED, new, *wish.against(former))


def _line_of_tags(content: bytes, known: Collection[str]) -> list[str]:
    """Read a text sidecar; a tag may hold the comma and blank that join them."""
    line = content.decode("utf-8", "surrogateescape").removesuffix("\n")
    pieces = line.split(", ") if line else []
    # Up to which piece → the tags that these are, of which there is one reading at least.
    read: dict[int, list[str]] = {0: []}
    for start in range(len(pieces)):
        for end in range(start + 1, len(pieces) + 1):
            tag = ", ".join(pieces[start:end])
            if start in read and tag in known:
                read.setdefault(end, [*read[start], tag])
    if len(pieces) not in read:
        raise CannotChange("no line of tags that are known")
    return read[len(pieces)]
