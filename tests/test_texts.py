"""Titles, from where they stand to what a model makes of them and what is recorded of them."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from pictures import save_picture
from tiny_model import TEXT_CARD, write_text_model

from tagger import Tagger
from tagger.errors import UsageError
from tagger.results import ImageText

Run = Callable[..., Ran]

NFO = "<movie><title>Blue</title><year>1993</year></movie>"
LINE = "A title was found for "


@pytest.fixture
def tell(tagger: Run, tiny_text_model: Path) -> Run:
    """Return a function that runs ``tagger tag ARGUMENTS`` with a model that takes words."""

    def run_tag(*arguments: object, stdin: bytes = b"") -> Ran:
        model = ("--model", tiny_text_model, "--device", "cpu")
        return tagger("tag", *arguments, *model, stdin=stdin)

    return run_tag


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return the folder of black pictures, most of which have a title."""
    for name in (
        "Green Book (2018)/poster.png",
        "Red Dust.png",
        "IMG_0001.png",
        "Ran (1985)/poster.png",
    ):
        save_picture(folder / "p" / name, "black")
    (folder / "p/Ran (1985)/movie.nfo").write_text(NFO)
    return folder


def rows(ran: Ran) -> dict[str, dict[str, str]]:
    """Return the rows of a CSV on stdout, by their paths."""
    table = csv.DictReader(io.StringIO(ran.stdout.decode("utf-8"), newline=""))
    return {row["path"]: row for row in table}


def texts(ran: Ran) -> dict[str, str]:
    """Return the column ``text`` by the names of files or folders."""
    return {path.split("/")[1]: row["text"] for path, row in rows(ran).items()}


def test_a_model_is_told_what_nfos_and_names_say(posters: Path, tell: Run) -> None:
    ran = tell("p", "--columns", "text")

    assert ran.code == 0
    found = rows(ran)
    assert {path: (row["tags"], row["N/A"], row["text"]) for path, row in found.items()} == {
        "p/Green Book (2018)/poster.png": ("green", "0.2018", "names: Green Book (2018)"),
        "p/IMG_0001.png": ("red", "0.0000", ""),
        "p/Ran (1985)/poster.png": ("blue", "0.1993", "nfo: Blue (1993)"),
        "p/Red Dust.png": ("red", "0.0000", "names: Red Dust"),
    }
    assert f"{LINE}3 of 4 images." in ran.stderr.splitlines()


def test_a_table_counts_before_all_else(posters: Path, tell: Run) -> None:
    (posters / "t.csv").write_text(
        "path,title,year\np/Ran (1985)/poster.png,Red,1985\n./p/IMG_0001.png,Green,\n"
        "p/Red Dust.png,,\np/Green Book (2018)/poster.png,,1999\n"
    )

    ran = tell("p", "--columns", "text", "--titles", "t.csv")

    assert texts(ran) == {
        "Green Book (2018)": "table: (1999)",
        "IMG_0001.png": "table: Green",
        "Ran (1985)": "table: Red (1985)",
        "Red Dust.png": "",
    }
    assert rows(ran)["p/IMG_0001.png"]["tags"] == "green"
    assert f"{LINE}3 of 4 images." in ran.stderr.splitlines()


def test_none_is_the_picture_alone(posters: Path, tell: Run) -> None:
    alone = tell("p", "--columns", "text", "--text", "none")

    assert set(texts(alone).values()) == {""}
    assert {row["tags"] for row in rows(alone).values()} == {"red"}
    assert LINE not in alone.stderr


def test_one_image_is_one_image(posters: Path, tell: Run) -> None:
    ran = tell("p/Red Dust.png")

    assert f"{LINE}1 of 1 image." in ran.stderr.splitlines()


def test_a_table_of_other_images_is_said_to_be_one(posters: Path, tell: Run) -> None:
    (posters / "t.csv").write_text("path,title\nIMG_0001.png,Green\n")
    sentence = (
        "The table of titles t.csv names none of them: its paths must lead from the current "
        "folder, or be absolute."
    )

    for dry in ((), ("--dry-run",)):
        said = tell("p", "--titles", "t.csv", *dry).stderr.splitlines()
        assert sentence in said
        assert f"{LINE}3 of 4 images." in said
    (posters / "t.csv").write_text("path,title\np/IMG_0001.png,Green\n")
    assert sentence not in tell("p", "--titles", "t.csv").stderr.splitlines()


