"""Images that want the machine's memory, vanish, change, or may not be read: a row each."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from commands import Argument, Ran, command_line, environment, run_measured
from pictures import png_bytes, save_picture
from PIL import Image, PngImagePlugin
from stalled_files import Stalled, only_on_linux, stalls

from tagger.decode import resize as resizing
from tagger.decode.budget import NO_HURRY, Attempt, Memory
from tagger.decode.picture import ImageError, load_picture
from tagger.decode.resize import resized_rgb

MEBIBYTE = 2**20


def big_png(file: Path, side: int) -> Path:
    """Write a black colour PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(png_bytes(side, side, bytes(1 + 3 * side), times=side))
    return file


def white_jpeg(file: Path, side: int, **options: object) -> Path:
    """Write a JPEG of one colour."""
    return save_picture(file, "white", size=(side, side), **options)


def tiff_of_tiles(file: Path, tile: int) -> Path:
    """Write a compressed TIFF of eight pixels a side whose only tile is far larger."""
    tags = {256: 8, 257: 8, 258: 8, 259: 5, 262: 1, 277: 1, 322: tile, 323: tile, 324: 8, 325: 64}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    file.write_bytes(b"II*\0" + struct.pack("<I", 72) + bytes(64) + directory)
    return file


def refusal(file: Path, memory: int = 256 * MEBIBYTE) -> str:
    """Return why an image is refused where there is so much memory."""
    with pytest.raises(ImageError) as refused:
        load_picture(file, 8, 8, Attempt(NO_HURRY, Memory(memory)))
    return str(refused.value)


# Memory


def test_an_image_that_needs_more_than_the_limit_is_refused_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(12_000, 12_000, b""))

    assert refusal(tmp_path / "a.png") == (
        "decoding its 12000 × 12000 pixels takes 550 MB of memory, above the limit of 256 MB"
    )


def test_a_tile_far_larger_than_its_image_is_refused(tmp_path: Path) -> None:
    file = tiff_of_tiles(tmp_path / "a.tif", 30_000)

    assert refusal(file) == (
        "decoding its 8 × 8 pixels takes 3,434 MB of memory, above the limit of 256 MB"
    )


@pytest.mark.parametrize("big", [False, True], ids=["TIFF", "BigTIFF"])
@pytest.mark.parametrize("tag", [258, 273, 282], ids=["bits", "strips", "resolution"])
def test_a_tiff_whose_directory_would_fill_the_memory_is_refused(
    tmp_path: Path, big: bool, tag: int
) -> None:
    values = 3_000_000
    entries = [(256, 8), (257, 8), (259, 1), (262, 1)]
    count, entry, offset = ("<Q", "<HHQQ", 16) if big else ("<H", "<HHII", 8)
    directory = struct.pack(count, len(entries) + 1)
    directory += b"".join(struct.pack(entry, number, 4, 1, value) for number, value in entries)
    directory += struct.pack(entry, tag, 4, values, 1000) + bytes(8)
    head = b"II+\0\x08\0\0\0" + struct.pack("<Q", offset) if big else b"II*\0\x08\0\0\0"
    file = tmp_path / "a.tif"
    file.write_bytes((head + directory).ljust(1000, b"\0") + bytes(4 * values))

    assert refusal(file) == "damaged image: 3,000,000 values in one entry of its directory"


def test_a_webp_is_weighed_with_what_its_decoder_keeps(tmp_path: Path) -> None:
    file = save_picture(tmp_path / "a.webp", size=(4000, 4000), lossless=True, quality=0, method=0)

    assert refusal(file).startswith("decoding its 4000 × 4000 pixels takes 306 MB of memory")


