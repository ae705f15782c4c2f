"""What is told beside the table: failures, summaries, dry runs, a model's card."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from commands import Ran
from pictures import save_picture
from tiny_model import CARD

Run = Callable[..., Ran]


def test_the_summary_file_holds_the_figures(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.png", "red")
    save_picture(folder / "p/b.png", "white")
    (folder / "p/c.png").touch()

    ran = tag("p", "--sidecar", "txt", "--quiet", "--summary", "s.json")

    assert ran == Ran(1, b"", "")
    figures = json.loads((folder / "s.json").read_text())
    assert figures.pop("seconds") > 0
    assert figures.pop("images_per_second") > 0
    assert figures == {
        "tagged": 2,
        "failed": 1,
        "kept": 0,
        "kept_failed": 0,
        "already_tagged": 0,
        "device": "cpu",
        "tags": {"red": 2, "green": 1, "blue": 1},
        "sidecars_written": 2,
        "sidecars_unchanged": 0,
        "sidecars_settled": 0,
        "sidecars_left_alone": 0,
        "images_changed": 0,
        "images_unchanged": 0,
        "other_files": {},
        "litter": {},
        "left_out": {},
    }


def test_failures_are_told_as_they_come(folder: Path, tag: Run) -> None:
    (folder / "p").mkdir()
    (folder / "p/a.png").touch()
    (folder / "p/b\n.png").write_text("no image")

    ran = tag("p")

    assert ran.code == 1
    assert ran.stderr.splitlines()[1:3] == [
        "failed: p/a.png: the file is empty",
        r"failed: p/b\n.png: a text file, not an image",
    ]
    assert ran.stderr.splitlines()[3].startswith("0 tagged, 2 failed in ")


def test_many_failures_are_counted_instead(folder: Path, tag: Run) -> None:
    (folder / "p").mkdir()
    for place in range(25):
        (folder / f"p/{place:02}.png").touch()

    ran = tag("p")

    assert len(ran.rows()) == 25
    assert [line.split(":")[1] for line in ran.stderr.splitlines() if line[:7] == "failed:"] == [
        f" p/{place:02}.png" for place in range(20)
    ]
    assert "… and 5 more failures, listed in the table." in ran.stderr.splitlines()


def test_a_dry_run_lists_images_and_writes_nothing(folder: Path, tagger: Run) -> None:
    save_picture(folder / "p/b.png")
    (folder / "p/a.png").write_text("not opened, so not known to be no image")
    (folder / "p/notes.txt").touch()

    ran = tagger("tag", "p", "--dry-run", "-o", "t.csv", "--sidecar", "txt", "--model", "none")

    assert ran == Ran(0, b"p/a.png\np/b.png\n", "2 images would be tagged.\n")
    assert sorted(file.name for file in folder.rglob("*")) == ["a.png", "b.png", "notes.txt", "p"]


def test_a_dry_run_shows_names_that_cannot_drive_the_terminal(folder: Path, tagger: Run) -> None:
    save_picture(folder / os.fsdecode(b"p/\x1b[2J\xff.png"))

    assert tagger("tag", "p", "--dry-run").stdout == rb"p/\x1b[2J\xff.png" + b"\n"


def test_a_dry_run_tells_folders_that_cannot_be_listed(folder: Path, tagger: Run) -> None:
    save_picture(folder / "p/a.png")
    (folder / "p/up").symlink_to(".")

    ran = tagger("tag", "p", "--dry-run", "--follow-symlinks")

    assert ran == Ran(
        1,
        b"p/a.png\n",
        "failed: p/up: a link that leads back to a folder above it\n1 image would be tagged.\n",
    )


def test_info_prints_the_card(folder: Path, tagger: Run, tiny_model: Path) -> None:
    ran = tagger("info", tiny_model)

    assert ran == Ran(
        0,
        f"""\
colours 1.2 (fp32, 0.0 MB)
file        {tiny_model}
input       8 × 8 RGB (height × width), stretch
tags        at least 1, at most 3
never tags  N/A
labels      4, with the minimum probability of each tag:
  red    0.50
  green  0.50
  blue   0.50
  N/A    0.50
data: none
license: CC0
""".encode(),
        "",
    )


def test_info_prints_the_card_as_json(tagger: Run, tiny_model: Path) -> None:
    ran = tagger("info", tiny_model, "--json")

    assert (ran.code, ran.stderr) == (0, "")
    assert json.loads(ran.stdout) == json.loads(CARD.to_json())
