"""What others put into an image stays: people's keywords, their programs' data, odd structures."""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from embeddable import SAVED, WITH_IPTC, pixels, save, save_all, streams
from holding import embed_tags, read_embedded_xmp, untag_image
from PIL import Image
from readers import reader
from test_xmp_people import wish

from tagger.errors import CannotChange
from tagger.holders.image.container import EmbedError

XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"


def put_in(file: Path, *tags: str) -> bool:
    """Put tags into a file."""
    return embed_tags(str(file), wish(*tags))


def take_out(file: Path) -> bool:
    """Take ours out again."""
    taken = untag_image(str(file))
    return taken is not None


def run(program: str, *arguments: str | Path) -> str:
    """Run a program and return what it printed."""
    command = [reader(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def exiftool(*files: Path, options: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """Return what exiftool reads of each file."""
    read = json.loads(run("exiftool", "-j", "-G1", "-struct", "-a", *options, *files))
    return [{key: value for key, value in one.items() if key != "SourceFile"} for one in read]


def write(*files: Path, options: tuple[str, ...]) -> None:
    """Let exiftool write into files."""
    run("exiftool", "-q", "-q", "-m", "-overwrite_original", *options, *files)


def content_of(*files: Path) -> list[dict[str, object]]:
    """Return all that exiftool reads but what depends on the file's name, size and age."""
    options = ("-e", "--System:all", "--ExifTool:all")
    return exiftool(*files, options=options)


CAPTION = ("-XMP-dc:Title=A title", "-XMP:Rating=4", "-EXIF:Artist=Anna", "-IPTC:City=Rome")
KEYWORDS = (
    "-XMP-dc:Subject=sea",
    "-XMP-dc:Subject=red",
    "-IPTC:Keywords=sea",
    "-IPTC:Keywords=red",
)
# exiftool writes no BigTIFF
WRITABLE = [name for name in SAVED if name != "big.tif"]

#: What says where something lies, or how large it is.
PLACES = re.compile(r"(IFD\d:StripOffsets|MPImage\d:.*|File:CurrentIPTCDigest)")
OURS = re.compile(r"(XMP-(tagger|lr|digiKam):.*|XMP-dc:Subject|IPTC:Keywords)")
#: What a program makes for its own sake when it writes the first XMP or IPTC.
MADE = re.compile(r"(XMP-x:XMPToolkit|IPTC:CodedCharacterSet|IPTC:EnvelopeRecordVersion|RIFF:.*)")


def without(read: dict[str, object], *patterns: re.Pattern[str]) -> dict[str, object]:
    """Leave out what any of the patterns names."""
    return {
        key: value
        for key, value in read.items()
        if not any(pattern.fullmatch(key) for pattern in patterns)
    }


def test_all_that_exiftool_wrote_before_stays(folder: Path) -> None:
    images = [save(folder, name) for name in WRITABLE]
    write(*images, options=(*CAPTION, *KEYWORDS))
    before = [file.read_bytes() for file in images]
    content = content_of(*images)

    for file in images:
        assert put_in(file, "red", "blue")

    for file, old, new in zip(images, content, content_of(*images), strict=True):
        # red is the person's
        assert (old["XMP-dc:Subject"], new["XMP-dc:Subject"]) == (
            ["sea", "red"],
            ["sea", "red", "blue"],
        )
        # In PNG exiftool keeps IPTC in a way of its own, which stays as it is.
        has_ours = file.name in WITH_IPTC
        expected = ["sea", "red", "blue"] if has_ours else old.get("IPTC:Keywords")
        assert new.get("IPTC:Keywords") == expected
        assert old["XMP-dc:Title"] == "A title"
        assert without(new, OURS, PLACES) == without(old, OURS, PLACES)
    for file, content_before in zip(images, before, strict=True):
        assert take_out(file)
        assert file.read_bytes() == content_before


def test_what_exiftool_writes_after_us_stays_and_ours_goes(folder: Path) -> None:
    options = (*CAPTION, "-XMP-dc:Subject+=sea", "-IPTC:Keywords+=sea")
    images = [save(folder, name) for name in WRITABLE]
    for file in images:
        put_in(file, "red", "Où")
    write(*images, options=options)
    for file in images:
        put_in(file, "blue")
    assert [one["XMP-dc:Subject"] for one in exiftool(*images)] == [["sea", "blue"]] * len(images)
    for file in images:
        assert take_out(file)
        assert b"poster-tagger:ns" not in (read_embedded_xmp(str(file)) or b"")

    (folder / "bare").mkdir()
    bare = [save(folder / "bare", name) for name in WRITABLE]
    write(*bare, options=options)
    for ours, never in zip(content_of(*images), content_of(*bare), strict=True):
        assert without(ours, PLACES, MADE) == without(never, PLACES, MADE)


def test_what_exiv2_writes_after_us_stays_and_ours_goes(folder: Path) -> None:
    images = [save(folder, name) for name in WRITABLE]
    for file in images:
        put_in(file, "red")
    before = [(streams(file), pixels(file)) for file in images]
    rating = ("-M", "add Xmp.dc.subject XmpBag sea", "-M", "set Xmp.xmp.Rating 4")
    run("exiv2", *rating, *images)

    for file in images:
        put_in(file, "blue")
    assert [read["XMP-dc:Subject"] for read in exiftool(*images)] == [["sea", "blue"]] * len(images)
    for file in images:
        assert take_out(file)

    for read in exiftool(*images):
        assert (read["XMP-dc:Subject"], read["XMP-xmp:Rating"]) == (["sea"], 4)
        assert [key for key in read if key.startswith("XMP-tagger")] == []
        assert "IPTC:Keywords" not in read
    assert [(streams(file), pixels(file)) for file in images] == before


def test_a_tag_that_someone_took_out_stays_out_of_iptc_too(folder: Path) -> None:
    file = save(folder, "plain.jpg")
    put_in(file, "red", "blue")
    write(file, options=("-XMP-dc:Subject-=red",))

    put_in(file, "red", "blue")

    (read,) = exiftool(file)
    assert (read["XMP-dc:Subject"], read["IPTC:Keywords"]) == (["blue"], "blue")


@pytest.mark.parametrize("name", ["plain.jpg", "plain.tif"])
def test_iptc_in_another_character_set_is_not_garbled(folder: Path, name: str) -> None:
    file = save(folder, name)
    write(file, options=("-IPTC:Keywords=Été", "-IPTC:City=Orléans", "-charset", "iptc=latin1"))
    before = file.read_bytes()
    assert b"\xc9t\xe9" in before  # as Latin-1, and nothing says so

    put_in(file, "Drame", "Comédie", "red", "Été")

    (read,) = exiftool(file)
    # What is not ASCII would be read as something else: it is in XMP alone.
    assert read["XMP-dc:Subject"] == ["Été", "Drame", "Comédie", "red"]
    assert read["IPTC:Keywords"] == ["Été", "Drame", "red"]
    assert read["IPTC:City"] == "Orléans"
    assert take_out(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["plain.jpg", "plain.tif"])
def test_iptc_of_plain_letters_is_declared_as_utf8_only_while_it_needs_to(
    folder: Path, name: str
) -> None:
    file = save(folder, name)
    write(file, options=("-IPTC:Keywords=sea", "-IPTC:City=Rome"))
    before = file.read_bytes()

    put_in(file, "red")
    assert "IPTC:CodedCharacterSet" not in exiftool(file)[0]
    put_in(file, "red", "Été")
    (read,) = exiftool(file)

    assert read["IPTC:CodedCharacterSet"] == "UTF8"
    assert read["IPTC:Keywords"] == ["sea", "red", "Été"]
    assert take_out(file)
    assert file.read_bytes() == before


def test_a_keyword_too_long_for_iptc_is_in_xmp_alone(folder: Path) -> None:
    file = save(folder, "plain.jpg")

    put_in(file, "é" * 32, "é" * 33)

    (read,) = exiftool(file)
    assert read["XMP-dc:Subject"] == ["é" * 32, "é" * 33]
    assert read["IPTC:Keywords"] == "é" * 32


@pytest.mark.parametrize(("fits", "name"), [(True, "plain.jpg"), (False, "plain.jpg")])
def test_photoshop_s_digest_says_what_it_said(folder: Path, fits: bool, name: str) -> None:
    file = save(folder, name)
    write(file, options=("-IPTC:Keywords=sea",))
    digest = "new" if fits else "00000000000000000000000000000001"
    write(file, options=(f"-Photoshop:IPTCDigest={digest}",))
    before = file.read_bytes()

    put_in(file, "red")

    (read,) = exiftool(file)
    assert (read["Photoshop:IPTCDigest"] == read["File:CurrentIPTCDigest"]) is fits
    assert take_out(file)
    assert file.read_bytes() == before


def test_photoshop_s_way_to_say_that_there_is_no_iptc_is_kept_in_step(folder: Path) -> None:
    """Else programs would take our IPTC for newer than a person's keywords in the XMP."""
    file = save(folder, "plain.jpg")
    write(file, options=("-XMP-dc:Subject=sea", "-Photoshop:IPTCDigest=" + "0" * 32))
    before = file.read_bytes()

    put_in(file, "red")

    (read,) = exiftool(file)
    assert read["XMP-dc:Subject"] == ["sea", "red"]
    assert read["Photoshop:IPTCDigest"] == read["File:CurrentIPTCDigest"]
    put_in(file, "blue")
    assert exiftool(file)[0]["IPTC:Keywords"] == ["sea", "blue"]
    assert take_out(file)
    assert file.read_bytes() == before


def segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(payload) + 2) + payload


def resource(number: int, data: bytes) -> bytes:
    padding = bytes(len(data) % 2)
    return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + padding


def with_segments(file: Path, *segments: bytes) -> bytes:
    """Put segments behind the first one of a JPEG, and return the file."""
    data = file.read_bytes()
    end = 4 + int.from_bytes(data[4:6], "big")
    file.write_bytes(data[:end] + b"".join(segments) + data[end:])
    return file.read_bytes()


def dataset(record: int, number: int, value: bytes) -> bytes:
    return bytes((0x1C, record, number)) + struct.pack(">H", len(value)) + value


PHOTOSHOP = b"Photoshop 3.0\0"
SEA = dataset(2, 0, b"\0\4") + dataset(2, 25, b"sea")


@pytest.mark.parametrize("where", [0, 1, 2])
def test_photoshop_data_in_several_segments(folder: Path, where: int) -> None:
    file = save(folder, "plain.jpg")
    parts = [resource(0x0BB7 + place, bytes(60_000)) for place in range(3)]
    parts[where] += resource(0x0404, SEA)
    text = b"".join(parts)
    cuts = [text[at : at + 65_000] for at in range(0, len(text), 65_000)]
    before = with_segments(file, *(segment(0xED, PHOTOSHOP + cut) for cut in cuts))

    put_in(file, "red")

    assert exiftool(file)[0]["IPTC:Keywords"] == ["sea", "red"]
    assert take_out(file)
    assert file.read_bytes() == before


def test_iptc_gets_a_segment_of_its_own_where_the_first_is_full(folder: Path) -> None:
    file = save(folder, "plain.jpg")
    before = with_segments(file, segment(0xED, PHOTOSHOP + resource(0x0BB7, bytes(65_480))))

    put_in(file, "red")

    (read,) = exiftool(file)
    assert read["IPTC:Keywords"] == "red"
    assert take_out(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        (
            [segment(0xED, PHOTOSHOP + b"8BIM\4\4\0\0\0\0\xff\0too short")],
            "Photoshop data that cannot be read",
        ),
        (
            [segment(0xED, PHOTOSHOP + resource(0x0404, SEA) * 2)],
            "Photoshop data with two of a kind",
        ),
        (
            [segment(0xED, PHOTOSHOP + resource(0x0404, SEA + b"\x1c\2\x19\0\x50short"))],
            "IPTC that cannot be read",
        ),
        ([segment(0xE1, XMP_HEAD + b"<a/>")] * 2, "an image with two XMP packets"),
        (
            [segment(0xE1, XMP_HEAD + b"<a")],
            "not valid XML (line 1, column 1: unclosed token)",
        ),
        (
            [
                segment(
                    0xE1,
                    b"http://ns.adobe.com/xmp/extension/\0" + bytes(40) + b"<dc:subject>",
                )
            ],
            "an image with keywords in an extension of its XMP",
        ),
        (
            [segment(0xEB, b"JP\0\1\0\0\0\1\0\0\0\x40jumb\0\0\0\x20jumdc2pa")],
            "a signed image (C2PA), which any change would make invalid",
        ),
        (
            [segment(0xE2, b"MPF\0II*\0\xff\xff\0\0")],
            "an image whose index of further images cannot be read",
        ),
    ],
)
def test_a_jpeg_that_cannot_be_changed_safely_is_left_alone(
    folder: Path, segments: list[bytes], reason: str
) -> None:
    file = save(folder, "plain.jpg")
    before = with_segments(file, *segments)

    with pytest.raises(CannotChange, match=re.escape(reason)):
        put_in(file, "red")

    assert file.read_bytes() == before
    assert os.listdir(folder) == ["plain.jpg"]


def test_an_extension_of_the_xmp_stays(folder: Path) -> None:
    file = save(folder, "plain.jpg")
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"F" * 32 + bytes(8)
    extension = segment(0xE1, head + b"<x:xmpmeta>a depth map, as phones write it")
    before = with_segments(file, extension)

    put_in(file, "red")

    assert extension in file.read_bytes()
    assert take_out(file)
    assert file.read_bytes() == before


def test_xmp_that_fills_a_jpeg_leaves_no_room(folder: Path) -> None:
    file = save(folder, "plain.jpg")
    write(file, options=(f"-XMP-dc:Title={'x' * 59_000}",))
    before = file.read_bytes()

    with pytest.raises(EmbedError, match="no room for more XMP"):
        put_in(file, "red", "é" * 3000)
    assert file.read_bytes() == before


def test_the_second_image_of_a_multi_picture_file_is_found(folder: Path) -> None:
    file = save(folder, "two.jpg")
    with Image.open(file) as image:
        image.seek(1)
        expected = image.tobytes()

    put_in(file, "red")

    with Image.open(file) as image:
        assert image.n_frames == 2
        image.seek(1)
        assert image.tobytes() == expected


def test_what_follows_the_image_stays(folder: Path) -> None:
    for file in save_all(folder):
        with open(file, "ab") as end:
            end.write(b"a motion photo" * 1000)
        before = file.read_bytes()

        put_in(file, "red")

        assert b"a motion photo" * 1000 in file.read_bytes()
        assert take_out(file)
        assert file.read_bytes() == before


def test_a_preview_that_only_a_maker_knows_is_not_lost(folder: Path) -> None:
    file = save(folder, "exif.jpg")
    preview = save(folder, "plain.jpg").read_bytes()
    with open(file, "ab") as end:
        end.write(preview)
    before = file.read_bytes()

    with pytest.raises(EmbedError, match="a second one behind it that no index names"):
        put_in(file, "red")
    assert file.read_bytes() == before


def chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def with_chunk(file: Path, *chunks: bytes) -> bytes:
    """Put chunks behind the header of a PNG, and return the file."""
    data = file.read_bytes()
    file.write_bytes(data[:33] + b"".join(chunks) + data[33:])
    return file.read_bytes()


PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    b'syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    b"<dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF>"
    b"</x:xmpmeta>"
)


