"""Which files a scan finds, how it spells them, and in which order."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.files.kinds import IMAGE_SUFFIXES
from tagger.find.scan import Scan, WalkOptions, scan


def touch(folder: Path, *names: str | bytes) -> None:
    """Make empty files, and the folders they lie in."""
    for name in names:
        file = Path(os.fsdecode(os.path.join(os.fsencode(folder), os.fsencode(name))))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def paths(*arguments: str, **options: object) -> list[str]:
    """Return what a scan finds; a folder that cannot be listed fails the test."""

    def unreadable(folder: str, reason: str) -> None:
        raise AssertionError(f"{folder}: {reason}")

    return list(scan(arguments, WalkOptions(**options)).paths(unreadable))


def test_a_walk_takes_every_image_ending_in_any_case(folder: Path) -> None:
    endings = sorted(IMAGE_SUFFIXES)
    touch(folder, *(f"p/{ending[1:]}{ending}" for ending in endings), "p/x.JPG", "p/y.TiFf")

    assert paths("p") == sorted([f"p/{e[1:]}{e}" for e in endings] + ["p/x.JPG", "p/y.TiFf"])


def test_a_walk_leaves_other_files(folder: Path) -> None:
    touch(folder, "p/a.jpg", "p/a.jpg.xmp", "p/notes.txt", "p/jpg", "p/.jpg", "p/..jpg", "p/a.jpg~")

    assert paths("p") == ["p/a.jpg"]


def test_hidden_images_and_folders_are_taken(folder: Path) -> None:
    touch(folder, "p/.a.jpg", "p/.posters/b.jpg")

    assert paths("p") == ["p/.a.jpg", "p/.posters/b.jpg"]


def test_a_file_that_is_named_is_taken_whatever_its_ending(folder: Path) -> None:
    touch(folder, "poster", "p/notes.txt")

    assert paths("poster", "p/notes.txt") == ["p/notes.txt", "poster"]


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        ("p", "p/q/a.jpg"),
        ("p/", "p/q/a.jpg"),
        ("./p", "./p/q/a.jpg"),
        (".", "./p/q/a.jpg"),
        ("p/../p", "p/../p/q/a.jpg"),
    ],
)
def test_paths_are_spelled_as_find_spells_them(folder: Path, argument: str, found: str) -> None:
    touch(folder, "p/q/a.jpg")

    assert paths(argument) == [found]


def test_paths_are_sorted_bytewise(folder: Path) -> None:
    ordered: list[str | bytes] = [
        "p/B.jpg",
        "p/a b.jpg",
        "p/a-b/z.jpg",
        "p/a.jpg",
        "p/a.jpg.d/x.jpg",
        "p/a/b.jpg",
        "p/a/b/c.jpg",
        "p/a0.jpg",
        "p/a_.jpg",
        "p/é.jpg",
        "p/🎬.jpg",
        b"p/\xff.jpg",
    ]
    touch(folder, *reversed(ordered))

    assert [os.fsencode(path) for path in paths("p")] == [os.fsencode(path) for path in ordered]


def test_folders_and_files_are_sorted_together(folder: Path) -> None:
    touch(folder, "a/1.jpg", "b.jpg", "c/1.jpg", "c/2.jpg", "d.jpg")

    assert paths("d.jpg", "c", "b.jpg", "a") == ["a/1.jpg", "b.jpg", "c/1.jpg", "c/2.jpg", "d.jpg"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("p", "p"), ["p/a.jpg", "p/q/b.jpg"]),
        (("p", "p/"), ["p/a.jpg", "p/q/b.jpg"]),
        (("p", "./p"), ["p/a.jpg", "p/q/b.jpg"]),
        (("p/q", "p"), ["p/a.jpg", "p/q/b.jpg"]),
        (("p", "p/a.jpg", "./p/q/../a.jpg"), ["p/a.jpg", "p/q/b.jpg"]),
        (("./p/a.jpg", "p/a.jpg"), ["./p/a.jpg"]),
        (("p", "alias/a.jpg"), ["p/a.jpg", "p/q/b.jpg"]),
        (("alias/a.jpg", "p/a.jpg"), ["alias/a.jpg"]),
        (("p", "./p/q"), ["p/a.jpg", "p/q/b.jpg"]),
        (("./p/q", "p"), ["p/a.jpg", "p/q/b.jpg"]),
        (("./p", "p/../p/q"), ["./p/a.jpg", "./p/q/b.jpg"]),
        (("p/q", "./p", "p/q/b.jpg"), ["./p/a.jpg", "./p/q/b.jpg"]),
        (("p", "alias/q"), ["p/a.jpg", "p/q/b.jpg"]),
        (("alias", "p"), ["alias/a.jpg", "alias/q/b.jpg"]),
    ],
)
def test_an_image_given_twice_is_found_once(
    folder: Path, arguments: tuple[str, ...], found: list[str]
) -> None:
    touch(folder, "p/a.jpg", "p/q/b.jpg")
    (folder / "alias").symlink_to("p")

    assert paths(*arguments) == found


def test_an_image_given_by_an_absolute_path_too_is_found_once(folder: Path) -> None:
    touch(folder, "p/a.jpg", "p/q/b.jpg")

    assert paths("p", str(folder / "p/q")) == ["p/a.jpg", "p/q/b.jpg"]
    assert paths(str(folder / "p/q/b.jpg"), "p") == ["p/a.jpg", "p/q/b.jpg"]


def test_a_folder_below_another_is_walked_when_the_other_does_not_enter(folder: Path) -> None:
    touch(folder, "p/a.jpg", "p/q/b.jpg", "p/q/r/c.jpg")

    assert paths("p", "p/q", recursive=False) == ["p/a.jpg", "p/q/b.jpg"]
    assert paths("p", "p/q/r", exclude=("q",)) == ["p/a.jpg", "p/q/r/c.jpg"]


def test_a_named_file_is_taken_where_its_folder_is_excluded(folder: Path) -> None:
    touch(folder, "p/a.jpg", "p/q/b.jpg")

    assert paths("p", "p/q/b.jpg", exclude=("q",)) == ["p/a.jpg", "p/q/b.jpg"]
    assert paths("p", "p/q", "p/q/b.jpg", exclude=("q/*",)) == ["p/a.jpg", "p/q/b.jpg"]


def test_a_named_file_of_a_folder_with_two_spellings_is_found_once(folder: Path) -> None:
    touch(folder, "p/a.jpg")
    (folder / "alias").symlink_to("p")

    assert paths("p", "alias", "alias/a.jpg") == ["p/a.jpg"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"include": ("*.png",)}, ["b.png"]),
        ({"include": ("*.PNG", "poster")}, ["b.png", "q/poster"]),
        ({"include": ("q/*",)}, ["q/c.jpg", "q/poster", "q/r/d.jpg"]),
        ({"exclude": ("*.jpg",)}, ["b.png"]),
        ({"exclude": ("q",)}, ["a.jpg", "b.png"]),
        ({"exclude": ("q/",)}, ["a.jpg", "b.png"]),
        ({"exclude": ("q/r",)}, ["a.jpg", "b.png", "q/c.jpg"]),
        ({"exclude": ("r",)}, ["a.jpg", "b.png", "q/c.jpg"]),
        ({"exclude": ("[ab].*",)}, ["q/c.jpg", "q/r/d.jpg"]),
        ({"include": ("*.jpg",), "exclude": ("a*",)}, ["q/c.jpg", "q/r/d.jpg"]),
        ({"recursive": False}, ["a.jpg", "b.png"]),
    ],
)
def test_patterns_choose_what_a_walk_takes(
    folder: Path, options: dict[str, object], found: list[str]
) -> None:
    touch(folder, "p/a.jpg", "p/b.png", "p/q/c.jpg", "p/q/poster", "p/q/r/d.jpg")

    assert paths("p", **options) == [f"p/{name}" for name in found]


def test_a_pattern_matches_a_name_with_a_newline(folder: Path) -> None:
    touch(folder, "p/two\nlines.jpg")

    assert paths("p", include=("two*.jpg",)) == ["p/two\nlines.jpg"]


def test_links_to_folders_are_entered_only_when_asked(folder: Path) -> None:
    touch(folder, "elsewhere/b.jpg", "p/a.jpg")
    (folder / "p/link").symlink_to("../elsewhere")
    (folder / "p/link.jpg").symlink_to("../elsewhere")

    assert paths("p") == ["p/a.jpg"]
    assert paths("p", follow_links=True) == ["p/a.jpg", "p/link.jpg/b.jpg", "p/link/b.jpg"]


def test_links_to_files_are_taken(folder: Path) -> None:
    touch(folder, "elsewhere/b.jpg", "p/a.jpg")
    (folder / "p/link.jpg").symlink_to("../elsewhere/b.jpg")
    (folder / "p/nowhere.jpg").symlink_to("nothing")

    assert paths("p") == ["p/a.jpg", "p/link.jpg", "p/nowhere.jpg"]


def test_a_link_to_a_folder_is_walked_when_it_is_named(folder: Path) -> None:
    touch(folder, "elsewhere/b.jpg")
    (folder / "link").symlink_to("elsewhere")

    assert paths("link") == ["link/b.jpg"]


def test_a_link_to_a_folder_above_ends_and_is_reported(folder: Path) -> None:
    touch(folder, "p/q/a.jpg")
    (folder / "p/q/up").symlink_to("..")
    reported: list[tuple[str, str]] = []

    found = scan(["p"], WalkOptions(follow_links=True)).paths(
        lambda name, reason: reported.append((name, reason))
    )

    assert list(found) == ["p/q/a.jpg"]
    assert reported == [("p/q/up", "a link that leads back to a folder above it")]


def test_one_folder_behind_two_links_is_walked_twice(folder: Path) -> None:
    touch(folder, "elsewhere/b.jpg")
    (folder / "p").mkdir()
    (folder / "p/one").symlink_to("../elsewhere")
    (folder / "p/two").symlink_to("../elsewhere")

    assert paths("p", follow_links=True) == ["p/one/b.jpg", "p/two/b.jpg"]


def test_a_link_that_is_entered_and_named_is_walked_once(folder: Path) -> None:
    touch(folder, "elsewhere/b.jpg")
    (folder / "p").mkdir()
    (folder / "p/link").symlink_to("../elsewhere")

    assert paths("p", "p/link", follow_links=True) == ["p/link/b.jpg"]


def test_a_folder_that_vanishes_during_the_walk_is_reported(folder: Path) -> None:
    touch(folder, "p/a.jpg", "p/q/b.jpg", "p/r/c.jpg")
    reported: list[tuple[str, str]] = []
    found = scan(["p"], WalkOptions()).paths(lambda *told: reported.append(told))

    first = next(found)
    (folder / "p/q/b.jpg").unlink()
    (folder / "p/q").rmdir()

    assert [first, *found] == ["p/a.jpg", "p/r/c.jpg"]
    assert reported == [("p/q/", "no such file or directory")]


def test_a_missing_argument_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(UsageError) as refused:
        scan(["nowhere\n.jpg"], WalkOptions())

    assert str(refused.value) == r"No such file or folder: 'nowhere\n.jpg'."


def test_a_missing_path_of_a_list_keeps_its_place(folder: Path) -> None:
    touch(folder, "a.jpg", "c.jpg")

    found = Scan((), ("c.jpg", "b.jpg", "a.jpg"), WalkOptions()).paths(lambda *_: None)

    assert list(found) == ["a.jpg", "b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    ("arguments", "base"),
    [
        (["p"], "p"),
        (["p/q", "p/r"], "p"),
        (["p/q/a.jpg", "p/q/b.jpg"], "p/q"),
        (["p/q/a.jpg", "p/r"], "p"),
        (["p", "other"], "."),
        ([], "."),
    ],
)
def test_the_base_is_the_deepest_folder_that_holds_everything(
    folder: Path, arguments: Iterable[str], base: str
) -> None:
    touch(folder, "p/q/a.jpg", "p/q/b.jpg", "p/r/c.jpg", "other/d.jpg")

    assert scan(arguments, WalkOptions()).base() == os.path.abspath(base)
