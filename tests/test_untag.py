"""``tagger untag``: what it takes out, what it says, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from foreign_sidecars import DARKTABLE, LIGHTROOM
from pictures import save_picture

Run = Callable[..., Ran]


@pytest.fixture
def library(folder: Path, tag: Run) -> Path:
    """Return a folder with a new sidecar, a merged one, and one of an image in a subfolder."""
    for name in ("p/a.png", "p/b.png", "p/q/c.png"):
        save_picture(folder / name)
    (folder / "p/b.png.xmp").write_text(LIGHTROOM)
    (folder / "p/other.xmp").write_text(DARKTABLE)
    assert tag("p", "--sidecar", "xmp", "--sidecar", "txt").code == 0
    return folder


def sidecars(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*.xmp"))


def test_new_sidecars_go_and_others_are_again_what_they_were(library: Path, tagger: Run) -> None:
    ran = tagger("untag", "p")

    assert ran == Ran(0, b"", "1 sidecar changed, 2 removed, 0 failed.\n")
    assert sidecars(library) == ["p/b.png.xmp", "p/other.xmp"]
    assert (library / "p/b.png.xmp").read_text() == LIGHTROOM
    assert (library / "p/other.xmp").read_text() == DARKTABLE
    assert (library / "p/a.png.txt").read_text() == "red\n"


def test_a_second_time_there_is_nothing_to_do(library: Path, tagger: Run) -> None:
    tagger("untag", "p")

    assert tagger("untag", "p") == Ran(0, b"", "0 sidecars changed, 0 removed, 0 failed.\n")


def test_a_dry_run_says_what_would_change(library: Path, tagger: Run) -> None:
    before = {file: file.read_bytes() for file in library.rglob("*") if file.is_file()}

    ran = tagger("untag", "p", "--dry-run", "--backup")

    assert ran.stdout.decode() == (
        "p/a.png.xmp: would be removed (red)\n"
        "p/b.png.xmp: would be changed (red)\n"
        "p/q/c.png.xmp: would be removed (red)\n"
    )
    assert ran.stderr == "1 sidecar would be changed, 2 would be removed, 0 failed.\n"
    assert {file: file.read_bytes() for file in library.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["p/a.png"], ["p/b.png.xmp", "p/other.xmp", "p/q/c.png.xmp"]),
        (["p/a.png.xmp"], ["p/b.png.xmp", "p/other.xmp", "p/q/c.png.xmp"]),
        (["p", "--no-recursive"], ["p/b.png.xmp", "p/other.xmp", "p/q/c.png.xmp"]),
        (["p", "--exclude", "q"], ["p/b.png.xmp", "p/other.xmp", "p/q/c.png.xmp"]),
        (["p", "--include", "c.*"], ["p/a.png.xmp", "p/b.png.xmp", "p/other.xmp"]),
        (["p", "--include", "*.png"], ["p/b.png.xmp", "p/other.xmp"]),
    ],
)
def test_what_is_scanned_can_be_chosen(
    library: Path, tagger: Run, arguments: list[str], left: list[str]
) -> None:
    assert tagger("untag", *arguments).code == 0
    assert sidecars(library) == left


def test_a_list_comes_from_stdin(library: Path, tagger: Run) -> None:
    ran = tagger("untag", "-", "-0", stdin=b"p/a.png\0p/q/c.png.xmp\0p/gone.png\0")

    assert ran == Ran(0, b"", "0 sidecars changed, 2 removed, 0 failed.\n")


def test_sidecars_whose_images_are_gone_are_found(library: Path, tagger: Run) -> None:
    (library / "p/a.png").unlink()

    tagger("untag", "p")

    assert sidecars(library) == ["p/b.png.xmp", "p/other.xmp"]


def test_a_mirrored_tree_is_untagged_where_it_lies(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "p/a.png")
    tag("p", "--sidecar", "xmp", "--sidecar-dir", "tags")
    assert sidecars(folder) == ["tags/a.png.xmp"]

    assert tagger("untag", "tags").code == 0
    assert sidecars(folder) == []


def test_a_damaged_sidecar_of_ours_is_left_alone_and_reported(library: Path, tagger: Run) -> None:
    torn = (library / "p/a.png.xmp").read_bytes()[:-40]
    (library / "p/a.png.xmp").write_bytes(torn)

    ran = tagger("untag", "p")

    assert ran.code == 1
    reason = "not valid XML (line 41, column 2: unclosed token)"
    assert ran.stderr.splitlines() == [
        f"failed: p/a.png.xmp: {reason}, so it was left alone",
        "1 sidecar changed, 1 removed, 1 failed.",
    ]
    assert (library / "p/a.png.xmp").read_bytes() == torn


def test_a_damaged_sidecar_of_others_is_no_concern_of_ours(folder: Path, tagger: Run) -> None:
    (folder / "a.xmp").write_bytes(b"<torn")

    assert tagger("untag", ".") == Ran(0, b"", "0 sidecars changed, 0 removed, 0 failed.\n")
