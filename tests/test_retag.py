"""``tagger retag``: what a fresh run with the same options would write, without the network."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import Argument, Ran, run_tagger
from messages import says
from pictures import save_picture
from tiny_model import changed_card, write_model

from tagger.errors import TableError
from tagger.network.card import ModelCard
from tagger.results import Result
from tagger.rules import Rules
from tagger.table.open import open_rows
from tagger.table.rows import TableRows
from tagger.table.wide import WideTable

Run = Callable[..., Ran]

ROOT = Path(__file__).parent.parent
EVERYTHING = "folder,name,title,year,text,width,height,bytes,sha256"
TABLES = ["all.csv", "all.tsv", "all.jsonl", "all.parquet", "all.xlsx", "excel.csv", "excel.tsv"]

NAMES = [
    "Heat (1995).jpg",
    "with, comma.png",
    "it's.png",
    "-minus.png",
    "ümläut 😀.jpg",
    "a\\x41.png" if os.sep == "/" else "a41.png",
    "two/deep/er.jpg",
]
if sys.platform != "win32":
    NAMES += ["=cmd.png", "'=cmd.png", 'say "hi".png', "line\nbreak.png", "re\rturn.png", "\t.png"]
if sys.platform == "linux":
    NAMES += [os.fsdecode(b"latin \xe9.jpg"), os.fsdecode(b"\xff\xfe=.png"), "bell\x07.png"]

#: What a person may ask for; ``{}`` is the output's name.
OPTIONS = {
    "as it was": ("-o", "{}.csv"),
    "threshold": ("-o", "{}.csv", "--threshold", "0.25"),
    "a label's": ("-o", "{}.csv", "--threshold", "0.6", "--threshold", "blue=0.1"),
    "limits": ("-o", "{}.csv", "--max-tags", "3", "--min-tags", "2"),
    "no tags": ("-o", "{}.csv", "--threshold", "1", "--min-tags", "0"),
    "ignore": ("-o", "{}.csv", "--ignore", "red", "--min-tags", "1"),
    "rename": ("-o", "{}.csv", "--rename", "red=warm", "--rename", "green=warm"),
    "list": ("-o", "{}.tsv", "--layout", "list"),
    "long": ("-o", "{}.jsonl", "--layout", "long", "--threshold", "0.1"),
    "excel": ("-o", "{}.csv", "--excel", "--max-tags", "1"),
    "columns": ("-o", "{}.csv", "--columns", EVERYTHING),
    "some columns": ("-o", "{}.jsonl", "--columns", "sha256,title", "--layout", "list"),
    "absolute": ("-o", "{}.csv", "--absolute", "--columns", "folder"),
    "relative": ("-o", "{}.csv", "--relative-to", "posters/two"),
    "parquet": ("-o", "{}.parquet", "--threshold", "0.3"),
    "xlsx": ("-o", "{}.xlsx", "--threshold", "0.3", "--columns", "year"),
}


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder of forty-odd images of all colours, and some that are none."""
    for number in range(30):
        colour = (number * 53 % 256, number * 97 % 256, number * 151 % 256)
        save_picture(folder / f"posters/{number:02}.png", colour, size=(10 + number, 20))
    for number, name in enumerate(NAMES):
        save_picture(folder / "posters" / name, (255 - 9 * number, 128, 13 * number))
    (folder / "posters/broken.jpg").write_bytes(b"no image")
    (folder / "posters/empty.png").touch()
    return folder


@pytest.fixture
def retag(tagger: Run, tiny_model: Path) -> Run:
    """Return a function that runs ``tagger retag ARGUMENTS`` with the tiny model's card."""

    def run_retag(*arguments: Argument, stdin: bytes = b"") -> Ran:
        return tagger("retag", *arguments, "--model", tiny_model, stdin=stdin)

    return run_retag


def write_all_tables(tag: Run) -> None:
    """Write every kind of table that can be read back."""
    for name in TABLES:
        excel = ["--excel"] if name.startswith("excel") else []
        assert tag("posters", "-o", name, "--columns", EVERYTHING, *excel).code == 1


@pytest.mark.slow
def test_it_equals_a_fresh_run_to_the_byte(posters: Path, tag: Run, retag: Run) -> None:
    write_all_tables(tag)
    for wish, options in OPTIONS.items():
        fresh = tag("posters", *(part.format("fresh") for part in options))
        ending = Path(options[1]).suffix
        for table in TABLES:
            again = retag(table, *(part.format("again") for part in options))
            assert (again.code, fresh.code) == (1, 1), again.stderr
            assert Path(f"again{ending}").read_bytes() == Path(f"fresh{ending}").read_bytes(), (
                wish,
                table,
            )


@pytest.mark.slow
def test_it_equals_a_fresh_run_of_the_bundled_model(tmp_path: Path) -> None:
    def output(*arguments: str) -> bytes:
        ran = run_tagger(*arguments, cwd=ROOT)
        assert ran.code == 0, ran.stderr
        return ran.stdout

    table = tmp_path / "tags.jsonl"
    output("tag", "samples", "--device", "cpu", "-o", str(table))
    options = ["--threshold", "0.2", "--max-tags", "4", "--ignore", "Drama", "-f", "csv"]

    fresh = output("tag", "samples", "--device", "cpu", *options)

    assert output("retag", str(table), *options) == fresh


