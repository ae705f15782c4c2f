"""JSON sidecars: the path, the tags and their scores, all scores, and the model."""

from __future__ import annotations

import json
from typing import Any

from tagger.errors import CannotChange
from tagger.holders.change import SidecarHolder
from tagger.holders.holder import UNCHANGED, Edit, Genres, State, Wish
from tagger.text import escape

_KEYS = frozenset({"path", "tags", "scores", "model"})


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
        return Edit(State.CHANGED, _spelled(said))

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
        before = [tag["tag"] for tag in former.get("tags", [])]
        was_settled = "settled" in former
        if was_settled and said == former:
            return UNCHANGED
        new = _spelled({**said, "settled": wish.date})
        return Edit(
            State.UNCHANGED if new == content else State.CHANGED,
            new,
            tuple(tag for tag in wish.names if tag not in before),
            tuple(tag for tag in before if tag not in wish.names),
            was_settled=was_settled,
        )

    def take_out(self, content: bytes | None, *, settled: bool) -> Edit:
        """Change nothing: it bears no mark of ours."""
        return UNCHANGED


def _spelled(said: dict[str, Any]) -> bytes:
    return (json.dumps(said, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _ours(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
        tags = [tag["tag"] for tag in said["tags"]]
        is_ours = (
            said.keys() >= _KEYS
            and isinstance(said["scores"], dict)
            and all(isinstance(tag, str) for tag in tags)
        )
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        is_ours = False
    if not is_ours:
        raise CannotChange("no JSON as 'tagger tag' writes it")
    return dict(said)
