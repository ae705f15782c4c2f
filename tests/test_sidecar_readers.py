"""The programs that the world trusts read our sidecars as we mean them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from pictures import save_picture

Tag = Callable[..., Ran]

#: A tag that breaks XML written carelessly, and one that is not ASCII.
ODD_NAMES = ('R&B <live> "5\'s"', "Où 🎬")

needs_exiftool = pytest.mark.skipif(
    shutil.which("exiftool") is None, reason="exiftool is not installed"
)
needs_exiv2 = pytest.mark.skipif(shutil.which("exiv2") is None, reason="exiv2 is not installed")


def output(*command: str) -> str:
    """Run a program and return what it printed."""
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def write_odd_xmp(folder: Path, tag: Tag, *, count: int = 2) -> str:
    """Tag an image with one or both odd names and return its sidecar."""
    save_picture(folder / "a.png", (204, 51, 153))
    first, second = ODD_NAMES
    renamed = ("--rename", f"red={first}", "--rename", f"blue={second}")
    tag("a.png", "--sidecar", "xmp", "--max-tags", str(count), *renamed)
    return "a.png.xmp"


@needs_exiftool
def test_exiftool_reads_every_field(folder: Path, tag: Tag) -> None:
    (read,) = json.loads(output("exiftool", "-j", write_odd_xmp(folder, tag)))

    for field in ("Subject", "HierarchicalSubject", "TagsList"):
        assert read[field] == list(ODD_NAMES)


@needs_exiftool
def test_exiftool_has_nothing_to_complain_about(folder: Path, tag: Tag) -> None:
    read = output("exiftool", "-validate", "-warning", "-error", "-a", write_odd_xmp(folder, tag))

    assert read == "Validate                        : OK\n"


@needs_exiv2
def test_exiv2_reads_every_field(folder: Path, tag: Tag) -> None:
    lines = output("exiv2", "-px", write_odd_xmp(folder, tag)).splitlines()

    assert [line.split(maxsplit=3) for line in lines] == [
        ["Xmp.dc.subject", "XmpBag", "2", ", ".join(ODD_NAMES)],
        ["Xmp.lr.hierarchicalSubject", "XmpBag", "2", ", ".join(ODD_NAMES)],
        ["Xmp.digiKam.TagsList", "XmpSeq", "2", ", ".join(ODD_NAMES)],
    ]


@needs_exiftool
@needs_exiv2
def test_a_sidecar_without_tags_is_read_as_one(folder: Path, tag: Tag) -> None:
    sidecar = write_odd_xmp(folder, tag, count=0)

    (read,) = json.loads(output("exiftool", "-j", sidecar))

    assert read["XMPToolkit"] == "poster-tagger"
    assert "Subject" not in read
    assert output("exiv2", "-px", sidecar) == ""
