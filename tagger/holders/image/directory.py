"""TIFF's directories of entries, in classic and in BigTIFF.

What reads a damaged file, or writes what the format cannot say, raises :class:`EmbedError`.

Source: TIFF 6.0, section 2; BigTIFF (Aware Systems), which differs in the sizes alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tagger.holders.image.container import EmbedError, Reader

# Bytes a value, by type from 1 on.
_TYPE_SIZES = (1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)
BYTE, LONG, UNDEFINED = 1, 4, 7

#: Windows' keywords: UTF-16, separated by semicolons.
XP_KEYWORDS = 40094


@dataclass(frozen=True, slots=True)
class Layout:
    """What the first bytes of a TIFF say of all others: the order and number of bytes."""

    order: Literal["little", "big"]
    offset_size: int  # bytes an offset; the header's stands at this place, behind as many bytes

    @classmethod
    def of(cls, head: bytes) -> Layout:
        """Return the layout that a file's first four bytes announce."""
        return cls("little" if head[:2] == b"II" else "big", 8 if b"+" in head else 4)

    @property
    def count_size(self) -> int:
        """Bytes of a directory's number of entries."""
        return 2 if self.offset_size == 4 else 8

    def number(self, data: bytes) -> int:
        """Read a number."""
        return int.from_bytes(data, self.order)

    def offset(self, value: int) -> bytes:
        """Write an offset or a count."""
        try:
            return value.to_bytes(self.offset_size, self.order)
        except OverflowError:
            raise EmbedError("an image with no room for more (a TIFF holds 4 GB)") from None


@dataclass(frozen=True, slots=True)
class TiffEntry:
    """An entry of a directory: its tag, type and count, and its value or where that is."""

    tag: int
    kind: int
    count: int
    field: bytes

    @property
    def size(self) -> int:
        """Bytes of the value; 0 for an unknown type."""
        known = 0 < self.kind <= len(_TYPE_SIZES)
        return self.count * _TYPE_SIZES[self.kind - 1] if known else 0

    def value(self, reader: Reader, layout: Layout) -> bytes:
        """Return the value's bytes."""
        if self.size <= layout.offset_size:
            return self.field[: self.size]
        return reader.take(layout.number(self.field), self.size)

    def packed(self, layout: Layout) -> bytes:
        """Return the entry as it stands in a directory."""
        head = self.tag.to_bytes(2, layout.order) + self.kind.to_bytes(2, layout.order)
        return head + layout.offset(self.count) + self.field


@dataclass(frozen=True, slots=True)
class Directory:
    """A page's entries, and what stands behind them: where the next page's are."""

    entries: tuple[TiffEntry, ...]
    following: bytes

    @classmethod
    def read(cls, reader: Reader, layout: Layout, at: int) -> Directory:
        """Read a directory."""
        size = 4 + 2 * layout.offset_size
        count = layout.number(reader.take(at, layout.count_size))
        if at < 2 * layout.offset_size or count > 0xFFFF:
            raise EmbedError("damaged (its directory cannot be read)")
        at += layout.count_size
        data = reader.take(at, count * size)
        entries = tuple(
            TiffEntry(
                layout.number(raw[:2]),
                layout.number(raw[2:4]),
                layout.number(raw[4 : 4 + layout.offset_size]),
                raw[4 + layout.offset_size :],
            )
            for raw in (data[start : start + size] for start in range(0, len(data), size))
        )
        return cls(entries, reader.take(at + len(data), layout.offset_size))

    def find(self, tag: int) -> TiffEntry | None:
        """Return the entry of a tag, or None; several are an error."""
        found = [entry for entry in self.entries if entry.tag == tag]
        if len(found) > 1:
            raise EmbedError("damaged (its directory names a thing twice)")
        return found[0] if found else None

    def without(self, tags: Iterable[int]) -> Directory:
        """Return the directory without some tags."""
        kept = tuple(entry for entry in self.entries if entry.tag not in tags)
        return Directory(kept, self.following)

    def with_entry(self, new: TiffEntry) -> Directory:
        """Return the directory with one entry more, where it belongs by its number."""
        before = [entry for entry in self.entries if entry.tag < new.tag]
        place = self.entries.index(before[-1]) + 1 if before else 0
        return Directory((*self.entries[:place], new, *self.entries[place:]), self.following)

    def packed(self, layout: Layout) -> bytes:
        """Return the directory as it stands in a file."""
        count = len(self.entries).to_bytes(layout.count_size, layout.order)
        return count + b"".join(entry.packed(layout) for entry in self.entries) + self.following
