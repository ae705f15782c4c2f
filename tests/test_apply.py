"""``tagger apply``: what a person corrected in a table, into the sidecars, and for good."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import PATIENCE, Ran, command_line, environment
from foreign_sidecars import DARKTABLE, LIGHTROOM
from messages import says
from pictures import save_picture
from readers import reader
from test_xmp_people import keywords

Run = Callable[..., Ran]

RED_BLUE, RED, GREEN = (204, 51, 153), (204, 51, 51), (20, 200, 20)


@pytest.fixture
def library(folder: Path, tag: Run) -> Path:
    """Return a folder with four tagged images, one of which had a sidecar, and one that failed."""
    save_picture(folder / "p/a.png", RED_BLUE)
    save_picture(folder / "p/b.png", RED)
    save_picture(folder / "p/q/c.png", GREEN)
    save_picture(folder / "p/q/d.png", RED_BLUE)
    (folder / "p/broken.jpg").write_bytes(b"no image")
    (folder / "p/b.png.xmp").write_text(LIGHTROOM)
    assert tag("p", "-o", "tags.csv", "--sidecar", "xmp").code == 1
    assert [line.split(",")[:2] for line in rows("tags.csv")] == [
        ["p/a.png", "red|blue"],
        ["p/b.png", "red"],
        ["p/broken.jpg", ""],
        ["p/q/c.png", "green"],
        ["p/q/d.png", "red|blue"],
    ]
    return folder


def rows(table: str) -> list[str]:
    return Path(table).read_text(encoding="utf-8").splitlines()[1:]


def correct(table: str = "tags.csv") -> None:
    """Do what a person does: a tag more, another one, none, and one image as it was."""
    text = Path(table).read_text(encoding="utf-8")
    for old, new in (
        ("p/a.png,red|blue,", "p/a.png, blue | noir,"),
        ("p/b.png,red,", "p/b.png,,"),
        ("p/q/c.png,green,", "p/q/c.png,green|red,"),
    ):
        assert old in text
        text = text.replace(old, new)
    Path(table).write_text(text, encoding="utf-8")


DIFF = "p/a.png: +noir -red\np/b.png: -red\np/q/c.png: +red\n"
CORRECTED = {
    "p/a.png": ["blue", "noir"],
    "p/q/c.png": ["green", "red"],
    "p/q/d.png": ["red", "blue"],
}


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and time of change of every file."""
    return {
        str(file.relative_to(folder)): (file.read_bytes(), file.stat().st_mtime_ns)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def subjects(sidecar: str) -> list[str]:
    return keywords(Path(sidecar).read_bytes()).get("subject", [])


def exiftool(*names: str) -> dict[str, dict[str, object]]:
    """Return what exiftool reads, by file."""
    printed = subprocess.run(
        [reader("exiftool"), "-j", "-struct", *names], capture_output=True, check=True
    ).stdout
    return {read["SourceFile"]: read for read in json.loads(printed)}


# What is shown and written


def test_a_dry_run_shows_what_would_change_and_writes_nothing(library: Path, tagger: Run) -> None:
    correct()
    before = files(library)

    ran = tagger("apply", "tags.csv", "--dry-run", "--backup")

    assert ran == Ran(
        0,
        DIFF.encode(),
        "1 image skipped: failed when tagged.\n"
        "4 files would be written (3 with other tags, 1 only marked as settled), 0 already "
        "up to date, 0 failed.\n",
    )
    assert files(library) == before


def test_the_sidecars_hold_what_the_table_says(library: Path, tagger: Run) -> None:
    correct()

    ran = tagger("apply", "tags.csv", "--yes")

    assert ran == Ran(
        0,
        DIFF.encode(),
        "1 image skipped: failed when tagged.\n"
        "4 files to write (3 with other tags, 1 only marked as settled), 0 already up to date, "
        "0 failed.\n"
        "4 files written, 0 failed.\n",
    )
    for image, tags in CORRECTED.items():
        assert subjects(f"{image}.xmp") == tags
    # What Lightroom had is all that is left.
    assert subjects("p/b.png.xmp") == keywords(LIGHTROOM.encode())["subject"]
    assert not Path("p/broken.jpg.xmp").exists()


def test_exiftool_reads_the_tags_of_the_person(library: Path, tagger: Run) -> None:
    correct()
    tagger("apply", "tags.csv", "--yes", "--xmp-root", "Genre")

    read = exiftool("p/a.png.xmp", "p/q/c.png.xmp", "p/q/d.png.xmp")

    for image, tags in CORRECTED.items():
        fields = read[f"{image}.xmp"]
        assert fields["Subject"] == tags
        assert fields["HierarchicalSubject"] == [f"Genre|{tag}" for tag in tags]
        assert fields["TagsList"] == [f"Genre/{tag}" for tag in tags]
        assert "Warning" not in fields


def test_exiv2_reads_the_tags_of_the_person(library: Path, tagger: Run) -> None:
    correct()
    tagger("apply", "tags.csv", "--yes")

    lines = subprocess.run(
        [reader("exiv2"), "-px", "p/a.png.xmp"], capture_output=True, check=True, text=True
    ).stdout.splitlines()

    assert [line.split(maxsplit=3) for line in lines if "Xmp.tagger." not in line] == [
        ["Xmp.dc.subject", "XmpBag", "2", "blue, noir"],
        ["Xmp.lr.hierarchicalSubject", "XmpBag", "2", "blue, noir"],
        ["Xmp.digiKam.TagsList", "XmpSeq", "2", "blue, noir"],
    ]


def test_a_second_time_there_is_nothing_to_do(library: Path, tagger: Run) -> None:
    correct()
    tagger("apply", "tags.csv", "--yes", "-q")
    before = files(library)

    ran = tagger("apply", "tags.csv", "--yes")

    assert ran == Ran(
        0,
        b"",
        "1 image skipped: failed when tagged.\n"
        "0 files to write (0 with other tags, 0 only marked as settled), 4 already up to date, "
        "0 failed.\n",
    )
    assert files(library) == before


def test_no_later_run_changes_what_a_person_said(
    library: Path, tag: Run, tagger: Run, tiny_model: Path
) -> None:
    correct()
    tagger("apply", "tags.csv", "--yes", "-q")
    before = files(library / "p")

    ran = tag("p", "--sidecar", "xmp", "--threshold", "0.1", "--xmp-root", "Genre")
    again = tagger("retag", "tags.csv", "--sidecar", "xmp", "--model", tiny_model)

    told = "4 sidecars left alone: tags settled with 'tagger apply'."
    assert (ran.code, again.code) == (1, 1)
    assert ran.stderr.splitlines()[-2:] == ["0 sidecars written.", told]
    assert again.stderr.splitlines()[-2:] == ["0 sidecars written.", told]
    assert files(library / "p") == before


def test_another_correction_replaces_the_first(library: Path, tagger: Run) -> None:
    correct()
    tagger("apply", "tags.csv", "--yes", "-q")
    Path("more.csv").write_text("path,tags\np/a.png,noir\np/q/d.png,red|blue\n")

    ran = tagger("apply", "more.csv", "--yes")

    assert ran == Ran(
        0,
        b"p/a.png: -blue\n",
        "1 file to write (1 with other tags, 0 only marked as settled), 1 already up to date, "
        "0 failed.\n"
        "1 of them already settled: the table's tags replace the earlier ones.\n"
        "1 file written, 0 failed.\n",
    )
    assert subjects("p/a.png.xmp") == ["noir"]
    assert subjects("p/q/c.png.xmp") == ["green", "red"]


def test_a_keyword_that_is_not_ours_stays(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "a.png", RED_BLUE)
    (folder / "a.png.xmp").write_text(DARKTABLE)
    tag("a.png", "-o", "tags.csv", "--sidecar", "xmp")
    Path("tags.csv").write_text("path,tags\na.png,green\n")

    ran = tagger("apply", "tags.csv", "--yes")

    assert ran.stdout == b"a.png: +green -blue\n"
    assert ran.stderr.splitlines()[0] == (
        "Keywords from others that are not in the table stay: red 1."
    )
    assert subjects("a.png.xmp") == ["holiday", "red", "green"]


def test_what_was_taken_out_elsewhere_comes_back_if_the_table_says_so(
    library: Path, tagger: Run
) -> None:
    subprocess.run(
        [reader("exiftool"), "-q", "-overwrite_original", "-Subject-=red", "p/a.png.xmp"],
        check=True,
    )

    assert tagger("apply", "tags.csv", "--dry-run").stdout == b"p/a.png: +red\n"


def test_an_image_that_failed_may_be_given_tags(library: Path, tagger: Run) -> None:
    text = Path("tags.csv").read_text().replace("p/broken.jpg,,", "p/broken.jpg,noir,")
    Path("tags.csv").write_text(text)

    ran = tagger("apply", "tags.csv", "--yes")

    assert (ran.code, ran.stdout) == (0, b"p/broken.jpg: +noir\n")
    assert subjects("p/broken.jpg.xmp") == ["noir"]


def test_that_an_image_has_no_tags_is_written_too(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "a.png", RED)
    Path("tags.csv").write_text("path,tags,error\na.png,,\n")

    ran = tagger("apply", "tags.csv", "--yes", "-q")

    assert ran == Ran(0, b"a.png: no tags\n", "")
    before = files(folder)
    tag("a.png", "--sidecar", "xmp")
    assert files(folder) == before
    (read,) = exiftool("a.png.xmp").values()
    assert "Subject" not in read


def test_images_that_are_gone_are_named(library: Path, tagger: Run) -> None:
    correct()
    os.unlink("p/b.png")

    ran = tagger("apply", "tags.csv", "--yes")

    assert ran.code == 1
    assert ran.stderr.splitlines() == [
        "failed: p/b.png: the image is not there, so nothing is written for it",
        "1 image skipped: failed when tagged.",
        (
            "3 files to write (2 with other tags, 1 only marked as settled), 0 already up to date, "
            "1 failed."
        ),
        "3 files written, 1 failed.",
    ]
    assert "red" in subjects("p/b.png.xmp")


def test_a_wrong_folder_is_suspected_where_no_image_is_there(
    library: Path, tagger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(library / "p")

    ran = tagger("apply", "../tags.csv", "--dry-run")

    assert ran.code == 1
    assert (
        "None of the images exists: paths are relative to the current folder, so start this "
        "command where 'tagger tag' was started." in ran.stderr.splitlines()
    )


def test_a_damaged_sidecar_is_left_alone_and_named(library: Path, tagger: Run) -> None:
    correct()
    Path("p/a.png.xmp").write_bytes(b"<torn")

    ran = tagger("apply", "tags.csv", "--yes")

    assert ran.code == 1
    assert ran.stderr.splitlines()[0] == (
        "failed: p/a.png.xmp: not valid XML (line 1, column 1: unclosed token), so it was left "
        "alone"
    )
    assert Path("p/a.png.xmp").read_bytes() == b"<torn"
    assert subjects("p/q/c.png.xmp") == ["green", "red"]


def test_a_backup_keeps_what_was_there(library: Path, tagger: Run) -> None:
    correct()
    before = Path("p/a.png.xmp").read_bytes()

    tagger("apply", "tags.csv", "--yes", "--backup", "-q")

    assert Path("p/a.png.xmp.bak").read_bytes() == before


# Whether it asks


def shown_on(terminal: int, until: bytes | None) -> bytes:
    """Return what comes to a terminal, until it ends so, or until the other side is closed."""
    shown = b""
    while until is None or not shown.rstrip().endswith(until):
        assert select.select([terminal], [], [], PATIENCE)[0], shown
        try:
            shown += os.read(terminal, 1000)
        except OSError:  # how Linux tells that the other side is closed
            assert until is None, shown
            break
    return shown


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
@pytest.mark.parametrize(
    ("answer", "code", "last"),
    [
        ("y\r", 0, "4 files written, 0 failed."),
        ("n\r", 1, "Nothing was written."),
        ("\r", 1, "Nothing was written."),
        ("\x04", 130, says("interrupted").strip()),
        ("\x03", 130, says("interrupted").strip()),
    ],
)
@pytest.mark.parametrize("ignored", [False, True], ids=["heeded", "ignored"])
def test_on_a_terminal_it_asks(
    library: Path, answer: str, code: int, last: str, ignored: bool
) -> None:
    """Also where the shell has started it with SIGINT ignored, as it does for ``&``."""
    import pty

    correct()
    before = files(library)
    number, terminal = pty.fork()
    if number == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL)
        line = command_line("apply", "tags.csv")
        os.execve(line[0], line, environment())
    shown = shown_on(terminal, until=b"[y/N]:")
    os.write(terminal, answer.encode())
    shown += shown_on(terminal, until=None)
    ended = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    os.close(terminal)

    lines = shown.decode().replace("\r\n", "\n")
    assert lines.startswith(DIFF)
    assert "\nWrite 4 files? [y/N]:" in lines
    assert lines.endswith(f"{last}\n")
    assert ended == code
    assert (files(library) == before) == (code != 0)


# Tables as people leave them


@pytest.mark.parametrize("layout", ["wide", "list", "long"])
@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "xlsx"])
def test_every_table_that_tag_writes_can_be_applied(
    library: Path, tag: Run, tagger: Run, ending: str, layout: str
) -> None:
    table = f"all.{ending}"
    options = ["--layout", layout, "--columns", "year,sha256", "--max-tags", "1"]
    assert tag("p", "-o", table, *options).code == 1

    ran = tagger("apply", table, "--dry-run")

    assert (ran.code, ran.stdout) == (0, b"p/a.png: -blue\np/q/d.png: -blue\n")
    assert ran.stderr == (
        "1 image skipped: failed when tagged.\n"
        "4 files would be written (2 with other tags, 2 only marked as settled), 0 already "
        "up to date, 0 failed.\n"
    )


