"""Parquet and XLSX: types, row groups, looks, limits; and every reader sees the same values."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import numpy as np
import openpyxl
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Ran
from pictures import save_picture
from test_sink import files_no_larger_than, names
from test_tables import NAMES, RESULTS, named, table, uncut
from tiny_model import CARD

from tagger.errors import OutputError
from tagger.results import Failed, FileFacts, Result, Tag, Tagged
from tagger.table import xlsx
from tagger.table.book import BookWriter
from tagger.table.columns import EXTRA_COLUMNS, Kind
from tagger.table.formats import Format, LayoutName
from tagger.table.plan import TablePlan
from tagger.table.sink import Sink
from tagger.table.stream import BookStream
from tagger.table.table import Table
from tagger.text import escape, unescape

LAYOUTS = ["wide", "list", "long"]

#: Names that break XML, or what XlsxWriter makes of it.
XML_NAMES = [
    b"bell\x07.jpg",
    b"delete\x7f and \xc2\x85.jpg",
    b"no character \xef\xbf\xbe.jpg",
    b"a_x0041_b.jpg",
    b"<b>&amp;</b>.jpg",
    b"<r>/a</r>",
    b"\n",
    b"-1",
    b"@sum(1)",
    b"http://example.org/a.jpg",
    b"TRUE",
    b"2024-01-01",
]


def table_for(
    shape: str,
    format: str = "csv",
    labels: Sequence[str] = CARD.labels,
    *,
    columns: Sequence[str] = tuple(EXTRA_COLUMNS),
    cut: Callable[[str, str], None] = uncut,
) -> Table:
    """Return a table with all extra columns."""
    plan = TablePlan(None, Format(format), LayoutName(shape), columns=tuple(columns))
    return Table(plan, labels, cut)


def writer_for(file: Path, shape: str, cut: Callable[[str, str], None] = uncut) -> BookStream:
    """Return what writes a table to a file of either format, with all extra columns."""
    table = table_for(shape, file.suffix.removeprefix("."), cut=cut)
    return BookStream(Sink(str(file), needs_end=True), table)


def write(
    file: Path,
    results: list[Result],
    shape: str = "wide",
    cut: Callable[[str, str], None] = uncut,
) -> Path:
    """Write a table to a file."""
    with writer_for(file, shape, cut) as writer:
        for result in results:
            writer.write([result])
    return file


def in_memory(results: list[Result], shape: str) -> list[list[object]]:
    """Return the rows that a table must have; nothing is None, and so is an empty text."""
    table = table_for(shape)
    rows = [row for result in results for row in table.rows(result)]
    return [list(table.header), *([None if cell == "" else cell for cell in row] for row in rows)]


def blanked(rows: list[tuple[object, ...]]) -> list[list[object]]:
    """Return rows with None for empty texts."""
    return [[None if cell == "" else cell for cell in row] for row in rows]


def as_in_a_sheet(rows: list[list[object]]) -> list[list[object]]:
    """Return rows in the order of a sheet's columns: path and title first, reasons last."""
    header = rows[0]
    front = [name for name in ("path", "title") if name in header]
    names = [*front, *(name for name in header if name not in (*front, "error")), "error"]
    return [[row[header.index(name)] for name in names] for row in rows]


def with_facts(results: list[Result]) -> list[Result]:
    """Return the results with what is known of their files."""
    facts = FileFacts(300, 444, 17079, "ab" * 32)
    return [result._replace(facts=facts) for result in results]


def pyarrow_rows(file: Path) -> list[list[object]]:
    content = pq.read_table(file)
    return blanked(
        [tuple(content.column_names), *zip(*(c.to_pylist() for c in content.columns), strict=True)]
    )


def duckdb_rows(file: Path) -> list[list[object]]:
    content = duckdb.connect().read_parquet(str(file))
    return blanked([tuple(content.columns), *content.fetchall()])


def pandas_parquet_rows(file: Path) -> list[list[object]]:
    frame = pandas.read_parquet(file, dtype_backend="pyarrow")
    rows = frame.astype(object).where(frame.notna(), None)
    return blanked([tuple(frame.columns), *rows.itertuples(index=False, name=None)])


def openpyxl_rows(file: Path) -> list[list[object]]:
    return blanked([*openpyxl.load_workbook(file).active.values])


def pandas_xlsx_rows(file: Path) -> list[list[object]]:
    frame = pandas.read_excel(file, dtype=object, keep_default_na=False)
    return blanked([tuple(frame.columns), *frame.itertuples(index=False, name=None)])


