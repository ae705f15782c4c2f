"""What becomes of images: they are read, scored, and get their tags."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from tagger.decode.budget import ImageLimits, Memory
from tagger.decode.picture import load_picture
from tagger.network.model import TaggerModel
from tagger.pipeline.costs import Costs
from tagger.pipeline.loading import Loading, Read, TextOf
from tagger.results import DECIMALS, Failed, FileFacts, Pixels, Result, Tagged
from tagger.rules import Rules, select_all

#: Called with an image's path, its pixels as the model takes them, and its facts. The pixels are
#: only good until it returns.
See: TypeAlias = Callable[[str, Pixels, FileFacts], None]


@dataclass(frozen=True)
class Reading:
    """What is to be read of images, and what one may cost.

    Attributes:
        facts: that :func:`tagger.decode.facts.measure` finds out about each file.
        limits: an image's budget.
        memory: shared by all threads that decode.
        text_of: called for each image with pixels; None if nobody needs a text.
    """

    facts: Collection[str]
    limits: ImageLimits
    memory: Memory
    text_of: TextOf | None

    def in_threads(self) -> Callable[..., Loading]:
        """Return what makes images that a thread reads: of paths, and pixels if there are some."""
        return partial(
            Loading,
            wanted=self.facts,
            limits=self.limits,
            memory=self.memory,
            load=load_picture,
            text_of=self.text_of,
        )


@dataclass(frozen=True)
class Stages:
    """What becomes of images in memory.

    Attributes:
        model: an opened model.
        rules: which scores become tags.
        costs: of each stage.
        see: called for each image that could be read; None if nobody else wants its pixels.
    """

    model: TaggerModel
    rules: Rules
    costs: Costs
    see: See | None = None

    def read(self, images: Loading) -> Read:
        """Read images; see :meth:`tagger.pipeline.loading.Loading.finish`."""
        with self.costs.of("reading", images.count):
            return images.finish()

    def results(
        self, number: int, paths: Sequence[str], read: Read, pixels: Pixels
    ) -> list[Result]:
        """Score images; rows of unreadable ones contain leftovers.

        Args:
            number: chooses the device.
            paths: of the images.
            read: what became of each.
            pixels: one or more whole batches, of which the last rows may be without an image.
        """
        if all(isinstance(one, Failed) for one in read):
            return [one for one in read if isinstance(one, Failed)]
        with self.costs.of("network", len(paths)):
            # Always whole batches: an image's scores are the same whatever its neighbours are.
            rows = -(-len(read) // self.model.batch_size) * self.model.batch_size
            texts = [None if isinstance(one, Failed) else one.text for one in read]
            exact = self.model.scores(pixels[:rows], texts, lane=number % self.model.lanes)
            scores = exact[: len(read)].astype(np.float64).round(DECIMALS)
            tags = select_all(scores, self.rules)
        if self.see is not None:
            with self.costs.of("pictures", len(paths)):
                for path, one, own in zip(paths, read, pixels, strict=False):
                    if not isinstance(one, Failed):
                        self.see(path, own, one.facts)
        return [
            one if isinstance(one, Failed) else Tagged(path, chosen, own, one.facts, one.text)
            for path, one, own, chosen in zip(paths, read, scores, tags, strict=True)
        ]
