"""Prevents that an image that every viewer shows is refused for a damaged note or ending.

Nor may what is incomplete pass for sound. A file that is not an image is reported as what it is.
"""

from __future__ import annotations

import gzip
import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import Ran
from drawn_images import draw, drawn_images
from pictures import save_picture
from PIL import Image, ImageCms, TiffImagePlugin
from tagger_training.cache import decoded_images

from tagger.decode.budget import Attempt, ImageLimits, Memory
from tagger.decode.picture import ImageError, load_picture, load_rgb

# Of the drawn images: nothing is resized, so every pixel counts.
HEIGHT, WIDTH = 53, 37
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


def pixels(folder: Path, content: bytes) -> np.ndarray:
    """Return what is read of a file of that content."""
    (folder / "image").write_bytes(content)
    return load_rgb(folder / "image", HEIGHT, WIDTH)


def refusal(folder: Path, content: bytes) -> str:
    """Return why a file of that content is refused."""
    with pytest.raises(ImageError) as refused:
        pixels(folder, content)
    return str(refused.value)


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    """Return an image as a file."""
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


# PNG: chunks beside the pixels


def chunk(name: bytes, data: bytes, *, damaged: bool = False) -> bytes:
    """Return a chunk of a PNG, with a wrong checksum if it is to be damaged."""
    check = zlib.crc32(name + data) ^ damaged
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)


