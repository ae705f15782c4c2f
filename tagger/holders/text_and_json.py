"""What stands in a sidecar: one pure function a format, Tagged → bytes."""

from __future__ import annotations

import json
from collections.abc import Callable

from tagger.network.card import ModelCard
from tagger.results import Tagged
from tagger.text import escape


def txt_sidecar(result: Tagged, card: ModelCard) -> bytes:
    """One line: the tags joined by a comma and a blank."""
    return (", ".join(tag.name for tag in result.tags) + "\n").encode("utf-8")


def json_sidecar(result: Tagged, card: ModelCard) -> bytes:
    """An object with the path, the tags and their scores, all scores, and the model."""
    content = {
        "path": escape(result.path),
        "tags": [{"tag": tag.name, "score": tag.score} for tag in result.tags],
        "scores": dict(zip(card.labels, result.scores.tolist(), strict=True)),
        "model": {"name": card.name, "version": card.version, "precision": card.precision},
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


#: Kind of sidecar → its content; the kind is also its file ending. What stands in ``xmp``, see
#: :mod:`tagger.holders.xmp`.
SIDECARS: dict[str, Callable[[Tagged, ModelCard], bytes]] = {
    "txt": txt_sidecar,
    "json": json_sidecar,
}
