"""Harm prevented: a person's keywords vanish from programs because a list of ours is preferred."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import zlib
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, combinations
from pathlib import Path

import pytest
from commands import Ran
from foreign_sidecars import DARKTABLE_WITHOUT_TAGS
from holding import merge, take_out, wish_for
from pictures import save_picture
from PIL import Image, PngImagePlugin
from readers import reader

Run = Callable[..., Ran]
Read = Mapping[str, object]

#: A colour whose tags are red and blue.
RED_BLUE = (204, 51, 153)

CATEGORIES = (
    '<Categories><Category Assigned="0">Kinds<Category Assigned="1">acdsee</Category></Category>'
    "</Categories>"
)

#: Every field that a program shows keywords from, and a keyword of its own for each.
EACH: dict[str, tuple[str, ...]] = {
    "XMP-digiKam:TagsList": ("Places/tagslist", "flat tagslist"),
    "XMP-microsoft:LastKeywordXMP": ("Places/microsoft",),
    "XMP-lr:HierarchicalSubject": ("Places|lightroom", "Places"),
    "XMP-mediapro:CatalogSets": ("Places|mediapro",),
    "XMP-acdsee:Categories": (CATEGORIES,),
    "XMP-dc:Subject": ("subject", "lightroom", "AC/DC"),
    "IPTC:Keywords": ("iptc", "Été", "Places"),
    "IFD0:XPKeywords": ("xp;windows",),
}
IN_SIDECARS = [name for name in EACH if name.startswith("XMP")]


def subsets(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return every subset."""
    names = list(names)
    return list(chain.from_iterable(combinations(names, n) for n in range(len(names) + 1)))


def write_all(wanted: Mapping[Path, Iterable[str]]) -> None:
    """Have one exiftool put the keywords of :data:`EACH` into files: file → fields."""
    lines = []
    for file, fields in wanted.items():
        lines += [f"-{name}={text}" for name in fields for text in EACH[name]]
        lines += ["-XMP-xmp:Rating=3", "-overwrite_original", str(file), "-execute"]
    done = subprocess.run(
        [reader("exiftool"), "-q", "-charset", "iptc=utf8", "-codedcharacterset=utf8", "-@", "-"],
        input="\n".join(lines).encode(), check=True, capture_output=True,
    )  # fmt: skip
    assert done.stderr == b""


