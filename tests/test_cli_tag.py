"""``tagger tag``: tables, notices, options and lists."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from pictures import save_picture

Tag = Callable[..., Ran]

HEADER = "path,tags,error,red,green,blue,N/A\n"
SPEED = r"in \d+\.\d s \([\d,]+\.\d images/s\)\."


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder ``p`` with four images, one in a subfolder."""
    save_picture(folder / "p/blue.png", "blue")
    save_picture(folder / "p/mixed.png", (204, 51, 153))
    save_picture(folder / "p/more/red.png", "red")
    save_picture(folder / "p/white.png", "white")
    return folder / "p"


def paths(ran: Ran) -> list[str]:
    """Return the paths of a table on stdout whose names need no quotes."""
    return [row.split(",")[0] for row in ran.rows()]


def test_a_table_goes_to_stdout_and_all_else_to_stderr(posters: Path, tag: Tag) -> None:
    ran = tag("p")

    assert ran.code == 0
    assert ran.stdout.decode() == HEADER + (
        "p/blue.png,blue,,0.0000,0.0000,1.0000,0.0000\n"
        "p/mixed.png,red|blue,,0.8000,0.2000,0.6000,0.2000\n"
        "p/more/red.png,red,,1.0000,0.0000,0.0000,0.0000\n"
        "p/white.png,red|green|blue,,1.0000,1.0000,1.0000,1.0000\n"
    )
    notice, summary, tags = ran.stderr.splitlines()
    assert notice == "Running on cpu."
    assert re.fullmatch("4 tagged, 0 failed " + SPEED, summary)
    assert tags == "Tags: blue 3, red 3, green 1"


def test_quiet_says_nothing(posters: Path, tag: Tag) -> None:
    assert tag("p", "--quiet").stderr == ""


def test_quiet_says_no_failures_either(posters: Path, tag: Tag) -> None:
    (posters / "bad.png").touch()

    ran = tag("p", "-q")

    assert (ran.code, ran.stderr) == (1, "")


@pytest.mark.parametrize("output", ["t.csv", "t.CSV", "p/t.csv"])
def test_a_file_holds_what_stdout_would(posters: Path, tag: Tag, output: str) -> None:
    expected = tag("p").stdout

    ran = tag("p", "-o", output)

    assert (ran.code, ran.stdout) == (0, b"")
    assert Path(output).read_bytes() == expected


@pytest.mark.parametrize(
    ("output", "start"),
    [
        ("t.tsv", "path\ttags\terror\t"),
        ("t.jsonl", '{"path": '),
        ("t.ndjson", '{"path": '),
    ],
)
def test_the_format_follows_the_ending(posters: Path, tag: Tag, output: str, start: str) -> None:
    assert tag("p", "-o", output).code == 0
    assert Path(output).read_text().startswith(start)


def test_a_format_that_is_asked_for_wins_over_the_ending(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv", "-f", "jsonl", "--layout", "list")

    assert Path("t.csv").read_text().splitlines()[0] == (
        '{"path": "p/blue.png", "tags": "blue", "error": null}'
    )


def test_a_dash_is_stdout(posters: Path, tag: Tag) -> None:
    assert tag("p", "-o", "-").stdout == tag("p").stdout


def test_excel_gets_a_mark_and_no_formulas(folder: Path, tag: Tag) -> None:
    save_picture(folder / "=cmd.png")

    ran = tag("=cmd.png", "--excel", "--layout", "list")

    assert ran.stdout == b"\xef\xbb\xbfpath,tags,error\n'=cmd.png,red,\n"


def test_no_images_give_the_header_and_a_notice(folder: Path, tag: Tag) -> None:
    (folder / "p").mkdir()

    ran = tag("p")

    assert (ran.code, ran.stdout.decode()) == (1, HEADER)
    assert ran.stderr.splitlines() == ["Running on cpu.", "No images were found."]


@pytest.mark.parametrize(
    "options", [("--batch-size", "1"), ("--batch-size", "3"), ("--workers", "5")]
)
def test_the_table_depends_on_neither_batches_nor_workers(
    posters: Path, tag: Tag, options: tuple[str, str]
) -> None:
    (posters / "bad.png").touch()

    assert tag("p", *options).stdout == tag("p").stdout


@pytest.mark.parametrize(
    ("options", "tags"),
    [
        (["--threshold", "0.15"], "red|blue|green"),
        (["--threshold", "0.7"], "red"),
        (["--threshold", "green=0.2"], "red|blue|green"),
        (["--threshold", "GREEN=0.2"], "red|blue|green"),
        (["--threshold", "red=0.9", "--threshold", "0.1"], "blue|green"),
        (["--threshold", "0.1", "--threshold", "red=0.9"], "blue|green"),
        (["--threshold", "0.9", "--min-tags", "0"], ""),
        (["--max-tags", "1"], "red"),
        (["--max-tags", "0"], ""),
        (["--min-tags", "3"], "red|blue|green"),
        (["--min-tags", "9"], "red|blue|green"),
        (["--ignore", "red"], "blue"),
        (["--ignore", "Red", "--ignore", "BLUE"], "green"),
        (["--rename", "red=rouge"], "rouge|blue"),
        (["--rename", "red=colour", "--rename", "blue=colour"], "colour"),
        (["--rename", "red=a=b"], "a=b|blue"),
    ],
)
def test_options_choose_the_tags(posters: Path, tag: Tag, options: list[str], tags: str) -> None:
    ran = tag("p/mixed.png", "--layout", "list", *options)

    assert ran.stdout.decode() == f"path,tags,error\np/mixed.png,{tags},\n"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--include", "*red*"], ["p/more/red.png"]),
        (["--exclude", "more", "--exclude", "w*"], ["p/blue.png", "p/mixed.png"]),
        (["--no-recursive"], ["p/blue.png", "p/mixed.png", "p/white.png"]),
    ],
)
def test_options_choose_the_images(
    posters: Path, tag: Tag, options: list[str], found: list[str]
) -> None:
    assert paths(tag("p", *options)) == found


