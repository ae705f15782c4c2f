"""The programs that the world trusts read our sidecars as we mean them."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

from commands import Ran
from pictures import save_picture
from readers import reader

Tag = Callable[..., Ran]

#: A tag that breaks XML written carelessly, and one that is not ASCII.
ODD_NAMES = ('R&B <live> "5\'s"', "Où 🎬")


def output(*command: str) -> str:
    """Run a program and return what it printed."""
    program, *arguments = command
    return subprocess.run(
        [reader(program), *arguments], capture_output=True, check=True, text=True
    ).stdout


def write_odd_xmp(folder: Path, tag: Tag, *, count: int = 2) -> str:
    """Tag an image with one or both odd names and return its sidecar."""
    save_picture(folder / "a.png", (204, 51, 153))
    first, second = ODD_NAMES
    renamed = ("--rename", f"red={first}", "--rename", f"blue={second}")
    tag("a.png", "--sidecar", "xmp", "--max-tags", str(count), *renamed)
    return "a.png.xmp"


def test_exiftool_reads_every_field(folder: Path, tag: Tag) -> None:
    (read,) = json.loads(output("exiftool", "-j", write_odd_xmp(folder, tag)))

    for field in ("Subject", "HierarchicalSubject", "TagsList"):
        assert read[field] == list(ODD_NAMES)


def test_exiftool_has_nothing_to_complain_about(folder: Path, tag: Tag) -> None:
    read = output("exiftool", "-validate", "-warning", "-error", "-a", write_odd_xmp(folder, tag))

    assert read == "Validate                        : OK\n"


def test_exiv2_reads_every_field(folder: Path, tag: Tag) -> None:
    lines = output("exiv2", "-px", write_odd_xmp(folder, tag)).splitlines()

    assert [line.split(maxsplit=3) for line in lines if "Xmp.tagger." not in line] == [
        ["Xmp.dc.subject", "XmpBag", "2", ", ".join(ODD_NAMES)],
        ["Xmp.lr.hierarchicalSubject", "XmpBag", "2", ", ".join(ODD_NAMES)],
        ["Xmp.digiKam.TagsList", "XmpSeq", "2", ", ".join(ODD_NAMES)],
    ]


def test_a_sidecar_without_tags_is_read_as_one(folder: Path, tag: Tag) -> None:
    sidecar = write_odd_xmp(folder, tag, count=0)

    (read,) = json.loads(output("exiftool", "-j", sidecar))

    assert read["XMPToolkit"] == "poster-tagger"
    assert "Subject" not in read
    assert read["RecordModel"] == "colours 1.2"
    assert "Xmp.dc.subject" not in output("exiv2", "-px", sidecar)


def test_darktable_takes_the_tags_into_its_database(folder: Path, tag: Tag) -> None:
    sidecar = write_odd_xmp(folder, tag)

    output(
        "darktable-cli", "a.png", sidecar, "out.jpg",
        "--core", "--configdir", "kept", "--cachedir", "cache", "--library", "library.db",
    )  # fmt: skip

    with contextlib.closing(sqlite3.connect(folder / "kept/data.db")) as database:
        names = {name for (name,) in database.execute("SELECT name FROM tags")}
    assert set(ODD_NAMES) <= names
    (exported,) = json.loads(output("exiftool", "-j", "out.jpg"))
    assert sorted(exported["Subject"]) == sorted(ODD_NAMES)
