"""LibreOffice reads our tables with the same values that we wrote."""

import csv
import io
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import PATIENCE, Ran
from PIL import Image
from readers import reader

from tagger.text import unescape

pytestmark = pytest.mark.slow  # an office program

LAYOUTS = ("wide", "list", "long")

NAMES = (
    "=cmd|' calc'!A1.png",
    "@sum(1,2).png",
    "a, comma.png",
    'a "quote".png',
    "emoji 🎬.png",
    "not utf-8 \udcff\udcfe.png",
    "plain.png",
    "tab\tname.png",
    "two\nlines.png",
)


def through_libreoffice(tables: list[Path], out: Path, import_filter: str) -> list[list[list[str]]]:
    """Open tables in LibreOffice and save them as CSV again; return the rows of each."""
    subprocess.run(
        [
            reader("soffice"), "--headless", f"-env:UserInstallation={(out / 'profile').as_uri()}",
            f"--infilter={import_filter}", "--convert-to",
            "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false",
            "--outdir", out, *tables,
        ],
        check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    return [rows_of(out / f"{table.stem}.csv", ",") for table in tables]


def rows_of(table: Path, delimiter: str) -> list[list[str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def values(rows: list[list[str]]) -> list[list[object]]:
    """Probabilities as numbers: a spreadsheet does not keep zeros at the end."""
    header, *rest = rows
    texts = [name in ("path", "tag", "tags", "error") for name in header]
    # Reasons are at the end of a sheet.
    places = sorted(range(len(header)), key=lambda place: header[place] == "error")
    return [
        [header[place] for place in places],
        *(
            [row[place] if texts[place] else _number(row[place]) for place in places]
            for row in rest
        ),
    ]


def _number(cell: str) -> float:
    """Read a probability; a sheet shows it in per cent, with all decimals."""
    return round(float(cell[:-1]) / 100, 4) if cell.endswith("%") else float(cell)


def draw(folder: Path) -> None:
    for i, name in enumerate(NAMES):
        Image.new("RGB", (8, 8), (i * 25, 100, 200)).save(folder / name)


def written(tag: Callable[..., Ran], folder: Path, ending: str) -> list[Path]:
    """Tag the images into a table of each layout."""
    tables = [folder / f"{layout}.{ending}" for layout in LAYOUTS]
    for layout, table in zip(LAYOUTS, tables, strict=True):
        assert tag(".", "-o", table, "--layout", layout, "--min-tags", "2").code == 0
    return tables


def test_the_names_are_all_there(tag: Callable[..., Ran], folder: Path) -> None:
    draw(folder)
    ran = tag(".", "-f", "csv", "--layout", "list")
    rows = list(csv.DictReader(io.StringIO(ran.stdout.decode("utf-8"), newline="")))
    assert sorted(unescape(row["path"]) for row in rows) == sorted(f"./{name}" for name in NAMES)


@pytest.mark.parametrize(("ending", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_libreoffice_reads_text_as_it_was_written(
    tag: Callable[..., Ran], folder: Path, ending: str, delimiter: str
) -> None:
    draw(folder)
    tables = written(tag, folder, ending)
    text_filter = f"Text - txt - csv (StarCalc):{ord(delimiter)},34,76,1"
    read = through_libreoffice(tables, folder / "out", text_filter)
    for rows, table in zip(read, tables, strict=True):
        assert values(rows) == values(rows_of(table, delimiter))


def test_libreoffice_reads_xlsx_with_the_values_of_csv(
    tag: Callable[..., Ran], folder: Path
) -> None:
    draw(folder)
    texts = written(tag, folder, "csv")
    read = through_libreoffice(
        written(tag, folder, "xlsx"), folder / "out", "Calc MS Excel 2007 XML"
    )
    for rows, text in zip(read, texts, strict=True):
        assert values(rows) == values(rows_of(text, ","))


def test_libreoffice_runs_no_cell_of_a_table_for_spreadsheets(
    tag: Callable[..., Ran], folder: Path
) -> None:
    draw(folder)
    assert tag("=cmd|' calc'!A1.png", "@sum(1,2).png", "-o", "tags.csv", "--excel").code == 0
    (read,) = through_libreoffice(
        [folder / "tags.csv"], folder / "out", "Text - txt - csv (StarCalc):44,34,76,1"
    )
    assert [row[0] for row in read[1:]] == ["'=cmd|' calc'!A1.png", "'@sum(1,2).png"]


def test_libreoffice_finds_texts_and_no_formulas_in_a_sheet(
    tag: Callable[..., Ran], folder: Path
) -> None:
    draw(folder)
    assert tag("=cmd|' calc'!A1.png", "@sum(1,2).png", "-o", "t.xlsx", "--excel").code == 0
    subprocess.run(
        [
            reader("soffice"), "--headless", f"-env:UserInstallation={(folder / 'p').as_uri()}",
            "--convert-to", "fods", "--outdir", folder, folder / "t.xlsx",
        ],
        check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    content = (folder / "t.fods").read_text(encoding="utf-8")
    assert "table:formula" not in content
    assert ">=cmd|&apos; calc&apos;!A1.png</text:a></text:p>" in content
    # The filter is on, and probabilities are coloured.
    assert 'table:target-range-address="tags.A1:tags.G3" table:display-filter-buttons="true"' in (
        content
    )
    assert content.count("<calcext:color-scale-entry ") == 2
    assert 'calcext:target-range-address="tags.C2:tags.F3"' in content


def test_libreoffice_prints_posters_on_the_first_page(
    tag: Callable[..., Ran], folder: Path
) -> None:
    colours = [(50, 50, 200), (50, 200, 50), (200, 50, 50), (200, 200, 50)]
    noise = np.random.default_rng(0).integers(-50, 50, (444, 300, 3))
    for number, colour in enumerate(colours):  # with noise, so that they stay JPEGs
        pixels = np.clip(noise + colour, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    assert tag(".", "-o", "t.xlsx").code == 0

    subprocess.run(
        [
            reader("soffice"), "--headless", f"-env:UserInstallation={(folder / 'p').as_uri()}",
            "--convert-to", "pdf", "--outdir", folder, folder / "t.xlsx",
        ],
        check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip

    content = (folder / "t.pdf").read_bytes()
    pages = re.findall(rb"/Type/Page/.*?/MediaBox\[0 0 (\d+) (\d+)\]", content)
    assert len(pages) == 2  # tags, summary
    assert all(int(width) > int(height) for width, height in pages)
    jpegs = re.findall(rb"/Subtype/Image[^>]*/DCTDecode/Length \d+>>\s*stream\r?\n(.*?)endstream",
                       content, re.DOTALL)  # fmt: skip
    images = [np.asarray(Image.open(io.BytesIO(jpeg))) for jpeg in jpegs]
    shown = sorted(image.mean(axis=(0, 1)).round(-2).tolist() for image in images)
    assert shown == sorted(np.round(colours, -2).tolist())
