"""Harm prevented: a walk that tags, or writes into, what is no part of a collection.

NAS systems, desktops, cameras' phones and programs that synchronise put thumbnails, trash, old
versions and packages among images. They are left out of every walk, named once, and taken with
``--everything`` or when a person names them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from pictures import save_picture

from tagger.files.litter import is_litter
from tagger.find.scan import WalkOptions, scan

Run = Callable[..., Ran]

APPLE_DOUBLE = b"\0\5\26\7\0\2\0\0Mac OS X        \0\2"

#: Folders that are left out, each by another program or system.
FOLDERS = [
    "#Recycle", "#recycle", "#snapshot", "$RECYCLE.BIN", ".@__thumb", ".AppleDouble", ".recycle",
    ".Spotlight-V100", ".Trash", ".Trash-1000", ".Trashes", ".cache", ".dtrash", ".git", ".hg",
    ".picasaoriginals", ".Recycle.Bin", ".sh_thumbnails", ".snapshot", ".snapshots", ".stversions",
    ".svn", ".sync", ".thumbnails", ".thumbs", ".xvpics", ".zfs", "@Recently-Snapshot", "@Recycle",
    "@eaDir", "Catalog Previews.lrdata", "FOUND.000", "LOST.DIR", "My Photos.aplibrary",
    "Photos Library.photoslibrary", "RECYCLER", "System Volume Information", "__MACOSX",
    "files_trashbin", "files_versions", "lost+found", "node_modules", "~snapshot",
]  # fmt: skip

#: Files that are left out, with what they are called on stderr.
FILES = {
    "._heat.jpg": "._*",
    ".trashed-1700000000-heat.jpg": ".trashed-*",
    ".pending-1700000000-heat.jpg": ".pending-*",
    ".0123abcd-1f.part.jpg": "*.part",
}

#: Names that resemble those, and may be a person's.
OTHERS = [
    ".a.jpg", "_._.jpg", "._/a.jpg", ".posters/a.jpg", "trash/a.jpg", "Trash (1994)/a.jpg",
    "thumbnails/a.jpg", "recycle/a.jpg", "Snapshots/a.jpg", "eaDir/a.jpg", "gits/a.jpg",
    "cache/a.jpg", "sync/a.jpg", "photoslibrary/a.jpg", "x.photoslibraryx/a.jpg", "MACOSX/a.jpg",
    "Lost and Found/a.jpg", "found.jpg", ".trashed-heat.jpg", ".0123-1.jpg", "metadata/a.jpg",
]  # fmt: skip


@pytest.fixture
def nas(folder: Path) -> Path:
    """Return a folder with one poster, and what a Mac, a NAS and a desktop put around it."""
    save_picture(folder / "p/heat.jpg", "red")
    for size in ("B", "M", "S", "XL"):
        save_picture(folder / f"p/@eaDir/heat.jpg/SYNOPHOTO_THUMB_{size}.jpg", "blue")
    for name in (".Trash-1000/files/deleted.jpg", "#recycle/deleted2.jpg", ".thumbnails/0123.jpg"):
        save_picture(folder / "p" / name, "blue")
    for name in ("._heat.jpg", "__MACOSX/._heat.jpg", ".AppleDouble/heat.jpg"):
        (folder / "p" / name).parent.mkdir(exist_ok=True)
        (folder / "p" / name).write_bytes(APPLE_DOUBLE)
    return folder


LEFT_OUT = (
    "Left out: 7 entries of trash, thumbnails or other programs (1 #recycle, 1 .AppleDouble, "
    "1 .Trash-1000, 1 ._*, 1 .thumbnails, 1 @eaDir, 1 __MACOSX); --everything takes them."
)


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def found(*arguments: str, **options: object) -> list[str]:
    return list(scan(arguments, WalkOptions(**options)).paths(lambda *_: None))


def test_one_poster_among_litter_gives_one_row(nas: Path, tag: Run) -> None:
    ran = tag("p", "--layout", "list", "-f", "csv", "--summary", "s.json")

    assert (ran.code, ran.rows()) == (0, ["p/heat.jpg,red,"])
    assert ran.stderr.splitlines().count(LEFT_OUT) == 1
    assert json.loads((nas / "s.json").read_text())["litter"] == {
        "#recycle": 1, ".AppleDouble": 1, ".Trash-1000": 1, "._*": 1, ".thumbnails": 1,
        "@eaDir": 1, "__MACOSX": 1,
    }  # fmt: skip


def test_nothing_is_written_into_litter(nas: Path, tag: Run, tagger: Run) -> None:
    before = contents(nas)

    tag("p", "--embed", "--sidecar", "xmp", "--sidecar", "txt")

    after = contents(nas)
    assert {str(file.relative_to(nas)) for file in after.keys() - before.keys()} == {
        "p/heat.jpg.xmp",
        "p/heat.jpg.txt",
    }
    assert [file.name for file in before if before[file] != after[file]] == ["heat.jpg"]

    ran = tagger("untag", "p")
    assert ran.stderr.splitlines()[1:] == [LEFT_OUT]


def test_a_dry_run_tells_it_too(nas: Path, tag: Run) -> None:
    assert tag("p", "--dry-run") == Ran(
        0, b"p/heat.jpg\n", f"1 image would be tagged.\n{LEFT_OUT}\n"
    )
    assert tag("p", "--dry-run", "--quiet").stderr == ""


def test_everything_takes_it(nas: Path, tag: Run) -> None:
    ran = tag("p", "--everything", "--dry-run")

    assert len(ran.stdout.splitlines()) == 11
    assert ran.stderr == "11 images would be tagged.\n"


def test_what_is_named_is_taken(nas: Path, tag: Run) -> None:
    ran = tag("p/@eaDir", "p/.Trash-1000/files", "p/#recycle/deleted2.jpg", "--dry-run")

    assert ran.stdout.decode().splitlines() == [
        "p/#recycle/deleted2.jpg",
        "p/.Trash-1000/files/deleted.jpg",
        *(f"p/@eaDir/heat.jpg/SYNOPHOTO_THUMB_{size}.jpg" for size in ("B", "M", "S", "XL")),
    ]
    assert ran.stderr == "6 images would be tagged.\n"


def test_what_is_named_beside_its_folder_is_taken_and_not_told(nas: Path, tag: Run) -> None:
    ran = tag("p", "p/@eaDir", "./p/._heat.jpg", "-", "--dry-run", stdin=b"p/.thumbnails/0123.jpg")

    assert ran.stdout.decode().splitlines() == [
        "./p/._heat.jpg",
        "p/.thumbnails/0123.jpg",
        *(f"p/@eaDir/heat.jpg/SYNOPHOTO_THUMB_{size}.jpg" for size in ("B", "M", "S", "XL")),
        "p/heat.jpg",
    ]
    assert ran.stderr.splitlines()[1] == (
        "Left out: 5 entries of trash, thumbnails or other programs (1 #recycle, 1 .AppleDouble, "
        "1 .Trash-1000, 1 .thumbnails, 1 __MACOSX); --everything takes them."
    )


def test_litter_in_a_folder_that_is_litter_itself_is_left_out(folder: Path) -> None:
    save_picture(folder / "#recycle/a.jpg")
    save_picture(folder / "#recycle/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg")

    assert found("#recycle") == ["#recycle/a.jpg"]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_no_collection_is_left_out(folder: Path, name: str) -> None:
    save_picture(folder / "p/q/a.jpg")
    save_picture(folder / "p/q" / name / "inner/x.jpg")

    assert found("p") == ["p/q/a.jpg"]
    assert found("p", everything=True) == sorted(["p/q/a.jpg", f"p/q/{name}/inner/x.jpg"])
    assert found(f"p/q/{name}") == [f"p/q/{name}/inner/x.jpg"]


@pytest.mark.parametrize(("name", "told"), FILES.items())
def test_a_file_of_no_collection_is_left_out(folder: Path, tag: Run, name: str, told: str) -> None:
    save_picture(folder / "p/a.jpg")
    (folder / "p" / name).write_bytes(APPLE_DOUBLE)

    ran = tag("p", "--dry-run")

    assert ran.stdout == b"p/a.jpg\n"
    assert f"Left out: 1 entry of trash, thumbnails or other programs (1 {told});" in ran.stderr
    assert found("p", everything=True) == sorted(["p/a.jpg", f"p/{name}"])


@pytest.mark.parametrize("name", OTHERS)
def test_names_that_resemble_these_are_taken(folder: Path, name: str) -> None:
    save_picture(folder / "p" / name)

    assert found("p") == [f"p/{name}"]


def test_links_into_version_control_are_images(folder: Path) -> None:
    save_picture(folder / "p/.git/annex/objects/aa/x.jpg")
    (folder / "p/heat.jpg").symlink_to(".git/annex/objects/aa/x.jpg")

    assert found("p") == ["p/heat.jpg"]


def test_patterns_do_not_bring_it_back(nas: Path, tag: Run) -> None:
    assert tag("p", "--include", "*.jpg", "--dry-run").stdout == b"p/heat.jpg\n"


def test_training_leaves_it_out(folder: Path) -> None:
    from tagger_training.image_finder import ImageFinder

    image = save_picture(folder / "p/heat.jpg")
    thrown_away = save_picture(folder / "p/#recycle/heat.jpg")
    save_picture(folder / "p/@eaDir/heat.jpg")
    finder = ImageFinder(folder / "p")

    assert finder.find("heat") == finder.find("heat.jpg") == [image]
    assert finder.find("#recycle/heat.jpg") == [thrown_away]


def test_a_path_says_whether_it_is_litter() -> None:
    assert is_litter(Path("p/@eaDir/heat.jpg/x.jpg"))
    assert is_litter("p/._heat.jpg")
    assert not is_litter(Path("p/heat.jpg"))
    assert not is_litter("@eaDir")  # a file of that name