def png_text(compressed: bytes, *, is_compressed: bool = True) -> bytes:
    """Return a PNG's chunk of XMP."""
    flags = bytes((is_compressed, 0, 0, 0))
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0" + flags + compressed)


def libpng_head(compressed: bytes) -> bytes:
    """Return compressed data as libpng writes them: their head names a small window."""
    return b"\x18\x19" + compressed[2:]


@pytest.mark.parametrize(
    "compressed",
    [
        *(zlib.compress(PACKET, level) for level in range(10)),
        libpng_head(zlib.compress(PACKET, 9)),
    ],
)
def test_compressed_xmp_of_a_png_stays_compressed(folder: Path, compressed: bytes) -> None:
    file = save(folder, "plain.png")
    before = with_chunk(file, png_text(compressed))

    put_in(file, "red")
    put_in(file, "blue", "green")

    assert exiftool(file)[0]["XMP-dc:Subject"] == ["sea", "blue", "green"]
    assert b"green" not in file.read_bytes()
    assert take_out(file)
    assert file.read_bytes() == before


def test_xmp_of_a_png_whose_checksum_is_wrong_is_left_alone(folder: Path) -> None:
    file = save(folder, "plain.png")
    before = with_chunk(file, png_text(PACKET, is_compressed=False)[:-1] + b"?")

    with pytest.raises(EmbedError, match=r"^damaged \(its XMP cannot be read\)$"):
        put_in(file, "red")
    assert file.read_bytes() == before