def read_all(folder: Path) -> dict[str, Read]:
    """Return what exiftool reads of every image and sidecar of a folder."""
    wanted = [f"-{name}" for name in EACH]
    said = subprocess.run(
        [reader("exiftool"), "-j", "-G1", *wanted, folder, "-ext", "jpg", "-ext", "xmp"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    return {Path(read["SourceFile"]).name: read for read in json.loads(said)}


def texts(read: Read, name: str) -> set[str]:
    """Return the keywords of a field, with slashes between levels."""
    value = read.get(name, [])
    if name == "XMP-acdsee:Categories":
        return {"Kinds/acdsee"} if value else set()
    if name == "IFD0:XPKeywords":
        return set(str(value).split(";")) if value else set()
    found = value if isinstance(value, list) else [value]
    return {str(text).replace("|", "/") for text in found}


def first(read: Read, names: Iterable[str]) -> set[str]:
    """Return the keywords of the first field that holds any."""
    return next((found for name in names if (found := texts(read, name))), set())


def digikam(image: Read, sidecar: Read | None) -> set[str]:
    """Return what digiKam shows, which takes no keyword from an image that has a sidecar."""
    return first(image if sidecar is None else sidecar, EACH)


def immich(image: Read, sidecar: Read | None) -> set[str]:
    """Return what Immich shows, where a sidecar's field takes the place of the image's."""
    order = ("XMP-digiKam:TagsList", "XMP-lr:HierarchicalSubject", "IPTC:Keywords")
    return first({**image, **(sidecar or {})}, order)


def darktable(image: Read, sidecar: Read | None) -> set[str]:
    """Return what darktable shows, which reads IPTC too where there is no sidecar."""
    order = ("XMP-lr:HierarchicalSubject", "XMP-dc:Subject")
    if sidecar is not None:
        return first(sidecar, order)
    return first(image, order) | texts(image, "IPTC:Keywords")


def flat(image: Read, sidecar: Read | None) -> set[str]:
    """Return what a program shows that knows flat lists alone and prefers IPTC, as MWG says."""
    order = ("IPTC:Keywords", "XMP-dc:Subject", "IFD0:XPKeywords")
    return first(image if sidecar is None else sidecar, order)


PROGRAMS = (digikam, immich, darktable, flat)


def shown(folder: Path, images: Iterable[str]) -> dict[tuple[str, str], set[str]]:
    """Return what each program shows of each image."""
    read = read_all(folder)
    return {
        (program.__name__, name): program(read[name], read.get(f"{name}.xmp"))
        for program in PROGRAMS
        for name in images
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--sidecar", "xmp"), ("--embed",)], ids=lambda one: one[0])
def test_keywords_in_images_are_shown_as_before(
    folder: Path, tag: Run, tagger: Run, arguments: tuple[str, ...]
) -> None:
    chosen = subsets(EACH)
    images = [f"{number:03}.jpg" for number in range(len(chosen))]
    first_image = save_picture(folder / images[0], RED_BLUE)
    for name in images[1:]:
        (folder / name).write_bytes(first_image.read_bytes())
    write_all({folder / name: fields for name, fields in zip(images, chosen, strict=True)})
    before, files = shown(folder, images), contents(folder)

    assert tag(".", *arguments).code == 0

    after = shown(folder, images)
    assert {key: before[key] - after[key] for key in before if before[key] - after[key]} == {}
    assert all({"red", "blue"} <= after["digikam", name] for name in images)
    tagged = contents(folder)
    assert tag(".", *arguments).code == 0
    assert contents(folder) == tagged
    assert tagger("untag", ".").code == 0
    assert contents(folder) == files


@pytest.mark.parametrize("arguments", [("--sidecar", "xmp"), ("--sidecar", "xmp", "--embed")])
def test_keywords_in_sidecars_are_shown_as_before(
    folder: Path, tag: Run, tagger: Run, arguments: tuple[str, ...]
) -> None:
    chosen = subsets(IN_SIDECARS)
    images = [f"{number:03}.jpg" for number in range(len(chosen))]
    for name in images:
        save_picture(folder / name, RED_BLUE)
    write_all({folder / f"{name}.xmp": fields for name, fields in zip(images, chosen, strict=True)})
    before, files = shown(folder, images), contents(folder)

    assert tag(".", *arguments).code == 0

    after = shown(folder, images)
    assert {key: before[key] - after[key] for key in before if before[key] - after[key]} == {}
    tagged = contents(folder)
    assert tag(".", *arguments).code == 0
    assert contents(folder) == tagged
    assert tagger("untag", ".").code == 0
    assert contents(folder) == files


@pytest.mark.parametrize("in_sidecar", ["XMP-dc:Subject", "XMP-lr:HierarchicalSubject", None])
@pytest.mark.parametrize("in_image", ["XMP-digiKam:TagsList", "XMP-dc:Subject", "IPTC:Keywords"])
@pytest.mark.parametrize("arguments", [("--sidecar", "xmp"), ("--embed",)], ids=lambda one: one[0])
def test_keywords_in_both_are_shown_as_before(
    folder: Path, tag: Run, in_sidecar: str | None, in_image: str, arguments: tuple[str, ...]
) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    fields = () if in_sidecar is None else (in_sidecar,)
    write_all({image: (in_image,), folder / "a.jpg.xmp": fields})
    before = shown(folder, ["a.jpg"])

    assert tag("a.jpg", *arguments).code == 0

    after = shown(folder, ["a.jpg"])
    assert {key: before[key] - after[key] for key in before if before[key] - after[key]} == {}


def test_keywords_that_are_hidden_by_none_are_not_multiplied(folder: Path, tag: Run) -> None:
    """Lightroom and darktable write each level of a hierarchy into dc:subject."""
    save_picture(folder / "a.jpg", RED_BLUE)
    content = sidecar_of(subject=("Places", "sea", "holiday"), hierarchicalSubject=("Places|sea",))
    (folder / "a.jpg.xmp").write_bytes(content)

    tag("a.jpg", "--sidecar", "xmp")

    assert lists(folder / "a.jpg.xmp") == {
        "Subject": ["Places", "sea", "holiday", "red", "blue"],
        "HierarchicalSubject": ["Places|sea", "red", "blue"],
        "TagsList": ["Places/sea", "holiday", "red", "blue"],
    }


def sidecar_of(**fields: Iterable[str]) -> bytes:
    """Return a sidecar with lists."""
    spaces = {
        "subject": 'xmlns:a="http://purl.org/dc/elements/1.1/"',
        "hierarchicalSubject": 'xmlns:a="http://ns.adobe.com/lightroom/1.0/"',
        "TagsList": 'xmlns:a="http://www.digikam.org/ns/1.0/"',
    }
    inside = "".join(
        f"<a:{name} {spaces[name]}><rdf:Bag>"
        + "".join(f"<rdf:li>{text}</rdf:li>" for text in given)
        + f"</rdf:Bag></a:{name}>"
        for name, given in fields.items()
    )
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="">{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def lists(file: Path) -> dict[str, list[str]]:
    """Return what exiftool reads of the three lists."""
    names = ("Subject", "HierarchicalSubject", "TagsList")
    said = subprocess.run(
        [reader("exiftool"), "-j", *(f"-XMP:{name}" for name in names), file],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    (read,) = json.loads(said)
    del read["SourceFile"]
    return {name: [text] if isinstance(text, str) else text for name, text in read.items()}


def edit(file: Path, *arguments: str) -> None:
    subprocess.run([reader("exiftool"), "-q", "-overwrite_original", *arguments, file], check=True)


# Images of every kind


def raw_profile(kind: str, data: bytes) -> PngImagePlugin.PngInfo:
    """Return a chunk as ImageMagick writes it."""
    info = PngImagePlugin.PngInfo()
    lines = "\n".join(re.findall(".{1,72}", data.hex()))
    info.add_text(f"Raw profile type {kind}", f"\n{kind}\n{len(data):8}\n{lines}\n", zip=True)
    return info


IPTC = b"\x1c\x02\x19\0\x03sea"
IRB = b"8BIM\x04\x04\0\0\0\0\0\x08" + IPTC
EXIF = (  # one entry, XPKeywords
    b"Exif\0\0II*\0\x08\0\0\0\x01\0\x9e\x9c\x01\0\x08\0\0\0\x1a\0\0\0\0\0\0\0"
    + "sea".encode("utf-16-le")
    + b"\0\0"
)
PACKET = sidecar_of(subject=("sea",))

SAVED: dict[str, Callable[[Path], object]] = {
    "iptc.png": lambda file: save_picture(file, RED_BLUE, pnginfo=raw_profile("iptc", IRB)),
    "bare.png": lambda file: save_picture(file, RED_BLUE, pnginfo=raw_profile("iptc", IPTC)),
    "8bim.png": lambda file: save_picture(file, RED_BLUE, pnginfo=raw_profile("8bim", IRB)),
    "xmp.png": lambda file: save_picture(file, RED_BLUE, pnginfo=raw_profile("xmp", PACKET)),
    "exif.png": lambda file: save_picture(file, RED_BLUE, pnginfo=raw_profile("exif", EXIF)),
    "app1.png": lambda file: save_picture(
        file, RED_BLUE,
        pnginfo=raw_profile("APP1", b"http://ns.adobe.com/xap/1.0/\0" + PACKET),
    ),
    "exif-chunk.png": lambda file: save_picture(file, RED_BLUE, exif=EXIF),
    "exif.jpg": lambda file: save_picture(file, RED_BLUE, exif=EXIF),
    "xmp.jpg": lambda file: save_picture(file, RED_BLUE, xmp=PACKET),
    "xmp.webp": lambda file: save_picture(file, RED_BLUE, xmp=PACKET),
    "exif.webp": lambda file: save_picture(file, RED_BLUE, exif=EXIF),
    "xmp.avif": lambda file: save_picture(file, RED_BLUE, xmp=PACKET),
    "xmp.gif": lambda file: (save_picture(file, RED_BLUE), edit(file, "-XMP-dc:Subject=sea")),
    "xmp.tif": lambda file: (save_picture(file, RED_BLUE), edit(file, "-XMP-dc:Subject=sea")),
    "iptc.tif": lambda file: (save_picture(file, RED_BLUE), edit(file, "-IPTC:Keywords=sea")),
    "xp.tif": lambda file: (save_picture(file, RED_BLUE), edit(file, "-IFD0:XPKeywords=sea")),
}  # fmt: skip


@pytest.mark.parametrize("name", SAVED)
def test_keywords_in_any_image_are_in_its_new_sidecar(
    folder: Path, tag: Run, tagger: Run, name: str
) -> None:
    SAVED[name](folder / name)

    tag(name, "--sidecar", "xmp")

    found = lists(folder / f"{name}.xmp")
    assert set(found) == {"Subject", "HierarchicalSubject", "TagsList"}
    assert all(given[0] == "sea" and "red" in given for given in found.values())
    assert tagger("untag", name).code == 0
    assert not (folder / f"{name}.xmp").exists()


@pytest.mark.parametrize("name", ["iptc.png", "exif.png", "exif-chunk.png", "exif.webp", "xp.tif"])
def test_keywords_elsewhere_in_an_image_are_in_its_new_lists(
    folder: Path, tag: Run, tagger: Run, name: str
) -> None:
    SAVED[name](folder / name)
    before = (folder / name).read_bytes()

    tag(name, "--embed")

    found = lists(folder / name)
    assert set(found) == {"Subject", "HierarchicalSubject", "TagsList"}
    assert all(given == ["sea", "red", "blue"] for given in found.values())
    assert tagger("untag", name).code == 0
    assert (folder / name).read_bytes() == before


def test_keywords_in_an_extension_of_the_xmp_are_in_the_new_sidecar(folder: Path, tag: Run) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + len(PACKET).to_bytes(4, "big")
    halves = [(at, PACKET[at : at + 200]) for at in range(0, len(PACKET), 200)]
    parts = [head + at.to_bytes(4, "big") + part for at, part in reversed(halves)]
    segments = b"".join(b"\xff\xe1" + (len(one) + 2).to_bytes(2, "big") + one for one in parts)
    data = image.read_bytes()
    image.write_bytes(data[:2] + segments + data[2:])

    tag("a.jpg", "--sidecar", "xmp")

    assert lists(folder / "a.jpg.xmp")["TagsList"] == ["sea", "red", "blue"]


def test_iptc_that_cannot_hold_all_keywords_is_not_made(folder: Path, tag: Run) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    edit(image, f"-XMP-dc:Subject={'é' * 33}", "-XMP-dc:Subject=sea")

    tag("a.jpg", "--embed")

    assert lists(image)["Subject"] == ["é" * 33, "sea", "red", "blue"]
    assert b"Photoshop 3.0" not in image.read_bytes()


def test_an_image_without_keywords_gets_a_sidecar_that_notes_no_copies(
    folder: Path, tag: Run
) -> None:
    save_picture(folder / "a.jpg", RED_BLUE)

    tag("a.jpg", "--sidecar", "xmp")

    assert b"copied" not in (folder / "a.jpg.xmp").read_bytes()


def test_a_damaged_image_hides_no_keywords_and_ends_nothing(folder: Path, tag: Run) -> None:
    image = save_picture(folder / "a.png", RED_BLUE, pnginfo=raw_profile("iptc", IRB))
    data = image.read_bytes()
    odd = b"tEXtRaw profile type iptc\0zzz"
    chunk = b"\0\0\0\x19" + odd + zlib.crc32(odd).to_bytes(4, "big")
    image.write_bytes(data[:33] + chunk + data[33:])

    tag("a.png", "--sidecar", "xmp")

    assert lists(folder / "a.png.xmp")["Subject"] == ["sea", "red", "blue"]


# What people do afterwards


def test_a_copy_that_a_person_took_out_stays_out_and_its_source_stays(
    folder: Path, tag: Run
) -> None:
    save_picture(folder / "a.jpg", RED_BLUE)
    sidecar = folder / "a.jpg.xmp"
    sidecar.write_bytes(sidecar_of(subject=("sea",)))
    tag("a.jpg", "--sidecar", "xmp")

    edit(sidecar, "-TagsList-=sea")
    for _ in range(2):
        tag("a.jpg", "--sidecar", "xmp")

    assert lists(sidecar) == {
        "Subject": ["sea", "red", "blue"],
        "HierarchicalSubject": ["sea", "red", "blue"],
        "TagsList": ["red", "blue"],
    }


def test_a_keyword_that_a_person_took_out_takes_its_copies_along(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.jpg", RED_BLUE)
    sidecar = folder / "a.jpg.xmp"
    sidecar.write_bytes(sidecar_of(subject=("sea", "sun")))
    tag("a.jpg", "--sidecar", "xmp")

    edit(sidecar, "-XMP-dc:Subject-=sea")
    for _ in range(2):
        tag("a.jpg", "--sidecar", "xmp")

    assert lists(sidecar) == {
        "Subject": ["sun", "red", "blue"],
        "HierarchicalSubject": ["sun", "red", "blue"],
        "TagsList": ["sun", "red", "blue"],
    }


def test_a_keyword_that_a_person_adds_later_is_copied_too(folder: Path, tag: Run) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    tag("a.jpg", "--sidecar", "xmp")

    edit(image, "-IPTC:Keywords=sea")
    edit(folder / "a.jpg.xmp", "-TagsList+=Places/sun")
    for _ in range(2):
        tag("a.jpg", "--sidecar", "xmp")

    assert {name: sorted(found) for name, found in lists(folder / "a.jpg.xmp").items()} == {
        "Subject": ["blue", "red", "sun"],
        "HierarchicalSubject": ["Places|sun", "blue", "red"],
        "TagsList": ["Places/sun", "blue", "red"],
    }


def test_a_keyword_that_a_person_adds_to_the_image_later_is_copied(folder: Path, tag: Run) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    tag("a.jpg", "--sidecar", "xmp")

    edit(image, "-IPTC:Keywords=sea")
    tag("a.jpg", "--sidecar", "xmp")

    assert lists(folder / "a.jpg.xmp")["TagsList"] == ["red", "blue", "sea"]


def test_the_last_copy_of_a_keyword_is_kept(folder: Path, tag: Run) -> None:
    """An editor may have stripped the image since, and programs show the sidecar's."""
    image = save_picture(folder / "a.jpg", RED_BLUE)
    edit(image, "-IPTC:Keywords=sea")
    tag("a.jpg", "--sidecar", "xmp")

    save_picture(image, "lime")
    tag("a.jpg", "--sidecar", "xmp")

    assert lists(folder / "a.jpg.xmp")["TagsList"] == ["sea", "green"]


def test_without_tags_nothing_is_copied(folder: Path, tag: Run) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    edit(image, "-IPTC:Keywords=sea")
    before = image.read_bytes()
    (folder / "a.jpg.xmp").write_text(DARKTABLE_WITHOUT_TAGS)

    tag("a.jpg", "--sidecar", "xmp", "--embed", "--max-tags", "0")

    assert (folder / "a.jpg.xmp").read_text() == DARKTABLE_WITHOUT_TAGS
    assert image.read_bytes() == before


def test_a_person_s_keyword_that_is_a_tag_too_stays_when_the_tag_goes(
    folder: Path, tag: Run, tagger: Run
) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    edit(image, "-IPTC:Keywords=red")
    tag("a.jpg", "--sidecar", "xmp")

    edited = image.read_bytes()
    save_picture(folder / "b.jpg", "lime")
    edit(folder / "b.jpg", "-IPTC:Keywords=red")
    image.write_bytes((folder / "b.jpg").read_bytes())
    tag("a.jpg", "--sidecar", "xmp")

    assert lists(folder / "a.jpg.xmp")["TagsList"] == ["red", "green"]
    assert edited != image.read_bytes()


@pytest.mark.parametrize("arguments", [("--sidecar", "xmp"), ("--embed",)], ids=lambda one: one[0])
def test_a_person_s_keyword_that_the_model_knows_is_copied(
    folder: Path, tag: Run, arguments: tuple[str, ...]
) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    edit(image, "-IPTC:Keywords=green", "-IPTC:Keywords=red")
    for _ in range(2):
        tag("a.jpg", *arguments)

    found = lists(image if "--embed" in arguments else folder / "a.jpg.xmp")
    assert found["TagsList"] == ["green", "red", "blue"]


def test_corrections_hide_no_keywords(folder: Path, tagger: Run) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    edit(image, "-XMP-lr:HierarchicalSubject=Places|sea")
    before = image.read_bytes()
    (folder / "t.csv").write_text("path,tags\na.jpg,noir\n")

    ran = tagger("apply", "t.csv", "--yes", "--sidecar", "xmp", "--embed")

    assert ran.code == 0
    assert ran.stdout == b"a.jpg: +noir\n"
    assert lists(folder / "a.jpg.xmp")["TagsList"] == ["Places/sea", "noir"]
    assert lists(image)["TagsList"] == ["Places/sea", "noir"]
    again = tagger("apply", "t.csv", "--yes", "--sidecar", "xmp", "--embed")
    assert again.stdout == b""
    assert tagger("untag", ".", "--settled").code == 0
    assert image.read_bytes() == before
    assert not (folder / "a.jpg.xmp").exists()


@pytest.mark.parametrize("other", ["image", "sidecar"])
def test_a_tag_that_a_person_took_out_of_one_file_stays_out_of_the_others(
    folder: Path, tag: Run, other: str
) -> None:
    image, sidecar = save_picture(folder / "a.jpg", RED_BLUE), folder / "a.jpg.xmp"
    tag("a.jpg", "--sidecar", "xmp", "--embed")

    edit(image if other == "image" else sidecar, "-TagsList-=blue")
    tag("a.jpg", "--sidecar", "xmp", "--embed")

    assert lists(image) == lists(sidecar)
    assert lists(image)["Subject"] == ["red"]


def test_a_tag_that_a_person_took_out_of_the_image_stays_out_of_a_new_sidecar(
    folder: Path, tag: Run
) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    tag("a.jpg", "--embed")

    edit(image, "-IPTC:Keywords-=blue")
    tag("a.jpg", "--sidecar", "xmp")

    assert lists(folder / "a.jpg.xmp")["TagsList"] == ["red"]


def test_a_new_sidecar_by_another_name_hides_no_keywords(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.jpg", RED_BLUE)
    (folder / "a.jpg.xmp").write_bytes(sidecar_of(TagsList=("Places/sea",)))

    tag("a.jpg", "--sidecar", "xmp", "--sidecar-name", "replace")

    assert lists(folder / "a.xmp")["TagsList"] == ["Places/sea", "red", "blue"]


def test_text_sidecars_have_no_copies(folder: Path, tag: Run) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    edit(image, "-IPTC:Keywords=sea")

    tag("a.jpg", "--sidecar", "txt")

    assert (folder / "a.jpg.txt").read_text() == "red, blue\n"


# A program itself


def darktable_shows(image: Path, scratch: Path, *sidecar: Path) -> set[str]:
    """Have darktable import an image into a new library, and return the tags there."""
    scratch.mkdir()
    command = [reader("darktable-cli"), image, *sidecar, scratch / "out.jpg"]
    command += ["--width", "16", "--height", "16", "--core", "--configdir", scratch]
    command += ["--library", scratch / "library.db", "--conf", "write_sidecar_files=never"]
    subprocess.run(command, capture_output=True, check=False, timeout=600)
    names = dict(sqlite3.connect(scratch / "data.db").execute("select id, name from tags"))
    library = sqlite3.connect(scratch / "library.db")
    found = {names[row[0]] for row in library.execute("select tagid from tagged_images")}
    return {name for name in found if not name.startswith("darktable|")}


@pytest.mark.slow
def test_darktable_shows_keywords_of_an_image_that_got_a_sidecar(
    folder: Path, tag: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("darktable")
    image = save_picture(folder / "a.jpg", RED_BLUE, size=(64, 64))
    edit(image, "-IPTC:Keywords=sea", "-XMP-lr:HierarchicalSubject=Places|sea")
    before = darktable_shows(image, scratch / "before")

    tag("a.jpg", "--sidecar", "xmp")

    assert before == {"sea", "Places|sea"}
    after = darktable_shows(image, scratch / "after", folder / "a.jpg.xmp")
    assert after == {"sea", "Places|sea", "red", "blue"}


@pytest.mark.slow
def test_darktable_shows_keywords_of_a_sidecar_without_hierarchies(
    folder: Path, tag: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("darktable")
    image = save_picture(folder / "a.jpg", RED_BLUE, size=(64, 64))
    sidecar = folder / "a.jpg.xmp"
    edit(sidecar, "-XMP-dc:Subject=sea", "-XMP-dc:Subject=holiday")
    before = darktable_shows(image, scratch / "before", sidecar)

    tag("a.jpg", "--sidecar", "xmp")

    assert before == {"sea", "holiday"}
    after = darktable_shows(image, scratch / "after", sidecar)
    assert after == {"sea", "holiday", "red", "blue"}


def test_copies_come_out_again_to_the_byte() -> None:
    content = sidecar_of(subject=("sea", "sun"), hierarchicalSubject=("Places|sea",))
    merged = merge(content, wish_for(("red", 0.5), ("sea", 0.4)))

    assert merge(merged, wish_for(("red", 0.5), ("sea", 0.4))) is merged
    edit_ = take_out(merged)
    assert edit_ is not None
    assert edit_.content == content
    assert edit_.removed == ("red", "sea")


def test_a_keyword_of_a_form_that_xml_cannot_hold_is_copied_without_it(
    folder: Path, tag: Run
) -> None:
    iptc = b"\x1c\x02\x19\0\x05s\x01ea\0"
    info = raw_profile("iptc", iptc)
    Image.new("RGB", (16, 24), RED_BLUE).save(folder / "a.png", pnginfo=info)

    assert tag("a.png", "--sidecar", "xmp").code == 0

    assert lists(folder / "a.png.xmp")["Subject"] == ["sea", "red", "blue"]


@pytest.mark.parametrize("root", [(), ("--xmp-root", "Genre")])
def test_our_tags_that_a_program_wrote_elsewhere_are_not_taken_for_a_person_s(
    folder: Path, tag: Run, root: tuple[str, ...]
) -> None:
    """Harm: digiKam writes what it shows into all its fields, and our tags would never go again."""
    image = save_picture(folder / "a.jpg", RED_BLUE)
    sidecar = folder / "a.jpg.xmp"
    tag("a.jpg", "--sidecar", "xmp", *root)
    level = "Genre/" if root else ""
    both = [f"-LastKeywordXMP={level}red", f"-CatalogSets={level.replace('/', '|')}red"]

    edit(sidecar, *both, "-LastKeywordXMP=mine")
    save_picture(image, "lime")
    edit(image, *both, "-IPTC:Keywords=red")
    for _ in range(3):
        tag("a.jpg", "--sidecar", "xmp", *root)

    assert sorted(lists(sidecar)["TagsList"]) == [f"{level}green", "mine"]


@pytest.mark.parametrize(("said", "copied"), [("", ["sea"]), ("JPG", []), ("MOV", [])])
def test_a_sidecar_that_may_be_the_image_s_is_not_hidden(
    folder: Path, tag: Run, said: str, copied: list[str]
) -> None:
    """Programs take a.xmp for that of a.jpg and of a.png, whatever this tool writes."""
    for name in ("a.jpg", "a.png"):
        save_picture(folder / name, RED_BLUE)
    edit(folder / "a.xmp", "-TagsList=sea", f"-XMP-photoshop:SidecarForExtension={said}")
    before = (folder / "a.xmp").read_bytes()

    tag("a.png", "--sidecar", "xmp")

    assert lists(folder / "a.png.xmp")["TagsList"] == [*copied, "red", "blue"]
    assert (folder / "a.xmp").read_bytes() == before
