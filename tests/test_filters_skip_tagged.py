"""``--skip-tagged``: images that have tags already, whoever gave them, are left out."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from foreign_sidecars import DARKTABLE, DIGIKAM, LIGHTROOM
from pictures import save_picture
from readers import reader
from tiny_model import changed_card, write_model

Run = Callable[..., Ran]


def left(ran: Ran) -> list[str]:
    """Return the images that a run tagged, or would tag."""
    assert ran.code == 0, ran.stderr
    rows = ran.stdout.decode("utf-8").splitlines()
    return [row.split(",")[0] for row in rows if row != "path,tags,error"]


@pytest.fixture
def remaining(tag: Run) -> Callable[..., list[str]]:
    """Return a function: what ``tagger tag p --skip-tagged`` tags."""

    def tag_rest(*arguments: object) -> list[str]:
        return left(tag("p", "--skip-tagged", "--layout", "list", *arguments))

    return tag_rest


def exiftool(*changes: tuple[str | Path, *tuple[str, ...]]) -> None:
    """Let exiftool write files, each (path, argument, …), as its users do."""
    arguments = ["-q", "-overwrite_original"]
    commands = [[*arguments, *given, str(file), "-execute"] for file, *given in changes]
    call = [argument for command in commands for argument in command]
    subprocess.run([reader("exiftool"), *call], check=True)


def test_what_is_left_out_is_counted_apart(tag: Run, folder: Path) -> None:
    save_picture(folder / "p" / "done.png")
    assert tag("p", "--sidecar", "xmp").code == 0
    save_picture(folder / "p" / "new.png", "blue")

    ran = tag("p", "--skip-tagged", "--layout", "list", "--summary", "said.json")

    assert (ran.code, ran.stdout) == (0, b"path,tags,error\np/new.png,blue,\n")
    assert re.sub(r"in .*", "in", ran.stderr) == (
        "Running on cpu.\n1 tagged, 0 failed in\n1 already tagged and skipped.\nTags: blue 1\n"
    )
    said = json.loads(Path("said.json").read_bytes())
    assert (said["tagged"], said["failed"], said["already_tagged"]) == (1, 0, 1)


def test_a_run_that_leaves_all_out_found_images(tag: Run, folder: Path) -> None:
    save_picture(folder / "p" / "done.png")
    assert tag("p", "--sidecar", "txt").code == 0

    ran = tag("p", "--skip-tagged", "--sidecar", "txt")

    assert ran.code == 0
    assert "No images were found." not in ran.stderr
    assert "1 already tagged and skipped." in ran.stderr


def test_without_the_option_nothing_is_said_of_it(tag: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.png")
    assert tag("p", "--sidecar", "xmp").code == 0

    ran = tag("p", "--layout", "list", "-f", "csv")

    assert left(ran) == ["p/a.png"]
    assert "had tags already" not in ran.stderr


def test_a_dry_run_leaves_them_out_too(tag: Run, folder: Path) -> None:
    save_picture(folder / "p" / "done.png")
    assert tag("p", "--sidecar", "xmp").code == 0
    save_picture(folder / "p" / "new.png")

    assert tag("p", "--dry-run", "--skip-tagged") == Ran(
        0,
        b"p/new.png\n",
        "1 image would be tagged.\n1 already tagged and would be skipped.\n",
    )


@pytest.mark.parametrize("kind", ["xmp", "txt", "json"])
@pytest.mark.parametrize("name", ["append", "replace"])
@pytest.mark.parametrize("place", [(), ("--sidecar-dir", "elsewhere")])
def test_every_sidecar_of_ours_is_found_wherever_it_lies(
    kind: str, name: str, place: tuple[str, ...], tag: Run, folder: Path
) -> None:
    for image in ("a.png", "sub/b.tar.jpg", "sub/noending"):
        save_picture(folder / "p" / image, format="png")
    options = ("--include", "*", "--exclude", "*.txt", "--exclude", "*.xmp", "--exclude", "*.json")
    first = tag("p", *options, *place, "--sidecar", kind, "--sidecar-name", name)
    assert (first.code, "3 sidecars written." in first.stderr) == (0, True)
    save_picture(folder / "p" / "sub" / "new.png")

    again = tag("p", *options, *place, "--skip-tagged", "-f", "csv", "--layout", "list")

    assert left(again) == ["p/sub/new.png"]


def test_a_mirrored_tree_counts_only_where_it_is_named(
    tag: Run, remaining: Run, folder: Path
) -> None:
    save_picture(folder / "p" / "a.png")
    assert tag("p", "--sidecar", "xmp", "--sidecar-dir", "elsewhere").code == 0

    assert remaining() == ["p/a.png"]
    assert remaining("--sidecar-dir", "elsewhere") == []


def test_sidecars_beside_the_image_count_where_others_are_written_elsewhere(
    tag: Run, remaining: Run, folder: Path
) -> None:
    save_picture(folder / "p" / "a.png")
    assert tag("p", "--sidecar", "xmp").code == 0

    assert remaining("--sidecar-dir", "elsewhere", "--sidecar", "txt", "-f", "csv") == []


def test_tags_that_were_taken_out_leave_an_image_without(
    tag: Run, tagger: Run, remaining: Run, folder: Path
) -> None:
    save_picture(folder / "p" / "a.png")
    (folder / "p" / "a.png.xmp").write_text(LIGHTROOM, encoding="utf-8")
    assert tag("p", "--sidecar", "xmp").code == 0
    assert remaining() == []

    assert tagger("untag", "p").code == 0

    assert remaining() == ["p/a.png"]


def test_a_sidecar_of_ours_without_a_tag_counts(tag: Run, remaining: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.png", "black")
    assert tag("p", "--sidecar", "xmp", "--max-tags", "0").code == 0

    assert remaining() == []


def test_any_genre_counts_as_exiftool_writes_it(remaining: Run, folder: Path) -> None:
    cases = {
        "alone": ("-XMP-dc:Subject=red",),
        "among-others": ("-XMP-dc:Subject=holiday", "-XMP-dc:Subject=RED"),
        "as-a-level": ("-XMP-lr:HierarchicalSubject=Red|Bordeaux",),
        "below-levels": ("-XMP-lr:HierarchicalSubject=Colours|Warm|Red",),
        "for-digikam": ("-XMP-digiKam:TagsList=Colours/Warm/Red",),
        "no-elsewhere": ("-XMP-dc:Title=red", "-XMP-dc:Description=red, green"),
        "no-longer-word": ("-XMP-dc:Subject=redwood", "-XMP-dc:Subject=infra red"),
        "no-never-tag": ("-XMP-dc:Subject=N/A",),
        "no-other-level": ("-XMP-lr:HierarchicalSubject=Colours|Redder",),
        "no-place": ("-XMP-digiKam:TagsList=Places/Rome",),
    }
    for name in cases:
        save_picture(folder / "p" / f"{name}.png")
    exiftool(*((f"p/{name}.png.xmp", *given) for name, given in cases.items()))

    assert remaining() == [f"p/{name}.png" for name in cases if name.startswith("no-")]


def test_a_genre_inside_an_image_counts(remaining: Run, folder: Path) -> None:
    endings = ("jpg", "png", "tif", "webp")
    for ending in endings:
        save_picture(folder / "p" / f"genre.{ending}")
        save_picture(folder / "p" / f"place.{ending}")
    exiftool(
        *((f"p/genre.{ending}", "-XMP-dc:Subject=Red") for ending in endings),
        *((f"p/place.{ending}", "-XMP-dc:Subject=Rome") for ending in endings),
    )

    assert remaining() == [f"p/place.{ending}" for ending in endings]


def test_tags_that_we_put_into_an_image_count(tag: Run, remaining: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.jpg")
    assert tag("p", "--embed").code == 0

    assert remaining() == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(("content", "counts"), [(DARKTABLE, True), (LIGHTROOM, False)])
def test_sidecars_of_other_programs_are_read_in_any_encoding(
    encoding: str, content: str, counts: bool, remaining: Run, folder: Path
) -> None:
    save_picture(folder / "p" / "a.png")
    text = content.replace('<?xml version="1.0" encoding="UTF-8"?>\n', "")
    (folder / "p" / "a.xmp").write_bytes(f"\ufeff{text}".encode(encoding))

    assert remaining() == ([] if counts else ["p/a.png"])


def test_a_slash_in_a_label_is_spelled_as_each_field_spells_it(tagger: Run, folder: Path) -> None:
    model = write_model(
        folder / "m.onnx", changed_card(labels=("red", "sea/sky", "blue", "N/A"), scored=("red",))
    )
    arguments = (
        "-XMP-dc:Subject=Sea/Sky",
        "-XMP-lr:HierarchicalSubject=Colours|sea/sky",
        r"-XMP-digiKam:TagsList=Colours/sea\sky",
        "-XMP-dc:Subject=sea",
    )
    for number in range(len(arguments)):
        save_picture(folder / "p" / f"{number}.png")
    exiftool(*((f"p/{number}.png.xmp", argument) for number, argument in enumerate(arguments)))

    ran = tagger("tag", "p", "--model", model, "--skip-tagged", "--dry-run")

    assert ran.stdout == b"p/3.png\n"


def test_the_new_name_of_a_tag_counts_and_the_old_one_too(remaining: Run, folder: Path) -> None:
    names = ("red", "CRIMSON", "rome")
    for name in names:
        save_picture(folder / "p" / f"{name}.png")
    exiftool(*((f"p/{name}.png.xmp", f"-XMP-dc:Subject={name}") for name in names))

    assert remaining("--rename", "red=Crimson") == ["p/rome.png"]
    assert remaining("--rename", "red=Crimson", "--dry-run") == ["p/rome.png"]
    assert remaining() == ["p/CRIMSON.png", "p/rome.png"]


@pytest.mark.parametrize(
    ("content", "counts"),
    [
        (b"red\n", True),
        (b"\xef\xbb\xbfGreen, wood\r\n", True),
        (b"a walk in the woods\nblue\n", True),
        (b"\n", False),
        (b"", False),
        (b"A red car, seen from behind.\n", False),
        (b"caf\xe9, \xff\xfe\n", False),
    ],
)
def test_a_text_counts_if_it_names_a_genre(
    content: bytes, counts: bool, remaining: Run, folder: Path
) -> None:
    save_picture(folder / "p" / "a.png")
    (folder / "p" / "a.txt").write_bytes(content)

    assert remaining() == ([] if counts else ["p/a.png"])


@pytest.mark.parametrize(
    "content",
    [b"{}", b"[1]", b"", b"{", b'{"tags": ["red"]}', b"[" * 100_000, b"\xff", b"1" * 9999],
)
def test_json_of_others_does_not_count(content: bytes, remaining: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.png")
    (folder / "p" / "a.png.json").write_bytes(content)

    assert remaining() == ["p/a.png"]


def test_a_sidecar_that_two_images_share_counts_for_neither(
    tag: Run, remaining: Run, folder: Path
) -> None:
    for name in ("a.jpg", "a.png", "b.png"):
        save_picture(folder / "p" / name)
    assert tag("p", "--sidecar", "txt", "--sidecar-name", "replace").code == 1
    assert sorted(os.listdir("p")) == ["a.jpg", "a.png", "a.txt", "b.png", "b.txt"]

    assert remaining() == ["p/a.jpg", "p/a.png"]


def test_a_damaged_sidecar_is_met_by_whoever_writes_there(tag: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.png")
    (folder / "p" / "a.png.xmp").write_text("<x:xmpmeta><dc:subject>", encoding="utf-8")

    ran = tag("p", "--skip-tagged", "--sidecar", "xmp")

    assert ran.code == 1
    assert ran.stderr.splitlines()[1] == (
        "failed: p/a.png.xmp: not valid XML (line 1, column 1: unbound prefix), so it was left "
        "alone"
    )
    assert "0 already tagged and skipped." in ran.stderr


def test_sidecars_that_are_no_files_are_not_waited_for(remaining: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.png")
    save_picture(folder / "p" / "b.png")
    os.mkfifo(folder / "p" / "a.png.xmp")
    (folder / "p" / "b.png.xmp").mkdir()
    (folder / "p" / "b.xmp").symlink_to("nowhere")

    assert remaining() == ["p/a.png", "p/b.png"]


def test_an_image_that_cannot_be_read_still_fails_by_its_name(tag: Run, folder: Path) -> None:
    (folder / "p").mkdir()
    (folder / "p" / "a.png").write_bytes(b"none")
    (folder / "p" / "b.png").symlink_to("nowhere")

    ran = tag("p", "--skip-tagged", "--layout", "list")

    assert ran.code == 1
    assert [row.split(",")[0] for row in ran.rows()] == ["p/a.png", "p/b.png"]
    assert "0 already tagged and skipped." in ran.stderr


def test_names_that_are_no_text_are_found(tag: Run, remaining: Run, folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9 [1].png")
    save_picture(folder / "p" / "x.png").rename(folder / "p" / name)
    assert tag("p", "--sidecar", "xmp").code == 0

    assert remaining() == []


def test_it_can_stand_in_the_file(tag: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.png")
    assert tag("p", "--sidecar", "xmp").code == 0
    Path("tagger.toml").write_text("[tag]\nskip-tagged = true\nlayout = 'list'\n", encoding="utf-8")

    assert left(tag("p")) == []
    assert left(tag("p", "--no-skip-tagged")) == ["p/a.png"]


def test_digikams_levels_are_looked_through(remaining: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.png")
    (folder / "p" / "a.png.xmp").write_text(DIGIKAM, encoding="utf-8")

    assert remaining() == ["p/a.png"]
    assert remaining("--rename", "red=People") == []


NFO = '<?xml version="1.0"?>\n<movie>\n  <title>Heat</title>\n  {}\n</movie>\n'


@pytest.mark.parametrize(
    ("genre", "counts"),
    [("<genre>Drama / RED</genre>", True), ("<genre>Drama</genre>", False), ("", False)],
)
def test_a_genre_of_a_films_nfo_counts_where_nfos_are_written(
    genre: str, counts: bool, tag: Run, remaining: Run, folder: Path
) -> None:
    save_picture(folder / "p" / "Heat" / "poster.png")
    (folder / "p" / "Heat" / "movie.nfo").write_text(NFO.format(genre), encoding="utf-8")
    poster = ["p/Heat/poster.png"]

    assert remaining("--sidecar", "nfo", "-f", "csv") == ([] if counts else poster)
    assert remaining() == poster
    # The first of these runs has put its own genre there, if any was missing.
    assert remaining("--sidecar", "nfo", "-f", "csv") == []
