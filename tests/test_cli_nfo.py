"""``--sidecar nfo``: which ``.nfo`` gets genres, what is said, and what is left alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from foreign_nfos import FORMS, JELLYFIN, KODI
from holding import merge_genres
from pictures import save_picture

from tagger.text import counted

Run = Callable[..., Ran]

RED = [b"<genre>Drama</genre>"]
NFO = "<movie>\n  <title>x</title>\n</movie>\n"


@pytest.fixture
def films(tag: Run) -> Run:
    """Return a function that runs ``tagger tag m --sidecar nfo``: red is Drama, green Crime."""

    def run(*arguments: str | Path) -> Ran:
        names = ("--rename", "red=Drama", "--rename", "green=Crime", "--rename", "blue=War")
        return tag("m", "--sidecar", "nfo", *names, *arguments)

    return run


def make(folder: Path, *names: str, colour: str = "red") -> None:
    """Make images of a colour, ``.nfo`` files of films without genres, and videos."""
    for name in names:
        file = folder / "m" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix.lower() == ".nfo":
            file.write_text(NFO)
        elif file.suffix.lower() in (".jpg", ".png"):
            save_picture(file, colour)
        else:
            file.write_bytes(b"-")


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file of the library and its content."""
    return {
        str(file.relative_to(folder / "m")): file.read_bytes()
        for file in sorted((folder / "m").rglob("*"))
        if file.is_file()
    }


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> dict[str, list[str]]:
    """Return the genres that files got, file by file."""
    assert before.keys() == after.keys()
    return {
        name: [
            genre
            for genre in ("Drama", "Crime", "War")
            if f"<genre>{genre}</genre>".encode() in after[name]
        ]
        for name in before
        if before[name] != after[name]
    }


def lines(ran: Ran) -> list[str]:
    """Return the summary without device, rate, videos that are passed over and the list of tags."""
    return [
        line
        for line in ran.stderr.splitlines()
        if not line.startswith(("Running on", "Passed over:", "Tags:")) and "images/s" not in line
    ]


@pytest.mark.parametrize(
    ("names", "nfos"),
    [
        (["Heat/poster.jpg", "Heat/movie.nfo"], ["Heat/movie.nfo"]),
        (["Heat/poster.jpg", "Heat/movie.nfo", "Heat/a.mkv", "Heat/b.mkv"], ["Heat/movie.nfo"]),
        (["Heat/folder.jpg", "Heat/h.mkv", "Heat/h.nfo"], ["Heat/h.nfo"]),
        (["Heat/folder.jpg", "Heat/h.mkv", "Heat/h.nfo", "Heat/x.nfo"], ["Heat/h.nfo"]),
        (
            ["Heat/cover.jpg", "Heat/h.mkv", "Heat/h.nfo", "Heat/movie.nfo"],
            ["Heat/h.nfo", "Heat/movie.nfo"],
        ),
        (["Heat/movie.jpg", "Heat/h.mkv", "Heat/other.nfo"], ["Heat/other.nfo"]),
        (["Heat/default.jpg", "Heat/h.nfo"], ["Heat/h.nfo"]),
        (["Heat/Poster.jpg", "Heat/H.MKV", "Heat/h.NFO"], ["Heat/h.NFO"]),
        (["Heat/h-poster.jpg", "Heat/h.nfo"], ["Heat/h.nfo"]),
        (["Heat/h-poster.jpg", "Heat/h.mkv", "Heat/movie.nfo"], ["Heat/movie.nfo"]),
        (["Heat/h.jpg", "Heat/h.mkv", "Heat/h.nfo"], ["Heat/h.nfo"]),
        (
            ["a-poster.jpg", "a.mkv", "a.nfo", "b.jpg", "b.mkv", "b.nfo", "c.mkv", "c.nfo"],
            ["a.nfo", "b.nfo"],
        ),
        (
            [
                "Heat/poster.jpg",
                "Heat/h.mkv",
                "Heat/h.nfo",
                "Heat/h-trailer.mkv",
                "Heat/sample.avi",
            ],
            ["Heat/h.nfo"],
        ),
        (["Heat/poster.jpg", "Heat/h-cd1.avi", "Heat/h-cd2.avi", "Heat/h.nfo"], ["Heat/h.nfo"]),
        (["Heat/poster.jpg", "Heat/h.part1.avi", "Heat/h.part1.nfo"], ["Heat/h.part1.nfo"]),
        (
            ["Heat/poster.jpg", "Heat/Heat - 4K.mkv", "Heat/Heat - HD.mkv", "Heat/Heat - HD.nfo"],
            ["Heat/Heat - HD.nfo"],
        ),
        (
            ["Heat/poster.jpg", "Heat/VIDEO_TS/VIDEO_TS.IFO", "Heat/VIDEO_TS/VIDEO_TS.nfo"],
            ["Heat/VIDEO_TS/VIDEO_TS.nfo"],
        ),
        (["Heat/poster.jpg", "Heat/BDMV/index.nfo"], ["Heat/BDMV/index.nfo"]),
        (["Heat/poster.jpg", "Heat/BDMV/x.m2ts", "Heat/Heat.nfo", "Heat/r.nfo"], ["Heat/Heat.nfo"]),
    ],
)
def test_genres_go_into_the_nfo_of_the_film(
    folder: Path, films: Run, names: list[str], nfos: list[str]
) -> None:
    make(folder, *names)
    before = tree(folder)

    ran = films()

    assert changed(before, tree(folder)) == {nfo: ["Drama"] for nfo in nfos}
    assert lines(ran) == [f"{counted(len(nfos), 'sidecar')} written."]
    assert ran.code == 0


