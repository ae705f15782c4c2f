"""The surest mistakes: images that got a tag wrongly, or lack one, as pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from html import escape
from typing import Final

import numpy as np
from PIL import Image

from tagger.files.web_page import jpeg_address
from tagger.results import Pixels
from tagger_training.report.data import RunReport, Validation
from tagger_training.report.html_tables import most_frequent

#: Of each kind, for each label.
MOST_SHOWN: Final = 6

# The most frequent ones: with more, the page would grow beyond what is pleasant to open.
_MOST_LABELS = 40

# Pixels of the longer side.
_SIDE = 132
_QUALITY = 72


def surest_mistakes(validation: Validation, label: str) -> tuple[list[int], list[int]]:
    """Return the images that got a label wrongly, most probable first, and that lack it, least so.

    Images are rows of the validation; of each kind there are :data:`MOST_SHOWN` at most.
    """
    place = validation.labels.index(label)
    scores = validation.scores[:, place]
    has, got = validation.truth[:, place] == 1, validation.emitted[:, place] == 1
    order = np.argsort(-scores, kind="stable")
    found = [int(row) for row in order if got[row] and not has[row]]
    missed = [int(row) for row in order[::-1] if has[row] and not got[row]]
    return found[:MOST_SHOWN], missed[:MOST_SHOWN]


def mistaken_images(
    validation: Validation, labels: list[str], pixels: Callable[[int], Pixels]
) -> dict[int, bytes]:
    """Return the pictures that the page shows: row → JPEG.

    Args:
        validation: the predictions.
        labels: whose mistakes are shown.
        pixels: a row → the image as the network sees it, uint8, shape ``(height, width, 3)``.
    """
    rows = {row for label in labels for kind in surest_mistakes(validation, label) for row in kind}
    return {row: _jpeg(pixels(row)) for row in sorted(rows)}


def shown_labels(report: RunReport) -> list[str]:
    """Return the labels whose mistakes are shown, most frequent first."""
    scored = [item for item in report.evaluation.labels if item.scored]
    return [item.label for item in most_frequent(scored, _MOST_LABELS)]


def mistakes(report: RunReport) -> str:
    """Show the surest mistakes of each label."""
    parts = [_of_label(report, label) for label in shown_labels(report)]
    shown = "\n".join(part for part in parts if part)
    if not shown:
        return '<p class="note">No held-out image got a wrong tag or lacks one.</p>'
    return (
        "<p>Held-out images, as the network sees them. <i>Found</i>: images that got the tag and "
        "do not have the label, most probable first. <i>Missed</i>: images that have the label and "
        f"did not get the tag, least probable first. Up to {MOST_SHOWN} of each. Some may be "
        f"mistakes in the labels.</p>\n{shown}"
    )


def _of_label(report: RunReport, label: str) -> str:
    found, missed = surest_mistakes(report.validation, label)
    rows = "\n".join(
        f'<div class="kind"><h4>{name}</h4><div class="strip">{_strip(report, label, kind)}</div>'
        "</div>"
        for name, kind in (("Found", found), ("Missed", missed))
        if kind
    )
    return f"<h3>{escape(label)}</h3>\n{rows}" if rows else ""


def _strip(report: RunReport, label: str, rows: list[int]) -> str:
    place = report.validation.labels.index(label)
    return "".join(
        _picture(report.validation, row, float(report.validation.scores[row, place]), report.images)
        for row in rows
    )


def _picture(validation: Validation, row: int, score: float, images: Mapping[int, bytes]) -> str:
    labels = [
        name for name, has in zip(validation.labels, validation.truth[row], strict=True) if has
    ]
    name, given = validation.ids[row], ", ".join(labels) or "no label"
    return (
        f'<figure><img alt="" src="{jpeg_address(images[row])}">'
        f"<figcaption><b>{100 * score:.0f} %</b> {escape(given)}<br>{escape(name)}</figcaption>"
        "</figure>"
    )


def _jpeg(pixels: Pixels) -> bytes:
    image = Image.fromarray(np.asarray(pixels))
    image.thumbnail((_SIDE, _SIDE))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=_QUALITY)
    return data.getvalue()