def test_a_table_can_come_from_a_pipe(library: Path, tagger: Run) -> None:
    correct()

    ran = tagger("apply", "-", "--dry-run", stdin=Path("tags.csv").read_bytes())

    assert (ran.code, ran.stdout.decode()) == (0, DIFF)


TABLES = {
    "Excel's CSV": (
        b"\xef\xbb\xbfpath;tags;error;red;green;blue;N/A;checked\r\n"
        b"p/q/c.png;green|red;;0,0784;0,7843;0,0784;0,0784;x\r\n"
        b'p/a.png;"blue| noir ";;0,8000;0,2000;0,6000;0,2000;\r\n'
        b"p/b.png;;;0,8;0,2;0,2;0,2;\r\n"
    ),
    "a delimiter that Excel is told": (
        b"sep=;\r\npath;tags\r\np/q/c.png;green|red\r\np/a.png;blue|noir\r\np/b.png;\r\n"
    ),
    "cells that Excel leaves out": (
        b"path,tags,error\r\np/q/c.png,green|red\r\np/a.png,blue|noir\r\np/b.png\r\n"
    ),
    "columns in another order": (
        b"error,title,red,tags,path,\n,,0.1,green|red,p/q/c.png,seen\n,,,blue|noir,p/a.png,\n"
        b",,,,p/b.png,\n\n,,,,,\n"
    ),
    "no last line end": b"path\ttags\np/b.png\t\np/a.png\tblue|noir\np/q/c.png\tred|green",
    "long, sorted by tag": (
        b"path,tag,score,error\np/a.png,blue,0.6000,\np/q/c.png,green,0.7843,\np/a.png,noir,,\n"
        b"p/b.png,,,\np/q/c.png,red,,\n"
    ),
    "JSON": (
        b'{"path": "p/q/c.png", "tags": "green|red|red"}\n'
        b'{"path": "p/a.png", "tags": "blue|noir"}\n{"path": "p/b.png", "tags": null}\n'
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_is_read_as_it_was_saved(case: str, library: Path, tagger: Run) -> None:
    Path("t.csv").write_bytes(TABLES[case])

    ran = tagger("apply", "t.csv", "--dry-run")

    assert (ran.code, ran.stdout.decode()) == (0, DIFF)
    assert ran.stderr == (
        "3 files would be written (3 with other tags, 0 only marked as settled), 0 already "
        "up to date, 0 failed.\n"
    )


def test_a_note_beside_a_sheet_and_numbers_as_tags_do_no_harm(library: Path, tagger: Run) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["path", "tags"], ["p/a.png", 1984, None, "my note"], ["p/b.png", True]):
        book.active.append(row)
    book.save("t.xlsx")

    ran = tagger("apply", "t.xlsx", "--dry-run")

    assert (ran.code, ran.stdout) == (0, b"p/a.png: +1984 -red -blue\np/b.png: +True -red\n")


#: Names that a spreadsheet would run, split or lose.
HOSTILE = (
    "=cmd|' calc'!A1.png", "@sum(1,2).png", "a, comma.png", 'a "quote".png', "emoji 🎬.png",
    "not utf-8 \udcff\udcfe.png", "tab\tname.png", "two\nlines.png", "-minus.png", "'=quoted.png",
)  # fmt: skip


def resave(table: str, to: str, out: Path) -> str:
    """Open a table in LibreOffice and save it; return the new file."""
    text = ["--infilter=Text - txt - csv (StarCalc):44,34,76,1"] if table.endswith("csv") else []
    csv = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"
    subprocess.run(
        [
            reader("soffice"), "--headless", f"-env:UserInstallation={(out / 'profile').as_uri()}",
            *text, "--convert-to", csv if to == "csv" else "xlsx:Calc MS Excel 2007 XML",
            "--outdir", out, table,
        ],
        check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    return str(out / f"{Path(table).stem}.{to}")


@pytest.mark.slow
@pytest.mark.parametrize("start", [("tags.csv", "--excel"), ("tags.csv",), ("tags.xlsx",)])
def test_libreoffice_gives_back_what_we_read(
    start: tuple[str, ...], folder: Path, tag: Run, tagger: Run
) -> None:
    import openpyxl

    # Without --excel a spreadsheet runs the formulas of a CSV.
    runs = start == ("tags.csv",)
    names = [name for name in HOSTILE if not (runs and name.startswith("="))]
    for name in names:
        save_picture(folder / name, RED_BLUE)
    # A name that begins with a minus is an option to any program.
    arguments = [f"./{name}" if name.startswith("-") else name for name in names]
    assert tag(*arguments, "--columns", "year", "-o", *start).code == 0
    sheet = resave(start[0], "xlsx", folder / "out")
    book = openpyxl.load_workbook(sheet)
    for cell in book.active["B"][1:]:
        cell.value += "|noir"
    book.save("edited.xlsx")

    for table in (resave("edited.xlsx", "csv", folder / "out"), "edited.xlsx"):
        ran = tagger("apply", table, "--dry-run")

        assert (ran.code, len(ran.stdout.splitlines())) == (0, len(names)), ran.stderr
        assert all(line.endswith(b": +red +blue +noir") for line in ran.stdout.splitlines())


def test_the_right_one_of_two_names_that_only_an_apostrophe_tells_apart(
    folder: Path, tag: Run, tagger: Run
) -> None:
    save_picture(folder / "=a.png", RED)
    save_picture(folder / "'=a.png", GREEN)
    for start in (["-o", "t.csv"], ["-o", "t.csv", "--excel"]):
        tag("=a.png", "'=a.png", *start)

        ran = tagger("apply", "t.csv", "--dry-run")

        assert ran.stdout == b"'=a.png: +green\n=a.png: +red\n"


def test_an_opendocument_sheet_is_named(folder: Path, tagger: Run) -> None:
    import zipfile

    with zipfile.ZipFile("t.ods", "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")

    assert tagger("apply", "t.ods", "--yes") == Ran(3, b"", says("opendocument", table="t.ods"))


def test_a_tag_may_hold_a_comma(library: Path, tagger: Run) -> None:
    Path("t.csv").write_text(
        'path,tags\np/a.png,"red, blue|"\np/b.png,"noir, film"\np/q/c.png,red\n'
    )

    ran = tagger("apply", "t.csv", "--dry-run")

    assert ran.stdout == (
        b"p/a.png: +red, blue -red -blue\np/b.png: +noir, film -red\np/q/c.png: +red -green\n"
    )


@pytest.mark.parametrize("columns", ["path,tags,error,red,green,blue,N/A", "path,tags,error"])
def test_a_slip_of_the_pen_is_suspected(columns: str, library: Path, tagger: Run) -> None:
    more = ",0.1,0.2,0.3,0.4" if "red" in columns else ""
    Path("t.csv").write_text(
        f"{columns}\np/a.png,green|noir,{more}\np/b.png,green|Green,{more}\np/q/c.png,gren,{more}\n"
    )

    ran = tagger("apply", "t.csv", "--dry-run")

    assert ran.code == 0
    assert ran.stderr.splitlines()[:2] == [
        "unknown label 'Green' (1 image): did you mean green?",
        "unknown label 'gren' (1 image): did you mean green?",
    ]
    assert "noir'" not in ran.stderr


# Other sidecars, and where they lie


def test_text_and_json_are_rewritten_where_they_are_ours(
    library: Path, tag: Run, tagger: Run
) -> None:
    kinds = ["--sidecar", "txt", "--sidecar", "json"]
    tag("p", *kinds)
    correct()

    ran = tagger("apply", "tags.csv", *kinds, "--yes")

    assert (ran.code, ran.stdout.decode()) == (0, DIFF)
    assert Path("p/a.png.txt").read_text() == "blue, noir\n"
    assert Path("p/b.png.txt").read_text() == "\n"
    said = json.loads(Path("p/a.png.json").read_text())
    assert said.pop("settled")
    assert said == {
        "path": "p/a.png",
        "tags": [{"tag": "blue", "score": 0.6}, {"tag": "noir", "score": None}],
        "scores": {"red": 0.8, "green": 0.2, "blue": 0.6, "N/A": 0.2},
        "model": {"name": "colours", "version": "1.2", "precision": "fp32"},
    }
    before = files(library)
    assert tagger("apply", "tags.csv", *kinds, "--yes").stderr.endswith(
        "8 already up to date, 0 failed.\n"
    )
    assert files(library) == before
    tag("p", *kinds, "--sidecar", "xmp")
    assert Path("p/a.png.txt").read_text() == "blue, noir\n"


def test_scores_come_from_the_table_where_there_is_no_json_yet(library: Path, tagger: Run) -> None:
    correct()

    tagger("apply", "tags.csv", "--sidecar", "json", "--yes", "-q")

    said = json.loads(Path("p/a.png.json").read_text())
    assert (said["scores"], said["model"]) == (
        {"red": 0.8, "green": 0.2, "blue": 0.6, "N/A": 0.2},
        None,
    )


def test_a_text_of_the_bundled_models_tags_is_ours(folder: Path, tagger: Run) -> None:
    save_picture(folder / "a.png")
    Path("a.png.txt").write_text("Sci-Fi, Drama\n")
    Path("t.csv").write_text("path,tags\na.png,noir\n")

    ran = tagger("apply", "t.csv", "--sidecar", "txt", "--yes", "-q")

    assert ran == Ran(0, b"a.png: +noir -Sci-Fi -Drama\n", "")
    assert Path("a.png.txt").read_text() == "noir\n"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("p/a.png.txt", "Seen with Anna\n", "no line of tags that are known"),
        ("p/a.png.txt", "red\nblue\n", "no line of tags that are known"),
        ("p/a.png.json", '{"tags": ["red"]}', "not JSON as 'tagger tag' writes it"),
        ("p/a.png.json", "[]", "not JSON as 'tagger tag' writes it"),
    ],
)
def test_what_a_person_wrote_is_left_alone(
    library: Path, tagger: Run, name: str, content: str, reason: str
) -> None:
    correct()
    Path(name).write_text(content)

    ran = tagger("apply", "tags.csv", "--sidecar", Path(name).suffix[1:], "--yes")

    assert ran.code == 1
    assert ran.stderr.splitlines()[0] == f"failed: {name}: {reason}, so it was left alone"
    assert Path(name).read_text() == content
    assert Path("p/b.png").with_suffix(f".png{Path(name).suffix}").exists()