def test_sidecars_are_those_of_a_fresh_run(posters: Path, tag: Run, retag: Run) -> None:
    tag("posters", "-o", "tags.csv")
    kinds = ["--sidecar", "txt", "--sidecar", "json", "--sidecar", "xmp", "--xmp-root", "Genre"]
    options = [*kinds, "--threshold", "0.3", "--rename", "red=warm"]
    tag("posters", *options)
    fresh = _taken(posters / "posters")

    again = retag("tags.csv", *options)

    assert (again.code, again.stdout) == (1, b"")
    assert len(fresh) == 3 * (30 + len(NAMES))
    assert _taken(posters / "posters") == fresh


def test_mirrored_sidecars_are_those_of_a_fresh_run(posters: Path, tag: Run, retag: Run) -> None:
    tag("posters", "-o", "tags.csv")
    tag("posters", "--sidecar", "txt", "--sidecar-dir", "fresh")

    retag("tags.csv", "--sidecar", "txt", "--sidecar-dir", "again", "--sidecar-base", "posters")

    assert _taken(posters / "again") == _taken(posters / "fresh") != {}


def _taken(folder: Path) -> dict[str, bytes]:
    """Return the sidecars below a folder, and remove them."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".txt", ".json", ".xmp"):
            found[str(file.relative_to(folder))] = file.read_bytes()
            file.unlink()
    return found


def test_failed_images_stay_failed_and_are_named(posters: Path, tag: Run, retag: Run) -> None:
    tag("posters", "-o", "tags.csv")

    ran = retag("tags.csv", "-o", "again.csv")

    assert ran.code == 1
    assert ran.stderr.splitlines()[:2] == [
        "failed: posters/broken.jpg: a text file, not an image",
        "failed: posters/empty.png: the file is empty",
    ]
    assert ran.stderr.splitlines()[2].startswith(f"{30 + len(NAMES)} tagged, 2 failed in ")


def test_a_table_can_be_replaced_by_what_is_made_of_it(posters: Path, tag: Run, retag: Run) -> None:
    for name in ("tags.csv", "tags.parquet", "tags.xlsx", "tags.jsonl"):
        tag("posters", "-o", name)
        tag("posters", "-o", f"fresh-{name}", "--max-tags", "1")

        assert retag(name, "-o", name, "--max-tags", "1").code == 1

        assert Path(name).read_bytes() == Path(f"fresh-{name}").read_bytes()


def test_a_damaged_table_is_not_replaced(folder: Path, tag: Run, retag: Run) -> None:
    save_picture(folder / "a.png")
    tag("a.png", "-o", "tags.csv")
    torn = Path("tags.csv").read_bytes() + b"b.png,red"
    Path("tags.csv").write_bytes(torn)

    ran = retag("tags.csv", "-o", "tags.csv", "--overwrite")

    assert ran.code == 3
    assert ran.stderr.splitlines() == [
        "Stopped after 1 image.",
        "tagger: tags.csv is damaged: its last line is cut off.",
    ]
    assert Path("tags.csv").read_bytes() == torn
    assert not Path("tags.csv.part").exists()
    assert not Path("tags.csv.bak").exists()
    Path("tags.csv").write_bytes(torn.removesuffix(b"b.png,red"))
    assert tag("a.png", "-o", "tags.csv", "--resume").code == 0


def test_a_table_tagged_anew_can_be_gone_on_with(folder: Path, tag: Run, retag: Run) -> None:
    for name in ("a", "b"):
        save_picture(folder / f"p/{name}.png", (200, 100, 50))
    tag("p", "-o", "tags.csv")
    retag("tags.csv", "-o", "tags.csv", "--threshold", "0.3")
    save_picture(folder / "p/0.png", (90, 0, 0))
    save_picture(folder / "p/b.png", (0, 90, 0))

    ran = tag("p", "-o", "tags.csv", "--threshold", "0.3", "--update", "--layout", "wide")

    assert ran.code == 0
    assert ran.stderr.splitlines()[2].startswith("2 tagged, 0 failed in ")
    assert ran.stderr.splitlines()[3] == "1 kept from an earlier run."
    assert Path("tags.csv").read_text().splitlines()[1:] == [
        "p/a.png,red|green,,0.7843,0.3922,0.1961,0.1961",
        "p/b.png,green,,0.0000,0.3529,0.0000,0.0000",
        "p/0.png,red,,0.3529,0.0000,0.0000,0.0000",
    ]


def test_what_an_output_would_overwrite_unread_is_refused(
    folder: Path, tag: Run, retag: Run
) -> None:
    save_picture(folder / "a.png")
    tag("a.png", "-o", "tags.csv")
    os.rename("tags.csv", "tags.csv.part")
    before = Path("tags.csv.part").read_bytes()

    ran = retag("tags.csv.part", "-o", "tags.csv")

    assert (ran.code, ran.stderr) == (
        2,
        says("read while written"),
    )
    assert Path("tags.csv.part").read_bytes() == before


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl"])
def test_a_table_can_come_from_a_pipe(format: str, folder: Path, tag: Run, retag: Run) -> None:
    save_picture(folder / "a.png", (200, 100, 50))
    table = tag("a.png", "-f", format).stdout

    ran = retag("-", "--threshold", "0.1", stdin=table)

    assert (ran.code, ran.stdout) == (0, tag("a.png", "--threshold", "0.1", "-f", "csv").stdout)


@pytest.mark.parametrize("format", ["parquet", "xlsx"])
def test_a_binary_table_cannot_come_from_a_pipe(
    format: str, folder: Path, tag: Run, retag: Run
) -> None:
    save_picture(folder / "a.png")
    table = tag("a.png", "-f", format).stdout

    ran = retag("-", stdin=table)

    assert (ran.code, ran.stderr) == (
        2,
        says("not from a pipe", format=format),
    )


def test_an_image_that_is_gone_gets_no_sidecar(folder: Path, tag: Run, retag: Run) -> None:
    save_picture(folder / "a.png")
    save_picture(folder / "b.png")
    tag("a.png", "b.png", "-o", "tags.csv")
    os.unlink("a.png")

    ran = retag("tags.csv", "--sidecar", "txt")

    assert ran.code == 1
    assert ran.stderr.splitlines()[0] == (
        "failed: a.png: the image is not there, so it gets no sidecar"
    )
    notes = ["tags.csv.run.journal", "tags.csv.run.json"]
    assert sorted(os.listdir()) == ["b.png", "b.png.txt", "tags.csv", *notes]


def test_no_columns_but_those_asked_for(folder: Path, tag: Run, retag: Run) -> None:
    save_picture(folder / "a.png")
    tag("a.png", "-o", "tags.csv", "--columns", "width,bytes")

    ran = retag("tags.csv", "--layout", "list", "--columns", "width")

    assert ran.stdout == b"path,tags,error,width\na.png,red,,16\n"


HEADER = "path,tags,error,red,green,blue,N/A\n"


@pytest.mark.parametrize(("name", "start"), [("t.parquet", b"PAR1"), ("t.xlsx", b"PK\x03\x04")])
def test_a_torn_binary_table_is_damaged(name: str, start: bytes, folder: Path, retag: Run) -> None:
    Path(name).write_bytes(start + b"torn")

    ran = retag(name)

    assert ran.code == 3
    assert ran.stderr.startswith(f"tagger: {name} is damaged: ")
    assert "Traceback" not in ran.stderr


def test_columns_may_stand_in_any_order(folder: Path, retag: Run) -> None:
    Path("t.csv").write_text("path,error,N/A,blue,red,green,tags\r\na.png,,0,0.9,0.1,0,\r\n")

    ran = retag("t.csv", "--layout", "list")

    assert ran.stdout == b"path,tags,error\na.png,blue,\n"


def test_a_run_that_found_no_image_can_be_tagged_again(folder: Path, tag: Run, retag: Run) -> None:
    os.mkdir("none")
    tag("none", "-o", "tags.jsonl")

    assert (retag("tags.jsonl").code, retag("tags.jsonl").stdout) == (1, HEADER.encode())


def test_the_labels_of_the_card_count(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "a.png")
    tag("a.png", "-o", "tags.csv")
    other = write_model(folder / "other.onnx", changed_card(thresholds=(1.0, 0.0, 0.0, 0.0)))

    ran = tagger("retag", "tags.csv", "--model", other, "--layout", "list", "--min-tags", "0")

    assert ran.stdout == b"path,tags,error\na.png,red|green|blue,\n"


def test_rows_are_read_one_by_one() -> None:
    """A result is there before the next row is asked for: nothing gathers, however long it is."""
    card = ModelCard("m", "1", ("red",), 8, 8, (0.5,))
    given: list[int] = []

    def endless() -> Iterator[list[object]]:
        while True:
            given.append(1)
            yield [f"{len(given)}.png", "", "", 0.75]

    rows = TableRows("endless", ("path", "tags", "error", "red"), endless(), lambda: None)
    results: Iterator[Result] = WideTable(rows, card).results(Rules.of_card(card))

    for number in range(1, 1001):
        assert (next(results).path, len(given)) == (f"{number}.png", number)


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_text_is_read_as_far_as_it_is_used(name: str, folder: Path) -> None:
    start = '{"path": "a"}\n' if name == "t.jsonl" else "path,a\nb,c\n"
    with open(name, "wb") as file:
        file.write(start.encode())
        file.truncate(1 << 30)  # a gigabyte of what is no row

    with open_rows(name) as rows:
        assert next(iter(rows))[0] == 1
        with pytest.raises(TableError, match="a line without an end"):
            list(rows)
