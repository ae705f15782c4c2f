"""Going on where sidecars are written, or images themselves; and who keeps a second run away."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from filelock import FileLock
from messages import says
from pictures import save_picture

Tag = Callable[..., Ran]


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder ``p`` with three red images."""
    for name in "abc":
        save_picture(folder / f"p/{name}.png", "red")
    return folder / "p"


NOTHING = "Nothing to do: no image is new."


def told(ran: Ran) -> list[str]:
    """Return what a run said but for where it ran, and how long it took."""
    return [line.partition(" in ")[0] for line in ran.stderr.splitlines()[1:]]


def sidecars(folder: Path) -> list[str]:
    """Return the names of a folder's files that are no images."""
    return sorted(file.name for file in folder.iterdir() if file.suffix != ".png")


def test_nothing_but_sidecars_lies_among_the_images(
    posters: Path, tag: Tag, own_state: Path
) -> None:
    tag("p", "--sidecar", "txt")

    assert sorted(os.listdir()) == ["p"]
    assert sidecars(posters) == ["a.png.txt", "b.png.txt", "c.png.txt"]
    (manifest,) = own_state.glob("*.run.json")
    assert json.loads(manifest.read_text())["output"] == f"the images of {posters}"
    assert sorted(file.suffix for file in own_state.iterdir()) == [".journal", ".json"]


def test_only_images_without_sidecars_are_tagged(posters: Path, tag: Tag) -> None:
    tag("p", "--sidecar", "txt", "--sidecar", "xmp")
    (posters / "b.png.xmp").unlink()
    save_picture(posters / "d.png", "blue")

    ran = tag("p", "--sidecar", "txt", "--sidecar", "xmp", "--resume")

    assert ran.code == 0
    assert told(ran) == [
        "2 tagged, 0 failed",
        "2 kept from an earlier run.",
        "Tags: red 1, blue 1",
        "3 sidecars written.",
        "1 existing sidecar left alone (p/b.png.txt).",
    ]
    assert (posters / "b.png.xmp").exists()
    assert (posters / "d.png.txt").read_text() == "blue\n"


@pytest.mark.parametrize("existing", ["merge", "skip", "error", "overwrite"])
def test_a_sidecar_that_a_power_cut_left_empty_is_written_again(
    posters: Path, tag: Tag, existing: str
) -> None:
    options = ("p", "--sidecar", "txt", "--sidecar", "xmp", "--existing", existing, "--backup")
    tag(*options)
    before = {file: file.read_bytes() for file in posters.iterdir()}
    for name in ("b.png.txt", "c.png.xmp"):
        (posters / name).write_bytes(b"")

    ran = tag(*options, "--resume")

    assert (ran.code, told(ran)[0]) == (0, "2 tagged, 0 failed")
    assert {file: file.read_bytes() for file in posters.iterdir()} == before


def test_a_folder_is_known_however_it_is_named(posters: Path, tag: Tag) -> None:
    tag("p", "--sidecar", "txt")

    for named in (("./p",), (posters,), ("p/../p/",)):
        assert told(tag(*named, "--sidecar", "txt", "--resume"))[0] == NOTHING


def test_a_list_may_grow(posters: Path, tag: Tag) -> None:
    tag("-", "--sidecar", "txt", stdin=b"p/a.png\np/b.png\n")

    ran = tag("-", "--sidecar", "txt", "--resume", stdin=b"p/a.png\np/c.png\n")

    assert told(ran)[:2] == ["1 tagged, 0 failed", "1 kept from an earlier run."]


def test_one_image_is_no_end_of_the_run_on_its_folder(posters: Path, tag: Tag) -> None:
    tag("p", "--sidecar", "txt")

    tag("p/a.png", "--sidecar", "txt")

    assert told(tag("p", "--sidecar", "txt", "--resume"))[0] == NOTHING


def test_changed_images_are_tagged_again(posters: Path, tag: Tag) -> None:
    tag("p", "--sidecar", "xmp")
    before = {file: file.read_bytes() for file in posters.glob("*.xmp")}
    save_picture(posters / "b.png", "blue", size=(20, 20))

    ran = tag("p", "--sidecar", "xmp", "--update")

    assert told(ran)[0] == "1 tagged, 0 failed"
    after = {file: file.read_bytes() for file in posters.glob("*.xmp")}
    assert [file.name for file in after if after[file] != before[file]] == ["b.png.xmp"]