@pytest.mark.parametrize(
    ("name", "options", "megabytes"),
    [("baseline", {}, 0), ("progressive", {"progressive": True}, 1), ("scans", {}, 1)],
)
def test_a_jpeg_is_weighed_as_it_is_decoded(
    tmp_path: Path, name: str, options: dict[str, object], megabytes: int
) -> None:
    """One scan is decoded small at once; of several, libjpeg keeps the whole until the end."""
    file = white_jpeg(tmp_path / "a.jpg", 1000, **options)
    if name == "scans":  # as a baseline JPEG may: a scan for one colour, though others never come
        data = file.read_bytes()
        start = data.rindex(b"\xff\xda")
        one = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0"
        file.write_bytes(data[:start] + one + data[start + 14 :])
    memory = Memory(512 * 1024)

    if megabytes:
        assert "of memory, above the limit of 1 MB" in refusal(file, memory.limit)
    else:
        assert load_picture(file, 8, 8, Attempt(NO_HURRY, memory)).width == 1000


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "I", "F", "I;16"])
@pytest.mark.parametrize("size", [(8, 8), (30, 7), (200, 50)], ids=str)
def test_conversion_in_bands_changes_no_pixel(
    monkeypatch: pytest.MonkeyPatch, mode: str, size: tuple[int, int]
) -> None:
    samples = np.random.default_rng(2).integers(0, 256, (157, 301, 4), dtype=np.uint8)
    wide = samples.view("<u2")[:, :, 0]
    picture = {
        "I": lambda: Image.fromarray(wide.astype(np.int32)),
        "F": lambda: Image.fromarray(wide.astype(np.float32) / 65535),
        "I;16": lambda: Image.fromarray(wide),
    }.get(mode, lambda: Image.fromarray(samples).convert(mode))()

    whole = np.asarray(resized_rgb(picture, size))
    monkeypatch.setattr(resizing, "BAND_PIXELS", 3000)
    in_bands = np.asarray(resized_rgb(picture, size))

    np.testing.assert_array_equal(in_bands, whole)


