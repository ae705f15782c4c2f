"""Prevents that images in formats of today's cameras and archives are never read, or never named.

JPEG 2000 is always read; HEIC and JPEG XL with their extras, and without them they are named.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import Ran, command_line, environment
from drawn_images import draw, drawn_images
from holding import embed_tags, wish_for
from pictures import CORNERS, four_corners
from PIL import Image

from tagger.decode.budget import NO_HURRY, Attempt, Memory
from tagger.decode.jxl_header import jxl_header
from tagger.decode.picture import ImageError, load_picture, load_rgb
from tagger.files import kinds
from tagger.files.kinds import IMAGE_SUFFIXES, is_installed
from tagger.holders.image.container import EmbedError

IMAGES = Path(__file__).parent / "images"

#: Where `make` puts the packages of the extras, so that they are there only for who asks.
EXTRAS = Path(sys.prefix) / "formats"
needs_decoders = pytest.mark.skipif(
    not (EXTRAS / "pi_heif").is_dir() and not os.environ.get("TAGGER_TEST_READERS"),
    reason="the decoders of HEIC and JPEG XL are not installed beside the others",
)

HEIC = "HEIC needs the 'heic' extra: pip install 'poster-tagger[heic]'"
JXL = "JPEG XL needs the 'jxl' extra: pip install 'poster-tagger[jxl]'"


def refusal(file: Path) -> str:
    """Return the message with which a file is refused."""
    with pytest.raises(ImageError) as refused:
        load_rgb(file, 8, 8)
    return str(refused.value)


def saved(image: Image.Image, **options: object) -> bytes:
    """Return an image as a JPEG 2000."""
    stream = io.BytesIO()
    image.save(stream, "JPEG2000", **options)
    return stream.getvalue()


# JPEG 2000


@pytest.mark.parametrize("name", ["colour.jp2", "bare.j2k"])
def test_a_jpeg_2000_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(drawn_images()[name])

    assert np.array_equal(load_rgb(tmp_path / name, 53, 37), draw())


@pytest.mark.parametrize("name", ["a.jp2", "a.J2K", "a.j2c", "a.jpf", "a.jpx"])
def test_a_walk_takes_jpeg_2000(folder: Path, tag: Callable[..., Ran], name: str) -> None:
    (folder / "p").mkdir()
    (folder / "p" / name).write_bytes(saved(Image.new("RGB", (20, 30), "red")))

    assert tag("p", "-o", "-", "--layout", "list").rows() == [f"p/{name},red,"]


def test_a_large_jpeg_2000_is_read_at_a_smaller_scale(tmp_path: Path) -> None:
    large = four_corners(1024).resize((1600, 2400))
    (tmp_path / "a.jp2").write_bytes(saved(large))
    (tmp_path / "a.png").write_bytes(b"")
    large.save(tmp_path / "a.png")
    attempt = Attempt(NO_HURRY, Memory(32 * 1024**2))  # at full size it would take 100 MB more

    scaled = load_picture(tmp_path / "a.jp2", 96, 64, attempt)

    difference = np.abs(scaled.pixels.astype(int) - load_rgb(tmp_path / "a.png", 96, 64))
    assert (scaled.width, scaled.height) == (1600, 2400)
    assert difference.mean() < 2


def test_a_jpeg_2000_that_would_stop_everything_else_is_refused(tmp_path: Path) -> None:
    image = Image.new("RGB", (3000, 3000))
    (tmp_path / "a.jp2").write_bytes(saved(image, num_resolutions=1))
    (tmp_path / "b.jp2").write_bytes(saved(image))

    assert refusal(tmp_path / "a.jp2") == (
        "3000 × 3000 pixels, and as a JPEG 2000 it holds no size below 8,000,000 pixels"
    )
    assert not load_rgb(tmp_path / "b.jp2", 8, 8).any()


@pytest.mark.parametrize("name", ["colour.jp2", "transparent.jp2", "bare.j2k"])
def test_a_jpeg_2000_that_is_cut_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    content = drawn_images()[name]
    for end in range(100, len(content) - 2, 23):
        (tmp_path / name).write_bytes(content[:end])
        assert refusal(tmp_path / name)
    for tile in (place for place in range(len(content)) if content.startswith(b"\xff\x90", place)):
        (tmp_path / name).write_bytes(content[:tile])
        assert refusal(tmp_path / name) == "damaged image: image file is truncated"


def test_what_follows_a_jpeg_2000_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jp2").write_bytes(drawn_images()["bare.j2k"] + bytes(500))

    assert np.array_equal(load_rgb(tmp_path / "a.jp2", 53, 37), draw())


@pytest.mark.parametrize(
    "name", ["colour.jp2", "bare.j2k", "corners.heic", "corners.jxl", "boxed.jxl"]
)
def test_no_tags_are_embedded_into_such_an_image(tmp_path: Path, name: str) -> None:
    drawn = drawn_images().get(name)
    content = (IMAGES / name).read_bytes() if drawn is None else drawn
    (tmp_path / name).write_bytes(content)

    with pytest.raises(EmbedError, match=r"^a (JPEG 2000|HEIC|JPEG XL) into which no tags can be"):
        embed_tags(str(tmp_path / name), wish_for(("red", 0.5)))
    assert (tmp_path / name).read_bytes() == content


# Without the extras


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the extras from this process, if they are installed."""
    monkeypatch.setattr(kinds, "is_installed", lambda package: False)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", HEIC),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", HEIC),
        (b"\xff\x0a", JXL),
        (b"\0\0\0\x0cJXL \r\n\x87\n", JXL),
    ],
)
def test_without_an_extra_its_images_are_named(
    tmp_path: Path, without_extras: None, content: bytes, reason: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(content)

    assert refusal(tmp_path / "a.jpg") == reason


def test_without_the_extras_a_walk_leaves_their_images_to_those_it_passes_over() -> None:
    for _, package, suffixes in kinds.EXTRAS.values():
        assert (set(suffixes) <= IMAGE_SUFFIXES) == is_installed(package)


# With the extras, in processes of their own

_LOAD = """
import json, sys
from tagger.decode.picture import ImageError, load_picture
for file in sys.argv[1:]:
    try:
        picture = load_picture(file, 8, 8)
        corners = [picture.pixels[row, column].tolist() for row in (0, -1) for column in (0, -1)]
        print(json.dumps([picture.width, picture.height, corners]))
    except ImageError as error:
        print(json.dumps(str(error)))
"""


def loaded(*paths: Path, packages: Path = EXTRAS) -> list[object]:
    """Return width, height and corners of images, or why they are refused, with the extras."""
    ran = subprocess.run(
        [sys.executable, "-c", _LOAD, *paths],
        env=environment(packages), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in ran.stdout.splitlines()]


@needs_decoders
@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("corners.heic", "ABCD"),
        ("turned.heic", "CADB"),  # by itself, and not by its EXIF once more
        ("corners.jxl", "ABCD"),
        ("boxed.jxl", "ABCD"),
    ],
)
def test_with_its_extra_an_image_is_seen_as_it_is(name: str, seen: str) -> None:
    ((width, height, corners),) = loaded(IMAGES / name)

    assert (width, height) == (64, 64)
    assert np.abs(np.subtract(corners, [CORNERS["ABCD".index(one)] for one in seen])).max() <= 2