def interrupt(writer: BookWriter, results: list[Result]) -> None:
    """Write results, then be interrupted."""
    try:
        with writer:
            for result in results:
                writer.write([result])
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        return
    pytest.fail("the interrupt was swallowed")


PARQUET_READERS = [pyarrow_rows, duckdb_rows, pandas_parquet_rows]
XLSX_READERS = [openpyxl_rows, pandas_xlsx_rows]


@pytest.mark.parametrize("shape", LAYOUTS)
@pytest.mark.parametrize("read", PARQUET_READERS)
def test_parquet_readers_see_what_was_written(
    tmp_path: Path, read: Callable[[Path], list[list[object]]], shape: str
) -> None:
    results = with_facts(RESULTS + named(NAMES + XML_NAMES))

    assert read(write(tmp_path / "t.parquet", results, shape)) == in_memory(results, shape)


@pytest.mark.parametrize("shape", LAYOUTS)
@pytest.mark.parametrize("read", XLSX_READERS)
def test_xlsx_readers_see_what_was_written(
    tmp_path: Path, read: Callable[[Path], list[list[object]]], shape: str
) -> None:
    results = with_facts(RESULTS + named([name for name in NAMES if b"\r" not in name]))

    written = read(write(tmp_path / "t.xlsx", results, shape))
    assert written == as_in_a_sheet(in_memory(results, shape))


@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
@pytest.mark.parametrize("shape", LAYOUTS)
def test_every_name_comes_back(tmp_path: Path, ending: str, shape: str) -> None:
    file = write(tmp_path / f"t.{ending}", named(NAMES + XML_NAMES), shape)

    rows = pyarrow_rows(file) if ending == "parquet" else openpyxl_rows(file)

    assert [os.fsencode(unescape(str(row[0]))) for row in rows[1:]] == NAMES + XML_NAMES


def test_every_cell_of_a_sheet_is_text_or_number(tmp_path: Path) -> None:
    file = write(tmp_path / "t.xlsx", with_facts(named(NAMES + XML_NAMES)))

    sheet = openpyxl.load_workbook(file).active

    kinds = {cell.data_type for row in sheet for cell in row if cell.value is not None}
    assert kinds <= {"s", "inlineStr", "n"}
    assert all(cell.hyperlink is None for row in sheet for cell in row[1:])


EXTRA_FIELDS = [
    ("folder", pa.string()),
    ("name", pa.string()),
    ("title", pa.string()),
    ("year", pa.int64()),
    ("text", pa.string()),
    ("width", pa.int64()),
    ("height", pa.int64()),
    ("bytes", pa.int64()),
    ("sha256", pa.string()),
]


@pytest.mark.parametrize(
    ("shape", "first", "last"),
    [
        ("wide", ["path", "tags", "error"], [(label, pa.float64()) for label in CARD.labels]),
        ("list", ["path", "tags", "error"], []),
        ("long", ["path", "tag", "score", "error"], []),
    ],
)
def test_parquet_columns_have_types(
    tmp_path: Path, shape: str, first: list[str], last: list[tuple[str, pa.DataType]]
) -> None:
    types = [(name, pa.float64() if name == "score" else pa.string()) for name in first]

    for results in ([], RESULTS):
        file = write(tmp_path / "t.parquet", results, shape)

        assert pq.read_schema(file) == pa.schema(types + EXTRA_FIELDS + last)


@pytest.mark.parametrize(("ending", "read"), [("parquet", pyarrow_rows), ("xlsx", openpyxl_rows)])
def test_a_table_of_nothing_has_its_header(
    tmp_path: Path, ending: str, read: Callable[[Path], list[list[object]]]
) -> None:
    rows = in_memory([], "long")

    written = read(write(tmp_path / f"t.{ending}", [], "long"))

    assert written == (as_in_a_sheet(rows) if ending == "xlsx" else rows)


def test_row_groups_are_written_as_they_come(folder: Path) -> None:
    part = folder / "t.parquet.new"
    sizes = []

    with writer_for(folder / "t.parquet", "list") as writer:
        writer.book.group = 2
        for result in named([b"a", b"b", b"c", b"d", b"e"]):
            writer.write([result])
            writer.sink.flush()
            sizes.append(part.stat().st_size)
            assert len(writer._rows) < 2

    grown = [after > before for before, after in zip([4, *sizes], sizes, strict=False)]
    assert grown == [False, True, False, True, False]
    groups = pq.ParquetFile(folder / "t.parquet").metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [2, 2, 1]


@pytest.mark.slow
def test_a_row_group_of_many_columns_has_fewer_rows() -> None:
    sizes = [
        table_for("wide", "parquet", [f"label {n}" for n in range(labels)], columns=()).book.group
        for labels in (25, 1000, 2_000_000)
    ]

    assert sizes == [16_384, 1_045, 1]