def test_sidecars_that_differ_are_named_one_by_one(library: Path, tag: Run, tagger: Run) -> None:
    tag("p", "--sidecar", "txt", "--max-tags", "1")
    Path("t.csv").write_text("path,tags,error,red,green,blue,N/A\np/a.png,blue,,0.8,0.2,0.6,0.2\n")

    ran = tagger("apply", "t.csv", "--sidecar", "txt", "--sidecar", "xmp", "--dry-run")

    assert ran.stdout == b"p/a.png.txt: +blue -red\np/a.png.xmp: -red\n"


def test_a_sidecar_by_the_other_name_is_found(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "a.png", RED)
    tag("a.png", "-o", "tags.csv", "--sidecar", "xmp", "--sidecar-name", "replace")
    Path("tags.csv").write_text("path,tags\na.png,noir\n")

    tagger("apply", "tags.csv", "--yes", "-q")

    assert sorted(name for name in os.listdir() if name.startswith("a.")) == ["a.png", "a.xmp"]
    assert subjects("a.xmp") == ["noir"]


def test_images_that_share_a_sidecar_do_not_overwrite_each_other(
    folder: Path, tag: Run, tagger: Run
) -> None:
    save_picture(folder / "a.jpg", RED)
    save_picture(folder / "a.png", GREEN)
    tag("a.jpg", "a.png", "--sidecar", "xmp", "--sidecar-name", "replace")
    # The row of the other image is gone.
    Path("tags.csv").write_text("path,tags\na.png,noir\n")

    ran = tagger("apply", "tags.csv", "--sidecar-name", "replace", "--yes")

    assert ran.code == 1
    assert ran.stderr.splitlines()[0] == (
        "failed: a.png: it shares its sidecar with a.jpg, so it gets none"
    )
    assert subjects("a.xmp") == ["red"]