# What is not as it should be, and is again just that without our tags


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a WebP of chunks."""
    body = b"".join(
        kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def vp8x(flags: int) -> tuple[bytes, bytes]:
    """Return the header of a WebP of 32 × 48 pixels."""
    size = (31).to_bytes(3, "little") + (47).to_bytes(3, "little")
    return b"VP8X", bytes((flags, 0, 0, 0)) + size


def odd_images(folder: Path) -> dict[str, bytes]:
    """Return images with XMP where readers do not look for it, or nothing where they do."""
    webp = save(folder, "lossy.webp").read_bytes()
    image = (b"VP8 ", webp[20 : 20 + struct.unpack("<I", webp[16:20])[0]])
    jpeg = save(folder, "plain.jpg").read_bytes()
    png = save(folder, "plain.png").read_bytes()
    at = 4 + struct.unpack(">H", jpeg[4:6])[0]

    def segment(marker: int, data: bytes, *, fill: int = 0) -> bytes:
        head = b"\xff" * (fill + 1) + bytes((marker,)) + struct.pack(">H", len(data) + 2)
        return jpeg[:at] + head + data + jpeg[at:]

    photoshop = b"Photoshop 3.0\0"
    return {
        "unflagged.webp": riff(vp8x(0), image, (b"XMP ", PACKET)),
        "flagged.webp": riff(vp8x(4), image),
        "misnamed.webp": riff(vp8x(4), image, (b"XMP\0", PACKET)),
        "misnamed and unflagged.webp": riff(vp8x(0), image, (b"XMP\0", PACKET)),
        "misnamed beside the right one.webp": riff(
            vp8x(4), image, (b"XMP ", PACKET), (b"XMP\0", b"<old/>")
        ),
        "without header.webp": riff(image, (b"XMP ", PACKET)),
        "empty.webp": riff(vp8x(4), image, (b"XMP ", b"")),
        "empty and unflagged.webp": riff(vp8x(0), image, (b"XMP ", b"")),
        "empty.jpg": segment(0xE1, XMP_HEAD),
        "zeros.jpg": segment(0xE1, XMP_HEAD + bytes(9)),
        "filled.jpg": segment(0xE1, XMP_HEAD + PACKET, fill=3),
        "empty and filled.jpg": segment(0xE1, XMP_HEAD, fill=2),
        "bare.jpg": segment(0xED, photoshop),
        "digest.jpg": segment(0xED, photoshop + b"8BIM\x04\x25\0\0\0\0\0\x10" + bytes(16)),
        "empty.png": png[:33] + png_text(b"", is_compressed=False) + png[33:],
        "empty and compressed.png": png[:33] + png_text(zlib.compress(b"", 1)) + png[33:],
    }


def test_odd_images_come_back_to_the_byte(folder: Path) -> None:
    for name, content in odd_images(folder).items():
        file = folder / name
        file.write_bytes(content)
        for names in (("red",), ("blue", "Été"), (), ("red",)):
            put_in(file, *names)
            assert pixels(file), name
        tags = ["sea", "red"] if PACKET in content else ["red"]
        assert exiftool(file)[0]["XMP-dc:Subject"] == tags, name

        assert take_out(file)
        assert file.read_bytes() == content, name


def test_xmp_where_only_some_readers_find_it_goes_where_all_do(folder: Path) -> None:
    for name in ("misnamed.webp", "unflagged.webp", "without header.webp"):
        file = folder / name
        file.write_bytes(odd_images(folder)[name])
        put_in(file, "red")

        with Image.open(file) as image:
            assert image.info["xmp"].count(b"<rdf:li>sea</rdf:li>") == 3
        assert file.read_bytes().count(b"XMP\0") == 0
        assert exiftool(file)[0]["XMP-dc:Subject"] == ["sea", "red"]


@pytest.mark.parametrize(
    "words", ["deflated-zz-1", "deflated-789c-77", "deflated-", "x y z", "\u2028"]
)
def test_words_of_a_record_that_mean_nothing_do_no_harm(folder: Path, words: str) -> None:
    file = save(folder, "plain.png")
    before = file.read_bytes()
    put_in(file, "red")
    packet = read_embedded_xmp(file).replace(
        b"<tagger:created>",
        f"<tagger:containerWas>{words}</tagger:containerWas><tagger:created>".encode(),
    )
    file.write_bytes(before[:33] + png_text(packet, is_compressed=False) + before[33:])

    assert take_out(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        (
            [chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PACKET)] * 2,
            "an image with several XMP packets, or one in an odd place",
        ),
        (
            [chunk(b"tEXt", b"XML:com.adobe.xmp\0" + PACKET)],
            "an image with several XMP packets, or one in an odd place",
        ),
        (
            [chunk(b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(b"\nxmp\n 1\n00\n"))],
            "an image with ImageMagick's copy of its XMP, which would be hidden",
        ),
        (
            [chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0no deflate")],
            "damaged (its XMP cannot be read)",
        ),
        ([chunk(b"caBX", b"jumb")], "a signed image (C2PA), which any change would make invalid"),
    ],
)
def test_a_png_that_cannot_be_changed_safely_is_left_alone(
    folder: Path, chunks: list[bytes], reason: str
) -> None:
    file = save(folder, "plain.png")
    before = with_chunk(file, *chunks)

    with pytest.raises(EmbedError, match=re.escape(reason)):
        put_in(file, "red")

    assert file.read_bytes() == before


def test_a_packet_that_ends_in_zeros_can_be_changed(folder: Path) -> None:
    file = save(folder, "plain.jpg")
    before = with_segments(file, segment(0xE1, XMP_HEAD + PACKET + b"\0\0"))

    put_in(file, "red")

    assert exiftool(file)[0]["XMP-dc:Subject"] == ["sea", "red"]
    assert take_out(file)
    assert file.read_bytes() == before


def tiff(tags: dict[int, tuple[int, bytes]]) -> bytes:
    """Return a small TIFF with further tags: number → type and value."""
    size = {1: 1, 4: 4, 7: 1}
    basic = [
        (256, 4, 1, 2), (257, 4, 1, 2), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 2), (279, 4, 1, 4),
    ]  # fmt: skip
    data = b"\xff\xfe\xfd\xfc"
    for number, (kind, value) in tags.items():
        basic.append((number, kind, len(value) // size[kind], 8 + len(data)))
        data += value + bytes(len(value) % 2)
    entries = b"".join(struct.pack("<HHII", *entry) for entry in sorted(basic))
    head = b"II*\0" + struct.pack("<I", 8 + len(data)) + data
    return head + struct.pack("<H", len(basic)) + entries + bytes(4)


def test_iptc_in_a_tiff_s_photoshop_data_is_kept_in_step(folder: Path) -> None:
    file = folder / "a.tif"
    digest = hashlib.md5(SEA).digest()
    text = resource(0x0404, SEA) + resource(0x0425, digest) + resource(0x0BB7, b"mine")
    filled = SEA + bytes(-len(SEA) % 4)
    for tags in ({34377: (7, text)}, {34377: (7, text), 33723: (4, filled)}):
        file.write_bytes(tiff(tags))

        put_in(file, "red")

        read = exiftool(file)[0]
        everywhere = [value for key, value in read.items() if key.endswith(":Keywords")]
        assert everywhere == [["sea", "red"]] * len(tags)
        in_step = hashlib.md5(SEA + dataset(2, 25, b"red")).hexdigest()
        assert read["Photoshop:IPTCDigest"] == in_step
        assert take_out(file)
        assert file.read_bytes() == tiff(tags)


def test_a_digest_in_a_tiff_s_photoshop_data_fits_iptc_that_lies_elsewhere(folder: Path) -> None:
    file = folder / "a.tif"
    for tags in (
        {34377: (7, resource(0x0425, bytes(16)))},
        {34377: (7, resource(0x0425, hashlib.md5(SEA).digest())), 33723: (7, SEA)},
    ):
        file.write_bytes(tiff(tags))

        put_in(file, "red")

        (read,) = exiftool(file)
        assert read["Photoshop:IPTCDigest"] == read["File:CurrentIPTCDigest"]
        assert take_out(file)
        assert file.read_bytes() == tiff(tags)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({52545: (7, b"manifest")}, "a signed image (C2PA), which any change would make invalid"),
        (
            {34377: (7, resource(0x0404, SEA)), 33723: (7, SEA + dataset(2, 25, b"hill"))},
            "an image with two IPTC that differ",
        ),
        ({700: (1, b"<torn")}, "not valid XML (line 1, column 1: unclosed token)"),
    ],
)
def test_a_tiff_that_cannot_be_changed_safely_is_left_alone(
    folder: Path, tags: dict[int, tuple[int, bytes]], reason: str
) -> None:
    file = folder / "a.tif"
    file.write_bytes(tiff(tags))

    with pytest.raises(CannotChange, match=re.escape(reason)):
        put_in(file, "red")

    assert file.read_bytes() == tiff(tags)


def test_a_raw_file_is_not_written_to(folder: Path) -> None:
    file = folder / "a.nef"
    file.write_bytes(tiff({}))

    with pytest.raises(EmbedError, match="a TIFF by another name, most likely a raw file"):
        put_in(file, "red")
    assert file.read_bytes() == tiff({})


def test_what_a_person_adds_to_a_tiff_of_ours_is_not_cut_off(folder: Path) -> None:
    file = folder / "a.tif"
    file.write_bytes(tiff({}))
    put_in(file, "red")
    with open(file, "ab") as end:
        end.write(b"notes of mine")

    put_in(file, "blue")
    assert exiftool(file)[0]["XMP-dc:Subject"] == ["blue"]
    assert take_out(file)

    assert b"notes of mine" in file.read_bytes()
    assert "XMP-dc:Subject" not in exiftool(file)[0]