def test_a_result_of_many_rows_is_never_split_between_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 7)
    tags = tuple(Tag(name, 0.5) for name in ("red", "green", "blue"))
    results: list[Result] = [Tagged("a", tags, np.array([0.5, 0.5, 0.5, 0.0]))]

    with pytest.raises(OutputError) as full:
        write(tmp_path / "t.xlsx", [*named([b"0"]), *results, *results], "long")

    assert str(full.value) == (
        f"{tmp_path}/t.xlsx is full: an XLSX sheet can have 7 rows. Use csv, tsv, jsonl or parquet."
    )
    assert names(tmp_path) == []


def test_a_sheet_that_is_just_full_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 4)

    file = write(tmp_path / "t.xlsx", RESULTS, "list")

    assert openpyxl_rows(file) == as_in_a_sheet(in_memory(RESULTS, "list"))


def test_a_sheet_has_no_more_columns_than_it_can(tmp_path: Path) -> None:
    labels = [f"label {n}" for n in range(16_382)]

    with pytest.raises(OutputError) as refused:
        table_for("wide", "xlsx", labels, columns=())

    assert str(refused.value) == (
        "The table has 16,385 columns, but an XLSX sheet can only have 16,384: use --layout list "
        "or long, or another format."
    )


def test_a_text_that_no_cell_holds_is_cut_and_told(tmp_path: Path) -> None:
    # Excel counts in UTF-16: a film camera is two.
    long, whole = "🎥" * 16_384, "🎥" * 16_383 + "x"
    told: list[tuple[str, str]] = []

    file = write(
        tmp_path / "t.xlsx",
        [Failed(long, "file name too long"), Failed(whole, "file name too long")],
        "list",
        cut=lambda path, reason: told.append((path, reason)),
    )

    rows = openpyxl_rows(file)
    cut = "🎥" * 16_383 + "…"
    name = rows[0].index("name")
    assert [(row[0], row[name]) for row in rows[1:]] == [(cut, cut), (whole, whole)]
    reason = "is truncated to 32,767 characters, the limit of an XLSX cell"
    assert told == [(long, f"its {name} {reason}") for name in ("path", "name")]


@pytest.mark.parametrize(
    ("shape", "width", "scores"),
    [("wide", "P", "L2:O4"), ("list", "L", None), ("long", "M", "D2:D5")],
)
def test_a_sheet_is_ready_to_be_worked_with(
    tmp_path: Path, shape: str, width: str, scores: str | None
) -> None:
    rows = 5 if shape == "long" else 4

    sheet = openpyxl.load_workbook(write(tmp_path / "t.xlsx", RESULTS, shape)).active

    assert sheet.title == "tags"
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == f"A1:{width}{rows}"
    scales = {str(area.sqref): area.rules[0].colorScale for area in sheet.conditional_formatting}
    assert list(scales) == ([scores] if scores else [])
    for scale in scales.values():
        assert [(end.type, end.val) for end in scale.cfvo] == [("num", 0), ("num", 1)]
        assert [colour.rgb for colour in scale.color] == ["FFFFFFFF", "FF63BE7B"]
    if scores:
        assert sheet[scores.partition(":")[0]].number_format == "0.00%"


@pytest.mark.parametrize("former", [None, "former"])
@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_an_interrupted_run_leaves_no_table(folder: Path, ending: str, former: str | None) -> None:
    if former is not None:
        (folder / f"t.{ending}").write_text(former)

    interrupt(writer_for(Path(f"t.{ending}"), "list"), RESULTS)

    assert names(folder) == ([] if former is None else [f"t.{ending}"])
    assert former is None or (folder / f"t.{ending}").read_text() == former


@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_an_interrupted_pipe_gets_a_whole_table(
    folder: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(f"t.{ending}", "wb") as stdout:
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(stdout))
        sink = Sink(None, needs_end=True)
        interrupt(BookStream(sink, table_for("list", ending)), RESULTS)

    read = pyarrow_rows if ending == "parquet" else openpyxl_rows
    rows = in_memory(RESULTS, "list")
    assert read(folder / f"t.{ending}") == (as_in_a_sheet(rows) if ending == "xlsx" else rows)


@pytest.mark.parametrize("former", [None, "former"])
@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_a_full_disk_leaves_no_table_that_cannot_be_read(
    folder: Path, ending: str, former: str | None
) -> None:
    if former is not None:
        (folder / f"t.{ending}").write_text(former)
    many = named([bytes(f"{n:05}", "ascii") * 20 for n in range(3_000)])

    # Rows of XLSX fill the file beside first, those of Parquet the table.
    with files_no_larger_than(4_000), pytest.raises(OutputError) as full:
        write(Path(f"t.{ending}"), many, "list")

    assert str(full.value) == f"t.{ending} cannot be written: file too large."
    assert names(folder) == ([f"t.{ending}"] if former else [])
    assert former is None or (folder / f"t.{ending}").read_text() == former


