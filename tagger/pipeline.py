"""Joins the stages: paths → results, in input order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

from tagger.loading import load_all
from tagger.model import TaggerModel
from tagger.results import Failed, Loaded, Result, Scores, Tagged
from tagger.selection import Rules, select

#: Decimals of every probability that is written out. Tags are chosen from the rounded values, so
#: that a table holds all that is needed to choose again.
DECIMALS = 4


def tag_images(
    paths: Iterable[str], model: TaggerModel, rules: Rules, *, workers: int
) -> Iterator[Result]:
    """Tag images; one that cannot be read keeps its place as a Failed.

    While a batch is in the network, the workers decode the next two.

    Args:
        paths: image files.
        model: an opened model.
        rules: which scores become tags.
        workers: images decoded at a time.

    Raises:
        ModelError: the model breaks while it runs.
    """
    loaded = load_all(
        paths,
        model.card.height,
        model.card.width,
        workers=workers,
        ahead=max(workers, 2 * model.batch_size) + model.batch_size,
    )
    while batch := list(islice(loaded, model.batch_size)):
        yield from _tag_batch(batch, model, rules)


def _tag_batch(batch: list[Loaded | Failed], model: TaggerModel, rules: Rules) -> Iterator[Result]:
    images = [item.pixels for item in batch if isinstance(item, Loaded)]
    scores: Iterator[Scores] = iter(_rounded(model.scores(np.stack(images))) if images else ())
    for item in batch:
        if isinstance(item, Failed):
            yield item
        else:
            own = next(scores)
            yield Tagged(item.path, select(own, rules), own)


def _rounded(scores: npt.NDArray[np.float32]) -> Scores:
    return np.asarray(np.round(scores.astype(np.float64), DECIMALS), dtype=np.float64)
