"""Harm prevented: files that look like images to a person leave no trace in a run.

A walk counts what it passes over, by ending and by reason, on stderr and in the summary.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Ran
from pictures import save_picture

from tagger import Listener, Tagger
from tagger.find.left_out import LeftOut, Why, ending_of
from tagger.find.scan import WalkOptions, scan

Run = Callable[..., Ran]

HINT = "; --sniff takes those that are images"


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"-")


def said(ran: Ran) -> list[str]:
    """Return the sentences on what was left out."""
    starts = ("Passed over: ", "Left out: ", "Not followed: ")
    return [line for line in ran.stderr.splitlines() if line.startswith(starts)]


def figures(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "s.json").read_text())
    return {name: read[name] for name in ("other_files", "litter", "left_out")}


def test_other_files_are_counted_by_their_ending(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.jpg", "red")
    touch(folder, *(f"p/{n}.MOV" for n in range(9)), *(f"p/q/{n}.heic" for n in range(3)))
    touch(folder, "p/1.jxl", "p/2.JXL", "p/poster", "p/Mr. Nobody")

    ran = tag("p", "--layout", "list", "-f", "csv", "--summary", "s.json")

    assert (ran.code, ran.rows()) == (0, ["p/a.jpg,red,"])
    assert said(ran) == [
        f"Passed over: 16 other files (3 .heic, 2 .jxl, 9 .mov, 2 without an ending){HINT}."
    ]
    assert figures(folder) == {
        "other_files": {"": 2, ".heic": 3, ".jxl": 2, ".mov": 9},
        "litter": {},
        "left_out": {},
    }


def test_a_folder_with_other_files_alone_is_not_silent(folder: Path, tag: Run) -> None:
    touch(folder, "p/a.mov")

    for arguments in (("p",), ("p", "--sidecar", "xmp"), ("p", "--dry-run")):
        assert said(tag(*arguments)) == ["Passed over: 1 other file (1 .mov)."]
    assert said(tag("p", "--quiet")) == []


def test_sidecars_alone_are_no_news_and_counted_all_the_same(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.jpg", "red")
    for kind in ("xmp", "json", "txt"):
        tag("p", "--sidecar", kind)

    assert said(tag("p", "--sidecar", "xmp", "--summary", "s.json")) == []
    assert figures(folder)["other_files"] == {".json": 1, ".txt": 1, ".xmp": 1}
    touch(folder, "p/b.mov")
    assert said(tag("p", "--dry-run")) == [
        "Passed over: 4 other files (1 .json, 1 .mov, 1 .txt, 1 .xmp)."
    ]


def test_a_named_file_is_not_passed_over(folder: Path, tag: Run) -> None:
    touch(folder, "p/a.mov", "p/b.mov")
    save_picture(folder / "p/poster", format="png")

    ran = tag("p", "p/poster", "./p/a.mov", "--dry-run")

    assert ran.stdout == b"./p/a.mov\np/poster\n"
    assert said(ran) == ["Passed over: 1 other file (1 .mov)."]


def test_overlapping_folders_are_counted_once(folder: Path, tag: Run) -> None:
    touch(folder, "p/a.mov", "p/q/b.mov")

    ran = tag("p", "./p/q", f"{folder}/p", "--dry-run")

    assert said(ran) == ["Passed over: 2 other files (2 .mov)."]


def test_each_option_says_what_it_left_out(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.jpg", "red")
    save_picture(folder / "p/b.png", "red")
    save_picture(folder / "p/q/c.jpg", "red")
    os.utime(folder / "p/a.jpg", (0, 0))

    def left_out(*options: str) -> dict[str, int]:
        tag("p", *options, "--summary", "s.json", "-o", "t.csv", "--quiet")
        (folder / "t.csv").unlink(missing_ok=True)
        counts: dict[str, int] = figures(folder)["left_out"]
        return counts

    assert left_out("--include", "*.png") == {"--include": 2}
    assert left_out("--exclude", "q", "--exclude", "b.*") == {"--exclude": 2}
    assert left_out("--no-recursive") == {"--no-recursive": 1}
    assert left_out("--newer-than", "2000-01-01") == {"--newer-than": 1}
    assert left_out("--library") == {"--library": 3}


def test_where_nothing_is_found_the_options_are_named(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.jpg", "red")
    save_picture(folder / "p/q/b.jpg", "red")
    tag("p", "-o", "t.csv")
    before = (folder / "t.csv").read_bytes()

    for quiet in ((), ("--quiet",)):
        ran = tag("p", "-o", "t.csv", "--include", "*.png", "--exclude", "q", *quiet)

        assert ran.code == 1
        assert (
            "No images were found (left out: 1 by --exclude, 1 by --include), so t.csv stays as it "
            "was."
        ) in ran.stderr.splitlines()
        assert (folder / "t.csv").read_bytes() == before


def test_links_to_folders_are_told(folder: Path, tag: Run) -> None:
    save_picture(folder / "elsewhere/a.jpg")
    (folder / "p").mkdir()
    (folder / "p/link").symlink_to("../elsewhere")
    (folder / "p/link.jpg").symlink_to("../elsewhere")

    assert said(tag("p", "--dry-run")) == [
        "Not followed: 2 links to folders; --follow-symlinks follows them."
    ]
    assert said(tag("p", "p/link", "--dry-run")) == [
        "Not followed: 1 link to a folder; --follow-symlinks follows it."
    ]
    assert said(tag("p", "--follow-symlinks", "--dry-run")) == []


def test_many_endings_are_cut_short(folder: Path, tag: Run) -> None:
    touch(folder, *(f"p/x.{n:02}" for n in range(20)), "p/a.mov", "p/b.mov")

    (sentence,) = said(tag("p", "--dry-run", "--summary", "s.json"))

    assert sentence.startswith("Passed over: 22 other files (1 .00, 1 .01, 1 .02, ")
    assert sentence.endswith(", 2 .mov, 9 more).")


def test_endings_cannot_drive_the_terminal(folder: Path, tag: Run) -> None:
    touch(folder, "p/x.\x1b[2J", os.fsdecode(b"p/y.\xff"))

    assert said(tag("p", "--dry-run")) == [r"Passed over: 2 other files (1 .\x1b[2j, 1 .\xff)."]


def test_millions_of_endings_do_not_fill_the_memory() -> None:
    counts = LeftOut()
    for number in range(5000):
        counts.add(Why.ENDING, f"x.{number}")
        counts.add(Why.LITTER, f".trash-{number}")

    assert len(counts.endings) <= 1001
    assert len(counts.litter) <= 1001
    assert counts.endings.total() == counts.litter.total() == 5000


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.HEIC", ".heic"),
        ("x.jpg_large", ".jpg_large"),
        ("q.jpg?v=1", ".jpg?v=1"),
        ("poster", ""),
        ("Mr. Nobody", ""),
        ("a.", ""),
        ("a." + "b" * 40, ""),
        (".DS_Store", ".ds_store"),
        (".jpg", ".jpg"),
    ],
)
def test_the_ending_of_a_name(name: str, ending: str) -> None:
    assert ending_of(name) == ending


def test_a_folder_that_cannot_be_listed_counts_nothing_twice(folder: Path) -> None:
    touch(folder, "p/a.mov", "p/q/b.mov", "p/r/c.mov")
    counts = LeftOut()
    walk = scan(["p", "p/r/c.mov"], WalkOptions()).paths(lambda *_: None, counts)

    assert list(walk) == ["p/r/c.mov"]
    assert counts.endings == {".mov": 2}


def test_python_programs_are_told_too(folder: Path, tiny_model: Path) -> None:
    save_picture(folder / "p/a.jpg", "red")
    touch(folder, "p/b.mov", "p/@eaDir/c.jpg")

    summary = Tagger(tiny_model).run("p", "t.csv", listener=Listener())

    assert summary.left_out.endings == {".mov": 1}
    assert summary.left_out.litter == {"@eaDir": 1}


#: Names that do not say that a file is an image, as browsers and programs leave them behind.
GARBLED = [
    "x.HEIC", "x.jxl", "x.psd", "x.jpg_large", "x.jpg:orig", "x.jpeg~", "noending", "q.jpg?v=1",
    "poster.jpg.1", "Mr. Nobody", ".jpg", "x.txt",
]  # fmt: skip


def test_sniffing_takes_images_whatever_their_name(folder: Path, tag: Run) -> None:
    for name in GARBLED:
        save_picture(folder / "p" / name, "red", format="jpeg")
    touch(folder, "p/notes.md", "p/a.mov")

    ran = tag("p", "--sniff", "--layout", "list", "-f", "csv", "--summary", "s.json")

    assert ran.code == 0
    assert ran.rows() == sorted(f"p/{name},red," for name in GARBLED)
    assert said(ran) == ["Passed over: 2 other files (1 .md, 1 .mov)."]
    assert figures(folder)["other_files"] == {".md": 1, ".mov": 1}
    assert tag("p", "--dry-run").stdout == b""


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "bmp", "tiff", "avif"])
def test_every_supported_format_is_recognised(folder: Path, tag: Run, kind: str) -> None:
    save_picture(folder / "p/poster", "red", format=kind)

    assert tag("p", "--sniff", "-f", "csv", "--layout", "list").rows() == ["p/poster,red,"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("car.txt", b"BMW and other cars of the year 1995, a list by their makers"),
        ("raw.dng", b"II*\0\x08\0\0\0" + bytes(100)),
        ("raw.nef", b"MM\0*\0\0\0\x08" + bytes(100)),
        ("x.bin", b"\x28\0\0\0" + bytes(100)),
        ("empty", b""),
        ("short", b"B"),
        ("video", b"\0\0\0\x20ftypqt  " + bytes(100)),
        ("heat.jpg.bak", b"\xff\xd8\xff\xe0" + bytes(100)),
        ("heat.jpg.part", b"\xff\xd8\xff\xe0" + bytes(100)),
        ("heat.jpg.crdownload", b"\xff\xd8\xff\xe0" + bytes(100)),
        ("MVI_1.THM", b"\xff\xd8\xff\xe0" + bytes(100)),
        (".trashed-1700000000-poster", b"\xff\xd8\xff\xe0" + bytes(100)),
        ("._poster", b"\0\5\26\7\0\2\0\0Mac OS X" + bytes(100)),
    ],
)
def test_sniffing_leaves_what_is_no_poster(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    counts = LeftOut()

    assert list(scan(["."], WalkOptions(sniff=True)).paths(lambda *_: None, counts)) == []
    assert counts.endings.total() == 1


def test_a_named_file_that_is_no_image_is_not_passed_over(folder: Path) -> None:
    touch(folder, "p/a.mov", "p/b.mov")
    counts = LeftOut()

    found = scan(["p", "p/a.mov"], WalkOptions(sniff=True)).paths(lambda *_: None, counts)

    assert list(found) == ["p/a.mov"]
    assert counts.endings == {".mov": 1}


def test_sniffing_opens_neither_pipes_nor_folders(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    writer = os.open(folder / "pipe", os.O_RDWR)
    os.write(writer, b"\xff\xd8\xff\xe0" + bytes(100))
    (folder / "loop").symlink_to("loop")
    (folder / "gone").symlink_to("nowhere")
    counts = LeftOut()

    assert list(scan(["."], WalkOptions(sniff=True)).paths(lambda *_: None, counts)) == []
    assert counts.endings == {"": 3}
    os.close(writer)


def test_sniffed_images_keep_their_place_in_the_order(folder: Path) -> None:
    names = ["a", "a-b/x", "a.jpg", "a.jpg.d/y", "a0", "b"]
    for name in names:
        save_picture(folder / "p" / name, format="jpeg")

    found = scan(["p", "./p/a", "p/b"], WalkOptions(sniff=True)).paths(lambda *_: None)

    assert list(found) == [f"p/{name}" for name in names]


def test_sniffed_posters_of_a_library_are_posters(folder: Path, tag: Run) -> None:
    save_picture(folder / "m/Heat/poster", format="jpeg")
    save_picture(folder / "m/Heat/fanart", format="jpeg")

    assert tag("m", "--library", "--sniff", "--dry-run").stdout == b"m/Heat/poster\n"


def test_tags_in_sniffed_images_are_taken_out_again(folder: Path, tag: Run, tagger: Run) -> None:
    image = save_picture(folder / "p/poster", "red", format="jpeg")
    before = image.read_bytes()

    assert tag("p", "--sniff", "--embed").code == 0
    assert image.read_bytes() != before
    assert tagger("untag", "p", "--sniff").code == 0
    assert image.read_bytes() == before
