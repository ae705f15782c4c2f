"""Whatever an image or its IPTC holds: what goes in comes out, and nothing else changes."""

from __future__ import annotations

import functools
import io
import struct
import tempfile
from pathlib import Path

from embeddable import SAVED, save
from holding import with_tags, without_tags
from hypothesis import given
from hypothesis import strategies as st
from test_xmp_people import wish

from tagger.errors import CannotChange
from tagger.holders.image import iptc
from tagger.holders.image.container import Container, EmbedError, Reader
from tagger.holders.image.formats import read_container
from tagger.holders.image.image import Target


@functools.cache
def saved() -> dict[str, bytes]:
    """Return the images: name → content."""
    with tempfile.TemporaryDirectory() as folder:
        return {name: save(Path(folder), name).read_bytes() for name in SAVED}


def opened(name: str, content: bytes) -> Container:
    return read_container(Reader(io.BytesIO(content)), name)


def changed(container: Container, target: Target) -> bytes:
    pieces = container.changed(target.metadata, was=target.was)
    return b"".join(container.reader.blocks(pieces))


NAMES = st.sampled_from(sorted(SAVED))
TAGS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40),
    min_size=1, max_size=4, unique=True,
)  # fmt: skip


# What looks like a second JPEG behind the first is refused.
TAILS = st.binary(max_size=40).filter(
    lambda tail: b"\xff\xd9\xff\xd8\xff" not in b"\xff\xd9" + tail
)


@given(NAMES, st.lists(TAGS, min_size=1, max_size=3), TAILS)
def test_any_tags_come_out_again(name: str, runs: list[list[str]], tail: bytes) -> None:
    content = before = saved()[name] + tail
    for tags in runs:
        container = opened(name, content)
        target = with_tags(container, wish(*tags))
        content = changed(container, target)
        after = opened(name, content)
        assert after.metadata == target.metadata
        assert after.reader.digest(after.rest) == container.reader.digest(container.rest)
        assert with_tags(after, wish(*tags)).metadata == after.metadata

    container = opened(name, content)
    target = without_tags(container)
    assert target is not None
    assert changed(container, target) == before


@given(
    NAMES,
    st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=4)), min_size=1, max_size=4),
    st.integers(0, 60),
    st.booleans(),
)
def test_any_damage_is_refused_or_does_no_more(
    name: str, places: list[tuple[int, bytes]], cut: int, is_ours: bool
) -> None:
    content = saved()[name]
    if is_ours:
        container = opened(name, content)
        content = changed(container, with_tags(container, wish("red", "Été")))
    damaged = bytearray(content[: len(content) - cut])
    for place, text in places:
        # The first bytes say what a file is, and the last ones what a TIFF of ours was.
        at = place % len(damaged) if place % 2 else -1 - place % 400 % len(damaged)
        damaged[at : at + len(text) or None] = text
    try:
        container = opened(name, bytes(damaged))
        target = with_tags(container, wish("blue"))
        after = opened(name, changed(container, target))
        # What is written in the end is compared in this way first: see files.py.
        is_safe = after.metadata == target.metadata
        is_safe &= after.reader.digest(after.rest) == container.reader.digest(container.rest)
    except CannotChange:
        return
    if is_safe:
        assert with_tags(after, wish("blue")).metadata == after.metadata


def dataset(kind: tuple[int, int], value: bytes, *, extended: bool = False) -> bytes:
    size = struct.pack(">HI", 0x8004, len(value)) if extended else struct.pack(">H", len(value))
    return bytes((0x1C, *kind)) + size + value


WORDS = st.sampled_from(["sea", "red", "Été", "E\u0301te\u0301", "\u00e9" * 40, "film noir"])
KINDS = st.sampled_from([(1, 0), (1, 90), (2, 0), (2, 5), (2, 25), (2, 25), (2, 120), (3, 10)])


@st.composite
def streams(draw: st.DrawFn) -> bytes | None:
    """Draw IPTC, or None."""
    if draw(st.booleans()) and draw(st.booleans()):
        return None
    parts = []
    for kind in draw(st.lists(KINDS, max_size=6)):
        value = draw(WORDS).encode(draw(st.sampled_from(["utf-8", "latin-1"])), "replace")
        if kind == (1, 90):
            value = draw(st.sampled_from([b"\x1b%G", b"\x1b.A"]))
        parts.append(dataset(kind, value, extended=draw(st.booleans())))
    return b"".join(parts) + draw(st.sampled_from([b"", b"\0\0"]))


@given(streams(), st.lists(st.lists(WORDS, max_size=3), min_size=1, max_size=4))
def test_keywords_in_iptc_come_out_again(data: bytes | None, runs: list[list[str]]) -> None:
    before = data
    ours: tuple[str, ...] = ()
    was: str | None = None
    for texts in runs:
        changed = iptc.set_keywords(data, texts, ours, was)
        ours = tuple(text for text in changed.written if text is not None)
        again = iptc.set_keywords(changed.data, texts, ours, changed.was)
        assert (again.data, again.was) == (changed.data, changed.was)
        data, was = changed.data, changed.was

    assert iptc.set_keywords(data, (), ours, was).data == before


@given(st.binary(max_size=60))
def test_any_bytes_are_iptc_or_refused(data: bytes) -> None:
    try:
        changed = iptc.set_keywords(b"\x1c\2" + data, ["red"], (), None)
    except EmbedError:
        return
    assert changed.data is not None
    assert b"red" in changed.data
