"""JPEGs with plain headers are opened without Pillow's reading of them, and nothing differs."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawn_images import draw
from mutations import mutated
from system_calls import trace_program

from tagger.decode import pillow
from tagger.decode.jpeg import PlainJpeg
from tagger.decode.picture import ImageError, load_picture

#: Name → how Pillow saves it; all have plain headers.
PLAIN: dict[str, dict[str, Any]] = {
    "usual.jpg": {},
    "full colour.jpg": {"subsampling": "4:4:4", "quality": 97},
    "progressive.jpg": {"progressive": True},
    "optimised.jpg": {"optimize": True},
    "restarts.jpg": {"restart_marker_blocks": 2},
    "comment.jpg": {"comment": b"drawn"},
}
#: The same, with what is left to Pillow.
OTHERS: dict[str, dict[str, Any]] = {
    "turned.jpg": {
        "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    },
    "profile.jpg": {"icc_profile": bytes(range(200))},
}


def jpeg(options: dict[str, Any], mode: str = "RGB") -> bytes:
    """Return a small drawn JPEG."""
    data = io.BytesIO()
    draw(size=(90, 130)).convert(mode).save(data, "JPEG", **options)
    return data.getvalue()


def jpegs() -> dict[str, bytes]:
    """Return JPEGs of all kinds, by name."""
    made = {name: jpeg(options) for name, options in {**PLAIN, **OTHERS}.items()}
    usual = made["usual.jpg"]
    scan = usual.index(b"\xff\xda")
    return made | {
        "grey.jpg": jpeg({}, "L"),
        "ink.jpg": jpeg({}, "CMYK"),
        "filled.jpg": usual[:scan] + b"\xff" + usual[scan:],
        "junk.jpg": usual[:scan] + b"\0" + usual[scan:],
        "twice.jpg": usual[:20] + usual[20:scan] + usual[20:],
        "no tables.jpg": usual[:20] + usual[scan:],
        "long header.jpg": usual[:2] + b"\xff\xfe\xff\xff".ljust(65_537, b"x") + usual[2:],
    }


def outcome(file: Path) -> tuple[object, ...] | str:
    """Return pixels and size, or why there are none."""
    try:
        picture = load_picture(file, 40, 24)
    except ImageError as error:
        return str(error)
    return picture.pixels.tobytes(), picture.width, picture.height


@pytest.fixture
def as_pillow(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], object]:
    """Return a function: a file → what comes of it where Pillow reads every header."""

    def refuse(*_: object) -> PlainJpeg:
        raise SyntaxError

    def read(file: Path) -> object:
        with monkeypatch.context() as patch:
            patch.setattr(pillow, "PlainJpeg", refuse)
            return outcome(file)

    return read


@pytest.mark.parametrize("name", jpegs())
def test_pixels_are_those_of_pillow(
    tmp_path: Path, as_pillow: Callable[[Path], object], name: str
) -> None:
    (tmp_path / name).write_bytes(jpegs()[name])

    assert outcome(tmp_path / name) == as_pillow(tmp_path / name)


def test_damaged_ones_come_to_the_same(tmp_path: Path, as_pillow: Callable[[Path], object]) -> None:
    damaged = dict(mutated(jpegs(), 400, seed=15))
    usual = jpegs()["usual.jpg"]
    for size in range(0, usual.index(b"\xff\xda") + 20, 7):
        damaged[f"cut at {size}"] = usual[:size]
    differing = []
    for name, content in damaged.items():
        file = tmp_path / "damaged.jpg"
        file.write_bytes(content)
        if outcome(file) != as_pillow(file):
            differing.append(name)

    assert differing == []


def test_an_image_takes_few_calls_of_the_system(tmp_path: Path) -> None:
    """Stat, open and what Python asks of an opened file, one read, close: no clock, no seeks."""
    (tmp_path / "poster.jpg").write_bytes(jpeg({}))

    def calls(images: int) -> int:
        """Return how many calls of the system it takes to read an image so often."""
        program = (
            "from tagger.decode.budget import DEFAULT_LIMITS, Attempt, Memory\n"
            "from tagger.decode.picture import load_picture\n"
            "memory = Memory(DEFAULT_LIMITS.memory)\n"
            f"for _ in range({images}):\n"
            "    load_picture('poster.jpg', 8, 8, Attempt(DEFAULT_LIMITS, memory))\n"
        )
        traced = trace_program(sys.executable, "-c", program, calls="all", cwd=tmp_path)
        assert traced.ran.code == 0, traced.ran.stderr
        return len(traced.calls)

    assert (calls(220) - calls(20)) / 200 < 6.5


@pytest.mark.parametrize("name", ["usual.jpg", "progressive.jpg", "grey.jpg"])
def test_it_takes_far_fewer_steps_than_pillow(
    tmp_path: Path, as_pillow: Callable[[Path], object], name: str
) -> None:
    (tmp_path / name).write_bytes(jpegs()[name])

    def steps(read: Callable[[Path], object]) -> int:
        """Return how many functions are called to read an image for the second time."""
        read(tmp_path / name)
        count = 0

        def step(frame: object, event: str, _: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(step)
        try:
            read(tmp_path / name)
        finally:
            sys.setprofile(None)
        return count

    assert steps(outcome) < 0.7 * steps(as_pillow)
