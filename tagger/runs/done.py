"""Looks up what an earlier run has done, by the keys of paths."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from tagger.results import Stamp
from tagger.runs.journal import BEGUN, FAILED, HEADER, Entries, latest

_KEY = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class Earlier:
    """What became of an image.

    Attributes:
        stamp: of its file then; None where nobody knows.
        rows: how many it has in the table.
        flags: as in :class:`tagger.runs.journal.Entry`.
    """

    stamp: Stamp | None
    rows: int
    flags: int

    @property
    def is_done(self) -> bool:
        """Whether an earlier run came to its end."""
        return not self.flags & BEGUN

    @property
    def failed(self) -> bool:
        """Whether the image could not be tagged."""
        return bool(self.flags & FAILED)


class Done:
    """The images of an earlier run; about 60 bytes each, however long their paths are.

    Args:
        entries: of its journal.
    """

    def __init__(self, entries: Entries) -> None:
        images = entries[latest(entries)[1]]
        images = images[(images["flags"] & HEADER) == 0]
        self._images = images[np.argsort(images["high"], kind="stable")]
        self._high = np.ascontiguousarray(self._images["high"])

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self._images)

    @property
    def failures(self) -> int:
        """How many of them could not be tagged."""
        return int(np.count_nonzero(self._images["flags"] & FAILED))

    @property
    def rows(self) -> int:
        """How many rows they have together."""
        return int(self._images["rows"].sum())

    def find(self, key: bytes) -> Earlier | None:
        """Return what became of an image, or None where it is new."""
        low, high = _KEY.unpack(key)
        place = int(np.searchsorted(self._high, np.uint64(high)))
        while place < len(self._high) and int(self._high[place]) == high:
            image = self._images[place]
            if int(image["low"]) == low:
                size, modified = int(image["size"]), int(image["modified"])
                stamp = Stamp(size, modified) if size >= 0 else None
                return Earlier(stamp, int(image["rows"]), int(image["flags"]))
            place += 1
        return None