def test_a_dry_run_with_a_table_says_for_how_many_images_there_is_a_title(
    posters: Path, tell: Run
) -> None:
    ran = tell("p", "--dry-run", "--titles", "-", stdin=b"path,title\np/IMG_0001.png,Green\n")

    assert len(ran.stdout.splitlines()) == 4
    assert ran.stderr.splitlines() == ["4 images would be tagged.", f"{LINE}4 of 4 images."]


def test_a_wrong_table_ends_a_dry_run_too(posters: Path, tell: Run) -> None:
    (posters / "t.csv").write_text("path,name\na.png,Green\n")

    assert tell("p", "--dry-run", "--titles", "t.csv").code == 2


def test_the_summary_file_says_for_how_many_images_there_was_a_title(
    posters: Path, tell: Run, tag: Run
) -> None:
    save_picture(posters / "p/q.png")
    (posters / "p/z.png").write_text("no image")

    for _ in range(2):  # the second one replaces what the first one wrote
        assert tell("p", "--summary", "s.json", "-o", "t.csv").code == 1
    assert json.loads((posters / "s.json").read_text())["titled"] == 3
    (posters / "s.json").unlink()
    tell("p", "--summary", "s.json", "--text", "none")
    assert "titled" not in json.loads((posters / "s.json").read_text())
    tag("p", "--summary", "s.json")
    assert "titled" not in json.loads((posters / "s.json").read_text())


def test_an_image_that_fails_has_no_text(posters: Path, tell: Run) -> None:
    (posters / "p/Blue (1993).png").write_text("no image")

    assert texts(tell("p", "--columns", "text"))["Blue (1993).png"] == ""


def test_a_json_sidecar_holds_what_the_model_was_told(posters: Path, tell: Run) -> None:
    tell("p", "--sidecar", "json")

    def said(name: str) -> dict[str, object]:
        return json.loads((posters / "p" / f"{name}.json").read_text())

    assert said("Red Dust.png")["text"] == {"words": "Red Dust", "year": None, "source": "names"}
    assert said("Ran (1985)/poster.png")["text"] == {
        "words": "Blue",
        "year": 1993,
        "source": "nfo",
    }
    assert list(said("IMG_0001.png")) == ["path", "tags", "scores", "model"]
    # It is ours: it may be overwritten without a copy.
    ran = tell("p", "--sidecar", "json", "--existing", "overwrite", "--text", "none")
    assert "text" not in said("Red Dust.png")
    assert ran.code == 0
    assert not list(posters.rglob("*.bak*"))


def test_the_record_in_xmp_holds_what_the_model_was_told(posters: Path, tell: Run) -> None:
    tell("p", "--sidecar", "xmp")
    sidecar = posters / "p/Red Dust.png.xmp"

    assert "<tagger:text>names: Red Dust</tagger:text>" in sidecar.read_text()
    assert "tagger:text" not in (posters / "p/IMG_0001.png.xmp").read_text()

    tell("p", "--sidecar", "xmp", "--text", "none")
    assert "tagger:text" not in sidecar.read_text()


def test_sidecars_with_a_text_are_taken_away_again(posters: Path, tell: Run, tagger: Run) -> None:
    before = {file: file.read_bytes() for file in posters.rglob("*") if file.is_file()}
    tell("p", "--sidecar", "xmp", "--embed")
    assert b"names: Red Dust" in (posters / "p/Red Dust.png").read_bytes()

    assert tagger("untag", "p").code == 0

    assert {file: file.read_bytes() for file in posters.rglob("*") if file.is_file()} == before


def test_tags_that_a_person_settles_keep_the_note(posters: Path, tell: Run, tagger: Run) -> None:
    tell("p", "-o", "t.csv", "--sidecar", "xmp", "--sidecar", "json")
    rest = (posters / "t.csv").read_text().replace("p/Red Dust.png,red", "p/Red Dust.png,blue")
    (posters / "t.csv").write_text(rest)

    assert tagger("apply", "t.csv", "--sidecar", "xmp", "--sidecar", "json", "--yes").code == 0

    assert "names: Red Dust" in (posters / "p/Red Dust.png.xmp").read_text()
    settled = json.loads((posters / "p/Red Dust.png.json").read_text())
    assert settled["text"]["words"] == "Red Dust"
    assert settled["tags"][0]["tag"] == "blue"


