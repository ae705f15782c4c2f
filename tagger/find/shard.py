"""Which images of an input belong to one of several runs that share it: ``--shard 2/64``."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from tagger.errors import UsageError
from tagger.text import escape, is_url

_WRITTEN: Final = re.compile(r"\s*([0-9]{1,9})\s*/\s*([0-9]{1,9})\s*", re.ASCII)

_HASH_BYTES: Final = 8


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of an input.

    An image belongs to the part that a hash of its path names, so runs need not know of each other,
    and an image stays where it is as others come and go. What is hashed is the path below the
    deepest folder that contains everything the command names, with slashes and without its
    extension: a file system may be mounted elsewhere on each machine, and images that would share a
    sidecar (``a.jpg`` and ``a.png``) come together.

    Attributes:
        number: 1 to ``count``.
        count: how many parts there are.
    """

    number: int
    count: int

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Read ``K/N``.

        Raises:
            UsageError: it is something else, or K is not between 1 and N.
        """
        match = _WRITTEN.fullmatch(text)
        number, count = map(int, match.groups()) if match else (0, 0)
        if not 1 <= number <= count:
            raise UsageError(
                f"--shard {text}: give K/N, with K from 1 to N, such as 1/3, 2/3 and 3/3 (number "
                "the tasks of a Slurm array from 1: --array=1-3).",
                "shard",
            )
        return cls(number, count)

    def __str__(self) -> str:
        """Write it as on the command line."""
        return f"{self.number}/{self.count}"

    def takes(self, base: str) -> Callable[[str], bool]:
        """Return a function: path → whether the image belongs to this part.

        Args:
            base: absolute path of the folder below which paths are hashed; "" for none.
        """
        start = base.rstrip(os.sep) + os.sep if base else ""

        def takes(path: str) -> bool:
            place = path if is_url(path) else os.path.abspath(path)
            below = os.path.splitext(place.removeprefix(start))[0]
            text = escape(below.replace(os.sep, "/"))
            digest = hashlib.blake2b(text.encode("utf-8"), digest_size=_HASH_BYTES).digest()
            return int.from_bytes(digest, "big") % self.count == self.number - 1

        return takes
