"""The values that travel between the stages, in input order from scan to outputs.

All are named tuples, which are made 1.5 to 2.6 times as fast as frozen dataclasses: there are
several for each image, and all of them are made by one process.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Self, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Pixels: TypeAlias = "npt.NDArray[np.uint8]"
Scores: TypeAlias = "npt.NDArray[np.float64]"

#: Decimals of every probability in the outputs. Tags are chosen from the rounded values, so that a
#: table contains everything needed to choose again.
DECIMALS = 4

_IMAGE_TEXT = re.compile(
    r"(?P<source>[a-z]+(?:\+[a-z]+)*): (?P<words>.*?)(?: ?\((?P<year>[0-9]{4})\))?", re.DOTALL
)


class Stamp(NamedTuple):
    """A file's size in bytes and its time of change in nanoseconds since 1970.

    A file with another stamp has changed. Times are only compared for equality, so it does not
    matter which clock they come from.
    """

    size: int
    modified_ns: int


class FileFacts(NamedTuple):
    """Facts about an image's file; None if not requested or unknown.

    Attributes:
        width: of the image as displayed (EXIF orientation applied), in pixels.
        height: likewise.
        bytes: size of the file.
        sha256: of the file's bytes, 64 lower-case hexadecimal digits.
        stamp: detects changes of the file; taken just before the file was read.
    """

    width: int | None = None
    height: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    stamp: Stamp | None = None


class ImageText(NamedTuple):
    """What is known of an image in words, for a model that takes them besides the picture.

    Attributes:
        words: such as a film's title; empty if there are none.
        year: such as that of a film; None if unknown.
        source: where they come from: ``names``, ``nfo``, ``table`` or ``ocr``, joined by ``+``.
        ids: those of the words, as :class:`tagger.network.ngrams.WithIds` makes them; None if they
            are to be made.
    """

    words: str = ""
    year: int | None = None
    source: str = ""
    ids: bytes | None = None

    def __str__(self) -> str:
        """Say it as outputs do: ``names: Heat (1995)``."""
        year = "" if self.year is None else f"({self.year})"
        return f"{self.source}: {' '.join(filter(None, (self.words, year)))}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what :meth:`__str__` says; None if a text is not that."""
        found = _IMAGE_TEXT.fullmatch(text)
        if found is None:
            return None
        year = found["year"]
        return cls(found["words"], None if year is None else int(year), found["source"])


class Failed(NamedTuple):
    """An image that could not be read, and the reason, for a person."""

    path: str
    reason: str
    facts: FileFacts = FileFacts()


class Tag(NamedTuple):
    """A tag's name in the outputs, and its probability, 0 to 1."""

    name: str
    score: float


class Tagged(NamedTuple):
    """An image with its tags, most probable first, and a probability for every label.

    ``text`` is what the network got in addition to the picture; None if nothing.
    """

    path: str
    tags: tuple[Tag, ...]
    scores: Scores
    facts: FileFacts = FileFacts()
    text: ImageText | None = None


Result: TypeAlias = Tagged | Failed
