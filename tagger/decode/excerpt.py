"""Parts of an image's file, read as if it had no others."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any, TypeAlias

from tagger.decode.file import ImageFile
from tagger.stores.item import SizedFile

#: A part of a file, from one place to another, or bytes that it lacks.
Part: TypeAlias = tuple[int, int] | bytes


class Excerpt(ImageFile):
    """A file of parts of another.

    Attributes:
        variants: the same with other endings, if this one's end was made up. Only where all give
            the same image was nothing of it missing.
    """

    def __init__(
        self, file: ImageFile, parts: list[Part], variants: tuple[Excerpt, ...] = ()
    ) -> None:
        file.end_header()  # the excerpt counts what is read of its own
        joined = _Joined(file, parts)
        super().__init__(joined, joined.size, file.attempt)
        self.in_memory = file.in_memory
        self.let_go = file.let_go  # type: ignore[method-assign]
        self.variants = variants


class _Joined(SizedFile):
    """Parts of a file, one after the other."""

    def __init__(self, file: ImageFile, parts: list[Part]) -> None:
        self._file = file
        self._parts = [part for part in parts if _length(part)]
        self._ends = list(accumulate(map(_length, self._parts)))
        super().__init__(self._ends[-1] if self._ends else 0)

    def readinto(self, buffer: Any, /) -> int:
        """Read on, over the ends of parts: a header is looked at in one piece."""
        filled = 0
        while filled < len(buffer) and (data := self._next(len(buffer) - filled)):
            buffer[filled : filled + len(data)] = data
            filled += len(data)
        return filled

    def _next(self, size: int) -> bytes:
        """Read at most to the end of a part; nothing if the file has become shorter."""
        if self._at >= self.size:
            return b""
        number = bisect_right(self._ends, self._at)
        part, left = self._parts[number], self._ends[number] - self._at
        inside = _length(part) - left
        if isinstance(part, bytes):
            data = part[inside : inside + size]
        else:
            self._file.seek(part[0] + inside)
            data = self._file.read(min(size, left))
        self._at += len(data)
        return data


def _length(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else max(0, part[1] - part[0])
