"""LibreOffice reads our tables with the same values that we wrote."""

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path

from commands import Ran
from PIL import Image
from readers import reader

NAMES = (
    "=cmd|' calc'!A1.png",
    "@sum(1,2).png",
    "a, comma.png",
    'a "quote".png',
    "emoji 🎬.png",
    "plain.png",
    "two\nlines.png",
)


def through_libreoffice(table: Path, out: Path, import_filter: str) -> list[list[str]]:
    """Open a table in LibreOffice and save it as CSV again."""
    subprocess.run(
        [
            reader("soffice"), "--headless", f"-env:UserInstallation={(out / 'profile').as_uri()}",
            f"--infilter={import_filter}", "--convert-to",
            "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false",
            "--outdir", out, table,
        ],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    with (out / f"{table.stem}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def rows_of(table: Path, delimiter: str) -> list[list[str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def values(rows: list[list[str]]) -> list[list[object]]:
    """Probabilities as numbers: a spreadsheet does not keep zeros at the end."""
    header, *rest = rows
    return [list(header)] + [[*row[:3], *map(float, row[3:])] for row in rest]


def draw(folder: Path) -> None:
    for i, name in enumerate(NAMES):
        Image.new("RGB", (8, 8), (i * 30, 100, 200)).save(folder / name)


def test_libreoffice_reads_the_csv_as_it_was_written(tag: Callable[..., Ran], folder: Path) -> None:
    draw(folder)
    assert tag(".", "-o", "tags.csv").code == 0
    out = folder / "out"
    read = through_libreoffice(folder / "tags.csv", out, "Text - txt - csv (StarCalc):44,34,76,1")
    assert values(read) == values(rows_of(folder / "tags.csv", ","))


def test_libreoffice_reads_the_tsv_as_it_was_written(tag: Callable[..., Ran], folder: Path) -> None:
    draw(folder)
    assert tag(".", "-o", "tags.tsv").code == 0
    out = folder / "out"
    read = through_libreoffice(folder / "tags.tsv", out, "Text - txt - csv (StarCalc):9,34,76,1")
    assert values(read) == values(rows_of(folder / "tags.tsv", "\t"))


def test_libreoffice_runs_no_cell_of_a_table_for_spreadsheets(
    tag: Callable[..., Ran], folder: Path
) -> None:
    draw(folder)
    assert tag("=cmd|' calc'!A1.png", "@sum(1,2).png", "-o", "tags.csv", "--excel").code == 0
    out = folder / "out"
    read = through_libreoffice(folder / "tags.csv", out, "Text - txt - csv (StarCalc):44,34,76,1")
    assert [row[0] for row in read[1:]] == ["'=cmd|' calc'!A1.png", "'@sum(1,2).png"]
