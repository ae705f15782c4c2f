"""What speaks for the tags of many images, in few bytes: for pages that cannot run a network."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tagger.decode.budget import DEFAULT_LIMITS, ImageLimits
from tagger.decode.picture import Picture, load_picture
from tagger.decode.thumbnail import Thumbnails
from tagger.explain.occlusion import Squares, log_odds

if TYPE_CHECKING:
    from tagger.network.model import TaggerModel
    from tagger.results import ImageText

# Fewer squares than for one image: 24 for the usual shape, and as many runs of the network.
_OVERLAP: Final = 1.5

# Falls of log-odds in a byte: so many steps each, from this one on.
_STEPS: Final = 32
_ZERO: Final = 128

#: Labels besides an image's tags that are explained: those of the highest probability.
_MORE_LABELS: Final = 5


class Maps:
    """Explains images: their tags, and their most probable labels.

    Args:
        model: an opened model.
        text_of: an image's path → the text that the model gets with it; None for no text.
        workers: images at a time.
        limits: what reading one may cost.
    """

    def __init__(
        self,
        model: TaggerModel,
        text_of: Callable[[str], ImageText | None] | None = None,
        workers: int = 1,
        limits: ImageLimits = DEFAULT_LIMITS,
    ) -> None:
        self._model = model
        self._text_of = text_of
        self._workers = workers
        self._limits = limits
        card = model.card
        self._squares = Squares.of(card.height, card.width, _OVERLAP)

    @property
    def labels(self) -> tuple[str, ...]:
        """What can be explained."""
        return self._model.card.labels

    @property
    def shape(self) -> dict[str, Any]:
        """Where the squares lie, as shares of an image's height and width."""
        squares = self._squares
        return {
            "tops": [round(top / squares.height, 4) for top in squares.tops],
            "lefts": [round(left / squares.width, 4) for left in squares.lefts],
            "height": round(min(1, squares.side / squares.height), 4),
            "width": round(min(1, squares.side / squares.width), 4),
        }

    def each(self, images: Iterable[tuple[str, frozenset[str]]]) -> Iterator[str]:
        """Yield what speaks for the labels of each image, in their order.

        Args:
            images: paths, and the labels that are tags; one that cannot be read has nothing.

        Returns:
            Base64 of bytes. For each label its place, in two bytes, little end first; how far its
            log-odds fall without the text; and how far with each square covered, row by row: a
            32nd in each step, from 128 on.

        Raises:
            ModelError: by the iterator: the network breaks.
        """
        listed = list(images)
        card = self._model.card
        with closing(Thumbnails(card.height, card.width, self._limits, self._workers)) as reader:
            pictures = reader.each(
                lambda path, attempt: load_picture(path, card.height, card.width, attempt),
                [path for path, _ in listed],
                lambda place, picture: self._map(*listed[place], picture),
            )
            for one in pictures:
                yield one[0] if isinstance(one, tuple) else ""

    def _map(self, path: str, tags: frozenset[str], picture: Picture) -> tuple[str]:
        text = None if self._text_of is None else self._text_of(path)
        whole, covered = self._squares.falls(self._model, picture.pixels, text)
        bare = whole if text is None else self._model.scores(picture.pixels[np.newaxis], [None])[0]
        falls = log_odds(whole) - log_odds(np.vstack([bare, covered]))
        steps = np.clip(np.round(falls * _STEPS) + _ZERO, 0, 255).astype(np.uint8)
        first = {int(place) for place in np.argsort(-whole)[:_MORE_LABELS]}
        first |= {place for place, label in enumerate(self.labels) if label in tags}
        data = b"".join(
            place.to_bytes(2, "little") + steps[:, place].tobytes() for place in sorted(first)
        )
        return (base64.b64encode(data).decode("ascii"),)