def test_a_disk_that_is_full_at_the_end_leaves_no_sheet(folder: Path) -> None:
    table = table_for("list", "xlsx", columns=())

    writer = BookStream(Sink("t.xlsx", needs_end=True), table).__enter__()
    writer.write([RESULTS[0]])

    with files_no_larger_than(2_500), pytest.raises(OutputError) as full:
        writer.__exit__(None, None, None)

    assert str(full.value) == "t.xlsx cannot be written: file too large."
    assert names(folder) == []


def test_nothing_is_left_beside_a_sheet(folder: Path) -> None:
    with writer_for(Path("t.xlsx"), "list") as writer:
        writer.write([RESULTS[0]])
        assert names(folder) == ["t.xlsx.new", "t.xlsx.new.rows"]

    assert names(folder) == ["t.xlsx"]


def test_a_folder_is_no_target_for_parquet(folder: Path) -> None:
    (folder / "t.parquet").mkdir()

    with pytest.raises(OutputError) as refused:
        write(Path("t.parquet"), RESULTS)

    assert str(refused.value) == "t.parquet cannot be written: is a directory."


@pytest.mark.parametrize("shape", LAYOUTS)
def test_parquet_holds_what_csv_holds(tmp_path: Path, shape: str) -> None:
    results = RESULTS + named(NAMES)
    text = table(tmp_path, results, "csv", shape)
    (tmp_path / "t.csv").write_bytes(text)
    frame = pandas.read_csv(tmp_path / "t.csv", keep_default_na=False, dtype=str)

    content = pq.read_table(write(tmp_path / "t.parquet", results, shape)).to_pylist()

    for name in frame.columns:
        cells = [row[name] for row in content]
        spelled = [f"{cell:.4f}" if isinstance(cell, float) else cell or "" for cell in cells]
        assert frame[name].tolist() == spelled


def test_a_failed_name_is_escaped_as_any_other(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.jpg")

    rows = pyarrow_rows(write(tmp_path / "t.parquet", [Failed(name, "it is bad")], "list"))

    assert rows[1][:3] == [escape(name), None, "it is bad"]


@pytest.mark.parametrize("shape", LAYOUTS)
def test_every_format_has_the_same_values(
    folder: Path, tag: Callable[..., Ran], shape: str
) -> None:
    for number, name in enumerate(NAMES + XML_NAMES):
        if b"/" not in name:
            save_picture(folder / "p" / os.fsdecode(name), (number, 200, 0), format="png")
    (folder / "p" / os.fsdecode(b"bad \xff.jpg")).touch()
    options = ("--layout", shape, "--min-tags", "2", "--columns", ",".join(EXTRA_COLUMNS), "-q")

    def rows(ending: str, read: Callable[[Path], list[list[object]]]) -> list[list[object]]:
        assert tag("p", "--include", "*", "-o", f"t.{ending}", *options).code == 1
        return read(folder / f"t.{ending}")

    expected = rows("jsonl", json_rows)
    assert len(expected) > 20
    assert rows("parquet", duckdb_rows) == expected
    assert rows("parquet", pandas_parquet_rows) == expected
    numbers = [
        place
        for place, column in enumerate(table_for(shape).columns)
        if column.kind is not Kind.TEXT
    ]
    assert rows("csv", lambda file: text_rows(file, ",", numbers)) == expected
    assert rows("tsv", lambda file: text_rows(file, "\t", numbers)) == expected
    # What XML cannot hold is spelled out: turned back, it is the same.
    for read in XLSX_READERS:
        assert turned_back(rows("xlsx", read)) == turned_back(as_in_a_sheet(expected))


def json_rows(file: Path) -> list[list[object]]:
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    return blanked([tuple(records[0]), *(tuple(record.values()) for record in records)])


def text_rows(file: Path, delimiter: str, numbers: list[int]) -> list[list[object]]:
    frame = pandas.read_csv(file, sep=delimiter, dtype=str, keep_default_na=False)
    rows = [list(frame.columns), *frame.to_numpy().tolist()]
    for row in rows[1:]:
        for place in numbers:
            row[place] = float(row[place]) if row[place] else None
    return blanked([tuple(row) for row in rows])


def turned_back(rows: list[list[object]]) -> list[list[object]]:
    return [[unescape(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