def test_links_to_folders_are_followed_when_asked(posters: Path, tag: Tag) -> None:
    (posters.parent / "q").mkdir()
    (posters.parent / "q/link").symlink_to("../p/more")

    assert paths(tag("q")) == []
    assert paths(tag("q", "--follow-symlinks")) == ["q/link/red.png"]


def test_a_link_that_leads_up_is_a_failure_that_is_told(posters: Path, tag: Tag) -> None:
    (posters / "more/up").symlink_to("..")

    ran = tag("p", "--follow-symlinks")

    assert ran.code == 1
    assert len(ran.rows()) == 4
    assert ran.stderr.splitlines()[1] == (
        "failed: p/more/up: a link that leads back to a folder above it"
    )


def test_paths_given_twice_are_tagged_once(posters: Path, tag: Tag) -> None:
    ran = tag("p", "./p/", "p/blue.png", "p/more/../white.png", "p/more")

    assert paths(ran) == ["p/blue.png", "p/mixed.png", "p/more/red.png", "p/white.png"]


def test_rows_are_sorted_as_sort_sorts_what_find_finds(folder: Path, tag: Tag) -> None:
    names = ["a-b/c", "a.b", "a/b/c", "a/b", "A", "a b", "é", "z/1", "z", "z0", "a/b-c", "\x7f"]
    for name in [*names, os.fsdecode(b"\xff")]:
        save_picture(folder / f"p/{name}.png", size=(8, 8))
    found = subprocess.run(["find", "p", "-type", "f", "-print0"], capture_output=True, check=True)
    ordered = subprocess.run(
        ["sort", "-z"], input=found.stdout, capture_output=True, check=True, env={"LC_ALL": "C"}
    )

    ran = tag("p", "-f", "jsonl", "--layout", "list")

    expected = [name.decode("utf-8", "backslashreplace") for name in ordered.stdout.split(b"\0")]
    assert [json.loads(line)["path"] for line in ran.stdout.splitlines()] == expected[:-1]


@pytest.mark.parametrize(
    ("arguments", "data"),
    [
        (["-"], b"p/white.png\np/blue.png\n"),
        (["-"], b"p/white.png\r\np/blue.png\r\n"),
        (["-"], b"\xef\xbb\xbfp/white.png\n\n\np/blue.png"),
        (["-", "--null"], b"p/white.png\0p/blue.png\0"),
        (["-", "-0"], b"p/white.png\0p/blue.png"),
        (["--files-from", "-"], b"p/white.png\np/blue.png\n"),
        (["p/white.png", "-", "-"], b"p/blue.png\n"),
    ],
)
def test_a_list_comes_from_stdin(
    posters: Path, tag: Tag, arguments: list[str], data: bytes
) -> None:
    ran = tag(*arguments, stdin=data)

    assert ran.code == 0
    assert paths(ran) == ["p/blue.png", "p/white.png"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_list_comes_from_a_file(posters: Path, tag: Tag, end: bytes) -> None:
    Path("list").write_bytes(end.join([b"p/white.png", b"p/more", b""]))

    assert paths(tag("p/blue.png", "--files-from", "list", "--list-folders")) == [
        "p/blue.png",
        "p/more/red.png",
        "p/white.png",
    ]


def test_a_name_that_ends_in_a_carriage_return_can_be_listed(folder: Path, tag: Tag) -> None:
    save_picture(folder / "a\r", format="PNG")

    ran = tag("-", "-f", "jsonl", "--layout", "list", stdin=b"a\r\n")

    assert ran.stdout == b'{"path": "a\\r", "tags": "red", "error": null}\n'


def test_a_listed_name_that_is_no_text_is_tagged(folder: Path, tag: Tag) -> None:
    save_picture(folder / os.fsdecode(b"\xff.png"))

    ran = tag("-", "--layout", "list", stdin=b"\xff.png\n")

    assert ran.stdout == b"path,tags,error\n\\xff.png,red,\n"


def test_a_listed_file_that_has_vanished_keeps_its_row(posters: Path, tag: Tag) -> None:
    ran = tag("-", "--layout", "list", stdin=b"p/blue.png\np/gone.png\np/white.png\n")

    assert ran.code == 1
    assert ran.rows() == [
        "p/blue.png,blue,",
        "p/gone.png,,no such file or directory",
        "p/white.png,red|green|blue,",
    ]


def test_an_empty_list_gives_the_header_and_a_notice(folder: Path, tag: Tag) -> None:
    ran = tag("-", stdin=b"")

    assert (ran.code, ran.stdout.decode()) == (1, HEADER)
    assert ran.stderr.splitlines()[-1] == "No images were found."
