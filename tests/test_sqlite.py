"""Tables as SQLite: what other programs read, and what stays of a database that is there."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest
import sqlite_utils
from commands import Ran
from messages import says
from pictures import save_picture

Run = Callable[..., Ran]


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder with two images, a broken one, and one whose name is not UTF-8."""
    save_picture(folder / "p/a.png", "red")
    save_picture(folder / "p/b'\"b.png", "green")
    (folder / "p/broken.png").write_bytes(b"")
    save_picture(Path(os.fsdecode(os.fsencode(folder) + b"/p/c\xff.png")), "blue")
    return folder


def query(statement: str, file: str = "t.db") -> list[tuple[object, ...]]:
    with sqlite3.connect(file) as database:
        rows = database.execute(statement).fetchall()
    database.close()
    return rows


def change(*statements: str, file: str = "t.db") -> None:
    database = sqlite3.connect(file)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


def test_a_database_has_images_tags_scores_and_runs(posters: Path, tag: Run) -> None:
    ran = tag("p", "-o", "t.db", "--columns", "width")

    assert ran.code == 1
    assert query("SELECT * FROM images ORDER BY id") == [
        (1, "p/a.png", None, 16),
        (2, "p/b'\"b.png", None, 16),
        (3, "p/broken.png", "the file is empty", None),
        (4, "p/c\\xff.png", None, 16),
    ]
    assert query("SELECT image, place, tag FROM tags ORDER BY image") == [
        (1, 1, "red"),
        (2, 1, "green"),
        (4, 1, "blue"),
    ]
    assert query("SELECT label, score FROM scores WHERE image = 1 ORDER BY label") == [
        ("N/A", 0.0), ("blue", 0.0), ("green", 0.0), ("red", 1.0)
    ]  # fmt: skip
    ((number, facts),) = query("SELECT id, facts FROM runs")
    assert (number, json.loads(str(facts))["model"]) == (1, "colours 1.2")
    assert query("PRAGMA foreign_key_check") == query("PRAGMA integrity_check")[1:] == []


@pytest.mark.parametrize("layout", ["wide", "list", "long"])
def test_a_database_reads_back_as_the_same_table(
    posters: Path, tag: Run, tagger: Run, layout: str
) -> None:
    options = ("--layout", layout, "--columns", "height,bytes,name")
    tag("p", "-o", "t.csv", *options)
    tag("p", "-o", "t.db", *options)

    tagger("merge", "t.db", "-o", "again.csv")

    assert (posters / "again.csv").read_bytes() == (posters / "t.csv").read_bytes()