def test_a_mirrored_tree_is_corrected_where_it_lies(library: Path, tag: Run, tagger: Run) -> None:
    tag("p", "--sidecar", "xmp", "--sidecar-dir", "s")
    correct()

    ran = tagger("apply", "tags.csv", "--sidecar-dir", "s", "--sidecar-base", "p", "--yes")

    assert (ran.code, ran.stdout.decode()) == (0, DIFF)
    assert sorted(subjects("s/q/c.png.xmp")) == ["green", "red"]
    assert subjects("p/q/c.png.xmp") == ["green"]


# Into the images themselves


def test_tags_inside_images_are_corrected_too(folder: Path, tag: Run, tagger: Run) -> None:
    image = save_picture(folder / "a.jpg", RED_BLUE)
    save_picture(folder / "b.gif", RED_BLUE)
    untouched = image.read_bytes()
    tag("a.jpg", "--embed", "--xmp-root", "Genre")
    Path("t.csv").write_text("path,tags\na.jpg,blue|noir\nb.gif,noir\n")

    ran = tagger("apply", "t.csv", "--embed", "--yes")

    assert ran == Ran(
        1,
        b"a.jpg: +noir -red\n",
        "failed: b.gif: a GIF into which no tags can be embedded (use --sidecar xmp), so it was "
        "left alone\n"
        "1 file to write (1 with other tags, 0 only marked as settled), 0 already up to date, "
        "1 failed.\n"
        "1 file written, 1 failed.\n",
    )
    (read,) = exiftool("a.jpg").values()
    assert (read["Subject"], read["Keywords"]) == (["blue", "noir"], ["blue", "noir"])
    assert read["HierarchicalSubject"] == ["Genre|blue", "Genre|noir"]
    assert sorted(os.listdir()) == ["a.jpg", "b.gif", "t.csv"]

    before = files(folder)
    tag("a.jpg", "--embed")
    tagger("untag", "a.jpg")
    tagger("apply", "t.csv", "--embed", "--yes")
    assert files(folder) == before
    assert tagger("untag", "a.jpg", "--settled").code == 0
    assert image.read_bytes() == untouched


