"""Tables that were made to harm, and are read back: refused in a sentence, soon and in bounds."""

from __future__ import annotations

import csv
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Ran
from pictures import save_picture

HEADER = ("path", "tags", "error", "red", "green", "blue", "N/A")
ROW = ("a.png", "", "", 0.9, 0.1, 0.1, 0.1)

Tagger = Callable[..., Ran]


@pytest.fixture
def retag(tagger: Tagger, tiny_model: Path) -> Tagger:
    """Return a function that runs ``tagger retag ARGUMENTS`` with the tiny model's labels."""
    return lambda *arguments: tagger("retag", *arguments, "--model", tiny_model)


def refusal(ran: Ran) -> str:
    """Return why a table was not read, without a word of anything else."""
    assert ran.code == 3, ran.stderr
    lines = ran.stderr.splitlines()
    assert "Traceback" not in ran.stderr
    assert lines[-1].startswith("tagger: "), ran.stderr
    return lines[-1].removeprefix("tagger: ")


def save_xlsx(file: Path, *rows: tuple[object, ...]) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "tags"
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file


def with_members(file: Path, changes: Mapping[str, bytes | Callable[[bytes], bytes]]) -> Path:
    """Change members of an XLSX."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        members[name] = change(members[name]) if callable(change) else change
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


SHEET = "xl/worksheets/sheet1.xml"


# Text


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("1" + "0" * 400, "1" + "0" * 39 + "…"),
        ("1" + "0" * 5000, None),
        ("NaN", "nan"),
        ("-Infinity", "-inf"),
        ("[0.5]", "[0.5]"),
        ('"=1+1"', "'=1+1'"),
        ('""', "nothing"),
        ("[" * 100_000, None),
    ],
)
def test_numbers_that_are_none_are_damage(
    retag: Tagger, folder: Path, cell: str, shown: str | None
) -> None:
    record = dict(zip(HEADER, ROW, strict=True))
    (folder / "t.jsonl").write_text(json.dumps(record).replace("0.9", cell) + "\n")

    expected = (
        f"row 1 has no probability for 'red', but {shown} where a number such as 0.6234 belongs"
        if shown
        else "line 1 is not a JSON object"
    )
    assert refusal(retag("t.jsonl")) == f"t.jsonl is damaged: {expected}."


@pytest.mark.parametrize("path", ["a\\x00.png", "../\\x00", "\\x00"])
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--sidecar", "xmp"),
        (
            "--sidecar",
            "txt",
            "--existing",
            "overwrite",
            "--sidecar-dir",
            "s",
            "--sidecar-base",
            ".",
        ),
    ],
)
def test_a_path_that_no_file_can_have_is_damage(
    retag: Tagger, folder: Path, path: str, options: tuple[str, ...]
) -> None:
    with (folder / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, (path, *ROW[1:])])

    why = refusal(retag("t.csv", *options))

    assert why == "t.csv is damaged: row 1 has a path that is not a valid file name."
    assert [left.name for left in folder.iterdir()] == ["t.csv"]


@pytest.mark.parametrize(
    "path", ["../outside.png", "/tmp/outside.png", "s/../../outside.png", "\\x2e\\x2e/outside.png"]
)
def test_no_sidecar_lands_outside_the_folder_that_was_chosen(
    retag: Tagger, folder: Path, path: str
) -> None:
    inside = folder / "inside"
    inside.mkdir()
    with (inside / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, (path, *ROW[1:])])

    ran = retag(
        "inside/t.csv", "--sidecar", "xmp", "--sidecar-dir", "inside/s", "--sidecar-base", "inside"
    )

    assert ran.code == 2
    assert ran.stderr.splitlines()[-1].endswith("is not inside it.")
    assert [left.name for left in folder.iterdir()] == ["inside"]
    assert [left.name for left in inside.iterdir()] == ["t.csv"]


def test_a_line_without_an_end_is_not_read_into_memory(retag: Tagger, folder: Path) -> None:
    with (folder / "t.csv").open("wb") as file:
        file.write(b"path,tags,error,red,green,blue,N/A\n")
        file.truncate(3 * 2**30)  # of zeros; no disk is taken

    assert refusal(retag("t.csv")) == (
        "t.csv is not a table written by 'tagger tag': it has a line without an end."
    )


def test_a_formula_stays_a_text_and_goes_out_as_one(retag: Tagger, folder: Path) -> None:
    formula = '=HYPERLINK("http://127.0.0.1:9/","a")'
    with (folder / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, (formula, *ROW[1:])])

    assert retag("t.csv", "-o", "t.xlsx").code == 0
    assert retag("t.csv", "-o", "x.csv", "--excel").code == 0

    sheet = openpyxl.load_workbook(folder / "t.xlsx").active
    assert (sheet["A2"].value, sheet["A2"].data_type) == (formula, "s")
    with (folder / "x.csv").open(newline="", encoding="utf-8-sig") as file:
        assert list(csv.reader(file))[1][0] == f"'{formula}"


# XLSX


def test_a_formula_without_a_value_is_no_path(retag: Tagger, folder: Path) -> None:
    save_xlsx(folder / "t.xlsx", HEADER, ('=WEBSERVICE("http://127.0.0.1:9/")', *ROW[1:]))

    assert refusal(retag("t.xlsx")) == "t.xlsx is damaged: row 1 has no path."


def test_a_bomb_is_not_unpacked(retag: Tagger, folder: Path) -> None:
    file = save_xlsx(folder / "t.xlsx", HEADER, ROW)
    text = b"<t>" + b"a" * 100_000_000 + b"</t>"
    with_members(file, {"xl/sharedStrings.xml": b"<sst><si>" + text + b"</si></sst>"})

    assert file.stat().st_size < 200_000
    assert refusal(retag("t.xlsx")) == "t.xlsx would unpack to 100 MB: too large."


def test_a_member_that_lies_about_its_size_is_damage(retag: Tagger, folder: Path) -> None:
    file = save_xlsx(folder / "t.xlsx", HEADER, ROW)
    with_members(
        file, {SHEET: lambda data: data.replace(b"<sheetData>", b" " * 10**8 + b"<sheetData>")}
    )
    with zipfile.ZipFile(file) as archive:
        sheet = archive.getinfo(SHEET)
    data = bytearray(file.read_bytes())
    data = data.replace(sheet.file_size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    file.write_bytes(data)

    assert refusal(retag("t.xlsx")).startswith("t.xlsx is damaged: ")


def test_a_sheet_that_claims_to_be_huge_is_read_as_it_is(retag: Tagger, folder: Path) -> None:
    file = save_xlsx(folder / "t.xlsx", HEADER, ROW)
    with_members(file, {SHEET: lambda data: data.replace(b'ref="A1:G2"', b'ref="A1:XFD1048576"')})
    assert b"XFD1048576" in zipfile.ZipFile(file).read(SHEET)

    ran = retag("t.xlsx")

    assert ran.code == 0
    assert ran.rows() == ["a.png,red,,0.9000,0.1000,0.1000,0.1000"]


@pytest.mark.parametrize("number", [b"99999999999", b"1048577"])
def test_a_row_behind_the_end_of_any_sheet_is_damage(
    retag: Tagger, folder: Path, number: bytes
) -> None:
    file = save_xlsx(folder / "t.xlsx", HEADER, ROW)
    with_members(
        file, {SHEET: lambda data: data.replace(b'<row r="2"', b'<row r="' + number + b'"')}
    )
    began = time.thread_time()

    assert refusal(retag("t.xlsx")) == (
        "t.xlsx is damaged: it has more rows than an XLSX sheet can have."
    )
    assert time.thread_time() - began < 20


@pytest.mark.parametrize(
    "prologue",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">' for n in range(1, 10))
        + "]>",
        '<!DOCTYPE x [<!ENTITY a9 SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x [<!ENTITY a9 SYSTEM "http://127.0.0.1:9/">]>',
    ],
)
def test_entities_in_a_sheet_are_damage(retag: Tagger, folder: Path, prologue: str) -> None:
    file = save_xlsx(folder / "t.xlsx", HEADER, ROW)
    cell = b'<row r="9"><c r="A9" t="inlineStr"><is><t>&a9;</t></is></c></row></sheetData>'
    with_members(
        file, {SHEET: lambda data: prologue.encode() + data.replace(b"</sheetData>", cell)}
    )

    assert refusal(retag("t.xlsx")).startswith("t.xlsx is damaged: ")


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("xl/workbook.xml", b"<workbook/>"),
        ("xl/workbook.xml", b""),
        ("xl/workbook.xml", b"\0"),
        ("xl/_rels/workbook.xml.rels", b"<Relationships/>"),
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/styles.xml", b'<styleSheet><cellXfs><xf numFmtId="x"/></cellXfs></styleSheet>'),
        (SHEET, b"<worksheet><sheetData><row r='x'/></sheetData></worksheet>"),
        (SHEET, b"<worksheet>" + b"<a>" * 100_000),
        (SHEET, b"no xml"),
    ],
)
def test_damaged_members_are_told_in_a_sentence(
    retag: Tagger, folder: Path, member: str, content: bytes
) -> None:
    with_members(save_xlsx(folder / "t.xlsx", HEADER, ROW), {member: content})

    ran = retag("t.xlsx")

    # What says nothing about the cells may be passed over.
    if ran.code != 0:
        assert refusal(ran).startswith("t.xlsx ")


# Parquet


def save_parquet(file: Path, **columns: pa.Array) -> Path:
    values = {name: pa.array([value]) for name, value in zip(HEADER, ROW, strict=True)}
    pq.write_table(pa.table({**values, **columns}), file)
    return file


@pytest.mark.parametrize(
    "columns",
    [
        {"path": pa.array([b"\xff\xfe"]).view(pa.string())},
        {"path": pa.array([None], pa.string())},
        {"path": pa.array([["a.png"]])},
        {"path": pa.array([7])},
        {"red": pa.array([float("nan")])},
        {"red": pa.array(["0.5x"])},
        {"red": pa.array([2**62], pa.timestamp("us"))},
        {"red": pa.array([{"a": 1}])},
    ],
)
def test_cells_of_another_kind_are_damage(
    retag: Tagger, folder: Path, columns: dict[str, pa.Array]
) -> None:
    save_parquet(folder / "t.parquet", **columns)

    assert refusal(retag("t.parquet")).startswith("t.parquet is damaged: ")


def test_a_column_whose_name_is_no_text_is_told(retag: Tagger, folder: Path) -> None:
    file = save_parquet(folder / "t.parquet", redx=pa.array([0.5]))
    file.write_bytes(file.read_bytes().replace(b"redx", b"\xff\xfe\xfd\xfc"))

    assert "\n" not in refusal(retag("t.parquet"))


@pytest.mark.parametrize("place", range(4, 1500, 60))
def test_a_parquet_file_with_a_damaged_byte_is_read_or_refused(
    retag: Tagger, folder: Path, place: int
) -> None:
    file = save_parquet(folder / "t.parquet")
    data = bytearray(file.read_bytes())
    data[place % len(data)] ^= 0xFF
    file.write_bytes(data)

    ran = retag("t.parquet")

    if ran.code not in (0, 1):  # 1 where it says that there are no rows
        refusal(ran)


# Labels of a training


def test_ids_name_images_of_the_folder_alone(folder: Path) -> None:
    pytest.importorskip("numpy")
    from tagger_training.labels import read_labelled_set

    from tagger.errors import DataError

    save_picture(folder / "outside.png")
    save_picture(folder / "images" / "a.png")
    ids = [
        "../outside.png", "../outside", str(folder / "outside.png"), "/etc/passwd",
        "a/../../outside", "..", "/", "", "\\x00", "*", "a\\x00", "images/../outside.png",
    ]  # fmt: skip
    with (folder / "l.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "red"), *((name, 1) for name in ids)])

    with pytest.raises(DataError) as refused:
        read_labelled_set(folder / "l.csv", folder / "images")

    assert str(refused.value).endswith(
        f"matches an image below {folder / 'images'}: the table has ../outside.png, an image is "
        "called a.png."
    )
