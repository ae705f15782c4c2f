"""Image files → the words in them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from PIL import Image

from tagger.decode.budget import DEFAULT_LIMITS, Attempt, ImageLimits, Memory
from tagger.decode.facts import file_stamp
from tagger.decode.isolation import Isolation
from tagger.decode.picture import ImageError, Picture, load_picture
from tagger.errors import TaggerError
from tagger.network.devices import Device
from tagger.network.ort import said
from tagger.ocr.cache import WordCache
from tagger.ocr.characters import as_batch, as_input, cut_out, decode
from tagger.ocr.lines import Corners, find_lines, line_height
from tagger.ocr.networks import READER, Networks

logger = logging.getLogger(__name__)

LoadPicture: TypeAlias = Callable[[str, int, int, Attempt], Picture]

#: At most so many characters; a poster has a few hundred.
MOST_CHARACTERS: Final = 2000

#: Lines that are read with less certainty are mostly patterns that are no text at all.
CERTAIN: Final = 0.5

# Pixels of all lines side by side, each as high as it is read: about two seconds of a core.
_MOST_COLUMNS: Final = 16_000

# Pixels of the longer side. Lines are found at the first size: titles and names are legible there.
# What was found is read at the second.
_TO_FIND: Final = 640
_TO_READ: Final = 1280
# The detector halves a picture five times.
_MULTIPLE: Final = 32


class Reader:
    """Reads the words in images; may be used by several threads.

    Args:
        device: where the networks run.
        limits: what decoding an image may cost; an image above them has no words.
        isolated: whether images are decoded in separate processes.
        kept_in: a file that keeps what was read, see :class:`tagger.ocr.cache.WordCache`; None
            keeps nothing.

    Raises:
        MissingExtraError: no package with the networks is installed.
        TaggerError: the installed one has other networks.
    """

    def __init__(
        self,
        device: Device,
        *,
        limits: ImageLimits = DEFAULT_LIMITS,
        isolated: bool = False,
        kept_in: Path | None = None,
    ) -> None:
        self._networks = Networks(device)
        self._limits = limits
        self._memory = Memory(limits.memory)
        self._cache = WordCache(kept_in, READER) if kept_in is not None else None
        self._isolation = Isolation(_TO_READ**2) if isolated else None
        self._load: LoadPicture = load_picture if self._isolation is None else self._isolation.load

    def words(self, path: str) -> str:
        """Return the words in an image in reading order, with a space between lines.

        Without words the text is empty, and so it is for a file that cannot be decoded: tagging it
        says why.

        Raises:
            TaggerError: a network fails.
        """
        stamp = file_stamp(path)
        if stamp is None:
            return ""
        if self._cache is not None and (kept := self._cache.get(path, stamp)) is not None:
            return kept
        try:
            picture = self._picture(path)
        except (ImageError, MemoryError) as error:
            logger.debug("no words are read off %s: %s", path, error)
            return ""
        words = joined(self.lines(picture))
        if self._cache is not None:
            self._cache.put(path, stamp, words)
        return words

    def lines(self, picture: Image.Image) -> list[tuple[str, float]]:
        """Return the lines of text in a picture, in reading order, each with its certainty.

        Raises:
            TaggerError: a network fails.
        """
        scale = min(1.0, _TO_FIND / max(picture.size))
        size = [
            max(_MULTIPLE, round(side * scale / _MULTIPLE) * _MULTIPLE) for side in picture.size
        ]
        small = picture.resize((size[0], size[1]), Image.Resampling.BILINEAR)
        try:
            found = find_lines(self._networks.text_map(as_input(small)))
            enlarged = np.array(picture.size) / np.array(size)
            lines = [cut_out(picture, corners * enlarged) for corners in found]
            return [self._read(line) for line in _affordable(found, lines)]
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise TaggerError(f"--text ocr: reading words failed: {said(error)}.") from None

    def _read(self, line: Image.Image) -> tuple[str, float]:
        """Read one line: with others of other widths, most of a batch would be padding."""
        scores = self._networks.character_scores(as_batch([line]))[0]
        return decode(scores, self._networks.characters)

    def _picture(self, path: str) -> Image.Image:
        """Decode an image, no larger than it is read at; errors as of decoding."""
        attempt = Attempt(self._limits, self._memory)
        # The smallest size, decoded at a reduced scale, tells the shape.
        size = self._load(path, 1, 1, attempt)
        scale = min(1.0, _TO_READ / max(size.width, size.height))
        height, width = (max(1, round(side * scale)) for side in (size.height, size.width))
        return self._load(path, height, width, attempt).image

    def close(self) -> None:
        """End what the reader has started, and close the file with what was read."""
        if self._isolation is not None:
            self._isolation.close()
        if self._cache is not None:
            self._cache.close()


def _affordable(found: Sequence[Corners], lines: Sequence[Image.Image]) -> list[Image.Image]:
    """Return lines in the order given, without the smallest if all together take too long."""
    left, taken = _MOST_COLUMNS, set()
    for place in sorted(range(len(lines)), key=lambda place: -line_height(found[place])):
        left -= lines[place].width
        if left >= 0:
            taken.add(place)
    return [line for place, line in enumerate(lines) if place in taken]


def joined(lines: Iterable[tuple[str, float]]) -> str:
    """Join lines that are certain enough into one text.

    Args:
        lines: text and certainty of each, in reading order.
    """
    return " ".join(text.strip() for text, certain in lines if certain >= CERTAIN).strip()[
        :MOST_CHARACTERS
    ]
