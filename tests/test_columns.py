"""Extra columns, and how the table spells paths; through the command."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from commands import Ran
from messages import says
from pictures import save_picture
from tiny_model import changed_card, write_model

from tagger.decode.facts import measure
from tagger.find.titles import title_and_year
from tagger.results import FileFacts
from tagger.table.columns import EXTRA_COLUMNS

Run = Callable[..., Ran]

ALL = "folder,name,title,year,text,width,height,bytes,sha256"


def records(ran: Ran) -> list[dict[str, str]]:
    """Return the rows of a CSV on stdout."""
    return list(csv.DictReader(io.StringIO(ran.stdout.decode("utf-8"), newline="")))


@pytest.mark.parametrize(
    ("path", "title", "year"),
    [
        ("Heat (1995)/poster.jpg", "Heat", 1995),
        ("Heat (1995)/Folder.JPG", "Heat", 1995),
        ("Heat (1995)/cover2.png", "Heat", 1995),
        ("Heat (1995)/movie-1.webp", "Heat", 1995),
        ("Heat (1995).jpg", "Heat", 1995),
        ("Heat [1995].jpg", "Heat", 1995),
        ("Heat (1995)-poster.jpg", "Heat", 1995),
        ("heat.1995.1080p-poster.jpg", "heat", 1995),
        ("The_Long_Ridge_1978.jpg", "The Long Ridge", 1978),
        ("the-long-ridge-1978.jpg", "the long ridge", 1978),
        ("Heat - 1995.jpg", "Heat", 1995),
        ("Heat-poster.jpg", "Heat", None),
        ("heat.jpg", "heat", None),
        ("Mr. Nobody (2009).jpg", "Mr. Nobody", 2009),
        ("R.I.P.D. (2013).jpg", "R.I.P.D.", 2013),
        ("(1995) Heat.jpg", "Heat", 1995),
        ("(1995).jpg", None, 1995),
        ("1917.jpg", None, None),
        ("1917 (2019).jpg", "1917", 2019),
        ("2001.A.Space.Odyssey.1968.jpg", "2001 A Space Odyssey", 1968),
        ("Blade.Runner.2049.2017.2160p.jpg", "Blade Runner 2049", 2017),
        ("Wonder Woman 1984 (2020)/poster.jpg", "Wonder Woman 1984", 2020),
        ("tt0113277_1080.jpg", None, None),
        ("tt19950001.jpg", None, None),
        ("Scary Movie.jpg", "Scary Movie", None),
        ("posters/poster-wall.jpg", "poster wall", None),
        ("films (1995)/Heat.jpg", "Heat", None),
        ("Amélie (٢٠٠١).jpg", "Amélie (٢٠٠١)", None),
        ("---.jpg", None, None),
        ("/poster.jpg", None, None),
    ],
)
def test_title_and_year_come_from_the_name(path: str, title: str | None, year: int | None) -> None:
    assert title_and_year(path) == (title, year)


def test_the_folder_of_a_poster_is_found_from_inside(folder: Path, monkeypatch) -> None:
    (folder / "Heat (1995)").mkdir()
    monkeypatch.chdir(folder / "Heat (1995)")

    assert title_and_year("poster.jpg") == ("Heat", 1995)


def test_all_columns_stand_behind_error_in_the_order_asked_for(folder: Path, tag: Run) -> None:
    picture = save_picture(folder / "p/Heat (1995)/poster.png", size=(16, 24))
    content = picture.read_bytes()

    ran = tag("p", "-q", "--columns", "sha256,year,title", "--columns", "bytes, width,height,year")

    digest = hashlib.sha256(content).hexdigest()
    assert ran == Ran(
        0,
        b"path,tags,error,sha256,year,title,bytes,width,height,red,green,blue,N/A\n"
        b"p/Heat (1995)/poster.png,red,,%s,1995,Heat,%d,16,24,1.0000,0.0000,0.0000,0.0000\n"
        % (digest.encode(), len(content)),
        "",
    )


@pytest.mark.parametrize(
    ("layout", "header"),
    [
        ("wide", "path,tags,error,name,year,red,green,blue,N/A"),
        ("list", "path,tags,error,name,year"),
        ("long", "path,tag,score,error,name,year"),
    ],
)
def test_every_layout_has_them(folder: Path, tag: Run, layout: str, header: str) -> None:
    save_picture(folder / "a.png")

    ran = tag("a.png", "-q", "--layout", layout, "--columns", "name,year")

    assert ran.stdout.decode().splitlines()[0] == header
    assert records(ran)[0]["name"] == "a.png"
    assert records(ran)[0]["year"] == ""


def test_numbers_are_numbers_in_json_lines(folder: Path, tag: Run) -> None:
    save_picture(folder / "Heat (1995).png", size=(3, 4))

    ran = tag("Heat (1995).png", "-q", "-f", "jsonl", "--layout", "list", "--columns", ALL)

    record = json.loads(ran.stdout)
    assert {name: record[name] for name in ("title", "year", "width", "height", "bytes")} == {
        "title": "Heat",
        "year": 1995,
        "width": 3,
        "height": 4,
        "bytes": (folder / "Heat (1995).png").stat().st_size,
    }


def test_a_failed_image_has_what_its_name_and_bytes_say(folder: Path, tag: Run) -> None:
    (folder / "a (1999).jpg").write_bytes(b"no image")
    (folder / "b.jpg").symlink_to("nothing")
    os.mkfifo(folder / "c.jpg")

    ran = tag(".", "-q", "--layout", "list", "--columns", ALL)

    assert ran.code == 1
    assert [list(row.values())[3:] for row in records(ran)] == [
        [
            ".",
            "a (1999).jpg",
            "a",
            "1999",
            "",
            "",
            "",
            "8",
            hashlib.sha256(b"no image").hexdigest(),
        ],
        [".", "b.jpg", "", "", "", "", "", "", ""],
        [".", "c.jpg", "", "", "", "", "", "", ""],
    ]


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize(("turn", "size"), [(1, ("40", "60")), (6, ("60", "40"))])
def test_width_and_height_are_those_displayed(
    folder: Path, tag: Run, ending: str, turn: int, size: tuple[str, str]
) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = turn
    Image.new("RGB", (40, 60)).save(folder / f"a.{ending}", exif=exif)

    (row,) = records(tag("a." + ending, "-q", "--columns", "width,height"))

    assert (row["width"], row["height"]) == size


def test_a_large_jpeg_has_its_own_size_not_that_of_the_reduced_decode(
    folder: Path, tag: Run
) -> None:
    save_picture(folder / "a.jpg", size=(1001, 1502))

    (row,) = records(tag("a.jpg", "-q", "--columns", "width,height"))

    assert (row["width"], row["height"]) == ("1001", "1502")


def test_names_that_are_not_utf_8_are_escaped_in_every_column(folder: Path, tag: Run) -> None:
    inner = folder / os.fsdecode(b"d\xff")
    save_picture(inner / os.fsdecode(b"e\xfe (1990).png"))

    (row,) = records(tag(".", "-q", "--layout", "list", "--columns", "folder,name,title,year"))

    assert list(row.values()) == [
        r"./d\xff/e\xfe (1990).png", "red", "", r"./d\xff", r"e\xfe (1990).png", r"e\xfe", "1990",
    ]  # fmt: skip


def test_files_are_measured_only_where_that_is_wanted(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    digest = hashlib.sha256(b"abc").hexdigest()

    assert measure(str(file), ("title", "width")) == FileFacts()
    assert measure(str(file), ("bytes",)) == FileFacts(bytes=3)
    assert measure(str(file), ("sha256",)) == FileFacts(sha256=digest)
    assert measure("a\0b", ("bytes", "sha256")) == FileFacts()


@pytest.mark.parametrize(("layout", "code"), [("wide", 2), ("list", 0), ("long", 0)])
def test_a_label_and_a_column_of_one_name_are_not_mixed_up(
    folder: Path, tagger: Run, layout: str, code: int
) -> None:
    save_picture(folder / "a.png")
    write_model(
        folder / "m.onnx", changed_card(labels=("title", "green", "blue", "N/A"), scored=())
    )
    arguments = ("a.png", "--model", "m.onnx", "--device", "cpu", "-q", "--columns", "title")

    ran = tagger("tag", *arguments, "--layout", layout)

    assert ran.code == code
    if code:
        assert ran.stderr == says("label and column")


def test_asking_for_columns_is_asking_for_a_table(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.png")

    ran = tag("a.png", "-q", "--sidecar", "txt", "--layout", "list", "--columns", "name")

    assert ran.stdout == b"path,tags,error,name\na.png,red,,a.png\n"
    assert (folder / "a.png.txt").exists()


def test_absolute_paths(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.png")
    (folder / "q").mkdir()

    ran = tag("q/../p", "-q", "--layout", "list", "--absolute", "--columns", "folder")

    here = str(folder)
    assert ran.stdout.decode() == f"path,tags,error,folder\n{here}/p/a.png,red,,{here}/p\n"


@pytest.mark.parametrize(
    ("start", "paths"),
    [
        ("p", ["a.png", "in/b.png"]),
        ("p/in", ["../a.png", "b.png"]),
        (".", ["p/a.png", "p/in/b.png"]),
        ("elsewhere", ["../p/a.png", "../p/in/b.png"]),
        # The way up from a link begins where the link leads to.
        ("link", ["../../p/a.png", "../../p/in/b.png"]),
    ],
)
@pytest.mark.parametrize("spelled", ["p", "./p", "{here}/p"])
def test_paths_from_a_folder_on(
    folder: Path, tag: Run, start: str, paths: list[str], spelled: str
) -> None:
    save_picture(folder / "p/a.png")
    save_picture(folder / "p/in/b.png")
    (folder / "elsewhere/deep").mkdir(parents=True)
    (folder / "link").symlink_to("elsewhere/deep")

    ran = tag(spelled.format(here=folder), "-q", "--layout", "list", "--relative-to", start)

    assert [row["path"] for row in records(ran)] == paths
    assert all((folder / start / path).is_file() for path in paths)


def test_a_path_below_a_link_keeps_its_spelling(folder: Path, tag: Run) -> None:
    save_picture(folder / "real/a.png")
    (folder / "link").symlink_to("real")

    ran = tag("link", "-q", "--layout", "list", "--relative-to", "link")

    assert ran.stdout == b"path,tags,error\na.png,red,\n"


def test_parquet_and_xlsx_spell_paths_alike(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.png")

    tag("p", "-q", "-o", "t.parquet", "--relative-to", "p")

    assert pq.read_table("t.parquet")["path"].to_pylist() == ["a.png"]


def test_help_lists_every_column(tagger: Run) -> None:
    shown = " ".join(tagger("tag", "--help").stdout.decode().split())

    assert f"--columns NAME,NAME Extra columns: {', '.join(EXTRA_COLUMNS)}." in shown


def test_all_columns_are_tried_here() -> None:
    assert ",".join(EXTRA_COLUMNS) == ALL
