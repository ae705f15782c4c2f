"""Harm prevented: a tag that a person took out, in whichever list and program, comes back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from foreign_sidecars import DARKTABLE, DIGIKAM
from pictures import save_picture
from readers import reader

Run = Callable[..., Ran]

#: A colour whose tags are red and blue.
RED_BLUE = (204, 51, 153)

LISTS = ("XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList")


def edit(file: Path, *arguments: str) -> None:
    """Have exiftool change a file, as Immich does."""
    subprocess.run([reader("exiftool"), "-q", "-overwrite_original", *arguments, file], check=True)


def lists(file: Path, *names: str) -> dict[str, list[str]]:
    """Return what exiftool reads of lists of keywords."""
    wanted = [f"-{name}" for name in (*LISTS, *names)]
    said = subprocess.run(
        [reader("exiftool"), "-j", "-G1", *wanted, file], check=True, capture_output=True
    ).stdout
    (read,) = json.loads(said)
    del read["SourceFile"]
    return {name: [text] if isinstance(text, str) else text for name, text in read.items()}


def everywhere(*texts: str, iptc: bool = False) -> dict[str, list[str]]:
    """Return what :func:`lists` finds where each list holds these."""
    return {name: list(texts) for name in (*LISTS, *(("IPTC:Keywords",) if iptc else ()))}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "content", [None, DIGIKAM, DARKTABLE], ids=["ours", "digiKam", "darktable"]
)
def test_a_tag_gone_from_one_list_of_a_sidecar_leaves_all_and_stays_out(
    folder: Path, tag: Run, tagger: Run, content: str | None, name: str
) -> None:
    save_picture(folder / "a.png", RED_BLUE)
    sidecar = folder / "a.png.xmp"
    if content is not None:
        sidecar.write_text(content)
    tag("a.png", "--sidecar", "xmp")
    before = lists(sidecar)

    edit(sidecar, f"-{name}-=blue")
    assert tag("a.png", "--sidecar", "xmp").code == 0

    left = {key: [text for text in texts if text != "blue"] for key, texts in before.items()}
    assert lists(sidecar) == left
    for _ in range(2):
        assert "1 sidecar already up to date." in tag("a.png", "--sidecar", "xmp").stderr
    assert lists(sidecar) == left

    # Forgotten only with all that is ours.
    tagger("untag", "a.png")
    tag("a.png", "--sidecar", "xmp")
    assert lists(sidecar) == before


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_a_person_emptied_empties_the_others(folder: Path, tag: Run, name: str) -> None:
    save_picture(folder / "a.png", RED_BLUE)
    tag("a.png", "--sidecar", "xmp")

    edit(folder / "a.png.xmp", f"-{name}=")
    tag("a.png", "--sidecar", "xmp")

    assert lists(folder / "a.png.xmp") == {}


@pytest.mark.parametrize("name", [*LISTS, "IPTC:Keywords"])
@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_a_tag_gone_from_one_list_of_an_image_stays_out(
    folder: Path, tag: Run, ending: str, name: str
) -> None:
    image = save_picture(folder / f"a.{ending}", RED_BLUE)
    tag(image.name, "--embed")
    assert lists(image, "IPTC:Keywords") == everywhere("red", "blue", iptc=True)

    edit(image, f"-{name}-=blue")
    for _ in range(2):
        assert tag(image.name, "--embed").code == 0

    assert lists(image, "IPTC:Keywords") == everywhere("red", iptc=True)


def test_iptc_that_a_program_dropped_takes_no_tag_along(folder: Path, tag: Run) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    tag("a.jpg", "--embed")

    edit(image, "-IPTC:all=")
    tag("a.jpg", "--embed")

    assert lists(image, "IPTC:Keywords") == everywhere("red", "blue", iptc=True)


def test_a_tag_that_a_person_moved_below_another_is_there(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.png", RED_BLUE)
    sidecar = folder / "a.png.xmp"
    tag("a.png", "--sidecar", "xmp")
    moved = {
        "XMP-dc:Subject": ["red", "blue"],
        "XMP-lr:HierarchicalSubject": ["red", "Colours|Cold|blue"],
        "XMP-digiKam:TagsList": ["red", "Colours/Cold/blue"],
    }

    edit(sidecar, *(f"-{name}={text}" for name, texts in moved.items() for text in texts))
    for _ in range(2):
        tag("a.png", "--sidecar", "xmp")

    assert lists(sidecar) == moved


def test_a_tag_that_a_person_took_from_below_a_root_is_there(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.png", RED_BLUE)
    sidecar = folder / "a.png.xmp"
    tag("a.png", "--sidecar", "xmp", "--xmp-root", "Genre")

    edit(sidecar, "-TagsList-=Genre/blue", "-TagsList+=blue")
    tag("a.png", "--sidecar", "xmp", "--xmp-root", "Genre")

    assert lists(sidecar)["XMP-dc:Subject"] == ["red", "blue"]


def test_a_parent_alone_is_not_the_tag(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.png", RED_BLUE)
    sidecar = folder / "a.png.xmp"
    tag("a.png", "--sidecar", "xmp")

    edit(sidecar, "-TagsList-=blue", "-TagsList+=blue/sky")
    tag("a.png", "--sidecar", "xmp")

    assert lists(sidecar) == {
        "XMP-dc:Subject": ["red", "sky"],
        "XMP-lr:HierarchicalSubject": ["red", "blue|sky"],
        "XMP-digiKam:TagsList": ["red", "blue/sky"],
    }


@pytest.mark.parametrize("root", [(), ("--xmp-root", "Genre")])
def test_a_slash_in_a_tag_is_not_taken_for_a_removal(
    folder: Path, tag: Run, root: tuple[str, ...]
) -> None:
    save_picture(folder / "a.png", RED_BLUE)
    arguments = ("a.png", "--sidecar", "xmp", "--rename", "blue=AC/DC", *root)
    tag(*arguments)
    before = lists(folder / "a.png.xmp")

    tag(*arguments)

    assert before["XMP-dc:Subject"] == ["red", "AC/DC"]
    assert lists(folder / "a.png.xmp") == before


def test_a_person_s_own_keyword_that_they_took_out_is_not_put_back_as_ours(
    folder: Path, tag: Run
) -> None:
    save_picture(folder / "a.png", RED_BLUE)
    sidecar = folder / "a.png.xmp"
    sidecar.write_text(DARKTABLE)  # has red in two of the lists
    tag("a.png", "--sidecar", "xmp")

    edit(sidecar, "-HierarchicalSubject-=red")
    tag("a.png", "--sidecar", "xmp")

    assert lists(sidecar) == {
        "XMP-dc:Subject": ["holiday", "red", "blue"],
        "XMP-lr:HierarchicalSubject": ["places|Rome", "blue"],
        "XMP-digiKam:TagsList": ["places/Rome", "red", "holiday", "blue"],
    }


def test_apply_shows_and_puts_back_what_was_gone_from_one_list(
    folder: Path, tag: Run, tagger: Run
) -> None:
    save_picture(folder / "a.png", RED_BLUE)
    (folder / "t.csv").write_text("path,tags\na.png,red|blue\n")
    assert tagger("apply", "t.csv", "--yes").code == 0
    edit(folder / "a.png.xmp", "-TagsList-=blue")

    ran = tagger("apply", "t.csv", "--yes")

    assert ran.stdout == b"a.png: +blue\n"
    assert lists(folder / "a.png.xmp") == everywhere("red", "blue")
    assert tagger("apply", "t.csv", "--yes").stdout == b""