@pytest.mark.parametrize(
    "names",
    [
        ["Heat/poster.jpg"],
        ["Heat/poster.jpg", "Heat/a.mkv", "Heat/b.mkv"],
        ["Heat/poster.jpg", "Heat/a.mkv", "Heat/b.mkv", "Heat/a.nfo"],
        ["Heat/poster.jpg", "Heat/a.mkv", "Heat/x.nfo", "Heat/y.nfo"],
        ["Heat/h-fanart.jpg", "Heat/h.mkv", "Heat/h.nfo"],
        ["Heat/fanart.jpg", "Heat/movie.nfo"],
        ["Heat/a-poster.jpg", "Heat/b.mkv", "Heat/b.nfo"],
        ["Heat/a-poster.jpg", "Heat/b.nfo"],
        ["Heat/poster.jpg", ".nfo"],
        ["movieset-poster.jpg", "a.mkv", "a.nfo", "b.mkv", "movie.nfo"],
        ["Show/poster.jpg", "Show/tvshow.nfo"],
        ["Show/season01-poster.jpg", "Show/tvshow.nfo"],
        ["Show/S1/poster.jpg", "Show/tvshow.nfo", "Show/S1/e.mkv", "Show/S1/e.nfo"],
        ["S1/poster.jpg", "S1/season.nfo", "S1/e.mkv", "S1/e.nfo"],
        ["S1/folder.jpg", "S1/x S01E01.mkv", "S1/x S01E01.nfo"],
    ],
)
def test_without_one_nothing_is_made_and_nothing_failed(
    folder: Path, films: Run, names: list[str]
) -> None:
    make(folder, *names)
    before = tree(folder)

    ran = films()

    assert tree(folder) == before
    image = next(name for name in names if name.endswith(".jpg"))
    assert lines(ran) == [
        "0 sidecars written.",
        f"1 left alone: no .nfo of a film next to the image (m/{image}).",
    ]
    assert ran.code == 0


@pytest.mark.parametrize(
    ("names", "candidates"),
    [
        (["poster.jpg", "a.mkv", "b.mkv", "a.nfo", "b.nfo"], "a.nfo, b.nfo"),
        (["poster.jpg", "a.nfo", "b.nfo", "c.nfo", "d.nfo"], "a.nfo, b.nfo, c.nfo, …"),
        (["poster.jpg", "a.mkv", "b.mkv", "b.nfo", "movie.nfo"], "movie.nfo, b.nfo"),
        (
            ["poster.jpg", "m - 1.mkv", "m - 2.mkv", "m - 1.nfo", "m - 2.nfo"],
            "m - 1.nfo, m - 2.nfo",
        ),
    ],
)
def test_nobody_guesses_among_several(
    folder: Path, films: Run, names: list[str], candidates: str
) -> None:
    make(folder, *names)
    before = tree(folder)

    ran = films()

    assert tree(folder) == before
    assert ran.code == 1
    assert lines(ran) == [
        (
            f"failed: m/{names[0]}: several .nfo files may be its film's ({candidates}), so none "
            "was changed"
        ),
        "0 sidecars written.",
    ]


