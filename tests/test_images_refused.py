"""Files that give no image are refused in words, whatever they try."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from commands import run_tagger
from pictures import png_bytes, save_picture
from PIL import Image

from tagger.decode.picture import MAX_PIXELS, ImageError, load_rgb

NOT_SUPPORTED = "not an image in a supported format, or damaged"


def refusal(file: Path) -> str:
    """Return the message with which a file is refused."""
    with pytest.raises(ImageError) as refused:
        load_rgb(file, 8, 8)
    return str(refused.value)


def noise() -> Image.Image:
    """Return an image that no format can compress to a few bytes."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("format", "reason"),
    [
        ("ICO", "an icon (ICO), a format that is not supported"),
        ("ICNS", "an icon (ICNS), a format that is not supported"),
        ("PPM", "a portable anymap (PBM, PGM, PPM), a format that is not supported"),
        ("PDF", "a PDF document, not an image"),
        ("TGA", NOT_SUPPORTED),
        ("PCX", NOT_SUPPORTED),
    ],
)
def test_other_formats_are_refused_whatever_the_ending(
    tmp_path: Path, format: str, reason: str
) -> None:
    file = save_picture(tmp_path / "a.jpg", format=format)

    assert refusal(file) == reason


def test_a_photoshop_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\x10\0\0\0\x10\0\x08\0\3" + bytes(900))

    assert refusal(file) == "a Photoshop document, a format that is not supported"


def test_postscript_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, started = tmp_path / "bin", tmp_path / "started"
    programs.mkdir()
    (programs / "gs").write_text(f"#!/bin/sh\ntouch '{started}'\n")
    (programs / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    file = save_picture(tmp_path / "a.jpg", format="EPS")

    assert refusal(file) == "an EPS or PostScript file, a format that is not supported"
    assert not started.exists()


@pytest.mark.parametrize("ending", ["jpg", "png", "gif", "tif", "bmp"])
def test_a_truncated_image_is_refused(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"a.{ending}"
    noise().save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    assert refusal(file).startswith("damaged image: image file is truncated")


@pytest.mark.parametrize("ending", ["webp", "avif"])
def test_a_truncated_image_of_a_new_format_is_refused(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"a.{ending}"
    noise().save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    assert refusal(file).startswith(("damaged image: ", "a damaged AVIF, "))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()

    assert refusal(tmp_path / "a.jpg") == "the file is empty"


def test_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no image at all\n")

    assert refusal(tmp_path / "a.jpg") == "a text file, not an image"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "a folder, not an image"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.jpg") == "no such file or directory"


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")

    assert refusal(tmp_path / "a.jpg") == "not a regular file"


def test_a_device_is_refused() -> None:
    assert refusal(Path("/dev/zero")) == "not a regular file"


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("a.jpg")

    assert refusal(tmp_path / "a.jpg") == "the link leads back to itself"


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("nothing")

    assert refusal(tmp_path / "a.jpg") == "no such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    file = save_picture(tmp_path / "a.jpg")
    file.chmod(0)

    assert refusal(file) == "permission denied"


def test_an_image_just_above_the_limit_is_refused_by_its_header(tmp_path: Path) -> None:
    side = 13_400
    assert MAX_PIXELS < side**2 < 2 * MAX_PIXELS
    (tmp_path / "a.png").write_bytes(png_bytes(side, side, b""))

    assert refusal(tmp_path / "a.png") == ("13400 × 13400 pixels, above the limit of 178,956,970")


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(60_000, 60_000, b""))

    assert refusal(tmp_path / "a.png") == "60000 × 60000 pixels, above the limit of 178,956,970"


def test_rows_that_are_missing_are_told_from_a_bomb(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(64, 64, b""))

    assert refusal(tmp_path / "a.png").startswith("damaged image: image file is truncated")


def test_a_bitmap_whose_pixels_lie_behind_its_end_is_refused(tmp_path: Path) -> None:
    file = save_picture(tmp_path / "a.bmp")
    data = bytearray(file.read_bytes())
    data[10:14] = len(data).to_bytes(4, "little")
    file.write_bytes(data)

    assert refusal(file).startswith("damaged image: image file is truncated")


def test_what_pillow_logs_of_a_damaged_image_is_not_printed(tmp_path: Path) -> None:
    """Under pytest somebody listens to logs, so the command itself is asked."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.tif", tiffinfo={277: 3})
    content = (tmp_path / "a.tif").read_bytes()
    samples = struct.pack("<HHIHH", 277, 3, 1, 3, 0)
    assert content.count(samples) == 1
    damaged = content.replace(samples, struct.pack("<HHIHH", 277, 3, 1, 65535, 0))
    (tmp_path / "a.tif").write_bytes(damaged)

    ran = run_tagger("tag", "a.tif", "-q", "--layout", "list", cwd=tmp_path)

    assert ran.rows() == ['a.tif,,"a damaged TIFF, or a kind of TIFF that is not supported"']
    assert ran.stderr == ""
