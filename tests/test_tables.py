"""Tables: exact bytes in every format and layout, and what pandas reads back."""

from __future__ import annotations

import io
import json
import math
import os
from pathlib import Path

import numpy as np
import pandas
import pytest
from tiny_model import CARD

from tagger.results import Failed, Result, Tag, Tagged
from tagger.table.formats import Format, LayoutName
from tagger.table.plan import TablePlan
from tagger.table.sink import Sink
from tagger.table.stream import table_stream
from tagger.table.table import Table
from tagger.text import escape, unescape

RESULTS: list[Result] = [
    Tagged(
        "a.jpg",
        (Tag("blue", 0.9), Tag("red", 0.75)),
        np.array([0.75, 0.0, 0.9, 0.0]),
    ),
    Failed("b.jpg", "the file is empty"),
    Tagged("c.jpg", (), np.array([0.1, 0.2, 0.3333, 0.1])),
]

WIDE_CSV = """\
path,tags,error,red,green,blue,N/A
a.jpg,blue|red,,0.7500,0.0000,0.9000,0.0000
b.jpg,,the file is empty,,,,
c.jpg,,,0.1000,0.2000,0.3333,0.1000
"""
LIST_CSV = """\
path,tags,error
a.jpg,blue|red,
b.jpg,,the file is empty
c.jpg,,
"""
LONG_CSV = """\
path,tag,score,error
a.jpg,blue,0.9000,
a.jpg,red,0.7500,
b.jpg,,,the file is empty
c.jpg,,,
"""
WIDE_JSONL = """\
{"path": "a.jpg", "tags": "blue|red", "error": null, \
"red": 0.75, "green": 0.0, "blue": 0.9, "N/A": 0.0}
{"path": "b.jpg", "tags": "", "error": "the file is empty", \
"red": null, "green": null, "blue": null, "N/A": null}
{"path": "c.jpg", "tags": "", "error": null, \
"red": 0.1, "green": 0.2, "blue": 0.3333, "N/A": 0.1}
"""
LIST_JSONL = """\
{"path": "a.jpg", "tags": "blue|red", "error": null}
{"path": "b.jpg", "tags": "", "error": "the file is empty"}
{"path": "c.jpg", "tags": "", "error": null}
"""
LONG_JSONL = """\
{"path": "a.jpg", "tag": "blue", "score": 0.9, "error": null}
{"path": "a.jpg", "tag": "red", "score": 0.75, "error": null}
{"path": "b.jpg", "tag": "", "score": null, "error": "the file is empty"}
{"path": "c.jpg", "tag": "", "score": null, "error": null}
"""

#: Names that break tables which are written carelessly.
NAMES = [
    b"comma, name.jpg",
    b'"quoted" name.jpg',
    b"two\nlines.jpg",
    b"two\r\nlines.jpg",
    b"carriage\rreturn.jpg",
    b"tab\tname.jpg",
    b"=cmd|' /C calc'!A0.jpg",
    "🎬 Où, l'été.jpg".encode(),
    b"not utf-8 \xff\xfe.jpg",
    rb"literal \x41.jpg",
    b" blanks .jpg",
    b"'.jpg",
    b"NA",
    b"1.0",
]


def uncut(path: str, reason: str) -> None:
    """Stand where nothing may be cut."""
    raise AssertionError(path, reason)


def table(
    folder: Path, results: list[Result], format: str, shape: str = "wide", *, excel: bool = False
) -> bytes:
    """Write a table to a file and return its bytes."""
    file = folder / "table"
    plan = TablePlan(str(file), Format(format), LayoutName(shape), excel)
    with table_stream(Table(plan, CARD.labels, uncut), Sink(str(file))) as writer:
        for result in results:
            writer.write([result])
    return file.read_bytes()


@pytest.mark.parametrize("excel", [False, True])
@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("shape", ["wide", "list", "long"])
@pytest.mark.parametrize("worst", [None, 0.5, 0.12345, 1.5, math.nan])
def test_results_that_come_together_are_written_as_one_by_one(
    tmp_path: Path, format: str, shape: str, worst: float | None, *, excel: bool
) -> None:
    """Every probability that a table shows, a failure, and values that no table of ours has."""
    probabilities = (np.arange(10_004) % 10_001 / 10_000).reshape(-1, len(CARD.labels))
    results: list[Result] = [
        Tagged(f"a,{number}.png", (Tag("red", 0.5),), own)
        for number, own in enumerate(probabilities)
    ]
    if worst is not None:
        probabilities[3, 1] = worst
        results[7] = Failed("=b.png", 'damaged "image"\r')
    one_by_one = table(tmp_path, results, format, shape, excel=excel)
    plan = TablePlan(None, Format(format), LayoutName(shape), excel)
    made = Table(plan, CARD.labels, uncut)

    assert made.head + made.lines(results) == one_by_one
    assert b"".join(rows.text for rows in made.image_rows(results)) == made.lines(results)
    assert [rows.count for rows in made.image_rows(results)] == [1] * len(results)


def named(names: list[bytes]) -> list[Result]:
    """Return one tagged image a name."""
    scores = np.array([1.0, 0.0, 0.0, 0.0])
    return [Tagged(os.fsdecode(name), (Tag("red", 1.0),), scores) for name in names]


@pytest.mark.parametrize(
    ("shape", "content"), [("wide", WIDE_CSV), ("list", LIST_CSV), ("long", LONG_CSV)]
)
def test_csv(tmp_path: Path, shape: str, content: str) -> None:
    assert table(tmp_path, RESULTS, "csv", shape) == content.encode()