def test_the_best_poster_speaks_for_a_film(folder: Path, films: Run) -> None:
    make(folder, "Heat/poster.jpg", "Heat/h.mkv", "Heat/h.nfo", colour="lime")
    make(folder, "Heat/cover.jpg", "Heat/folder.jpg", "Heat/h.jpg", "Heat/poster2.jpg")
    before = tree(folder)

    ran = films()

    assert changed(before, tree(folder)) == {"Heat/h.nfo": ["Crime"]}
    assert lines(ran) == [
        "1 sidecar written.",
        (
            "4 left alone: the film has a better poster (m/Heat/cover.jpg, "
            "m/Heat/folder.jpg, m/Heat/h.jpg, m/Heat/poster2.jpg)."
        ),
    ]


def test_a_second_run_changes_nothing(folder: Path, films: Run) -> None:
    make(folder, "Heat/poster.jpg", "Heat/folder.jpg", "Heat/movie.nfo", "a-poster.jpg", "a.nfo")
    films()
    after = tree(folder)
    old = {name: os.stat(folder / "m" / name).st_mtime_ns for name in after}

    ran = films("--backup")

    assert tree(folder) == after
    assert {name: os.stat(folder / "m" / name).st_mtime_ns for name in after} == old
    assert lines(ran)[:2] == ["0 sidecars written.", "2 sidecars already up to date."]


def test_later_runs_replace_their_own_genres(folder: Path, films: Run) -> None:
    make(folder, "poster.jpg")
    (folder / "m/movie.nfo").write_text(KODI)
    films()
    save_picture(folder / "m/poster.jpg", "blue")

    films()

    text = (folder / "m/movie.nfo").read_text()
    assert text.count("<genre>") == 3
    assert "    <genre>Action</genre>\n    <genre>Crime</genre>\n    <genre>War</genre>\n" in text


def test_untag_gives_back_the_library_to_the_byte(folder: Path, films: Run, tagger: Run) -> None:
    for number, form in enumerate(FORMS.values()):
        make(folder, f"{number:02}/poster.jpg", f"{number:02}/film.mkv")
        (folder / f"m/{number:02}/film.nfo").write_bytes(form.data)
    make(folder, "Disc/poster.jpg", "Disc/VIDEO_TS/VIDEO_TS.nfo")
    before = tree(folder)
    assert films("--sidecar", "xmp", "--embed").code == 0

    ran = tagger("untag", "m")

    count = len(FORMS) + 1
    changed = count - sum("Drama" in form.genres for form in FORMS.values())
    assert tree(folder) == before
    assert ran == Ran(
        0,
        b"",
        f"{counted(changed, 'sidecar')} changed, {count} removed, "
        f"{counted(count, 'image')} changed, 0 failed.\n",
    )
    assert tagger("untag", "m").stderr == "0 sidecars changed, 0 removed, 0 failed.\n"


@pytest.mark.parametrize(
    "argument", ["m/Heat", "m/Heat/poster.jpg", "m/Heat/h.nfo", "m/Heat/fan.jpg"]
)
def test_untag_finds_the_nfo_by_folder_image_or_name(
    folder: Path, films: Run, tagger: Run, argument: str
) -> None:
    make(folder, "Heat/poster.jpg", "Heat/h.nfo", "Heat/h.mkv", "Heat/fan.jpg")
    films()

    dry = tagger("untag", argument, "--dry-run")
    ran = tagger("untag", argument)

    found = argument != "m/Heat/fan.jpg"
    assert dry.stdout.decode() == "m/Heat/h.nfo: would be changed (Drama)\n" * found
    assert ran.stderr == f"{counted(int(found), 'sidecar')} changed, 0 removed, 0 failed.\n"
    assert ((folder / "m/Heat/h.nfo").read_text() == NFO) == found


def test_untag_leaves_what_is_locked_or_torn(folder: Path, films: Run, tagger: Run) -> None:
    make(folder, "a/poster.jpg", "a/a.nfo", "b/poster.jpg", "b/b.nfo")
    (folder / "m/torn.nfo").write_bytes(b"<movie>")
    films()
    locked = (folder / "m/a/a.nfo").read_text().replace("<title>", "<lockdata>true</lockdata><a>")
    locked = locked.replace("</title>", "</a>")
    torn = (folder / "m/b/b.nfo").read_text()[:-12]
    (folder / "m/a/a.nfo").write_text(locked)
    (folder / "m/b/b.nfo").write_text(torn)
    before = tree(folder)

    ran = tagger("untag", "m")

    assert tree(folder) == before
    assert ran == Ran(
        1,
        b"",
        "failed: m/a/a.nfo: locked by its owner, so it was left alone\n"
        "failed: m/b/b.nfo: not valid XML (line 4, column 3: unclosed token), so it was left "
        "alone\n"
        "0 sidecars changed, 0 removed, 2 failed.\n",
    )


