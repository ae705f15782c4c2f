"""The rules that chose a table's tags, and how sure the tags are by them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.gallery.entries import Entry
from tagger.gallery.reading import probabilities
from tagger.network.card import ModelCard
from tagger.rules import Rules
from tagger.runs.manifest import Manifest


def rules_of(labels: tuple[str, ...], card: ModelCard | None, run: Manifest | None) -> Rules | None:
    """Return the rules of the run that made a table, as far as they are known.

    Args:
        labels: of the table.
        card: of the model that is supposed to have made it.
        run: the run's own notes; None if there are none.

    Returns:
        None if neither is about these labels.
    """
    rules = Rules.of_card(card) if card is not None and card.labels == labels else None
    options: Mapping[str, Any] = {} if run is None else run.options
    thresholds = options.get("--threshold")
    if not isinstance(thresholds, dict) or thresholds.keys() != set(labels):
        return rules
    noted: dict[str, Any] = {"thresholds": tuple(float(thresholds[label]) for label in labels)}
    for name, key in (("min_tags", "--min-tags"), ("max_tags", "--max-tags")):
        if isinstance(options.get(key), int):
            noted[name] = options[key]
            if name == "min_tags":  # a run that may leave an image without a tag says so in words
                noted["unsure"] = 0.0
    if isinstance(options.get("--ignore"), list):
        noted["ignored"] = frozenset(options["--ignore"])
    if isinstance(options.get("--rename"), dict):
        noted["renamed"] = options["--rename"]
    return dataclasses.replace(rules or Rules(labels, ()), **noted)


def doubts(
    labels: Sequence[str], entries: Sequence[Entry], rules: Rules | None
) -> npt.NDArray[np.float64]:
    """Return for each image how many of its tags are expected to be wrong or missing.

    That is the sum, over the labels, of the probability that the label is wrong where it is a tag,
    and right where it is none. Labels that are never tags do not count; an image that could not be
    tagged, or that a person has corrected, raises no doubt.
    """
    names = [rules.renamed.get(label, label) if rules else label for label in labels]
    scores = np.array([probabilities(entry) for entry in entries], dtype=np.float64)
    tagged = np.array([[name in entry.tags for name in names] for entry in entries], dtype=bool)
    wrong = np.nan_to_num(np.where(tagged, 1 - scores, scores))
    if rules is not None:
        wrong[:, [label in rules.ignored for label in labels]] = 0
    settled = [bool(entry.reason or entry.corrected) for entry in entries]
    wrong[settled] = 0
    # Equal sums of probabilities with four decimals are equal, in whatever order they are added.
    return np.asarray(wrong.sum(axis=1).round(4), dtype=np.float64)
