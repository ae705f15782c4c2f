"""Metadata inside images that were made to harm: the file is given up soon, and stays as it is."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from drawn_images import drawn_images
from holding import embed_tags, read_embedded_xmp, untag_image, wish_for

from tagger.holders.image.container import EmbedError

WISH = wish_for(("red", 0.5))
MANY = 700_000

_EMPTY_CHUNK = bytes(4) + b"aaAa" + zlib.crc32(b"aaAa").to_bytes(4, "big")
_HEAD = drawn_images()["rgb.png"][:33]


def png() -> bytes:
    return _HEAD + _EMPTY_CHUNK * MANY + drawn_images()["rgb.png"][33:]


def preallocated() -> bytes:
    """Return what a broken download leaves: the rest of the file is zeros."""
    return _HEAD + bytes(12 * MANY)


def webp() -> bytes:
    body = drawn_images()["lossy.webp"][12:] + b"abcd\0\0\0\0" * MANY
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


def jpeg() -> bytes:
    return b"\xff\xd8" + b"\xff\xe0\0\2" * MANY + drawn_images()["baseline.jpg"][2:]


def filled() -> bytes:
    """Return a JPEG with fill bytes before its first segment, as many as anybody likes."""
    return b"\xff\xd8" + b"\xff" * MANY + drawn_images()["baseline.jpg"][2:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "most"),
    [
        ("a.png", png, "500,000 parts"),
        ("b.png", preallocated, "500,000 parts"),
        ("c.webp", webp, "500,000 parts"),
        ("d.jpg", jpeg, "100,000 segments"),
        ("e.jpg", filled, "100,000 segments"),
    ],
)
def test_a_file_of_nothing_but_small_parts_is_given_up(
    tmp_path: Path, name: str, content: Callable[[], bytes], most: str
) -> None:
    file = tmp_path / name
    data = content()
    file.write_bytes(data)
    began = time.thread_time()

    for attempt in (
        lambda: read_embedded_xmp(str(file)),
        lambda: embed_tags(str(file), WISH),
    ):
        with pytest.raises(EmbedError, match=rf"^damaged \(it has over {most}\)$"):
            attempt()
    # What has no mark of ours is no concern of ours.
    assert untag_image(str(file)) is None

    assert time.thread_time() - began < 10
    assert file.read_bytes() == data
    assert [left.name for left in tmp_path.iterdir()] == [name]


def test_a_compressed_packet_that_is_a_bomb_is_refused(tmp_path: Path) -> None:
    packet = b"iTXtXML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(100 * 2**20))
    chunk = (len(packet) - 4).to_bytes(4, "big") + packet + zlib.crc32(packet).to_bytes(4, "big")
    file = tmp_path / "a.png"
    file.write_bytes(_HEAD + chunk + drawn_images()["rgb.png"][33:])

    with pytest.raises(EmbedError) as refused:
        read_embedded_xmp(str(file))

    assert str(refused.value) == "damaged (its XMP cannot be read), or XMP larger than 64 MB"


def test_more_metadata_than_any_image_has_is_not_kept_in_memory(tmp_path: Path) -> None:
    # 5,000 segments of 64 KB that would have to be looked at.
    segment = b"\xff\xe1\xff\xff".ljust(0xFFFF + 2, b"x")
    file = tmp_path / "a.jpg"
    with file.open("wb") as stream:
        stream.write(b"\xff\xd8")
        stream.writelines(segment for _ in range(5000))
        stream.write(drawn_images()["baseline.jpg"][2:])

    with pytest.raises(EmbedError, match=r"^metadata larger than 64 MB$"):
        read_embedded_xmp(str(file))