def test_odd_titles_are_recorded_as_they_are(folder: Path, tell: Run) -> None:
    title = os.fsdecode(b"caf\xe9") + r" <&> \xe9 | ; 七人の侍"
    save_picture(folder / f"p/{title} (1954).png", "black")
    escaped = r"names: caf\xe9 <&> \x5cxe9 | ; 七人の侍 (1954)"

    ran = tell("p", "--columns", "text", "-o", "t.csv", "--sidecar", "xmp", "--sidecar", "json")

    assert ran.code == 0
    assert escaped in (folder / "t.csv").read_text(encoding="utf-8")
    (packet,) = (folder / "p").glob("*.xmp")
    assert escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in (
        packet.read_text(encoding="utf-8").replace("&#62;", "&gt;")
    )
    (said,) = (folder / "p").glob("*.json")
    assert json.loads(said.read_text(encoding="utf-8"))["text"]["words"] == escaped[7:-7]


def test_a_resumed_run_is_told_the_same(posters: Path, tell: Run) -> None:
    options = ("p", "--columns", "text", "--titles", "t.csv", "--sidecar", "xmp")
    (posters / "t.csv").write_text("path,title\np/IMG_0001.png,Green\np/none.png,Blue\n")
    tell(*options, "-o", "whole.csv")
    save_picture(posters / "p/z.png", "black")
    tell(*options, "-o", "whole.csv")
    (posters / "p/z.png").unlink()
    tell(*options, "-o", "parts.csv")
    save_picture(posters / "p/z.png", "black")
    # The same rows, as a spreadsheet left them.
    (posters / "t.csv").write_text("title;path\r\nBlue;p/none.png\r\nGreen;./p/IMG_0001.png\r\n")

    ran = tell(*options, "-o", "parts.csv", "--resume")

    assert ran.code == 0
    assert (posters / "parts.csv").read_bytes() == (posters / "whole.csv").read_bytes()
    assert f"{LINE}0 of 1 image." in ran.stderr.splitlines()


@pytest.mark.parametrize(
    ("then", "now", "used"),
    [
        ((), ("--text", "none"), "--text names; this one uses no --text"),
        (("--text", "none"), (), "no --text; this one uses --text names"),
        ((), ("--titles", "a.csv"), "no --titles; this one uses --titles a.csv (SHA-256 <A>…)"),
        (
            ("--titles", "a.csv"),
            ("--titles", "b.csv"),
            "--titles a.csv (SHA-256 <A>…); this one uses --titles b.csv (SHA-256 <B>…)",
        ),
    ],
)
def test_a_run_with_other_texts_is_not_resumed(
    posters: Path, tell: Run, then: tuple[str, ...], now: tuple[str, ...], used: str
) -> None:
    (posters / "a.csv").write_text("path,title\np/IMG_0001.png,Green\n")
    (posters / "b.csv").write_text("path,title\np/IMG_0001.png,Blue\n")
    tell("p", "-o", "t.csv", *then)
    before = (posters / "t.csv").read_bytes()

    ran = tell("p", "-o", "t.csv", "--resume", *now)

    for mark, title in (("<A>", "Green"), ("<B>", "Blue")):
        row = json.dumps(["p/IMG_0001.png", title, None]).encode()
        used = used.replace(mark, hashlib.sha256(row).hexdigest()[:12])
    assert ran.code == 2
    assert ran.stderr == (
        f"tagger: --resume cannot continue t.csv: that run used {used}: pass the same, or start "
        "over with --overwrite.\n"
    )
    assert (posters / "t.csv").read_bytes() == before


def test_a_run_of_a_model_without_words_notes_and_looks_up_nothing(posters: Path, tag: Run) -> None:
    opened: list[object] = []
    listens = True

    def listen(event: str, arguments: tuple[object, ...]) -> None:
        if listens and event in ("open", "os.listdir") and "Ran" in str(arguments[0]):
            opened.append((event, arguments[0]))

    sys.addaudithook(listen)
    ran = tag("p", "-o", "t.csv", "--columns", "text")
    listens = False

    assert ran.code == 0
    assert opened == [("open", "p/Ran (1985)/poster.png")]
    assert "--text" not in json.loads((posters / "t.csv.run.json").read_text())["options"]
    assert "title" not in ran.stderr
    with open(posters / "t.csv", newline="") as table:
        assert {row["text"] for row in csv.DictReader(table)} == {""}