def test_images_that_failed_are_tried_again(posters: Path, tag: Tag) -> None:
    (posters / "b.png").write_text("no image")
    tag("p", "--sidecar", "txt")
    save_picture(posters / "b.png", "red")

    kept = tag("p", "--sidecar", "txt", "--resume")
    retried = tag("p", "--sidecar", "txt", "--retry-failed")

    assert (kept.code, told(kept)[0]) == (1, NOTHING)
    assert (retried.code, told(retried)[0]) == (0, "1 tagged, 0 failed")


def test_a_sidecar_that_failed_is_tried_again(posters: Path, tag: Tag) -> None:
    (posters / "b.png.xmp").write_text("no XMP")
    assert tag("p", "--sidecar", "xmp", "-o", "t.csv").code == 1
    table = Path("t.csv").read_bytes()
    (posters / "b.png.xmp").unlink()

    assert told(tag("p", "--sidecar", "xmp", "-o", "t.csv", "--resume"))[0] == NOTHING
    ran = tag("p", "--sidecar", "xmp", "-o", "t.csv", "--retry-failed")

    assert (ran.code, told(ran)[0]) == (0, "1 tagged, 0 failed")
    assert (posters / "b.png.xmp").exists()
    assert Path("t.csv").read_bytes() == table


def test_a_row_whose_sidecar_is_gone_is_made_again(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv", "--sidecar", "txt")
    table = Path("t.csv").read_bytes()
    (posters / "b.png.txt").unlink()

    ran = tag("p", "-o", "t.csv", "--sidecar", "txt", "--resume")

    assert told(ran)[:2] == ["1 tagged, 0 failed", "2 kept from an earlier run."]
    assert Path("t.csv").read_bytes() == table
    assert (posters / "b.png.txt").read_text() == "red\n"


def test_a_run_that_an_error_ended_goes_on(posters: Path, tag: Tag) -> None:
    (posters / "b.png.txt").write_text("mine")
    options = ("p", "-o", "t.csv", "--layout", "list", "--sidecar", "txt", "--existing", "error")

    stopped = tag(*options)

    assert stopped.code == 3
    assert stopped.stderr.splitlines()[1:] == [
        "Stopped after 1 image, kept in t.csv.part; --resume continues it.",
        says("there already", file="p/b.png.txt").strip(),
    ]
    assert Path("t.csv.part").read_text() == "path,tags,error\np/a.png,red,\n"
    assert not Path("t.csv").exists()
    (posters / "b.png.txt").rename("mine.txt")

    ran = tag(*options, "--resume")

    assert (ran.code, told(ran)[0]) == (0, "2 tagged, 0 failed")
    assert Path("t.csv").read_text().splitlines()[1:] == [f"p/{name}.png,red," for name in "abc"]
    assert not Path("t.csv.part").exists()


def test_sidecars_alone_go_on_after_an_error(posters: Path, tag: Tag) -> None:
    (posters / "b.png.txt").write_text("mine")
    options = ("p", "--sidecar", "txt", "--existing", "error")

    assert tag(*options).stderr.splitlines()[1:] == [
        "Stopped after 1 image; --resume continues it.",
        says("there already", file="p/b.png.txt").strip(),
    ]
    (posters / "b.png.txt").unlink()

    assert told(tag(*options, "--resume"))[0] == "2 tagged, 0 failed"


def test_a_sidecar_that_another_image_took_stays_with_it(posters: Path, tag: Tag) -> None:
    save_picture(posters / "a.bmp", "blue")
    options = ("p", "--sidecar", "txt", "--sidecar-name", "replace")
    tag(*options)
    save_picture(posters / "a.jpg", "lime")

    ran = tag(*options, "--existing", "overwrite")
    again = tag(*options, "--existing", "overwrite", "--resume")
    (posters / "a.jpg").unlink()
    save_picture(posters / "a.png", "yellow", size=(9, 9))
    changed = tag(*options, "--existing", "overwrite", "--update")

    assert (posters / "a.txt").read_text() == "blue\n"
    jpg, png = (
        f"failed: p/a.{ending}: it shares its sidecar with p/a.bmp, so it gets none"
        for ending in ("jpg", "png")
    )
    kept = "5 kept from an earlier run, 2 of them failed (--retry-failed retries them)."
    assert told(ran)[:3] == [jpg, png, "5 tagged, 2 failed"]
    assert told(again)[:2] == [NOTHING, kept]
    assert told(changed)[:2] == [png, "1 tagged, 1 failed"]
    assert [one.code for one in (ran, again, changed)] == [1, 1, 1]


def test_other_options_are_refused(posters: Path, tag: Tag) -> None:
    tag("p", "--sidecar", "xmp", "--threshold", "0.4")

    ran = tag("p", "--sidecar", "xmp", "--xmp-root", "Genre", "--threshold", "0.4", "--resume")

    assert ran == Ran(
        2,
        b"",
        says(
            "other options",
            output=f"the images of {posters}",
            differ="no --xmp-root; this one uses --xmp-root Genre",
        ),
    )


def test_a_run_that_cannot_be_noted_is_told(
    posters: Path, tag: Tag, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(Path("file").absolute()))

    ran = tag("p", "--sidecar", "txt")

    assert ran.code == 0
    assert ran.stderr.splitlines()[0] == (
        f"{Path('file').absolute()}/poster-tagger/runs is not writable (not a directory), "
        "so this run cannot be resumed."
    )
    assert sidecars(posters) == ["a.png.txt", "b.png.txt", "c.png.txt"]


def test_images_into_which_tags_were_put_have_not_changed(posters: Path, tag: Tag) -> None:
    options = ("p", "-o", "t.csv", "--embed")
    assert tag(*options).code == 0
    before = {file: file.read_bytes() for file in posters.iterdir()}

    assert told(tag(*options, "--update"))[0] == NOTHING
    assert {file: file.read_bytes() for file in posters.iterdir()} == before
    save_picture(posters / "b.png", "blue")
    assert told(tag(*options, "--update"))[0] == "1 tagged, 0 failed"


def test_a_backup_is_made_once(posters: Path, tag: Tag) -> None:
    """A run may be killed between the backup and the change; it comes to that image again."""
    (posters / "a.png.txt").write_text("mine")
    (posters / "a.png.txt.bak").write_text("mine")
    options = ("p/a.png", "--sidecar", "txt", "--existing", "overwrite", "--backup")

    tag(*options)
    tag(*options)

    assert sidecars(posters) == ["a.png.txt", "a.png.txt.bak"]
    (posters / "a.png.txt").write_text("other")
    tag(*options)
    assert sidecars(posters) == ["a.png.txt", "a.png.txt.bak", "a.png.txt.bak2"]
    assert (posters / "a.png.txt.bak").read_text() == "mine"
    assert (posters / "a.png.txt.bak2").read_text() == "other"


# Two runs at a time


def test_a_second_run_on_the_same_table_is_refused(posters: Path, tag: Tag) -> None:
    with FileLock("t.csv.lock"):
        ran = tag("p", "-o", "./t.csv")

    assert ran == Ran(
        3,
        b"",
        says("another run", output="./t.csv"),
    )
    assert not Path("t.csv").exists()


def test_a_second_run_on_the_same_images_is_refused(
    posters: Path, tag: Tag, own_state: Path
) -> None:
    tag("p", "--sidecar", "txt")
    (manifest,) = own_state.glob("*.run.json")
    with FileLock(str(manifest).replace(".run.json", ".lock")):
        ran = tag("p", "--sidecar", "txt")

    assert ran == Ran(
        3,
        b"",
        says("another run", output=f"the images of {posters}"),
    )


def test_a_lock_that_was_left_over_holds_nobody(posters: Path, tag: Tag) -> None:
    Path("t.csv.lock").write_text("left by a run that was killed")

    assert tag("p", "-o", "t.csv").code == 0

    assert not Path("t.csv.lock").exists()


def test_a_folder_without_locks_is_told(
    posters: Path, tag: Tag, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)

    ran = tag("p", "-o", "t.csv")

    assert ran.code == 0
    assert ran.stderr.splitlines()[0] == (
        "The folder of t.csv.lock does not support locks: do not start a second run on t.csv."
    )
    assert sorted(os.listdir()) == ["p", "t.csv", "t.csv.run.journal", "t.csv.run.json"]