def test_the_view_is_the_wide_table(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.csv")
    tag("p", "-o", "t.sqlite")

    with sqlite3.connect("t.sqlite") as database:
        frame = pandas.read_sql("SELECT * FROM wide", database)
    database.close()
    expected = pandas.read_csv("t.csv")
    expected["tags"] = expected["tags"].fillna("")
    pandas.testing.assert_frame_equal(frame, expected, check_dtype=False)


def test_sqlite_utils_reads_it(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.db")

    database = sqlite_utils.Database("t.db")

    assert database.table_names() == ["runs", "images", "tags", "scores"]
    assert database.view_names() == ["wide"]
    assert [key.other_table for key in database["tags"].foreign_keys] == ["images"]
    assert [row["path"] for row in database["images"].rows_where("error IS NULL")] == [
        "p/a.png", "p/b'\"b.png", "p/c\\xff.png"
    ]  # fmt: skip
    database.close()


def test_datasette_serves_it(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.db")
    asked = "/t/wide.json?_shape=array&red__gt=0.5&_col=path&_col=tags"

    done = subprocess.run(
        [sys.executable, "-m", "datasette", "t.db", "--get", asked],
        capture_output=True,
        check=True,
    )

    assert [(row["path"], row["tags"]) for row in json.loads(done.stdout)] == [("p/a.png", "red")]


def test_what_others_added_stays_and_images_keep_their_numbers(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.db")
    change(
        "CREATE TABLE notes (image INTEGER REFERENCES images (id), note TEXT)",
        "INSERT INTO notes VALUES (4, 'mine')",
        "CREATE VIEW noted AS SELECT path, note FROM notes JOIN images ON id = image",
        "PRAGMA journal_mode = WAL",
    )
    save_picture(posters / "p/a0.png", "red")
    save_picture(posters / "p/broken.png", "red")

    ran = tag("p", "-o", "t.db", "--update")

    assert ran.code == 0
    assert query("SELECT * FROM noted") == [("p/c\\xff.png", "mine")]
    assert query("SELECT path FROM images ORDER BY id") == [
        ("p/a.png",), ("p/b'\"b.png",), ("p/broken.png",), ("p/c\\xff.png",), ("p/a0.png",)
    ]  # fmt: skip
    assert query("SELECT count(*) FROM runs") == [(2,)]
    assert query("PRAGMA integrity_check") == [("ok",)]
    # Whatever a person did to it is also kept as it was.
    assert query("SELECT * FROM noted", "t.db.bak") == [("p/c\\xff.png", "mine")]


def test_an_edited_database_is_not_replaced_unasked(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.db")
    change("DELETE FROM tags")
    before = (posters / "t.db").read_bytes()

    ran = tag("p", "-o", "t.db")

    assert ran.code == 2
    assert (posters / "t.db").read_bytes() == before


def test_a_database_of_another_program_is_neither_read_nor_replaced(
    posters: Path, tag: Run, tagger: Run
) -> None:
    change("CREATE TABLE films (title TEXT)")
    before = (posters / "t.db").read_bytes()

    written, read = tag("p", "-o", "t.db"), tagger("retag", "t.db")

    assert (written.code, (posters / "t.db").read_bytes()) == (2, before)
    assert read.stderr == says("not our database", table="t.db")
    assert tag("p", "-o", "t.db", "--overwrite").code == 1
    assert query("SELECT name FROM sqlite_master", "t.db.bak") == [("films",)]
    assert ("films",) not in query("SELECT name FROM sqlite_master")


def test_a_database_that_is_open_elsewhere_is_left_alone(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.db")
    other = sqlite3.connect("t.db")
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("CREATE TABLE notes (note TEXT)")
    other.commit()

    ran = tag("p", "-o", "t.db", "--update")

    assert ran.code == 3
    assert ran.stderr.splitlines()[-1:] == says("database in use", table="t.db").splitlines()
    other.close()
    save_picture(posters / "p/d.png", "red")
    assert tag("p", "-o", "t.db", "--update").code == 1
    assert query("SELECT * FROM notes") == []


def test_a_run_that_was_cut_short_is_resumed(posters: Path, tag: Run) -> None:
    tag("p", "-o", "one.db")
    tag("p/a.png", "-o", "t.db")

    ran = tag("p", "-o", "t.db", "--resume")

    assert ran.code == 1
    assert query("SELECT * FROM wide") == query("SELECT * FROM wide", "one.db")


def test_a_damaged_database_is_named(posters: Path, tag: Run, tagger: Run) -> None:
    tag("p", "-o", "t.db")
    data = bytearray((posters / "t.db").read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    (posters / "t.db").write_bytes(data)

    ran = tagger("retag", "t.db")

    assert ran.code == 3
    assert ran.stderr.startswith("tagger: t.db is damaged: ")


def test_a_database_goes_to_a_pipe(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.db", "-q")

    ran = tag("p", "-f", "sqlite", "-q")

    (posters / "piped.db").write_bytes(ran.stdout)
    assert query("SELECT * FROM wide", "piped.db") == query("SELECT * FROM wide")
    assert not list(Path(os.environ.get("TMPDIR", "/tmp")).glob("poster-tagger-*/table.db"))


def test_labels_may_be_named_like_anything(posters: Path, tag: Run) -> None:
    tag("p/a.png", "-o", "t.db", "--rename", 'red=x"; DROP TABLE images; --')

    assert query("SELECT tag FROM tags") == [('x"; DROP TABLE images; --',)]
    assert query("SELECT path FROM images") == [("p/a.png",)]


def test_commands_read_a_database_like_any_table(
    posters: Path, tag: Run, tagger: Run, tiny_model: Path
) -> None:
    tag("p", "-o", "t.db")

    retagged = tagger("retag", "t.db", "-o", "r.csv", "--max-tags", "1", "--model", tiny_model)
    assert retagged.code == 1
    assert tagger("gallery", "t.db", "-o", "g.html").code == 0
    applied = tagger("apply", "t.db", "--dry-run")
    rows = list(csv.DictReader(io.StringIO((posters / "r.csv").read_text("utf-8"))))
    assert [row["tags"] for row in rows] == ["red", "green", "", "blue"]
    assert applied.stdout.decode().splitlines()[0] == "p/a.png: +red"