def test_retag_changes_the_genres_as_a_fresh_run_would(
    folder: Path, films: Run, tagger: Run, tiny_model: Path
) -> None:
    make(folder, "Heat/poster.jpg", "Heat/folder.jpg", "a-poster.jpg", "a.nfo", "none-poster.jpg")
    (folder / "m/Heat/movie.nfo").write_text(JELLYFIN)
    films("-o", "tags.csv", "--sidecar", "txt")
    names = ("--rename", "red=Music", "--model", str(tiny_model))

    ran = tagger("retag", "tags.csv", "--sidecar", "nfo", *names)
    again = tagger("retag", "tags.csv", "--sidecar", "nfo", *names)

    assert ran.code == again.code == 0
    assert lines(ran) == [
        "2 sidecars written.",
        "1 left alone: no .nfo of a film next to the image (m/none-poster.jpg).",
        "1 left alone: the film has a better poster (m/Heat/folder.jpg).",
    ]
    assert (folder / "m/Heat/movie.nfo").read_bytes() == merge_genres(JELLYFIN.encode(), ["Music"])
    assert (folder / "m/a.nfo").read_bytes() == merge_genres(NFO.encode(), ["Music"])
    assert lines(again)[:2] == ["0 sidecars written.", "2 sidecars already up to date."]
    assert tagger("untag", "m").code == 0
    assert (folder / "m/Heat/movie.nfo").read_text() == JELLYFIN


def test_what_is_not_for_us_is_left_alone_and_told(folder: Path, films: Run) -> None:
    contents = {
        "link": "https://www.themoviedb.org/movie/949-heat\n",
        "locked": NFO.replace("</title>", "</title><lockdata>true</lockdata>"),
        "episode": "<episodedetails/>",
        "music": "<musicvideo/>",
        "fine": NFO,
    }
    for name, text in contents.items():
        make(folder, f"{name}-poster.jpg")
        (folder / f"m/{name}.nfo").write_text(text)
    make(folder, "scene-poster.jpg")
    (folder / "m/scene.nfo").write_bytes(b"<<< RELEASE >>>\n\xdb http://www.imdb.com/title/tt1\n")
    before = tree(folder)

    ran = films("--summary", "s.json", "--backup")

    after = tree(folder)
    assert after.pop("fine.nfo.bak").decode() == NFO
    assert changed(before, after) == {"fine.nfo": ["Drama"]}
    assert ran.code == 0
    assert lines(ran) == [
        "1 sidecar written.",
        "1 left alone: the .nfo is locked (m/locked.nfo).",
        "2 left alone: the .nfo contains no XML (m/link.nfo, m/scene.nfo).",
        "2 left alone: the .nfo does not describe a film (m/episode.nfo, m/music.nfo).",
    ]
    assert json.loads((folder / "s.json").read_text())["nfo"] == {
        "without_nfo": 0,
        "outranked": 0,
        "locked": 1,
        "no_xml": 2,
        "other_kind": 2,
    }


def test_what_is_damaged_is_left_alone_and_fails(folder: Path, films: Run) -> None:
    contents = {
        "a": b"<movie><title>R&B</title></movie>",
        "b": b"<movie>\xe9</movie>",
        "c": b'<!DOCTYPE movie [<!ENTITY x "y">]><movie>&x;</movie>',
        "d": b"<html/>",
    }
    for name, data in contents.items():
        make(folder, f"{name}-poster.jpg")
        (folder / f"m/{name}.nfo").write_bytes(data)
    (folder / "m/e.nfo").mkdir()
    make(folder, "e-poster.jpg")
    before = tree(folder)

    ran = films()

    assert tree(folder) == before
    assert ran.code == 1
    assert lines(ran) == [
        (
            "failed: m/a.nfo: not valid XML (line 1, column 18: not well-formed (invalid token)), "
            "so it was left alone"
        ),
        "failed: m/b.nfo: not valid XML (its text is not utf-8), so it was left alone",
        "failed: m/c.nfo: not safe to read (it has a DOCTYPE), so it was left alone",
        "failed: m/d.nfo: no .nfo of a film (its outermost element is html), so it was left alone",
        "failed: m/e.nfo: not a regular file, so it was left alone",
        "0 sidecars written.",
    ]


