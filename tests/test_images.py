"""Every kind of image file becomes the RGB pixels that a person sees."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from pictures import (
    CORNERS,
    corner_colours,
    four_corners,
    grey_ink_profile,
    png_bytes,
    save_picture,
)
from PIL import AvifImagePlugin, Image, ImageCms

from tagger.decode.picture import load_rgb
from tagger.decode.pillow import one_thread_per_image

#: EXIF orientation → which of the stored corners A B C D (top left, top right, bottom left,
#: bottom right) is seen in each place (the table of the EXIF standard, section 4.6.4).
SEEN = {1: "ABCD", 2: "BADC", 3: "DCBA", 4: "CDAB", 5: "ACBD", 6: "CADB", 7: "DBCA", 8: "BDAC"}

RED, GREY, WHITE, BLACK = (255, 0, 0), (128, 128, 128), (255, 255, 255), (0, 0, 0)


def only_colour(file: Path) -> tuple[int, ...]:
    """Return the colour of an image file that must have one only."""
    pixels = load_rgb(file, 4, 6)
    assert pixels.shape == (4, 6, 3)
    assert pixels.dtype == np.uint8
    colours = {tuple(int(sample) for sample in pixel) for pixel in pixels.reshape(-1, 3)}
    assert len(colours) == 1
    return colours.pop()


def filled(value: float, dtype: str) -> Image.Image:
    """Return a grey image whose samples are of a NumPy type."""
    return Image.fromarray(np.full((16, 16), value, dtype=dtype))


def palette_image() -> Image.Image:
    """Return a palette image that shows its second colour, red."""
    image = Image.new("P", (16, 16), 1)
    image.putpalette([0, 0, 255, *RED])
    return image


@pytest.mark.parametrize("ending", ["png", "tif", "webp", "jpg", "avif"])
@pytest.mark.parametrize("orientation", sorted(SEEN))
def test_exif_orientation_is_applied(tmp_path: Path, ending: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if ending == "webp" else {"quality": 100}
    file = tmp_path / f"corners.{ending}"
    four_corners().save(file, exif=exif, **lossless)

    seen = corner_colours(load_rgb(file, 8, 8))

    expected = [CORNERS["ABCD".index(letter)] for letter in SEEN[orientation]]
    slack = 2 if ending in ("jpg", "avif") else 0
    assert np.abs(np.subtract(seen, expected)).max() <= slack


def test_a_turned_image_has_the_size_that_was_asked_for(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = save_picture(tmp_path / "wide.jpg", size=(60, 20), exif=exif)

    assert load_rgb(file, 30, 10).shape == (30, 10, 3)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_is_ignored(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / "corners.png"
    four_corners().save(file, exif=exif)

    assert corner_colours(load_rgb(file, 8, 8)) == CORNERS


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif"])
def test_damaged_exif_leaves_the_image_as_it_is(tmp_path: Path, exif: bytes) -> None:
    file = tmp_path / "corners.png"
    four_corners().save(file, exif=exif)

    assert corner_colours(load_rgb(file, 8, 8)) == CORNERS


@pytest.mark.parametrize(
    ("name", "mode", "colour", "seen"),
    [
        ("a.png", "RGB", (200, 100, 50), (200, 100, 50)),
        ("a.bmp", "RGB", (200, 100, 50), (200, 100, 50)),
        ("a.tif", "RGB", (200, 100, 50), (200, 100, 50)),
        ("a.webp", "RGB", (0, 0, 0), BLACK),
        ("grey.png", "L", 90, (90, 90, 90)),
        ("grey.jpg", "L", 90, (90, 90, 90)),
        ("bit.png", "1", 1, WHITE),
        ("bit.bmp", "1", 0, BLACK),
        ("cmyk.tif", "CMYK", (0, 255, 255, 0), RED),
        ("cmyk.jpg", "CMYK", (0, 255, 255, 0), RED),
        ("grey-alpha.png", "LA", (0, 0), WHITE),
        ("grey-alpha.png", "LA", (0, 255), BLACK),
        ("alpha.png", "RGBA", (255, 0, 0, 0), WHITE),
        ("alpha.png", "RGBA", (255, 0, 0, 128), (255, 127, 127)),
        ("alpha.tif", "RGBA", (255, 0, 0, 0), WHITE),
        ("alpha.webp", "RGBA", (255, 0, 0, 0), WHITE),
        ("lab.tif", "LAB", (128, 128, 128), (119, 119, 119)),
        ("ycbcr.tif", "YCbCr", (128, 128, 128), GREY),
    ],
)
def test_every_mode_becomes_rgb(
    tmp_path: Path, name: str, mode: str, colour: int | tuple[int, ...], seen: tuple[int, ...]
) -> None:
    assert only_colour(save_picture(tmp_path / name, colour, mode=mode)) == seen


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_cmyk_goes_through_its_profile(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"a.{ending}"
    save_picture(file, (0, 255, 255, 0), mode="CMYK", icc_profile=grey_ink_profile())

    assert only_colour(file) == (119, 119, 119)


def test_a_damaged_cmyk_profile_is_ignored(tmp_path: Path) -> None:
    file = save_picture(tmp_path / "a.jpg", (0, 255, 255, 0), mode="CMYK", icc_profile=b"damaged")

    assert only_colour(file) == RED


def test_an_rgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = save_picture(tmp_path / "a.png", (200, 100, 50), icc_profile=profile)

    assert only_colour(file) == (200, 100, 50)


def test_an_avif_is_read(tmp_path: Path) -> None:
    file = save_picture(tmp_path / "a.avif", (128, 128, 128), quality=100)

    assert only_colour(file) == GREY


@pytest.mark.parametrize(
    ("ending", "options", "seen"),
    [
        ("png", {}, RED),
        ("gif", {}, RED),
        ("png", {"transparency": 1}, WHITE),
        ("gif", {"transparency": 1}, WHITE),
        ("png", {"transparency": bytes([255, 128])}, (255, 127, 127)),
    ],
)
def test_palettes_are_read_with_their_transparency(
    tmp_path: Path, ending: str, options: dict[str, object], seen: tuple[int, ...]
) -> None:
    file = tmp_path / f"palette.{ending}"
    palette_image().save(file, **options)

    assert only_colour(file) == seen


@pytest.mark.parametrize(
    ("mode", "colour"), [("RGB", (200, 100, 50)), ("L", 90), ("1", 0)], ids=["rgb", "grey", "bit"]
)
def test_the_transparent_colour_of_a_png_becomes_white(
    tmp_path: Path, mode: str, colour: int | tuple[int, ...]
) -> None:
    file = save_picture(tmp_path / "a.png", colour, mode=mode, transparency=colour)

    assert only_colour(file) == WHITE


@pytest.mark.parametrize(
    ("name", "value", "dtype", "seen"),
    [
        ("16.png", 0x8080, "uint16", 128),
        ("16.tif", 0x8080, "uint16", 128),
        ("dark.png", 200, "uint16", 1),
        ("32.tif", 0x8080, "int32", 128),
        ("32.tif", 200, "int32", 200),
        ("one.tif", 0.5, "float32", 128),
        ("bytes.tif", 128.0, "float32", 128),
        ("nan.tif", np.nan, "float32", 0),
    ],
)
def test_wide_samples_are_scaled_to_eight_bits(
    tmp_path: Path, name: str, value: float, dtype: str, seen: int
) -> None:
    filled(value, dtype).save(tmp_path / name)

    assert only_colour(tmp_path / name) == (seen, seen, seen)


def test_a_colour_png_of_16_bits_is_read(tmp_path: Path) -> None:
    row = b"\0" + b"\xff\xff\x80\x80\x00\x00" * 4
    (tmp_path / "a.png").write_bytes(png_bytes(4, 4, row * 4, depth=16))

    assert only_colour(tmp_path / "a.png") == (255, 128, 0)


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "tif"])
def test_the_first_frame_stands_for_an_animation(tmp_path: Path, ending: str) -> None:
    first, second = (Image.new("RGB", (16, 16), colour) for colour in ("red", "blue"))
    options = {"lossless": True} if ending == "webp" else {}
    first.save(tmp_path / f"a.{ending}", save_all=True, append_images=[second], **options)

    assert only_colour(tmp_path / f"a.{ending}") == RED


def test_the_ending_does_not_matter(tmp_path: Path) -> None:
    assert only_colour(save_picture(tmp_path / "really-a-png.jpg", format="PNG")) == RED


def test_the_whole_image_is_squeezed_whatever_its_shape(tmp_path: Path) -> None:
    four_corners().resize((96, 12)).save(tmp_path / "wide.png")

    assert corner_colours(load_rgb(tmp_path / "wide.png", 8, 8)) == CORNERS


def test_shrinking_averages_areas(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")

    pixels = load_rgb(tmp_path / "stripes.png", 8, 8).astype(int)

    assert np.abs(pixels - 127.5).max() <= 2


def test_a_large_jpeg_decoded_at_reduced_scale_looks_like_the_whole(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:1200, 0:800]
    waves = 127 + 127 * np.sin(rows / 40) * np.cos(columns / 30)
    smooth = np.stack([rows * 255 / 1199, columns * 255 / 799, waves], axis=-1)
    large = Image.fromarray(smooth.astype(np.uint8))
    large.save(tmp_path / "large.jpg", quality=95)
    large.save(tmp_path / "large.png")

    reduced = load_rgb(tmp_path / "large.jpg", 96, 64).astype(int)
    whole = load_rgb(tmp_path / "large.png", 96, 64).astype(int)

    difference = np.abs(reduced - whole)
    assert difference.mean() < 1
    assert difference.max() < 8


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.bmp", "a.avif"])
def test_the_limit_of_a_program_that_uses_pillow_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    save_picture(tmp_path / name, size=(16, 24))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)  # 384 are more, and less than twice as many

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_rgb(tmp_path / name, 4, 6).shape == (4, 6, 3)

    assert Image.MAX_IMAGE_PIXELS == 200


def test_threads_of_avif_decoders_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AvifImagePlugin, "DEFAULT_MAX_THREADS", 7)

    with one_thread_per_image():
        with one_thread_per_image():
            assert AvifImagePlugin.DEFAULT_MAX_THREADS == 1
        assert AvifImagePlugin.DEFAULT_MAX_THREADS == 1

    assert AvifImagePlugin.DEFAULT_MAX_THREADS == 7