def test_an_image_without_tags_is_settled_in_itself(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "a.jpg", RED)
    Path("t.csv").write_text("path,tags\na.jpg,\n")

    tagger("apply", "t.csv", "--embed", "--yes")

    before = files(folder)
    tag("a.jpg", "--embed")
    assert files(folder) == before
    (read,) = exiftool("a.jpg").values()
    assert {"Subject", "Keywords"} & read.keys() == set()


# Taking it back


def test_untag_leaves_what_a_person_said(library: Path, tagger: Run) -> None:
    correct()
    tagger("apply", "tags.csv", "--yes", "-q")
    before = files(library)

    ran = tagger("untag", "p")

    assert ran == Ran(
        0,
        b"",
        "0 sidecars changed, 0 removed, 0 failed.\n"
        "4 files left alone: tags settled with 'tagger apply' (--settled removes these too).\n",
    )
    assert files(library) == before


def test_untag_gives_back_what_was_there_before_us_if_asked(
    library: Path, tag: Run, tagger: Run
) -> None:
    correct()
    tagger("apply", "tags.csv", "--yes", "-q")

    ran = tagger("untag", "p", "--settled")

    assert ran == Ran(0, b"", "1 sidecar changed, 3 removed, 0 failed.\n")
    assert sorted(str(file) for file in Path("p").rglob("*.xmp")) == ["p/b.png.xmp"]
    assert Path("p/b.png.xmp").read_text() == LIGHTROOM
    # And nothing is settled any more.
    tag("p", "--sidecar", "xmp")
    assert subjects("p/a.png.xmp") == ["red", "blue"]


# What it costs


def test_it_needs_no_model(library: Path) -> None:
    from test_imports import loaded_by

    code = "from tagger.cli import run; assert run(['apply', 'tags.csv', '--yes', '-q']) == 0"

    assert loaded_by(code) & {"onnxruntime", "PIL", "tensorflow"} == set()
