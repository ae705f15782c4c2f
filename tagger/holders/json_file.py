"""JSON sidecars: the path, the tags and their scores, all scores, the model, and its text."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from tagger.errors import CannotChange
from tagger.holders.change import SidecarHolder
from tagger.holders.holder import UNCHANGED, Edit, Genres, State, Wish
from tagger.text import escape

_KEYS = frozenset({"path", "tags", "scores", "model"})
_TEXT = "text"


class JsonFile(SidecarHolder):
    """A JSON sidecar."""

    kind = "json"

    def has(self, content: bytes, genres: Genres) -> bool:
        """See :meth:`Holder.has`."""
        try:
            data = json.loads(content)
        except (ValueError, RecursionError):
            return False
        return isinstance(data, dict) and data.keys() >= _KEYS

    def put(self, content: bytes | None, wish: Wish) -> Edit:
        """See :meth:`Holder.put`."""
        model = wish.model
        assert model is not None
        said = {
            "path": escape(wish.path),
            "tags": [{"tag": name, "score": score} for name, score in wish.tags],
            "scores": wish.scores,
            "model": {"name": model.name, "version": model.version, "precision": model.precision},
        }
        if (text := wish.text) is not None:
            words = escape(text.words)
            said[_TEXT] = {"words": words, "year": text.year, "source": text.source}
        return Edit(State.CHANGED, _spelled(said))

    def is_ours(self, content: bytes, known: Collection[str]) -> bool:
        """See :meth:`Holder.is_ours`: it is, if it is spelled as we do, and says what we do."""
        try:
            said = _ours(content)
        except CannotChange:
            return False
        by_model = all(isinstance(tag.get("score"), float) for tag in said["tags"])
        return said.keys() - {_TEXT} == _KEYS and by_model and _spelled(said) == content

    def pin(self, content: bytes | None, wish: Wish) -> Edit:
        """See :meth:`Holder.pin`.

        Scores are the wish's, or else stay; a tag that has none gets null. What the wish does not
        say, such as the model, stays. ``settled`` says on which day a person settled the tags.

        Raises:
            CannotChange: it is not JSON as we write it.
        """
        former = {} if content is None else _ours(content)
        scores = {**former.get("scores", {}), **wish.scores}
        said = {
            "path": escape(wish.path),
            **former,
            "tags": [{"tag": name, "score": scores.get(name)} for name in wish.names],
            "scores": scores,
            "model": former.get("model"),
        }
        was_settled = "settled" in former
        if was_settled and said == former:
            return UNCHANGED
        new = _spelled({**said, "settled": wish.date})
        state = State.UNCHANGED if new == content else State.CHANGED
        differences = wish.against([tag["tag"] for tag in former.get("tags", [])])
        return Edit(state, new, *differences, was_settled=was_settled)


def _spelled(said: dict[str, Any]) -> bytes:
    return (json.dumps(said, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _ours(content: bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError, LookupError, TypeError, AttributeError):
        said: dict[str, Any] = json.loads(content)
        are_tags = all(isinstance(tag["tag"], str) for tag in said["tags"])
        if said.keys() >= _KEYS and isinstance(said["scores"], dict) and are_tags:
            return said
    raise CannotChange("not JSON as 'tagger tag' writes it")
