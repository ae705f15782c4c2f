"""``--library``: posters are taken, all other art of a media library is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import Ran
from pictures import save_picture

from tagger.find.library import is_poster
from tagger.find.scan import WalkOptions, scan

Run = Callable[..., Ran]

#: A library as Kodi, Jellyfin, Emby and Plex keep it, in the order of a walk.
POSTERS = [
    "Alien (1979)/Alien (1979)-poster.jpg",
    "Alien (1979)/VIDEO_TS/poster.png",
    "Amélie/cover.jpg",
    "Heat (1995)/Folder.JPG",
    "Heat (1995)/Heat (1995)-Poster-2.jpg",
    "Heat (1995)/Heat (1995)-poster.webp",
    "Heat (1995)/default.jpg",
    "Heat (1995)/movie.png",
    "Heat (1995)/poster-3.jpg",
    "Heat (1995)/poster.jpg",
    "Heat (1995)/poster2.jpg",
    "Shorts/Luxo/poster.jpg",
    "Show/Season 01/season01-poster.jpg",
    "Show/Season01.jpg",
    "Show/season-specials-poster.jpg",
    "Show/season01-poster.jpg",
    "Show/show.jpg",
    "flat/Ran.1985-poster.jpg",
    "flat/movieset-poster.jpg",
]
OTHERS = [
    ".actors/poster.jpg",
    ".Trash-1000/files/poster.jpg",
    "@eaDir/poster.jpg/SYNOPHOTO_THUMB_M.jpg",
    "@eaDir/poster.jpg/poster.jpg",
    "Heat (1995)/._poster.jpg",
    "Heat (1995)/._Heat (1995)-poster.jpg",
    "Heat (1995)/.actors/Al_Pacino.jpg",
    "Heat (1995)/Heat (1995)-fanart.jpg",
    "Heat (1995)/Heat (1995)-thumb.jpg",
    "Heat (1995)/Heat (1995).jpg",
    "Heat (1995)/art.jpg",
    "Heat (1995)/back.jpg",
    "Heat (1995)/backdrop.jpg",
    "Heat (1995)/backdrop1.jpg",
    "Heat (1995)/backdrops/poster.jpg",
    "Heat (1995)/background-2.jpg",
    "Heat (1995)/banner.jpg",
    "Heat (1995)/cdart.png",
    "Heat (1995)/characterart.png",
    "Heat (1995)/clearart.png",
    "Heat (1995)/clearlogo.png",
    "Heat (1995)/disc.png",
    "Heat (1995)/discart.png",
    "Heat (1995)/extrafanart/poster.jpg",
    "Heat (1995)/extrathumbs/thumb1.jpg",
    "Heat (1995)/fanart.jpg",
    "Heat (1995)/fanart1.jpg",
    "Heat (1995)/keyart.jpg",
    "Heat (1995)/landscape.jpg",
    "Heat (1995)/logo.png",
    "Heat (1995)/metadata/folder.jpg",
    "Heat (1995)/poster.jpg.bak.png",
    "Heat (1995)/postery.jpg",
    "Heat (1995)/thumb.jpg",
    "Heat (1995)/trailers/poster.jpg",
    "Show/Season 01/Show S01E01-thumb.jpg",
    "Show/Season 01/Show S01E01.jpg",
    "Show/season01-banner.jpg",
    "Show/season01-fanart.jpg",
    "Show/characterart.png",
    "albumart.jpg",
    "small.jpg",
]


@pytest.fixture
def library(folder: Path) -> Path:
    """Return a folder with a library, every image of it there, a few bytes each."""
    for name in (*POSTERS, *OTHERS):
        file = folder / "m" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"-")
    for name in ("Heat (1995)/Heat (1995).mkv", "Heat (1995)/poster.txt", "flat/Ran.1985.mkv"):
        (folder / "m" / name).write_bytes(b"-")
    return folder


def listed(ran: Ran) -> list[str]:
    assert ran.code == 0
    return ran.stdout.decode().splitlines()


def test_posters_are_taken_and_nothing_else(library: Path, tag: Run) -> None:
    ran = tag("m", "--library", "--dry-run")

    assert listed(ran) == [f"m/{name}" for name in POSTERS]
    assert ran.stderr == (
        f"{len(POSTERS)} images would be tagged.\n"
        "Left out: 2 entries of trash, thumbnails or other programs (1 .Trash-1000, 1 @eaDir); "
        "--everything takes them.\n"
    )


def test_without_it_every_image_is_taken(library: Path, tag: Run) -> None:
    names = sorted((f"m/{name}" for name in (*POSTERS, *OTHERS)), key=str.encode)

    assert listed(tag("m", "--everything", "--dry-run")) == names


def test_globs_choose_among_posters(library: Path, tag: Run) -> None:
    assert listed(tag("m", "--library", "--include", "*.png", "--dry-run")) == [
        "m/Alien (1979)/VIDEO_TS/poster.png",
        "m/Heat (1995)/movie.png",
    ]
    assert listed(
        tag("m", "--library", "--exclude", "Show", "--exclude", "*[0-9].*", "--include", "*/*",
            "--exclude", "Heat*", "--exclude", "Alien*", "--dry-run")
    ) == [
        "m/Amélie/cover.jpg",
        "m/Shorts/Luxo/poster.jpg",
        "m/flat/Ran.1985-poster.jpg",
        "m/flat/movieset-poster.jpg",
    ]  # fmt: skip


def test_what_is_named_is_taken_whatever_it_is_called(library: Path, tag: Run) -> None:
    ran = tag(
        "m/Heat (1995)/fanart.jpg", "m/Heat (1995)/.actors", "-", "--list-folders", "--library",
        "--dry-run", stdin=b"m/Heat (1995)/logo.png\nm/Amelie\nm/Shorts\n",
    )  # fmt: skip

    assert listed(ran) == [
        "m/Amelie",
        "m/Heat (1995)/fanart.jpg",
        "m/Heat (1995)/logo.png",
        "m/Shorts/Luxo/poster.jpg",
    ]


def test_a_file_that_the_walk_leaves_out_can_be_named_beside_it(library: Path, tag: Run) -> None:
    ran = tag("m/Amélie", "m/Heat (1995)", "m/Heat (1995)/extrafanart/poster.jpg",
              "m/Heat (1995)/fanart.jpg", "m/Heat (1995)/trailers", "--library", "--exclude",
              "Heat*", "--dry-run")  # fmt: skip

    assert listed(ran) == [
        "m/Amélie/cover.jpg",
        "m/Heat (1995)/Folder.JPG",
        "m/Heat (1995)/default.jpg",
        "m/Heat (1995)/extrafanart/poster.jpg",
        "m/Heat (1995)/fanart.jpg",
        "m/Heat (1995)/movie.png",
        "m/Heat (1995)/poster-3.jpg",
        "m/Heat (1995)/poster.jpg",
        "m/Heat (1995)/poster2.jpg",
        "m/Heat (1995)/trailers/poster.jpg",
    ]


def test_names_that_are_no_text_are_walked_past(folder: Path, tag: Run) -> None:
    for name in (b"caf\xe9-poster.jpg", b"caf\xe9-fanart.jpg", b"new\nline-poster.jpg"):
        with open(bytes(folder) + b"/" + name, "wb") as file:
            file.write(b"-")

    assert listed(tag(".", "--library", "--dry-run")) == [
        r"./caf\xe9-poster.jpg",
        r"./new\nline-poster.jpg",
    ]


def test_posters_are_tagged(folder: Path, tag: Run) -> None:
    save_picture(folder / "m/Heat/poster.jpg", "red")
    save_picture(folder / "m/Heat/fanart.jpg", "blue")

    ran = tag("m", "--library", "-f", "csv", "--layout", "list")

    assert ran.rows() == ["m/Heat/poster.jpg,red,"]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("poster", True),
        ("POSTER.TBN", True),
        ("cover_12.jpg", True),
        ("season 3.jpg", True),
        ("Season01a.jpg", True),
        ("show-2.png", True),
        ("a-poster-b.jpg", False),
        ("-poster.jpg", False),
        ("posters.jpg", False),
        ("movie-fanart.jpg", False),
        ("season.jpg", False),
        ("the show.jpg", False),
        (".poster.jpg", False),
        ("", False),
    ],
)
def test_a_name_says_whether_it_is_a_poster(name: str, is_one: bool) -> None:
    assert is_poster(name) == is_one


def test_a_walk_keeps_no_more_than_one_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        (folder / f"{number:02}").mkdir()
        for name in ("poster.jpg", "fanart.jpg", "thumb.jpg"):
            (folder / f"{number:02}" / name).write_bytes(b"-")
    walk: Iterator[str] = scan(["."], WalkOptions(library=True)).paths(lambda *_: None)
    first = next(walk)

    # What comes to a folder that was not yet entered is still seen: nothing was read ahead.
    (folder / "39/folder.jpg").write_bytes(b"-")
    rest = list(walk)

    assert first == "./00/poster.jpg"
    assert rest[-2:] == ["./39/folder.jpg", "./39/poster.jpg"]
    assert len(rest) == 40
