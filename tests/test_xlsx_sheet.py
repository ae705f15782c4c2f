"""A workbook for people: thumbnails, links, counts, and how it is printed."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import openpyxl
import pytest
from commands import Ran
from pictures import save_picture
from PIL import Image
from stalled_files import Stalled, stalls

from tagger.decode.budget import ImageLimits
from tagger.decode.thumbnail import Thumbnail, Thumbnails
from tagger.results import Tag, Tagged
from tagger.table import xlsx, xlsx_pictures
from tagger.table.plan import TablePlan
from tagger.table.sink import Sink
from tagger.table.stream import BookStream
from tagger.table.table import Table

Run = Callable[..., Ran]

RED, GREEN, BLUE = (250, 0, 0), (0, 250, 0), (0, 0, 250)


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder with posters of three colours and shapes, and a file that is not an image."""
    save_picture(folder / "p/a (1999).png", RED, size=(300, 444))
    save_picture(folder / "p/b.png", GREEN, size=(400, 100))
    save_picture(folder / "p/c.png", BLUE, size=(8, 12))
    (folder / "p/d.png").write_bytes(b"no image")
    return folder / "p"


def sheets(file: str | Path) -> tuple[openpyxl.worksheet.worksheet.Worksheet, ...]:
    book = openpyxl.load_workbook(file)
    return book["tags"], book["summary"]


def pictures(file: str | Path) -> dict[int, Image.Image]:
    """Return the pictures in the first column, by their row."""
    tags, _ = sheets(file)
    assert {one.anchor._from.col for one in tags._images} <= {0}
    return {one.anchor._from.row + 1: Image.open(io.BytesIO(one._data())) for one in tags._images}


def near(colour: object, wanted: tuple[int, ...]) -> bool:
    return bool(np.abs(np.subtract(colour, wanted)).max() < 12)


def test_each_image_is_shown_beside_its_path(posters: Path, tag: Run) -> None:
    assert tag("p", "-o", "t.xlsx").code == 1

    found = pictures("t.xlsx")

    # The poster fills the box; others keep their shape, and nothing is enlarged.
    assert {row: one.size for row, one in found.items()} == {
        2: (100, 148),
        3: (100, 25),
        4: (8, 12),
    }
    for row, colour in {2: RED, 3: GREEN, 4: BLUE}.items():
        assert near(found[row].getpixel((2, 2)), colour)
        assert near(found[row].getpixel((-1, -1)), colour)