def with_chunks(png: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return a PNG with more chunks: after its header, and after its pixels."""
    end = png.rindex(b"IEND") - 4
    return png[:33] + before + png[33:end] + after + png[end:]


BIG = b"x" * 2 * 1024**2
NOISE = random.Random(1).randbytes(2 * 1024**2)
TEXTS = b"".join(chunk(b"tEXt", b"w%d\0" % n + bytes(1024**2)) for n in range(70))

#: Name → chunks before the pixels, and after them.
NOTES = {
    "nothing": (b"", b""),
    "a zTXt of 2 MB": (chunk(b"zTXt", b"workflow\0\0" + zlib.compress(BIG)), b""),
    "a zTXt of 2 MB after": (b"", chunk(b"zTXt", b"workflow\0\0" + zlib.compress(BIG))),
    "an iTXt of 2 MB": (chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(BIG)), b""),
    "a tEXt of 2 MB": (chunk(b"tEXt", b"workflow\0" + BIG), b""),
    "70 MB of text": (TEXTS, b""),
    "70 MB of text after": (b"", TEXTS),
    "a profile of 2 MB": (chunk(b"iCCP", b"monitor\0\0" + zlib.compress(NOISE)), b""),
    "a damaged profile": (chunk(b"iCCP", b"m\0\0" + zlib.compress(b"junk"), damaged=True), b""),
    "a profile of garbage": (chunk(b"iCCP", b"monitor\0\0" + b"\xff\xfe\xfd" * 30), b""),
    "a profile without a method": (chunk(b"iCCP", b"monitor\0"), b""),
    "an unknown method of a profile": (chunk(b"iCCP", b"monitor\0\7abc"), b""),
    "a damaged text": (chunk(b"tEXt", b"Comment\0hello", damaged=True), b""),
    "an unknown method of a text": (chunk(b"zTXt", b"Comment\0\7abc"), b""),
    "a damaged time after": (b"", chunk(b"tIME", bytes(7), damaged=True)),
    "a damaged XMP after": (b"", chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>", damaged=True)),
    "a damaged EXIF": (chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0", damaged=True), b""),
    "a short gAMA": (chunk(b"gAMA", b"\0\0"), b""),
    "a short pHYs": (chunk(b"pHYs", b"\0\0"), b""),
    "a short cHRM": (chunk(b"cHRM", b"\0\0"), b""),
    "an empty sRGB": (chunk(b"sRGB", b""), b""),
    "a short tRNS": (chunk(b"tRNS", b"\0"), b""),
    "a damaged tRNS": (chunk(b"tRNS", bytes(6), damaged=True), b""),
    "a short acTL": (chunk(b"acTL", b"\0"), b""),
    "a short fcTL": (chunk(b"fcTL", b"\0"), b""),
    "a frame out of order": (chunk(b"fcTL", struct.pack(">5I", 7, 37, 53, 0, 0) + bytes(6)), b""),
    "an unknown chunk": (chunk(b"\0\1ab", b"zz"), b""),
    "a chunk that the file's end cuts": (b"", struct.pack(">I", 2**20) + b"tEXtComment\0cut"),
}


@pytest.mark.parametrize("note", NOTES)
def test_a_png_is_read_whatever_its_notes_are(tmp_path: Path, note: str) -> None:
    png = drawn_images()["rgb.png"]

    assert np.array_equal(pixels(tmp_path, with_chunks(png, *NOTES[note])), draw())


@pytest.mark.parametrize("junk", [b"PK\3\4 an archive" * 100, bytes(5000)])
def test_what_follows_a_png_is_passed_over(tmp_path: Path, junk: bytes) -> None:
    assert np.array_equal(pixels(tmp_path, drawn_images()["rgb.png"] + junk), draw())


@pytest.mark.parametrize("note", ["nothing", "a damaged text"])
def test_a_png_may_lack_its_end_and_no_pixel(tmp_path: Path, note: str) -> None:
    png = with_chunks(drawn_images()["rgb.png"], *NOTES[note])

    assert np.array_equal(pixels(tmp_path, png[:-12]), draw())
    assert refusal(tmp_path, png[:-112]).startswith(
        "damaged image: image file is truncated" if note == "nothing" else "a damaged PNG, or "
    )


def test_a_png_keeps_its_orientation_beside_a_damaged_note(tmp_path: Path) -> None:
    png = drawn_images()["metadata.png"]
    turned = pixels(tmp_path, png)

    assert np.array_equal(pixels(tmp_path, with_chunks(png, *NOTES["a short gAMA"])), turned)
    assert not np.array_equal(pixels(tmp_path, drawn_images()["rgb.png"]), turned)


@pytest.mark.parametrize(
    "name", ["transparent.png", "1.png", "l.png", "la.png", "rgba.png", "p.png"]
)
def test_a_png_keeps_its_colours_beside_a_damaged_note(tmp_path: Path, name: str) -> None:
    png = drawn_images()[name]

    assert np.array_equal(
        pixels(tmp_path, with_chunks(png, *NOTES["a short gAMA"])), pixels(tmp_path, png)
    )


@pytest.mark.parametrize(("mode", "colour"), [("RGB", (200, 100, 50)), ("L", 90)])
def test_a_png_keeps_its_transparent_colour_beside_a_damaged_note(
    tmp_path: Path, mode: str, colour: int | tuple[int, ...]
) -> None:
    png = saved(Image.new(mode, (WIDTH, HEIGHT), colour), "PNG", transparency=colour)

    assert (pixels(tmp_path, with_chunks(png, *NOTES["a short gAMA"])) == 255).all()


def test_an_animated_png_with_a_damaged_note_shows_its_first_frame(tmp_path: Path) -> None:
    png = drawn_images()["animated.png"]

    assert np.array_equal(
        pixels(tmp_path, with_chunks(png, *NOTES["a short gAMA"])), pixels(tmp_path, png)
    )


# JPEG: segments before the pixels, and the end marker


def segment(marker: int, data: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return b"\xff" + bytes((marker,)) + struct.pack(">H", len(data) + 2) + data


#: Name → segments after the start.
SEGMENTS = {
    "a short JFIF": segment(0xE0, b"JFIF\0"),
    "a short Adobe": segment(0xEE, b"Adobe"),
    "a short Photoshop": segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4"),
    "an empty profile": segment(0xE2, b"ICC_PROFILE\0"),
    "a short profile": segment(0xE2, b"ICC_PROFILE\0\1"),
    "an index of pictures": segment(0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff" + b"x" * 40),
    "an EXIF that is none": segment(0xE1, b"Exif"),
    "a segment without a size": b"\xff\xe5\0\0",
    "an empty comment": segment(0xFE, b""),
}


@pytest.mark.parametrize("name", ["baseline.jpg", "progressive.jpg", "cmyk.jpg", "metadata.jpg"])
@pytest.mark.parametrize("damage", SEGMENTS)
def test_a_jpeg_is_read_whatever_its_segments_are(tmp_path: Path, name: str, damage: str) -> None:
    jpeg = drawn_images()[name]

    seen = pixels(tmp_path, jpeg[:2] + SEGMENTS[damage] + jpeg[2:])

    assert np.array_equal(seen, pixels(tmp_path, jpeg))


WITHOUT_AN_END = ("baseline.jpg", "progressive.jpg", "restarts.jpg", "grey.jpg", "cmyk.jpg")


@pytest.mark.parametrize("name", WITHOUT_AN_END)
@pytest.mark.parametrize("ending", [b"", b"\xff", b"\xff" * 9, b"\0" * 8])
@pytest.mark.parametrize("damage", [b"", SEGMENTS["a short JFIF"]])
def test_a_jpeg_may_lack_its_end_marker(
    tmp_path: Path, name: str, ending: bytes, damage: bytes
) -> None:
    jpeg = drawn_images()[name]

    seen = pixels(tmp_path, jpeg[:2] + damage + jpeg[2:-2] + ending)

    assert np.array_equal(seen, pixels(tmp_path, jpeg))


@pytest.mark.parametrize("name", WITHOUT_AN_END)
@pytest.mark.parametrize("lost", [1, 2, 3, 20, 300])
@pytest.mark.parametrize("filling", [b"", b"\xff" * 600])
def test_a_jpeg_that_lacks_pixels_is_refused(
    tmp_path: Path, name: str, lost: int, filling: bytes
) -> None:
    why = refusal(tmp_path, drawn_images()[name][: -2 - lost] + filling)

    assert why.startswith("damaged image: image file is truncated")


@pytest.mark.parametrize("lost", [1, 2, 3, 20, 300])
def test_zeros_that_a_disk_put_in_place_of_pixels_are_none(tmp_path: Path, lost: int) -> None:
    jpeg = drawn_images()["progressive.jpg"]

    why = refusal(tmp_path, jpeg[: -2 - lost] + bytes(4096))

    assert why.startswith("damaged image: image file is truncated")


def test_wherever_a_jpeg_breaks_off_it_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    for image in (draw(), Image.fromarray(noise)):
        for options in ({}, {"progressive": True}, {"quality": 95, "subsampling": 0}):
            jpeg = saved(image, "JPEG", **options)
            for lost in range(1, 40):
                assert "truncated" in refusal(tmp_path, jpeg[: -2 - lost])


def test_a_jpeg_keeps_its_colours_beside_a_damaged_note(tmp_path: Path) -> None:
    jpeg = saved(draw(), "JPEG", keep_rgb=True)
    for named, numbered in (
        (b"R\x11\0G\x11\0B", b"\1\x11\0\2\x11\0\3"),
        (b"R\0G\0B", b"\1\0\2\0\3"),
    ):
        assert jpeg.count(named) == 1
        jpeg = jpeg.replace(named, numbered)  # now only its Adobe segment tells

    seen = pixels(tmp_path, jpeg[:2] + SEGMENTS["a short Photoshop"] + jpeg[2:])

    assert np.array_equal(seen, pixels(tmp_path, jpeg))


def test_a_large_jpeg_that_is_read_at_a_smaller_scale_is_no_exception(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (800, 600, 3), dtype=np.uint8)
    jpeg = saved(Image.fromarray(noise), "JPEG")

    assert np.array_equal(pixels(tmp_path, jpeg[:-2]), pixels(tmp_path, jpeg))
    assert refusal(tmp_path, jpeg[:-60]).startswith("damaged image: image file is truncated")


# GIF, WebP, TIFF, AVIF


@pytest.mark.parametrize("name", ["still.gif", "interlaced.gif", "animated.gif"])
@pytest.mark.parametrize(
    "block",
    [b"!\xf9\0", b"!\xf9\1\0\0", b"!\xff\0", b"!\xff\x0bNETSCAPE2.0\0", b"!\1\0", b"!\xfe\0",
     b"!\xff\x0bNETSCAPE2.0\1\1\0", b"!\xfe" + (b"\xff" + bytes(255)) * 300 + b"\0"],
)  # fmt: skip
def test_a_gif_is_read_whatever_its_extensions_are(tmp_path: Path, name: str, block: bytes) -> None:
    gif = drawn_images()[name]
    palette_end = 13 + (3 << (gif[10] & 7) + 1)

    seen = pixels(tmp_path, gif[:palette_end] + block + gif[palette_end:])

    assert np.array_equal(seen, pixels(tmp_path, gif))


def test_a_gif_that_lacks_pixels_is_refused(tmp_path: Path) -> None:
    gif = drawn_images()["still.gif"]
    for cut in (gif[:200], gif[:-40], gif[:13] + b"!\xff\0"):
        assert refusal(tmp_path, cut)


def test_a_gif_keeps_its_transparency_beside_a_damaged_extension(tmp_path: Path) -> None:
    gif = saved(Image.new("P", (WIDTH, HEIGHT)), "GIF", transparency=0)
    palette_end = 13 + (3 << (gif[10] & 7) + 1)

    assert (pixels(tmp_path, gif[:palette_end] + b"!\xff\0" + gif[palette_end:]) == 255).all()


def chunk_sizes(webp: bytes, size: int) -> bytes:
    """Return a WebP whose first size is another."""
    return webp[:4] + struct.pack("<I", size) + webp[8:]


@pytest.mark.parametrize("name", ["lossy.webp", "lossless.webp", "transparent.webp"])
@pytest.mark.parametrize("size", [0, 2**32 - 1, 1000])
def test_a_webp_may_misstate_its_size(tmp_path: Path, name: str, size: int) -> None:
    webp = drawn_images()[name]

    assert np.array_equal(pixels(tmp_path, chunk_sizes(webp, size)), pixels(tmp_path, webp))


def test_a_webp_may_be_cut_within_its_notes(tmp_path: Path) -> None:
    webp = drawn_images()["transparent.webp"]  # turned by its EXIF, and its XMP comes last
    whole = pixels(tmp_path, webp)

    assert np.array_equal(pixels(tmp_path, webp[:-10]), whole)
    assert np.array_equal(pixels(tmp_path, webp + b"XMP \xff\xff\0\0cut"), whole)
    exif = webp.rindex(b"EXIF")
    assert np.array_equal(pixels(tmp_path, webp[: exif + 20]), whole[::-1, ::-1])  # by 180 degrees
    assert refusal(tmp_path, webp[: exif - 40]).startswith("damaged image: ")


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "CMYK", "P", "1", "I;16"])
def test_a_tiff_is_read_whatever_its_notes_are(tmp_path: Path, mode: str, big: bool) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for number in (270, 305, 306, 315, 33432):
        tags[number] = "a note that is long enough to lie elsewhere"
    tags[274] = 6
    tiff = saved(draw(mode), "TIFF", tiffinfo=tags, big_tiff=big)
    whole = pixels(tmp_path, tiff)
    form = "<HHQ" if big else "<HHI"
    for number in (270, 305, 306, 315, 33432):
        place = tiff.index(struct.pack("<HH", number, 2))
        for kind, count in ((3, 40), (2, 2**31), (5, 40), (99, 1), (12, 2**20)):
            damaged = bytearray(tiff)
            struct.pack_into(form, damaged, place, number, kind, count)
            assert np.array_equal(pixels(tmp_path, bytes(damaged)), whole)


def test_an_avif_is_read_whatever_its_exif_is(tmp_path: Path) -> None:
    options = {"exif": Image.Exif().tobytes() + bytes(40), "speed": 10}
    avif = saved(draw(), "AVIF", **options)
    assert avif.count(b"MM\0*") == 1
    damaged = avif.replace(b"MM\0*", b"MMMM")

    assert np.array_equal(pixels(tmp_path, damaged), pixels(tmp_path, avif))


def test_notes_that_are_damaged_at_random_change_no_pixel(tmp_path: Path) -> None:
    choice = random.Random(9)
    options = {"exif": drawn_exif(), "icc_profile": PROFILE, "xmp": XMP}
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        whole = saved(draw(), kind, **options)
        expected = pixels(tmp_path, saved(draw(), kind))
        for note in (PROFILE, XMP, drawn_exif()[6:]):
            start = whole.find(note)  # a PNG packs its profile
            for _ in range(40 if start >= 0 else 0):
                damaged = bytearray(whole)
                for _ in range(choice.choice((1, 3, 20))):
                    damaged[start + choice.randrange(len(note))] = choice.choice((0, 1, 127, 255))
                assert np.array_equal(pixels(tmp_path, bytes(damaged)), expected), kind


def drawn_exif() -> bytes:
    """Return EXIF that turns nothing."""
    exif = Image.Exif()
    exif[0x010E], exif[0x011A] = "a poster", 72.0
    return exif.tobytes()


# The budget holds for what is read again


def test_a_bomb_with_a_damaged_note_stays_a_bomb(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + NOTES["a short gAMA"][0]

    for content in (bomb, bomb[:33]):
        assert refusal(tmp_path, content + chunk(b"IDAT", b"")) == (
            "60000 × 60000 pixels, above the limit of 178,956,970"
        )


def test_a_tiff_read_again_may_have_no_longer_tables(tmp_path: Path) -> None:
    entries = [(256, 4, 1, 8), (257, 4, 1, 8), (270, 2, 400_000, 200), (273, 4, 400_000, 200)]
    directory = struct.pack("<H", 4) + b"".join(struct.pack("<HHII", *one) for one in entries)
    tiff = (b"II*\0\x08\0\0\0" + directory).ljust(200, b"\0") + bytes(1_600_000)

    assert refusal(tmp_path, tiff) == "damaged image: 400,000 values in one entry of its directory"


def test_memory_is_given_back_however_often_an_image_is_read(tmp_path: Path) -> None:
    memory = Memory(64 * 1024**2)
    contents = (
        with_chunks(drawn_images()["rgb.png"], *NOTES["a zTXt of 2 MB"]),
        drawn_images()["baseline.jpg"][:-2],
        drawn_images()["baseline.jpg"][:-40],
    )
    for content in contents:
        (tmp_path / "image").write_bytes(content)
        attempt = Attempt(ImageLimits(memory=memory.limit), memory)
        try:
            load_picture(tmp_path / "image", HEIGHT, WIDTH, attempt)
        except ImageError:
            assert content == contents[-1]

        assert memory.take_more(memory.limit)
        memory.give_back(memory.limit)


# Everybody reads alike


def test_a_folder_of_such_images_is_tagged(folder: Path, tag: Callable[..., Ran]) -> None:
    (folder / "p").mkdir()
    png, jpeg = drawn_images()["rgb.png"], drawn_images()["baseline.jpg"]
    for number, notes in enumerate(NOTES.values()):
        (folder / f"p/{number:02}.png").write_bytes(with_chunks(png, *notes))
    for number, damage in enumerate(SEGMENTS.values()):
        (folder / f"p/{number:02}.jpg").write_bytes(jpeg[:2] + damage + jpeg[2:-2])
    (folder / "p/cut.jpg").write_bytes(jpeg[:-100])

    ran = tag("p", "-o", "-", "--layout", "list")

    assert ran.code == 1
    assert [row for row in ran.rows() if row.split(",")[2]] == [
        "p/cut.jpg,,damaged image: image file is truncated (20 bytes not processed)"
    ]
    assert len(ran.rows()) == len(NOTES) + len(SEGMENTS) + 1


def test_a_training_sees_such_images_too(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.png", "b.jpg", "c.jpg")]
    jpeg = drawn_images()["baseline.jpg"]
    png = with_chunks(drawn_images()["rgb.png"], *NOTES["a damaged text"])
    for file, content in zip(files, (png, jpeg[:-2], jpeg[:-100]), strict=True):
        file.write_bytes(content)

    images, failures = decoded_images(files, HEIGHT, WIDTH, tmp_path / "cache")

    assert failures == {2: "damaged image: image file is truncated (20 bytes not processed)"}
    assert np.array_equal(images[0], draw())
    assert np.array_equal(images[1], pixels(tmp_path, jpeg))


# Files that are not images


def movie(brand: bytes) -> bytes:
    """Return the start of a file of boxes (ISO 14496-12)."""
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + brand + b"mp42" + bytes(600)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 379000000\n"
PAGE = b"\xef\xbb\xbf\n<!-- saved --><!DOCTYPE html>\n<html>Sign in</html>"

NAMED = {
    "a Git LFS pointer, not the file itself (git lfs pull fetches it)": LFS,
    "a git-annex pointer, not the file itself (git annex get fetches it)": b"/annex/objects/SHA\n",
    "a web page (HTML), not an image": PAGE,
    "an XML file, not an image": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "an SVG drawing, a format that is not supported": b'<?xml version="1.0"?>\n<svg width="9"/>',
    "a file compressed with gzip, not an image": gzip.compress(b"a"),
    "a ZIP archive, not an image": b"PK\3\4" + bytes(60),
    "a RAR archive, not an image": b"Rar!\x1a\7\0",
    "a PDF document, not an image": b"%PDF-1.7\n",
    "a video, not an image": movie(b"isom"),
    "metadata of macOS (AppleDouble), not an image": b"\0\5\x16\7\0\2\0\0Mac OS X" + bytes(99),
    "a Photoshop document, a format that is not supported": b"8BPS\0\1" + bytes(60),
    "a raw image of a camera, a format that is not supported": movie(b"crx "),
    "a text file, not an image": "404: não existe\n".encode(),
    "full of zeros at its start, as a file that was never written completely": bytes(4096),
    "a damaged PNG, or a kind of PNG that is not supported": b"\x89PNG\r\n\x1a\n" + b"\1" * 60,
    "a damaged JPEG, or a kind of JPEG that is not supported": b"\xff\xd8\xff" + bytes(60),
    "not an image in a supported format, or damaged": bytes(range(60, 180)),
}


@pytest.mark.parametrize("name", NAMED)
def test_what_is_no_image_is_named_for_what_it_is(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, NAMED[name]) == name


@pytest.mark.parametrize(
    "content",
    [movie(b"qt  "), movie(b"mp42"), movie(b"M4V "), b"\x1a\x45\xdf\xa3" + bytes(60),
     b"RIFF\1\0\0\0AVI LIST", b"\0\0\0\x08wide\0\0\0\1mdat", b"\0\0\1\xba" + bytes(60),
     (b"G" + bytes(187)) * 4, b"FLV\1\5"],
)  # fmt: skip
def test_videos_of_all_kinds_are_named(tmp_path: Path, content: bytes) -> None:
    assert refusal(tmp_path, content) == "a video, not an image"


def test_a_text_is_told_wherever_its_first_bytes_cut_a_letter(tmp_path: Path) -> None:
    for shift in range(4):
        assert (
            refusal(tmp_path, b"x" * shift + "é–€😀".encode() * 300) == "a text file, not an image"
        )
    assert refusal(tmp_path, "text".encode("utf-16")) == "a text file, not an image"


def test_the_name_stands_in_the_table(folder: Path, tag: Callable[..., Ran]) -> None:
    (folder / "a.jpg").write_bytes(LFS)
    save_picture(folder / "b.jpg")

    ran = tag("a.jpg", "b.jpg", "-o", "-", "--layout", "list")

    assert ran.rows() == [
        "a.jpg,,a Git LFS pointer, not the file itself (git lfs pull fetches it)".replace(
            "a Git", '"a Git'
        ) + '"',
        "b.jpg,red,",
    ]  # fmt: skip
