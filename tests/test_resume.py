"""Going on with a table: what is done is kept, what is missing is tagged, in every format."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest
from commands import Ran
from messages import says
from pictures import save_picture
from tiny_model import changed_card, write_model

Tag = Callable[..., Ran]

HEADER = "path,tags,error,red,green,blue,N/A"
RED = "red,,1.0000,0.0000,0.0000,0.0000"
BLUE = "blue,,0.0000,0.0000,1.0000,0.0000"
BROKEN = "a text file, not an image"

KINDS = [
    ("t.csv",),
    ("t.csv", "--layout", "long"),
    ("t.tsv", "--layout", "list", "--excel"),
    ("t.jsonl",),
    ("t.jsonl", "--layout", "long"),
    ("t.parquet",),
    ("t.parquet", "--layout", "long"),
    ("t.xlsx",),
    ("t.xlsx", "--layout", "list", "--columns", "sha256,year,width"),
]

#: Names that tables spell otherwise than the system does.
NAMES = (
    b'comma, "name".png',
    b"two\nlines.png",
    b"carriage\rreturn.png",
    b"=cmd.png",
    b"'=cmd.png",
    b"not utf-8 \xff.png",
    rb"literal \x41.png",
    b"bell\x07.png",
    b"a_x0041_b.png",
    " 🎬 é.png".encode(),
)


def lines(name: str = "t.csv") -> list[str]:
    """Return the lines of a table."""
    return Path(name).read_text(encoding="utf-8").splitlines()


def told(ran: Ran) -> list[str]:
    """Return what a run said but for where it ran, and how long it took."""
    return [line.partition(" in ")[0] for line in ran.stderr.splitlines()[1:]]


def notes(name: str) -> list[str]:
    """Return the names of a table's notes."""
    return [f"{name}.run.journal", f"{name}.run.json"]


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder ``p`` with a red image, a blue one and one that is broken."""
    save_picture(folder / "p/a.png", "red")
    (folder / "p/b.png").write_text("no image")
    save_picture(folder / "p/c.png", "blue")
    return folder / "p"


def test_it_starts_where_there_is_nothing_yet(posters: Path, tag: Tag) -> None:
    ran = tag("p", "-o", "t.csv", "--resume")

    assert ran.code == 1
    assert lines() == [
        HEADER,
        f"p/a.png,{RED}",
        f'p/b.png,,"{BROKEN}",,,,',
        f"p/c.png,{BLUE}",
    ]
    assert sorted(os.listdir()) == ["p", "t.csv", *notes("t.csv")]


def test_without_news_nothing_is_written(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    before = {name: os.stat(name) for name in os.listdir()}

    ran = tag("p", "-o", "t.csv", "--resume")

    assert ran.code == 1  # an image has failed, then
    assert told(ran) == [
        "Nothing to do: no image is new.",
        "3 kept from an earlier run, 1 of them failed (--retry-failed retries them).",
    ]
    assert {name: os.stat(name).st_mtime_ns for name in os.listdir()} == {
        name: state.st_mtime_ns for name, state in before.items()
    }


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_rows_of_new_images_follow(posters: Path, tag: Tag, kind: tuple[str, ...]) -> None:
    tag("p", "-o", *kind)
    save_picture(posters / "0.png", "lime")
    save_picture(posters / "b2.png", "yellow")

    ran = tag("p", "-o", *kind, "--resume")

    assert told(ran)[:2] == [
        "2 tagged, 0 failed",
        "3 kept from an earlier run, 1 of them failed (--retry-failed retries them).",
    ]
    resumed = Path(kind[0]).read_bytes()
    assert sorted(os.listdir()) == ["p", kind[0], *notes(kind[0])]
    # In that order a list gives the same rows, in runs that no one interrupted.
    (posters / "0.png").unlink()
    (posters / "b2.png").unlink()
    assert tag("p", "-o", kind[0].replace("t.", "u."), *kind[1:]).code == 1
    whole = frame(kind[0].replace("t.", "u."))
    Path(kind[0]).write_bytes(resumed)
    assert frame(kind[0])[: len(whole)] == whole
    assert [row[0] for row in frame(kind[0])[len(whole) :]] in (
        ["p/0.png", "p/b2.png"],
        ["p/0.png", "p/b2.png", "p/b2.png"],  # yellow is red and green
    )


def frame(name: str) -> list[list[str]]:
    """Return the rows of a table in any format, as texts."""
    read = {
        ".csv": pandas.read_csv,
        ".tsv": lambda file, **options: pandas.read_csv(file, sep="\t", **options),
        ".jsonl": lambda file, **options: pandas.read_json(file, lines=True),
        ".parquet": lambda file, **options: pandas.read_parquet(file),
        ".xlsx": pandas.read_excel,
    }[Path(name).suffix]
    rows = read(name, dtype=str).astype(object)
    return rows.where(rows.notna(), "").astype(str).to_numpy().tolist()


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_images_that_changed_and_that_failed_keep_their_places(
    posters: Path, tag: Tag, kind: tuple[str, ...]
) -> None:
    tag("p", "-o", *kind)
    save_picture(posters / "b.png", "lime")
    save_picture(posters / "c.png", "yellow", size=(20, 20))

    ran = tag("p", "-o", *kind, "--update", "--retry-failed")

    assert ran.code == 0
    assert told(ran)[:2] == ["2 tagged, 0 failed", "1 kept from an earlier run."]
    again = kind[0].replace("t.", "u.")
    tag("p", "-o", again, *kind[1:])
    assert Path(kind[0]).read_bytes() == Path(again).read_bytes()


def test_failed_images_are_tried_again_only_when_asked(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    save_picture(posters / "b.png", "lime")

    assert tag("p", "-o", "t.csv", "--resume").code == 1
    assert lines()[2] == f'p/b.png,,"{BROKEN}",,,,'
    assert tag("p", "-o", "t.csv", "--retry-failed").code == 0
    assert lines()[2] == "p/b.png,green,,0.0000,1.0000,0.0000,0.0000"


def test_an_image_with_another_time_has_changed_however_old_it_is(folder: Path, tag: Tag) -> None:
    size = save_picture(folder / "p/a.bmp", "red").stat().st_size
    save_picture(folder / "p/b.bmp", "red")
    tag("p", "-o", "t.csv")
    assert save_picture(folder / "p/a.bmp", "blue").stat().st_size == size
    os.utime(folder / "p/a.bmp", (1_000_000_000, 1_000_000_000))

    assert told(tag("p", "-o", "t.csv", "--resume"))[0] == "Nothing to do: no image is new."
    assert told(tag("p", "-o", "t.csv", "--update"))[0] == "1 tagged, 0 failed"
    assert lines()[1:] == [f"p/a.bmp,{BLUE}", f"p/b.bmp,{RED}"]
    assert told(tag("p", "-o", "t.csv", "--update"))[0] == "Nothing to do: no image is new."


def test_without_its_journal_every_image_counts_as_changed(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    table = Path("t.csv").read_bytes()
    os.unlink("t.csv.run.journal")

    assert told(tag("p", "-o", "t.csv", "--resume"))[0] == "Nothing to do: no image is new."
    assert told(tag("p", "-o", "t.csv", "--update"))[1] == "2 tagged, 1 failed"
    assert Path("t.csv").read_bytes() == table


def test_rows_of_images_that_are_gone_stay(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    (posters / "a.png").unlink()
    save_picture(posters / "z.png", "red")

    tag("p", "-o", "t.csv", "--resume", "--update")

    assert [line.partition(",")[0] for line in lines()[1:]] == [
        "p/a.png",
        "p/b.png",
        "p/c.png",
        "p/z.png",
    ]


def test_what_a_person_changed_in_a_table_stays(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    header, *rows = lines()
    mine = [rows[2].replace("blue,", "sea,")[: -len("0.0000")], rows[0].replace("1.0000", "")]
    Path("t.csv").write_text("\r\n".join([header, *mine, ""]))

    tag("p", "-o", "t.csv", "--resume")

    assert lines() == [header, *mine, rows[1]]


@pytest.mark.parametrize(
    "options",
    [
        ("t.csv",),
        ("t.csv", "--excel", "--columns", "folder,name,title"),
        ("t.tsv", "--layout", "long", "--excel"),
        ("t.jsonl", "--absolute"),
        ("t.parquet", "--relative-to", "p"),
        ("t.xlsx", "--relative-to", "q"),
    ],
    ids=" ".join,
)
def test_every_name_is_found_again(folder: Path, tag: Tag, options: tuple[str, ...]) -> None:
    (folder / "q").mkdir()
    for name in NAMES:
        save_picture(folder / "p" / os.fsdecode(name))
    assert tag("p", "-o", *options).code == 0
    table = Path(options[0]).read_bytes()
    save_picture(folder / "p/zz.png")
    (folder / "p/zz.png").rename(folder / "zz.png")

    ran = tag("p", "zz.png", "-o", *options, "--update")

    assert told(ran)[:2] == ["1 tagged, 0 failed", "10 kept from an earlier run."]
    assert Path(options[0]).read_bytes() != table


REFUSED = {
    "threshold": (
        ("--threshold", "0.4"),
        "the default (red=0.5); this one uses --threshold red=0.4",
    ),
    "one threshold": (
        ("--threshold", "Blue=0.4"),
        "the default (blue=0.5); this one uses --threshold blue=0.4",
    ),
    "most": (("--max-tags", "1"), "the default (3); this one uses --max-tags 1"),
    "ignore": (("--ignore", "red"), "the default (N/A); this one uses --ignore N/A,red"),
    "rename": (
        ("--rename", "red=rot"),
        "no --rename red; this one uses --rename red=rot",
    ),
    "layout": (("--layout", "list"), "the default (wide); this one uses --layout list"),
    "format": (("-f", "tsv"), "the default (csv); this one uses --format tsv"),
    "binary": (("-f", "parquet"), "the default (csv); this one uses --format parquet"),
    "excel": (("--excel",), "no --excel; this one uses --excel"),
    "columns": (
        ("--columns", "year,width"),
        "no --columns; this one uses --columns year,width",
    ),
    "absolute": (("--absolute",), "no --absolute; this one uses --absolute"),
    "sidecars": (("--sidecar", "xmp"), "no --sidecar; this one uses --sidecar xmp"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("finished", [True, False], ids=["finished", "interrupted"])
def test_other_options_are_refused(posters: Path, tag: Tag, case: str, *, finished: bool) -> None:
    tag("p", "-o", "t.csv")
    if not finished:
        undo_the_end()
    before = {file: file.read_bytes() for file in Path().glob("t.csv*")}
    options, differ = REFUSED[case]

    ran = tag("p", "-o", "t.csv", *options, "--resume")

    assert ran == Ran(
        2,
        b"",
        says("other options", output="t.csv", differ=differ),
    )
    assert {file: file.read_bytes() for file in Path().glob("t.csv*")} == before


def test_a_default_is_called_so_whichever_run_used_it(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv", "--max-tags", "2")

    ran = tag("p", "-o", "t.csv", "--resume")

    differ = "--max-tags 2; this one uses the default (3)"
    assert ran == Ran(2, b"", says("other options", output="t.csv", differ=differ))


def undo_the_end() -> None:
    """Turn a finished CSV table into what a run leaves that was killed just before its end."""
    os.rename("t.csv", "t.csv.part")
    manifest = json.loads(Path("t.csv.run.json").read_text())
    manifest |= {"ended": None, "images": None, "processes": ["01234567"]}
    Path("t.csv.run.json").write_text(json.dumps(manifest))


def test_options_that_change_no_result_may_differ(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")

    ran = tag(
        "p", "-o", "t.csv", "--resume", "--batch-size", "2", "--workers", "1", "--threshold",
        "0.5", "--exclude", "a*", "--quiet",
    )  # fmt: skip

    assert ran == Ran(1, b"", "")


def test_another_model_is_refused(posters: Path, tag: Tag, tagger: Tag, tmp_path: Path) -> None:
    tag("p", "-o", "t.csv")
    manifest = json.loads(Path("t.csv.run.json").read_text())
    first = f"colours 1.2 (fp32, SHA-256 {manifest['model']['sha256'][:12]}…)"
    others = {
        "newer": (changed_card(version="1.3"), "--model"),
        "int8": (changed_card(precision="int8"), "--model, or the same --device"),
    }
    for name, (card, way_out) in others.items():
        model = write_model(tmp_path / f"{name}.onnx", card)

        ran = tagger("tag", "p", "-o", "t.csv", "--resume", "--model", model, "--device", "cpu")

        assert ran.code == 2
        this = re.search(r"this one uses (.*?…\))", ran.stderr)
        assert this is not None
        assert ran.stderr == says(
            "other model", output="t.csv", former=first, model=this[1], way_out=way_out
        )


def test_a_table_that_nobody_knows_is_refused(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    os.unlink("t.csv.run.json")
    before = Path("t.csv").read_bytes()

    ran = tag("p", "-o", "t.csv", "--resume")

    assert ran == Ran(
        2,
        b"",
        says("unknown table", output="t.csv"),
    )
    assert Path("t.csv").read_bytes() == before
    assert tag("p", "-o", "t.csv", "--overwrite").code == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged manifest"),
        ("[]", "damaged manifest"),
        ('{"format": 1}', "damaged manifest"),
        ('{"format": 2}', "newer manifest"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(
    posters: Path, tag: Tag, text: str, message: str
) -> None:
    tag("p", "-o", "t.csv")
    Path("t.csv.run.json").write_text(text)

    assert tag("p", "-o", "t.csv", "--resume") == Ran(2, b"", says(message, output="t.csv"))
    assert tag("p", "-o", "t.csv", "--overwrite").code == 1


def test_a_table_with_other_columns_is_refused(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    Path("t.csv").write_text("path,tags\na,b\n")

    ran = tag("p", "-o", "t.csv", "--resume")

    assert (ran.code, ran.stderr) == (
        3,
        says("other columns", output="t.csv"),
    )
    assert Path("t.csv").read_text() == "path,tags\na,b\n"


def test_a_torn_last_line_is_cut(posters: Path, tag: Tag) -> None:
    for layout in ("wide", "list", "long"):
        tag("p", "-o", "t.csv", "--layout", layout)
        whole = Path("t.csv").read_bytes()
        rows = whole.index(b"\n") + 1
        for size in range(rows, len(whole), 11):
            Path("t.csv").write_bytes(whole[:size])

            assert tag("p", "-o", "t.csv", "--layout", layout, "--resume", "-q").code == 1

            if layout != "long" or not whole[:size].endswith(b"\n"):
                assert Path("t.csv").read_bytes() == whole, (layout, size)


def test_a_table_cut_within_its_header_is_no_table(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    whole = Path("t.csv").read_bytes()
    undo_the_end()
    Path("t.csv.part").write_bytes(whole[:7])

    assert tag("p", "-o", "t.csv", "--resume").code == 1

    assert Path("t.csv").read_bytes() == whole


@pytest.mark.parametrize("lost", [None, "t.csv.run.journal"])
@pytest.mark.parametrize("layout", ["wide", "list", "long"])
def test_whatever_the_end_of_a_killed_run_lacks_is_tagged(
    folder: Path, tag: Tag, layout: str, lost: str | None
) -> None:
    for name in (b"a", b"\xc3\xa9", b"two\nlines", b'"q"', b"\xff"):
        save_picture(folder / os.fsdecode(b"p/" + name + b".png"), (200, 180, 160))
    tag("p", "-o", "t.csv", "--layout", layout)
    whole = Path("t.csv").read_bytes()
    undo_the_end()
    kept = {file: file.read_bytes() for file in Path().glob("t.csv.*")}
    for size in range(0, len(whole) + 1, 17):
        Path("t.csv").unlink(missing_ok=True)
        for file, content in kept.items():
            file.write_bytes(content)
        if lost is not None:
            os.unlink(lost)
        Path("t.csv.part").write_bytes(whole[:size])

        assert tag("p", "-o", "t.csv", "--layout", layout, "--resume", "-q").code == 0

        assert Path("t.csv").read_bytes() == whole, size
        assert sorted(os.listdir()) == ["p", "t.csv", *notes("t.csv")]


def test_what_a_journal_lacks_is_tagged(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    whole = Path("t.csv").read_bytes()
    undo_the_end()
    kept = {file: file.read_bytes() for file in Path().glob("t.csv.*")}
    journal = kept[Path("t.csv.run.journal")]
    torn = [journal[:size] for size in range(0, len(journal), 29)]
    flipped = [
        journal[:place] + bytes([journal[place] ^ 1]) + journal[place + 1 :]
        for place in range(0, len(journal), 31)
    ]
    for damaged in (*torn, *flipped):
        for file, content in kept.items():
            file.write_bytes(content)
        Path("t.csv.run.journal").write_bytes(damaged)

        assert tag("p", "-o", "t.csv", "--resume", "-q").code == 1

        assert Path("t.csv").read_bytes() == whole


def test_rows_that_a_power_cut_turned_to_zeros_are_tagged_again(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    whole = Path("t.csv").read_bytes()
    undo_the_end()
    half = whole.index(b"p/b.png") + 3
    Path("t.csv.part").write_bytes(whole[:half] + bytes(len(whole) - half))

    ran = tag("p", "-o", "t.csv", "--resume")

    assert told(ran)[1:3] == [
        "1 tagged, 1 failed",
        "1 kept from an earlier run.",
    ]
    assert Path("t.csv").read_bytes() == whole


def test_a_run_that_was_killed_before_it_noted_its_end_is_finished(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    undo_the_end()
    os.rename("t.csv.part", "t.csv")
    whole = Path("t.csv").read_bytes()

    ran = tag("p", "-o", "t.csv", "--resume")

    assert told(ran)[0] == "Nothing to do: no image is new."
    assert Path("t.csv").read_bytes() == whole
    assert json.loads(Path("t.csv.run.json").read_text())["ended"] is not None


def test_a_run_without_a_result_leaves_what_was_there(
    posters: Path, tag: Tag, tagger: Tag, tmp_path: Path
) -> None:
    tag("p", "-o", "t.csv")
    before = {file: file.read_bytes() for file in Path().glob("t.csv*")}
    broken = write_model(tmp_path / "broken.onnx", divisor=0)

    ran = tagger("tag", "p", "-o", "t.csv", "--model", broken, "--device", "cpu", "-q")

    assert ran.code == 3
    after = {file: file.read_bytes() for file in Path().glob("t.csv*")}
    assert after.keys() == before.keys()
    assert after[Path("t.csv")] == before[Path("t.csv")]
    assert tag("p", "-o", "t.csv", "--resume", "-q").code == 1


def test_the_manifest_says_what_the_run_is(posters: Path, tag: Tag, tiny_model: Path) -> None:
    tag("p", "-o", "t.csv", "--rename", "red=rot", "--relative-to", "p", "--sidecar", "txt")

    manifest = json.loads(Path("t.csv.run.json").read_text())

    started, ended = manifest.pop("started"), manifest.pop("ended")
    assert started <= ended
    assert len(manifest.pop("run")) == 16
    assert manifest.pop("versions").keys() >= {"poster-tagger", "python", "numpy", "pillow"}
    assert len(manifest["model"].pop("sha256")) == 64
    assert manifest.pop("sha256") == hashlib.sha256(Path("t.csv").read_bytes()).hexdigest()
    assert manifest == {
        "format": 1,
        "output": "t.csv",
        "model": {"name": "colours", "version": "1.2", "precision": "fp32"},
        "options": {
            "--format": "csv",
            "--layout": "wide",
            "--excel": False,
            "--columns": [],
            "--absolute": False,
            "--relative-to": str(posters),
            "--threshold": {"red": 0.5, "green": 0.5, "blue": 0.5, "N/A": 0.5},
            "--min-tags": 1,
            "--max-tags": 3,
            "--ignore": ["N/A"],
            "--rename": {"red": "rot"},
            "--sidecar": ["txt"],
            "--sidecar-name": "append",
            "--sidecar-dir": None,
            "--existing": "merge",
            "--backup": False,
            "--xmp-root": [],
            "--embed": False,
            "--keep-time": False,
        },
        "device": "cpu",
        "folder": None,
        "resumed": [],
        "images": {"tagged": 2, "failed": 1},
        "input": None,
        "processes": [],
        "former": None,
    }


def test_a_summary_counts_what_was_kept(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    save_picture(posters / "z.png", "red")

    tag("p", "-o", "t.csv", "--resume", "--summary", "s.json")

    figures = json.loads(Path("s.json").read_text())
    counted = {name: figures[name] for name in ("tagged", "failed", "kept", "kept_failed")}
    assert counted == {"tagged": 1, "failed": 0, "kept": 3, "kept_failed": 1}


def test_why_an_image_counts_as_changed_is_logged(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv")
    save_picture(posters / "c.png", "lime", size=(90, 90))

    quiet = tag("p", "-o", "t.csv", "--resume").stderr
    verbose = tag("p", "-o", "t.csv", "--update", "--retry-failed", "-vv").stderr

    assert "is tagged again" not in quiet
    assert "p/b.png is tagged again: it failed" in verbose
    assert "p/c.png is tagged again: its file has changed: " in verbose
    assert "p/a.png" not in verbose