def test_a_thumbnail_lies_within_its_cell_and_moves_with_it(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.xlsx")

    tags, _ = sheets("t.xlsx")

    for one in tags._images:
        assert one.anchor.editAs in (None, "twoCell")
        assert (one.anchor.to.row, one.anchor.to.col) == (one.anchor._from.row, 0)
    assert [tags.row_dimensions[row].height for row in (2, 3, 4, 5)] == [90, 90, 90, None]


@pytest.mark.parametrize("form", ["t.xlsx", "sub/t.xlsx"])
@pytest.mark.parametrize(
    "options", [(), ("--absolute",), ("--relative-to", "p")], ids=["given", "absolute", "relative"]
)
def test_a_path_is_a_link_to_its_file(folder: Path, tag: Run, form: str, options: tuple[str, ...]):
    names = [b"a.png", b"a #1 [x] %20.png", b"50%.png", "é 🎬.png".encode(), b"x.png"]
    if sys.platform == "linux":
        names += [
            b"latin \xe9.png",
            b'say "hi" <b>&.png',
            b"C:\\a.png",
            b"bell\x07.png",
            b"a:b.png",
        ]
    for name in names:
        save_picture(folder / "p" / os.fsdecode(name))
    (folder / "sub").mkdir()

    assert tag("p", "-o", form, *options).code == 0

    tags, _ = sheets(form)
    here = os.fsencode((folder / form).parent)
    linked = [unquote_to_bytes(row[0].hyperlink.target.replace("\\", "/")) for row in tags["A2:A99"]
              if row[0].hyperlink]  # fmt: skip
    assert sorted(os.path.realpath(os.path.join(here, way)) for way in linked) == sorted(
        os.fsencode(folder / "p" / os.fsdecode(name)) for name in names
    )


def test_a_path_that_is_too_long_for_a_link_is_text(folder: Path, tag: Run) -> None:
    deep = "/".join(["p", *["é" * 60] * 6])
    save_picture(folder / deep / "a.png")

    assert tag("p", "-o", "t.xlsx").code == 0

    tags, _ = sheets("t.xlsx")
    assert (tags["A2"].value, tags["A2"].hyperlink) == (f"{deep}/a.png", None)
    assert list(pictures("t.xlsx")) == [2]


def test_thumbnails_can_be_left_out(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.xlsx", "--no-thumbnails")

    tags, summary = sheets("t.xlsx")

    assert tags._images == []
    assert tags.row_dimensions[2].height is None
    assert tags["A2"].hyperlink is not None
    assert "thumbnails" not in [row[0].value for row in summary["E1:E20"]]


def test_without_a_file_there_are_thumbnails_and_no_links(posters: Path, tag: Run) -> None:
    ran = tag("p", "-f", "xlsx")
    (posters / "t.xlsx").write_bytes(ran.stdout)

    tags, _ = sheets(posters / "t.xlsx")

    assert list(pictures(posters / "t.xlsx")) == [2, 3, 4]
    assert tags["A2"].hyperlink is None


def test_an_image_of_several_rows_is_shown_once(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.xlsx", "--layout", "long", "--min-tags", "2")

    tags, summary = sheets("t.xlsx")

    assert [row[0].value for row in tags["A2:A8"]] == [
        "p/a (1999).png", "p/a (1999).png", "p/b.png", "p/b.png", "p/c.png", "p/c.png", "p/d.png"
    ]  # fmt: skip
    assert list(pictures("t.xlsx")) == [2, 4, 6]
    assert [cell.value for cell in summary["F"][:4]] == [None, 4, 3, 1]


def test_a_table_of_many_images_has_thumbnails_of_the_first(
    posters: Path, tag: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_pictures, "MOST_PICTURES", 2)

    tag("p", "-o", "t.xlsx")

    tags, summary = sheets("t.xlsx")
    assert list(pictures("t.xlsx")) == [2, 3]
    assert [tags[f"A{row}"].hyperlink is not None for row in (2, 3, 4)] == [True, True, False]
    assert ("thumbnails", 2) in [(row[0].value, row[1].value) for row in summary["E1:F20"]]


def test_the_summary_counts_and_says_what_the_run_was(posters: Path, tag: Run) -> None:
    options = ("--min-tags", "2", "--ignore", "blue", "--rename", "red=warm")
    tag("p", "-o", "t.xlsx", *options)

    _, summary = sheets("t.xlsx")

    rows = [[cell.value for cell in row] for row in summary["A1:C4"]]
    assert rows == [
        ["tag", "images", "share"], ["green", 3, 0.75], ["warm", 3, 0.75], [None, None, None]
    ]  # fmt: skip
    facts = {row[0].value: row[1].value for row in summary["E2:F20"] if row[0].value}
    assert facts.pop("made by").startswith("poster-tagger ")
    assert facts == {
        "images": 4,
        "tagged": 3,
        "failed": 1,
        "model": "colours 1.2",
        "threshold": "0.5",
        "tags of an image": "2 to 3",
        "ignored": "N/A, blue",
        "renamed": "red = warm",
        "thumbnails": 3,
        "their size in MB": 0,
    }


def test_reasons_come_last_and_are_hidden_where_there_are_none(posters: Path, tag: Run) -> None:
    tag("p", "-o", "failed.xlsx", "--columns", "title,year")
    (posters / "d.png").unlink()
    tag("p", "-o", "clean.xlsx", "--columns", "title,year")

    with_reasons, _ = sheets("failed.xlsx")
    clean, _ = sheets("clean.xlsx")

    header = ["path", "title", "tags", "year", "red", "green", "blue", "N/A", "error"]
    assert [cell.value for cell in with_reasons[1]] == header
    assert [cell.value for cell in clean[1]] == header
    assert not with_reasons.column_dimensions["I"].hidden
    assert clean.column_dimensions["I"].hidden
    assert clean.freeze_panes == "C2"


def test_a_sheet_prints_one_page_wide_with_its_header(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.xlsx")

    tags, _ = sheets("t.xlsx")

    assert tags.page_setup.orientation == "landscape"
    assert tags.sheet_properties.pageSetUpPr.fitToPage
    assert tags.page_setup.fitToWidth in (None, 1)  # by default it is 1
    assert tags.page_setup.fitToHeight == 0
    assert tags.print_title_rows == "$1:$1"
    assert tags["C1"].alignment.textRotation == 90


def test_a_resumed_workbook_is_that_of_one_run(posters: Path, tag: Run) -> None:
    tag("p", "-o", "whole.xlsx")
    (posters / "c.png").rename(posters.parent / "c.png")
    tag("p", "-o", "t.xlsx")
    (posters.parent / "c.png").rename(posters / "c.png")

    tag("p", "-o", "t.xlsx", "--resume")

    first, second = (zipfile.ZipFile(name) for name in ("whole.xlsx", "t.xlsx"))
    assert len(first.namelist()) == len(second.namelist())
    assert sorted(row[0].value for row in sheets("t.xlsx")[0]["A1:A5"]) == [
        "p/a (1999).png", "p/b.png", "p/c.png", "p/d.png", "path"
    ]  # fmt: skip
    assert len(pictures("t.xlsx")) == 3


def test_a_workbook_is_resumed_as_it_was_begun(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.xlsx", "--no-thumbnails")

    ran = tag("p", "-o", "t.xlsx", "--resume")

    assert ran.code == 2
    assert ran.stderr == (
        "tagger: --resume cannot continue t.xlsx: that run used --no-thumbnails; this one uses no "
        "--no-thumbnails: pass the same, or start over with --overwrite.\n"
    )


def test_a_corrected_workbook_is_read_back(posters: Path, tag: Run, tagger: Run) -> None:
    tag("p", "-o", "t.xlsx", "--columns", "title")
    book = openpyxl.load_workbook("t.xlsx")
    book["tags"]["C2"] = "green|blue"
    book.save("t.xlsx")

    ran = tagger("apply", "t.xlsx", "--sidecar", "txt", "--yes")

    assert ran.code == 0
    assert (posters / "a (1999).png.txt").read_text() == "green, blue\n"


def test_retag_shows_images_that_are_there(posters: Path, tag: Run, tagger: Run, tiny_model: Path):
    tag("p", "-o", "t.csv")
    tag("p", "-o", "t.xlsx")
    (posters / "b.png").unlink()

    assert tagger("retag", "t.csv", "-o", "new.xlsx", "--model", tiny_model).code == 1

    assert list(pictures("t.xlsx")) == [2, 3, 4]
    assert list(pictures("new.xlsx")) == [2, 4]


def test_thumbnails_wait_on_the_disk_until_the_end(folder: Path) -> None:
    save_picture(folder / "a.png", size=(100, 148))
    plan = TablePlan.checked("t.xlsx")
    table = Table(plan, (), lambda *_: None)

    with BookStream(Sink("t.xlsx", needs_end=True), table) as writer:
        writer.book.group = 1
        for _ in range(3):
            writer.write([Tagged("a.png", (Tag("red", 1.0),), np.empty(0))])
        stored = (folder / "t.xlsx.new.rows/thumbnails").stat().st_size
        images = writer.book._sheet.images
        assert [one.image_data.getbuffer().nbytes for one in images] == [0]
        assert stored == len(images[0].image_data.getvalue())

    assert sorted(os.listdir(folder)) == ["a.png", "t.xlsx"]


def test_what_is_no_image_has_a_reason(folder: Path) -> None:
    (folder / "text.png").write_text("no image")
    maker = Thumbnails(100, 100)

    reasons = list(maker.of(["text.png", "gone.png"]))
    maker.close()

    assert reasons == ["a text file, not an image", "no such file or directory"]


@stalls
def test_files_that_do_not_open_cost_their_time_and_no_more(folder: Path) -> None:
    stuck = [save_picture(folder / f"{n}.png") for n in range(12)]
    fine = save_picture(folder / "fine.png")
    maker = Thumbnails(100, 100, ImageLimits(seconds=2))

    with Stalled(*stuck):
        found = list(maker.of([str(fine), *map(str, stuck)]))

    maker.close()
    assert isinstance(found[0], Thumbnail)
    assert set(found[1:]) == {"reading it takes longer than 2 s", "reading has stalled"}


def test_no_more_is_unpacked_than_a_picture_may_take(folder: Path) -> None:
    save_picture(folder / "large.png", size=(2000, 3000))
    maker = Thumbnails(100, 100, ImageLimits(memory=4 * 2**20))

    (reason,) = maker.of(["large.png"])
    maker.close()

    assert re.fullmatch(r"decoding its 2000 × 3000 pixels takes \d+ MB of memory, above the limit "
                        r"of 4 MB", str(reason))  # fmt: skip


def test_images_before_the_one_that_does_not_fit_are_kept(
    posters: Path, tag: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 3)  # with the header

    ran = tag("p", "-o", "t.xlsx", "--layout", "list")

    assert ran.code == 3
    kept = Path("t.xlsx.part.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["path"] for line in kept] == ["p/a (1999).png", "p/b.png"]
