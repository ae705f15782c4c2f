"""Tables that name the films of images, as people, spreadsheets and pandas write them."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from tagger.errors import UsageError
from tagger.results import ImageText
from tagger.table.titles import GivenTitles, read_titles

HEAT, RAN = ImageText("Heat", 1995, "table"), ImageText("Ran", None, "table")
NEEDS = ": a table of titles has the columns path, title and, if you know it, year."
LINES = """\
{"path": "p/a.jpg", "title": "Heat", "year": 1995}
{"path": "p/b.jpg", "title": "Ran", "year": null}
"""
PLAIN = "path,title,year\np/a.jpg,Heat,1995\np/b.jpg,Ran,\n"


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def given(text: str, name: str = "t.csv") -> GivenTitles:
    Path(name).write_bytes(text.encode())
    return read_titles(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", PLAIN),
        ("t.csv", "\ufeff" + PLAIN.replace(",", ";")),
        ("t.csv", PLAIN.replace("\n", "\r\n")),
        ("t.csv", "Year , Title,tags, Path\n1995,Heat,Crime,p/a.jpg\n\n,Ran,,p/b.jpg\n"),
        ("t.csv", PLAIN.replace("1995", "1995.0")),
        ("t.csv", PLAIN + ",,\n"),
        ("t.csv", PLAIN + "./p/../p/a.jpg,Heat,1995\n"),
        ("t.tsv", PLAIN.replace(",", "\t")),
        ("t.jsonl", LINES),
    ],
)
def test_a_table_names_films(name: str, text: str) -> None:
    titles = given(text, name)

    assert len(titles) == 2
    assert titles.of("p/a.jpg") == titles.of("./p//a.jpg") == HEAT
    assert titles.of(str(Path("p/b.jpg").absolute())) == RAN
    assert titles.of("a.jpg") is None


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_what_pandas_writes_is_read(ending: str) -> None:
    frame = pandas.DataFrame(
        {"path": ["p/a.jpg", "p/b.jpg"], "title": ["Heat", "Ran"], "year": [1995, None]}
    )
    write = {"csv": frame.to_csv, "parquet": frame.to_parquet, "xlsx": frame.to_excel}[ending]
    write(f"t.{ending}", index=False)

    titles = read_titles(f"t.{ending}")

    assert (titles.of("p/a.jpg"), titles.of("p/b.jpg")) == (HEAT, RAN)


def test_a_spreadsheet_s_number_is_a_title() -> None:
    pandas.DataFrame({"path": ["a.jpg"], "title": [1917], "year": [2019]}).to_excel("t.xlsx")

    assert read_titles("t.xlsx").of("a.jpg") == ImageText("1917", 2019, "table")


def test_a_year_is_optional() -> None:
    titles = given("path,title\na.jpg,Ran\n")

    assert titles.of("a.jpg") == RAN


def test_an_empty_title_means_that_the_image_has_none() -> None:
    assert given("path,title\na.jpg,\n").of("a.jpg") == ImageText("", None, "table")


def test_titles_are_one_line_of_what_can_be_seen() -> None:
    titles = given(f'path,title\na.jpg," He\u202eat\n\x07again "\nb.jpg,{"x" * 100_000}\n')

    assert titles.of("a.jpg") == ImageText("Heat again", None, "table")
    assert titles.of("b.jpg") == ImageText("x" * 255, None, "table")


def test_paths_and_titles_are_spelled_as_in_our_tables() -> None:
    Path("=a.jpg").touch()
    titles = given("path,title\n'=a.jpg,'=Heat\n" + r"caf\xe9.jpg,caf\xe9" + "\n")

    assert titles.of("=a.jpg") == ImageText("=Heat", None, "table")
    assert titles.of("caf\udce9.jpg") == ImageText("caf\udce9", None, "table")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "file,title\na.jpg,Heat\n",
            "t.csv has no column 'path'" + NEEDS,
        ),
        (
            "path,name\na.jpg,Heat\n",
            "t.csv has no column 'title'" + NEEDS,
        ),
        (
            "a.jpg,Heat,1995\n",
            "t.csv has no column 'path' and no column 'title'" + NEEDS,
        ),
        (
            "",
            "t.csv has no column 'path' and no column 'title'" + NEEDS,
        ),
        ("path,title,Title\na.jpg,Heat,Ran\n", "t.csv has the column 'title' twice."),
        (
            "path,title,year\na.jpg,Heat,1995\nb.jpg,Ran,soon\n",
            "t.csv: row 3: the year 'soon' is not a number from 1870 to 2099.",
        ),
        (
            "path,title,year\na.jpg,Heat,19955\n",
            "t.csv: row 2: the year '19955' is not a number from 1870 to 2099.",
        ),
        (
            "path,title,year\na.jpg,Heat,1\u0661\u0669\u0665\n",
            "t.csv: row 2: the year '1\u0661\u0669\u0665' is not a number from 1870 to 2099.",
        ),
        ("path,title\na.jpg,Heat\n,Ran\n", "t.csv: row 3 has no path."),
        ("path,title\na\\x00.jpg,Heat\n", "t.csv: row 2: the path is not a valid file name."),
        ("path,title\na.jpg,#NAME?\n", "t.csv: row 2: title is not text: '#NAME?'."),
        (
            "path,title\na.jpg,Heat\n./a.jpg,Ran\n",
            "t.csv has two rows for ./a.jpg with other titles or years: keep only one.",
        ),
        (
            "path,title\na.jpg,Heat,1995\n",
            "t.csv is damaged: row 1 has 3 cells instead of 2.",
        ),
    ],
)
def test_a_wrong_table_is_wrong_usage_that_says_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        given(text)

    assert str(raised.value) == sentence
    assert raised.value.options == ("titles",)


def test_a_table_that_is_not_there_is_wrong_usage() -> None:
    with pytest.raises(UsageError) as raised:
        read_titles("t.csv")

    assert str(raised.value) == "t.csv cannot be read: no such file or directory."


@pytest.mark.parametrize(
    "content", [b"path,title\na.jpg,caf\xe9\n", b"\xff\xfep\0a\0t\0h", b"PK\x03\x04"]
)
def test_what_is_no_table_is_wrong_usage(content: bytes) -> None:
    Path("t.csv").write_bytes(content)

    with pytest.raises(UsageError, match=r"t\.csv is "):
        read_titles("t.csv")
