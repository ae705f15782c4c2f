"""What goes into holders and comes out again, as functions of their contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tagger.holders.holder import IMAGE, Edit, State, Wish, holder
from tagger.holders.plan import HolderPlan

KEPT = (State.UNCHANGED, State.SETTLED)


@dataclass(frozen=True)
class Model:
    """A model that gives tags."""

    name: str
    version: str
    precision: str = "fp32"
    labels: tuple[str, ...] = ()


def wish_for(
    *tags: tuple[str, float],
    root: tuple[str, ...] = (),
    model: str = "m 1",
    date: str = "2026-01-01",
) -> Wish:
    """Return a model's wish."""
    name, _, version = model.partition(" ")
    return Wish("a.jpg", tags, dict(tags), root, date, Model(name, version))


def verdict_of(
    *tags: tuple[str, float | None], root: tuple[str, ...] | None = None, date: str = "2026-02-01"
) -> Wish:
    """Return a person's wish."""
    scores = {name: score for name, score in tags if score is not None}
    return Wish("a.jpg", tags, scores, root, date)


def _content(former: Any, edit: Edit) -> Any:
    return former if edit.state in KEPT else edit.content


def merge(content: bytes, wish: Wish) -> bytes:
    """Return an XMP packet with a model's tags: the very same object if nothing changes."""
    return _content(content, holder("xmp").put(content, wish))


def new_packet(wish: Wish) -> bytes:
    """Return a new packet with a model's tags."""
    return holder("xmp").put(None, wish).content


def settle(content: bytes | None, wish: Wish) -> Edit:
    """Put a person's tags into a packet."""
    return holder("xmp").pin(content, wish)


def is_settled(content: bytes) -> bool:
    """Say whether a person has settled the tags of a packet."""
    return holder("xmp").take_out(content, settled=False).state is State.SETTLED


def take_out(content: bytes) -> Edit | None:
    """Take our tags out of a packet; None where it has none."""
    edit = holder("xmp").take_out(content, settled=True)
    return None if edit.state in KEPT else edit


def merge_genres(content: bytes, genres: Sequence[str]) -> bytes:
    """Return an ``.nfo`` with genres: the very same object if nothing changes."""
    wish = wish_for(*((genre, 0.5) for genre in genres))
    return _content(content, holder("nfo").put(content, wish))


def taken(content: bytes, tags: tuple[str, ...]) -> Edit:
    """Return what comes of taking tags out where a file is left with some content."""
    return Edit(State.CHANGED, content, removed=tags)


def take_genres_out(content: bytes) -> Edit | None:
    """Take our genres out of an ``.nfo``; None where it has none."""
    edit = holder("nfo").take_out(content, settled=False)
    return None if edit.state in KEPT else edit


def embed_tags(path: Any, wish: Wish, *, backup: bool = False, keep_time: bool = False) -> bool:
    """Put tags into an image; say whether it changed."""
    image = holder(IMAGE)
    options = HolderPlan(backup=backup, keep_time=keep_time)
    putting = image.put if wish.model else image.pin
    edit = image.change(str(path), lambda content: putting(content, wish), options)
    return edit.state is State.CHANGED


def untag_image(path: Any, *, settled: bool = True) -> Edit | None:
    """Take our tags out of an image; None where it has none."""
    edit = holder(IMAGE).untag(str(path), HolderPlan(), settled=settled)
    return None if edit.state in KEPT else edit


def read_embedded_xmp(path: Any) -> bytes | None:
    """Return the packet in an image."""
    from tagger.holders.image.formats import NoPlaceError

    try:
        return holder(IMAGE).look(str(path)).metadata.xmp
    except NoPlaceError:
        return None


def with_tags(content: Any, wish: Wish) -> Any:
    """Return what an image shall hold with a model's tags."""
    return _target(content, holder(IMAGE).put(content, wish))


def without_tags(content: Any) -> Any:
    """Return what an image shall hold without our tags; None where it has none."""
    edit = holder(IMAGE).take_out(content, settled=True)
    return None if edit.state in KEPT else edit.content


def _target(content: Any, edit: Edit) -> Any:
    from tagger.holders.image.image import Target

    return Target(content.metadata) if edit.state in KEPT else edit.content