@pytest.mark.parametrize(
    ("shape", "content"), [("wide", WIDE_CSV), ("list", LIST_CSV), ("long", LONG_CSV)]
)
def test_tsv_has_tabs_where_csv_has_commas(tmp_path: Path, shape: str, content: str) -> None:
    assert table(tmp_path, RESULTS, "tsv", shape) == content.replace(",", "\t").encode()


@pytest.mark.parametrize(
    ("shape", "content"), [("wide", WIDE_JSONL), ("list", LIST_JSONL), ("long", LONG_JSONL)]
)
def test_json_lines(tmp_path: Path, shape: str, content: str) -> None:
    assert table(tmp_path, RESULTS, "jsonl", shape) == content.encode()


@pytest.mark.parametrize(
    ("format", "content"), [("csv", b"path,tags,error\n"), ("jsonl", b"")], ids=["csv", "jsonl"]
)
def test_a_table_of_nothing_has_its_header_only(
    tmp_path: Path, format: str, content: bytes
) -> None:
    assert table(tmp_path, [], format, "list") == content


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        (b"plain.jpg", b"plain.jpg"),
        (b"comma, name.jpg", b'"comma, name.jpg"'),
        (b'"quoted" name.jpg', b'"""quoted"" name.jpg"'),
        (b"two\nlines.jpg", b'"two\nlines.jpg"'),
        (b"carriage\rreturn.jpg", b'"carriage\rreturn.jpg"'),
        (b"tab\tname.jpg", b"tab\tname.jpg"),
        ("🎬.jpg".encode(), "🎬.jpg".encode()),
        (b"\xff.jpg", rb"\xff.jpg"),
        (b"=1+1.jpg", b"=1+1.jpg"),
    ],
)
def test_csv_quotes_what_rfc_4180_says_and_no_more(
    tmp_path: Path, name: bytes, cell: bytes
) -> None:
    content = table(tmp_path, named([name]), "csv", "list")

    assert content == b"path,tags,error\n" + cell + b",red,\n"


@pytest.mark.parametrize("format", ["csv", "tsv"])
@pytest.mark.parametrize("shape", ["wide", "list", "long"])
def test_pandas_reads_every_name_back(tmp_path: Path, format: str, shape: str) -> None:
    content = table(tmp_path, named(NAMES), format, shape)

    frame = pandas.read_csv(
        io.BytesIO(content),
        sep="," if format == "csv" else "\t",
        keep_default_na=False,
        dtype={"path": str},
    )

    assert [os.fsencode(unescape(path)) for path in frame["path"]] == NAMES


@pytest.mark.parametrize("shape", ["wide", "list", "long"])
def test_every_name_comes_back_from_json_lines(tmp_path: Path, shape: str) -> None:
    lines = table(tmp_path, named(NAMES), "jsonl", shape).decode("utf-8").split("\n")

    assert lines.pop() == ""
    assert [os.fsencode(unescape(json.loads(line)["path"])) for line in lines] == NAMES


def test_pandas_reads_json_lines(tmp_path: Path) -> None:
    content = table(tmp_path, RESULTS, "jsonl")

    frame = pandas.read_json(io.BytesIO(content), lines=True, precise_float=True)

    assert frame["path"].tolist() == ["a.jpg", "b.jpg", "c.jpg"]
    assert frame["blue"].dropna().tolist() == [0.9, 0.3333]


def test_pandas_turns_joined_tags_into_columns(tmp_path: Path) -> None:
    content = table(tmp_path, RESULTS, "csv", "list")

    tags = pandas.read_csv(io.BytesIO(content))["tags"].str.get_dummies()

    assert tags.to_dict("list") == {"blue": [1, 0, 0], "red": [1, 0, 0]}


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=cmd.jpg", "'=cmd.jpg"),
        ("+1.jpg", "'+1.jpg"),
        ("-1.jpg", "'-1.jpg"),
        ("@sum.jpg", "'@sum.jpg"),
        ("\tx.jpg", "'\tx.jpg"),
        ("a=b.jpg", "a=b.jpg"),
        ("'=cmd.jpg", "''=cmd.jpg"),
    ],
)
def test_excel_runs_no_name_as_a_formula(tmp_path: Path, name: str, cell: str) -> None:
    content = table(tmp_path, named([name.encode()]), "csv", "list", excel=True)

    assert content == f"\ufeffpath,tags,error\n{cell},red,\n".encode()


def test_excel_leaves_numbers_alone(tmp_path: Path) -> None:
    content = table(tmp_path, RESULTS, "csv", excel=True)

    assert content == b"\xef\xbb\xbf" + WIDE_CSV.encode()


def test_excel_neutralises_tags_and_reasons_too(tmp_path: Path) -> None:
    results = [
        Tagged("a.jpg", (Tag("=x", 1.0),), np.array([1.0, 0.0, 0.0, 0.0])),
        Failed("b.jpg", "-1 is no size"),
    ]

    assert table(tmp_path, results, "tsv", "list", excel=True) == (
        b"\xef\xbb\xbfpath\ttags\terror\na.jpg\t'=x\t\nb.jpg\t\t'-1 is no size\n"
    )


def test_a_failed_name_is_escaped_as_any_other(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.jpg")

    content = table(tmp_path, [Failed(name, "the file is empty")], "csv", "long")

    assert content.splitlines()[1].decode() == f"{escape(name)},,,the file is empty"