def test_retag_keeps_the_column(
    posters: Path, tell: Run, tagger: Run, tiny_text_model: Path
) -> None:
    tell("p", "-o", "t.csv", "--columns", "text")
    model = ("--model", tiny_text_model)

    ran = tagger("retag", "t.csv", "--columns", "text", *model)

    assert ran.stdout == (posters / "t.csv").read_bytes()
    assert LINE not in ran.stderr
    tagger("retag", "t.csv", "--columns", "text", "--sidecar", "json", *model)
    said = json.loads((posters / "p/Ran (1985)/poster.png.json").read_text())
    assert said["text"] == {"words": "Blue", "year": 1993, "source": "nfo"}


def test_retag_asks_for_the_column_where_it_is_missing(
    posters: Path, tell: Run, tagger: Run, tiny_text_model: Path
) -> None:
    tell("p", "-o", "t.csv")

    ran = tagger("retag", "t.csv", "--columns", "text", "--model", tiny_text_model)

    assert ran.code == 2
    assert ran.stderr == (
        "tagger: --columns: t.csv has no column 'text', and 'tagger retag' does not open images: "
        "omit it, or use 'tagger tag'.\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        ImageText("Heat", 1995, "names"),
        ImageText("Heat", None, "table"),
        ImageText("", 1995, "nfo"),
        ImageText("2012: Doomsday (really)", 2008, "names+ocr"),
        ImageText("a\nb", None, "ocr"),
    ],
)
def test_a_text_is_read_as_it_is_written(text: ImageText) -> None:
    assert ImageText.parse(str(text)) == text


@pytest.mark.parametrize("text", ["", "Heat", "Heat: 1995", ": Heat", "1: Heat"])
def test_what_says_no_source_is_no_text(text: str) -> None:
    assert ImageText.parse(text) is None


def test_python_programs_are_told_the_same(posters: Path, tiny_text_model: Path) -> None:
    (posters / "t.csv").write_text("path,title\np/IMG_0001.png,Green\n")
    teller = Tagger(tiny_text_model, device="cpu", titles="t.csv")

    found = {result.path.split("/")[1]: result for result in teller.tag("p")}

    assert {name: result.text and str(result.text) for name, result in found.items()} == {
        "Green Book (2018)": "names: Green Book (2018)",
        "IMG_0001.png": "table: Green",
        "Ran (1985)": "nfo: Blue (1993)",
        "Red Dust.png": "names: Red Dust",
    }
    assert found["IMG_0001.png"].tags[0].name == "green"
    summary = teller.run("p", "out.csv", columns=["text"])
    assert (summary.tagged, summary.titled) == (4, 4)
    alone = Tagger(tiny_text_model, device="cpu", text="none")
    assert [result.text for result in alone.tag("p")] == [None] * 4
    assert alone.run("p", "alone.csv").titled is None


def test_python_programs_are_told_what_is_wrong(
    folder: Path, tiny_model: Path, tiny_text_model: Path
) -> None:
    (folder / "t.csv").write_text("path,name\na.png,Green\n")

    def refusal(model: Path, **arguments: str) -> str:
        with pytest.raises(UsageError) as raised:
            Tagger(model, device="cpu", **arguments)
        return str(raised.value)

    assert (
        refusal(tiny_text_model, text="all") == "text: unknown 'all'; available: names, ocr, none."
    )
    assert refusal(tiny_text_model, titles="t.csv", text="none") == (
        "titles t.csv gives titles, and text none uses none: choose one."
    )
    assert refusal(tiny_text_model, titles="t.csv").startswith("t.csv has no column 'title': ")
    assert refusal(tiny_model, titles="t.csv") == (
        "titles t.csv: the model colours 1.2 takes no titles, only images: omit it, or use "
        "another model."
    )


def test_a_model_without_year_is_told_words_alone(
    posters: Path, tagger: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert TEXT_CARD.text is not None
    card = dataclasses.replace(TEXT_CARD, text=dataclasses.replace(TEXT_CARD.text, year=False))
    model = write_text_model(tmp_path_factory.mktemp("model") / "words.onnx", card)

    ran = tagger("tag", "p", "--columns", "text", "--model", model, "--device", "cpu")

    assert texts(ran)["Green Book (2018)"] == "names: Green Book"
    assert {row["N/A"] for row in rows(ran).values()} == {"0.0000"}