@needs_decoders
def test_with_their_extras_grey_and_transparent_images_are_seen_as_they_are() -> None:
    grey, *white = loaded(IMAGES / "grey.heic", IMAGES / "alpha.heic", IMAGES / "alpha.jxl")

    assert grey == [64, 64, [[128] * 3] * 4]
    assert white == [[64, 64, [[255] * 3] * 4]] * 2


@needs_decoders
def test_with_the_extras_a_walk_takes_their_images(folder: Path, tiny_model: Path) -> None:
    (folder / "p").mkdir()
    for name in ("corners.heic", "corners.jxl"):
        (folder / "p" / name).write_bytes((IMAGES / name).read_bytes())
    (folder / "p/broken.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    arguments = ("tag", "p", "-o", "-", "--layout", "list", "--model", tiny_model)

    ran = subprocess.run(
        command_line(*arguments, "--device", "cpu", "--threshold", "0.4"),
        env=environment(EXTRAS), capture_output=True, text=True, check=False,
    )  # fmt: skip

    _, broken, heic, jxl = ran.stdout.splitlines()
    assert ran.returncode == 1
    assert broken.startswith("p/broken.HEIC,,")
    assert "damaged" in broken
    assert heic in ("p/corners.heic,red|green,", "p/corners.heic,green|red,")  # half of each
    assert jxl == "p/corners.jxl,red|green,"


@needs_decoders
@pytest.mark.parametrize("name", ["corners.heic", "corners.jxl", "boxed.jxl"])
def test_a_cut_image_of_an_extra_is_refused(tmp_path: Path, name: str) -> None:
    content = (IMAGES / name).read_bytes()
    cuts = []
    for lost in (1, 5, len(content) // 3, len(content) // 2):
        cuts.append(tmp_path / f"{lost}")
        cuts[-1].write_bytes(content[: len(content) - lost])

    assert all(isinstance(said, str) and "damaged" in said for said in loaded(*cuts))


@needs_decoders
def test_a_jxl_that_claims_to_be_huge_is_refused_by_its_header(tmp_path: Path) -> None:
    bits = "0" + "11" + f"{2**30 - 1:030b}"[::-1] + "100" + "1"  # a square with a side of 2^30
    number = int(bits[::-1], 2)
    (tmp_path / "a.jxl").write_bytes(b"\xff\x0a" + number.to_bytes(80, "little"))

    assert loaded(tmp_path / "a.jxl") == [
        "1073741824 × 1073741824 pixels, above the limit of 178,956,970"
    ]


@needs_decoders
def test_an_extra_that_does_not_load_is_named(tmp_path: Path) -> None:
    for package in ("pi_heif", "imagecodecs"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise ImportError('no libx.so')")

    said = loaded(IMAGES / "corners.heic", IMAGES / "corners.jxl", packages=tmp_path)

    assert said == [
        f"the package '{package}' cannot be loaded (no libx.so): install it again"
        for package in ("pi_heif", "imagecodecs")
    ]


# The header of a JPEG XL


def header(*fields: tuple[int, int]) -> io.BytesIO:
    """Return a JPEG XL that begins with numbers of so many bits."""
    bits = "".join(f"{number:0{width}b}"[::-1] for number, width in fields)
    return io.BytesIO(b"\xff\x0a" + int(bits[::-1], 2).to_bytes(80, "little"))


PLAIN = ((1, 1),)
TURNED = ((0, 1), (1, 1), (5, 3), (0, 3))  # orientation 6; no intrinsic size, preview, animation
DEPTH = ((0, 1), (0, 2), (1, 1))


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        (((1, 1), (7, 5), (0, 3), (3, 5), *PLAIN), (32, 64)),
        (((1, 1), (7, 5), (1, 3), *PLAIN), (64, 64)),
        (((0, 1), (1, 2), (1079, 13), (5, 3), *PLAIN), (1920, 1080)),
        (((0, 1), (0, 2), (511, 9), (0, 3), (2, 2), (2**17, 18), *PLAIN), (2**17 + 1, 512)),
        (((1, 1), (7, 5), (0, 3), (3, 5), *TURNED, *DEPTH, (0, 2)), (64, 32)),
        (((1, 1), (7, 5), (0, 3), (3, 5), (0, 1), (0, 1), *DEPTH, (1, 2)), (32, 64)),
    ],
)
def test_the_size_of_a_jxl_is_read_from_its_header(
    fields: tuple[tuple[int, int], ...], size: tuple[int, int]
) -> None:
    assert jxl_header(header(*fields)) == size


def test_a_jxl_with_thousands_of_channels_is_refused() -> None:
    fields = ((1, 1), (7, 5), (1, 3), (0, 1), (0, 1), *DEPTH, (3, 2), (4000, 12))

    with pytest.raises(ValueError, match="more channels than an image needs"):
        jxl_header(header(*fields))


@pytest.mark.parametrize("content", [b"\xff\x0a", b"", b"\0\0\0\x0cJXL \r\n\x87\n", bytes(64)])
def test_a_jxl_without_an_image_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(its header is cut off|it has no image)$"):
        jxl_header(io.BytesIO(content))