def test_skip_leaves_every_nfo_alone_and_overwrite_wipes_none(folder: Path, films: Run) -> None:
    make(folder, "poster.jpg", "movie.nfo")
    before = tree(folder)

    ran = films("--existing", "skip")

    assert tree(folder) == before
    assert lines(ran) == [
        "0 sidecars written.",
        "1 existing sidecar left alone (m/movie.nfo).",
    ]

    assert films("--existing", "overwrite").code == 0
    assert (folder / "m/movie.nfo").read_bytes() == merge_genres(NFO.encode(), ["Drama"])


def test_links_permissions_and_backups_are_kept(folder: Path, films: Run) -> None:
    make(folder, "a/poster.jpg", "real/h.nfo")
    (folder / "m/a/h.nfo").symlink_to("../real/h.nfo")
    os.chmod(folder / "m/real/h.nfo", 0o640)

    assert films("--backup").code == 0

    assert (folder / "m/a/h.nfo").is_symlink()
    assert (folder / "m/real/h.nfo").read_bytes() == merge_genres(NFO.encode(), ["Drama"])
    assert os.stat(folder / "m/real/h.nfo").st_mode & 0o777 == 0o640
    assert (folder / "m/a/h.nfo.bak").read_text() == NFO


def test_an_nfo_that_may_not_be_read_fails_by_name(folder: Path, films: Run) -> None:
    make(folder, "poster.jpg")
    (folder / "m/movie.nfo").symlink_to("gone.nfo")

    ran = films()

    assert ran.code == 1
    assert lines(ran)[0] == "failed: m/movie.nfo: no such file or directory"


def test_names_that_are_no_text_find_their_nfo(folder: Path, films: Run) -> None:
    make(folder, "poster.jpg", "movie.nfo")
    here = bytes(folder / "m") + b"/"
    os.rename(here + b"poster.jpg", here + b"caf\xe9-poster.jpg")
    os.rename(here + b"movie.nfo", here + b"caf\xe9.nfo")

    assert films("--library").code == 0

    with open(here + b"caf\xe9.nfo", "rb") as file:
        assert file.read() == merge_genres(NFO.encode(), ["Drama"])


def test_a_failed_poster_takes_nothing_out(folder: Path, films: Run) -> None:
    make(folder, "poster.jpg", "movie.nfo")
    films()
    after = (folder / "m/movie.nfo").read_bytes()
    (folder / "m/poster.jpg").write_bytes(b"no image")

    assert films().code == 1
    assert (folder / "m/movie.nfo").read_bytes() == after


def test_a_library_is_tagged_without_a_table(folder: Path, films: Run) -> None:
    make(folder, "Heat/poster.jpg", "Heat/fanart.jpg", "Heat/movie.nfo")

    ran = films("--library")

    assert ran.stdout == b""
    assert lines(ran) == ["1 sidecar written."]


def test_a_folder_that_the_walk_comes_back_to_is_still_one(
    folder: Path, films: Run, tagger: Run
) -> None:
    make(folder, "cover.jpg", "movie.nfo", "dir/poster.jpg", "dir/movie.nfo", "m.mkv")
    make(folder, "Disc/VIDEO_TS/VIDEO_TS.nfo", "Disc/cover.jpg", "Disc/Extras/x.jpg")

    assert lines(films())[0] == "3 sidecars written."

    assert tagger("untag", "m", "--dry-run").stdout.decode() == (
        "m/Disc/VIDEO_TS/VIDEO_TS.nfo: would be changed (Drama)\n"
        "m/movie.nfo: would be changed (Drama)\n"
        "m/dir/movie.nfo: would be changed (Drama)\n"
    )


def test_an_image_of_the_current_folder_finds_its_nfo(
    folder: Path, tag: Run, tagger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, "Heat-poster.jpg", "Heat.nfo", "Alien.nfo", "Heat.mkv", "Alien.mkv")
    monkeypatch.chdir(folder / "m")

    assert tag("Heat-poster.jpg", "--sidecar", "nfo", "--rename", "red=Drama").code == 0

    assert (folder / "m/Heat.nfo").read_bytes() == merge_genres(NFO.encode(), ["Drama"])
    assert (folder / "m/Alien.nfo").read_text() == NFO
    assert tagger("untag", "Heat-poster.jpg").code == 0
    assert (folder / "m/Heat.nfo").read_text() == NFO