def test_images_that_are_decoded_together_stay_below_the_limit(
    folder: Path, tiny_model: Path
) -> None:
    """Eight of 61 MB each would take 490 MB at once."""
    save_picture(folder / "one/a.png")
    whole = big_png(folder / "p/0.png", 4000)
    for number in range(1, 8):
        (folder / f"p/{number}.png").hardlink_to(whole)
    (folder / "p/bomb.png").write_bytes(png_bytes(12_000, 12_000, b""))
    tiff_of_tiles(folder / "p/tile.tif", 30_000)
    (folder / "p/wide.png").write_bytes(png_bytes(13_400, 13_400, b""))
    limits = ("--image-memory", "150M", "--workers", "8", "--batch-size", "1")

    alone, _ = run_measured("tag", "one", "-q", "--model", tiny_model, *limits, cwd=folder)
    peak, ran = run_measured(
        "tag", "p", "-q", "--layout", "list", "--model", tiny_model, *limits, cwd=folder
    )

    limit = "above the limit of 150 MB"
    assert peak - alone < 190 * MEBIBYTE
    assert ran.code == 1
    assert ran.rows() == [
        *(f"p/{number}.png,red," for number in range(8)),
        f'p/bomb.png,,"decoding its 12000 × 12000 pixels takes 550 MB of memory, {limit}"',
        f'p/tile.tif,,"decoding its 8 × 8 pixels takes 3,434 MB of memory, {limit}"',
        'p/wide.png,,"13400 × 13400 pixels, above the limit of 178,956,970"',
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not bound what is claimed")
def test_memory_that_is_not_there_fails_one_image(folder: Path, tiny_model: Path) -> None:
    save_picture(folder / "p/a.png")
    big_png(folder / "p/b.png", 13_000)
    save_picture(folder / "p/c.png")

    ran = run_limited(
        lambda: resource.setrlimit(resource.RLIMIT_DATA, (600 * MEBIBYTE,) * 2),
        "tag", "p", "-q", "--layout", "list", "--model", tiny_model, "--device", "cpu",
    )  # fmt: skip

    assert (ran.code, ran.stderr) == (1, "")
    assert ran.rows() == ["p/a.png,red,", "p/b.png,,not enough memory to decode it", "p/c.png,red,"]


# Decoders that break


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RecursionError("too deep"), "damaged image: too deep"),
        (SystemError("null result"), "damaged image: null result"),
        (struct.error("unpack requires 4 bytes"), "damaged image: unpack requires 4 bytes"),
        (KeyError(273), "damaged image: 273"),
        (MemoryError(), "not enough memory to decode it"),
        (ValueError("\x1b]0;mine\x07\nnext"), r"damaged image: \x1b]0;mine\x07 next"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_whatever_a_decoder_raises_is_one_row(
    folder: Path,
    tag: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    reason: str,
) -> None:
    """No file is known that makes Pillow raise all of these, so its reader of PNG does it here."""

    def fail(image: object) -> None:
        raise error

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load_prepare", fail)
    for name in ("a.jpg", "b.png", "c.jpg"):
        save_picture(folder / "p" / name)

    ran = tag("p", "--layout", "list", "-q")

    assert (ran.code, ran.stderr) == (1, "")
    assert ran.rows() == ["p/a.jpg,red,", f"p/b.png,,{reason}", "p/c.jpg,red,"]


# Files that vanish or change


@stalls
def test_images_that_vanish_or_change_while_a_run_is_at_work_fail_alone(
    folder: Path, tiny_model: Path
) -> None:
    posters = {name: save_picture(folder / f"p/{name}.bmp") for name in "abcde"}
    with Stalled(posters["a"]) as stalled:
        run = subprocess.Popen(
            command_line(
                "tag", "p", "-q", "--layout", "list", "--model", tiny_model, "--device", "cpu",
                "--workers", "1", "--batch-size", "1",
            ),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        stalled.wait_until_opened()
        posters["b"].unlink()
        os.truncate(posters["c"], 500)
        os.truncate(posters["d"], 0)
    told, said = run.communicate()

    assert (run.returncode, said) == (1, b"")
    b, c, d, e = told.decode().splitlines()[2:]
    assert b == "p/b.bmp,,no such file or directory"
    assert c.startswith("p/c.bmp,,damaged image: image file is truncated")
    assert d == "p/d.bmp,,the file is empty"
    assert e == "p/e.bmp,red,"


class _Shortening(Attempt):
    """Shortens the file just before it is read to its end."""

    file: Path

    def look(self, size: int) -> None:
        if size < 0:
            os.truncate(self.file, self.file.stat().st_size // 2)
        super().look(size)


@pytest.mark.parametrize("ending", ["tif", "webp", "avif"])
def test_a_file_that_is_shortened_while_it_is_read_ends_no_process(
    tmp_path: Path, ending: str
) -> None:
    """libtiff would map it, and reading beyond its end is a fault that ends the process."""
    noise = np.random.default_rng(3).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    file = tmp_path / f"a.{ending}"
    Image.fromarray(noise).save(file, **({"compression": "tiff_lzw"} if ending == "tif" else {}))
    attempt = _Shortening(NO_HURRY, Memory(10**9))
    attempt.file = file

    with pytest.raises(ImageError, match=r"^(damaged image: |a damaged AVIF)"):
        load_picture(file, 8, 8, attempt)


# Permissions


def unprivileged(command: Sequence[Argument]) -> list[Argument]:
    """Return a command that may read no more than its files' permissions say, also as root."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--", *command]


@only_on_linux
def test_files_and_folders_without_permission_fail_by_name(folder: Path, tiny_model: Path) -> None:
    save_picture(folder / "p/a.png")
    closed = save_picture(folder / "p/b.png")
    closed.chmod(0)
    shut = save_picture(folder / "p/shut/c.png").parent
    shut.chmod(0)
    save_picture(folder / "p/z.png")

    done = subprocess.run(
        unprivileged(command_line("tag", "p", "--layout", "list", "--model", tiny_model)),
        capture_output=True,
        env=environment(),
        check=False,
    )
    shut.chmod(0o700)

    assert done.returncode == 1
    assert done.stdout.decode().splitlines()[1:] == [
        "p/a.png,red,",
        "p/b.png,,permission denied",
        "p/z.png,red,",
    ]
    assert sorted(line for line in done.stderr.decode().splitlines() if "failed:" in line) == [
        "failed: p/b.png: permission denied",
        "failed: p/shut/: permission denied",
    ]


def run_limited(limit: Callable[[], None], *arguments: Argument) -> Ran:
    """Run ``tagger ARGUMENTS`` in the current folder after setting a limit."""
    done = subprocess.run(
        command_line(*arguments),
        capture_output=True,
        env=environment(),
        preexec_fn=limit,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr.decode())
