"""A former result is never replaced by less, nor by a machine where a person has written.

The harm: a drive that is not mounted, or a pattern that matches nothing, empties last month's
table; a second run wipes what a person has corrected in it, or a file that never was ours.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest
from commands import Ran
from pictures import save_picture

Tag = Callable[..., Ran]

#: What a program wrote that knows nothing of tags.
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"/>
 </rdf:RDF>
</x:xmpmeta>
"""

KINDS = [
    ("t.csv",),
    ("t.csv", "--layout", "long"),
    ("t.tsv", "--layout", "list", "--excel"),
    ("t.jsonl",),
    ("t.parquet",),
    ("t.xlsx",),
]


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder ``p`` with a red image and a blue one."""
    save_picture(folder / "p/a.png", "red")
    save_picture(folder / "p/b.png", "blue")
    (folder / "empty").mkdir()
    return folder / "p"


@pytest.fixture
def retag(tagger: Tag, tiny_model: Path) -> Tag:
    """Return a function that runs ``tagger retag ARGUMENTS`` with the tiny model."""
    return lambda *arguments: tagger("retag", *arguments, "--model", tiny_model)


def contents(pattern: str = "t.*") -> dict[str, bytes]:
    """Return the files with such a name."""
    return {str(file): file.read_bytes() for file in Path().glob(pattern)}


def undo_the_end(table: str = "t.csv", rows: str = "t.csv.part") -> None:
    """Leave what a killed run leaves: rows without the table's name."""
    os.rename(table, rows)
    manifest = json.loads(Path(f"{table}.run.json").read_text())
    manifest |= {"ended": None, "images": None, "sha256": None}
    Path(f"{table}.run.json").write_text(json.dumps(manifest))


# Nothing comes in its place.


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
@pytest.mark.parametrize(
    "found",
    [
        ("empty",),
        ("p", "--include", "**/*.jpg"),
        ("p", "--exclude", "*.png"),
        ("--files-from", "list"),
        ("p", "--newer-than", "1h"),
    ],
    ids=" ".join,
)
def test_a_run_that_finds_nothing_leaves_the_table(
    posters: Path, tag: Tag, kind: tuple[str, ...], found: tuple[str, ...]
) -> None:
    tag("p", "-o", *kind, "-q")
    Path("list").write_bytes(b"")
    for image in posters.iterdir():
        os.utime(image, (0, 0))
    before = contents()

    for options in ((), ("--resume",), ("--update",), ("--overwrite",)):
        ran = tag(*found, "-o", *kind, *options, "-q")

        assert (ran.code, ran.stdout) == (1, b"")
        assert ran.stderr.startswith("No images were found")
        assert ran.stderr.endswith(f"{kind[0]} stays as it was.\n")
        assert contents() == before


def test_a_run_that_finds_nothing_writes_an_empty_table_where_none_was(
    posters: Path, tag: Tag
) -> None:
    ran = tag("empty", "-o", "t.csv")

    assert ran.code == 1
    assert ran.stderr.splitlines()[-1] == "No images were found."
    assert Path("t.csv").read_text() == "path,tags,error,red,green,blue,N/A\n"
    assert tag("p", "-o", "t.csv", "-q").code == 0  # nobody has written into it
    assert len(Path("t.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("options", [("-f", "csv"), ("--sidecar", "txt"), ("-f", "jsonl", "-q")])
def test_a_run_that_finds_nothing_ends_with_1_wherever_its_results_go(
    posters: Path, tag: Tag, options: tuple[str, ...]
) -> None:
    ran = tag("empty", *options)

    assert ran.code == 1
    assert "No images were found." in ran.stderr.splitlines()


def test_rows_of_an_interrupted_run_stay_where_nothing_is_found(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv", "-q")
    undo_the_end()
    before = contents()

    for options in (("--resume",), ("--overwrite",)):
        assert tag("empty", "-o", "t.csv", *options, "-q").code == 1
        assert contents() == before


def test_a_run_whose_images_all_have_tags_leaves_the_table(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv", "--sidecar", "xmp", "-q")
    before = contents()

    ran = tag("p", "-o", "t.csv", "--sidecar", "xmp", "--skip-tagged")

    assert ran.code == 0
    assert "t.csv stays as it was: there is nothing new." in ran.stderr.splitlines()
    assert contents() == before


def test_a_list_of_images_that_are_gone_leaves_the_table(posters: Path, tag: Tag) -> None:
    Path("list").write_text("p/a.png\np/b.png\n")
    tag("--files-from", "list", "-o", "t.csv", "-q")
    before = Path("t.csv").read_bytes()
    os.rename("p", "unmounted")

    ran = tag("--files-from", "list", "-o", "t.csv", "-q")

    assert ran.code == 2
    assert ran.stderr.startswith("tagger: None of the 2 paths in the list list exists, ")
    assert Path("t.csv").read_bytes() == before
    Path("p").mkdir()
    Path("p/a.png").symlink_to("nowhere")
    ran = tag("--files-from", "list", "-o", "t.csv", "-q")
    assert ran == Ran(1, b"", "t.csv stays as it was: no image was tagged.\n")
    assert Path("t.csv").read_bytes() == before
    Path("p/a.png").unlink()
    Path("p").rmdir()
    os.rename("unmounted", "p")
    assert tag("--files-from", "list", "-o", "t.csv", "-q").code == 0
    assert Path("t.csv").read_bytes() == before
    assert not Path("t.csv.bak").exists()


def test_an_unreadable_folder_leaves_the_table(posters: Path, tag: Tag) -> None:
    Path("list").write_text("p\nempty\n")
    tag("--files-from", "list", "--list-folders", "-o", "t.csv", "-q")
    before = contents()
    os.rename("p", "unmounted")

    ran = tag("--files-from", "list", "--list-folders", "-o", "t.csv", "-q")

    assert ran.code == 1
    assert contents()["t.csv"] == before["t.csv"]


def test_a_run_whose_images_all_fail_leaves_the_table(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv", "-q")
    before = Path("t.csv").read_bytes()
    images = {image: image.read_bytes() for image in posters.iterdir()}
    for image, content in images.items():  # as of a drive that is failing
        image.write_bytes(bytes(len(content)))

    for options in ((), ("--overwrite",)):
        ran = tag("p", "-o", "t.csv", "-q", *options)

        assert ran == Ran(1, b"", "t.csv stays as it was: no image was tagged.\n")
        assert Path("t.csv").read_bytes() == before
    for image, content in images.items():
        image.write_bytes(content)
    assert tag("p", "-o", "t.csv", "-q").code == 0
    assert Path("t.csv").read_bytes() == before
    assert not Path("t.csv.bak").exists()


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_of_a_table_with_more_images_a_copy_is_kept(
    posters: Path, tag: Tag, kind: tuple[str, ...]
) -> None:
    tag("p", "-o", *kind, "-q")
    former = Path(kind[0]).read_bytes()

    ran = tag("p/a.png", "-o", *kind)

    assert ran.code == 0
    assert f"What was there before is kept as {kind[0]}.bak." in ran.stderr.splitlines()
    assert Path(f"{kind[0]}.bak").read_bytes() == former
    assert tag("p", "-o", *kind, "-q").code == 0
    assert Path(kind[0]).read_bytes() == former
    assert not Path(f"{kind[0]}.bak2").exists()


def test_retag_leaves_a_table_that_it_has_no_rows_for(posters: Path, tag: Tag, retag: Tag) -> None:
    tag("p", "-o", "t.csv", "-q")
    tag("empty", "-o", "none.csv", "-q")
    before = contents()

    ran = retag("none.csv", "-o", "t.csv", "-q")

    assert ran == Ran(1, b"", "No images were found, so t.csv stays as it was.\n")
    assert contents() == before


# A person has written there.


def edit(table: str) -> None:
    """Change a table as a person does."""
    file = Path(table)
    if table.endswith(".parquet"):
        frame = pandas.read_parquet(file)
        frame.loc[0, "tags"] = "Mine"
        frame.to_parquet(file)
    elif table.endswith(".xlsx"):
        frame = pandas.read_excel(file)
        frame.loc[0, "tags"] = "Mine"
        frame.to_excel(file, index=False, sheet_name="tags")
    else:
        file.write_bytes(re.sub(rb"(a\.png\W+(tags?\W+)?)red", rb"\1Mine", file.read_bytes()))


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_an_edited_table_is_not_replaced(posters: Path, tag: Tag, kind: tuple[str, ...]) -> None:
    tag("p", "-o", *kind, "-q")
    edit(kind[0])
    before = contents()

    ran = tag("p", "-o", *kind)

    assert ran == Ran(
        2,
        b"",
        f"tagger: {kind[0]} was edited after it was written: pass --resume or --update to keep its "
        f"rows, or --overwrite to replace it (a copy is kept as {kind[0]}.bak); 'tagger apply' "
        "writes its tags to sidecars first.\n",
    )
    assert contents() == before


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_overwrite_replaces_an_edited_table_and_keeps_it(
    posters: Path, tag: Tag, kind: tuple[str, ...]
) -> None:
    tag("p", "-o", *kind, "-q")
    whole = Path(kind[0]).read_bytes()
    edit(kind[0])
    edited = Path(kind[0]).read_bytes()

    ran = tag("p", "-o", *kind, "--overwrite")

    assert ran.code == 0
    assert f"What was there before is kept as {kind[0]}.bak." in ran.stderr.splitlines()
    assert Path(kind[0]).read_bytes() == whole
    assert Path(f"{kind[0]}.bak").read_bytes() == edited
    assert tag("p", "-o", *kind, "-q").code == 0  # again ours and unedited
    assert not Path(f"{kind[0]}.bak2").exists()


@pytest.mark.parametrize("option", ["--resume", "--update", "--retry-failed"])
def test_resuming_an_edited_table_keeps_its_rows_and_a_copy(
    posters: Path, tag: Tag, option: str
) -> None:
    tag("p", "-o", "t.csv", "-q")
    edit("t.csv")
    edited = Path("t.csv").read_bytes()
    save_picture(posters / "c.png", "lime")

    assert tag("p", "-o", "t.csv", option, "-q").code == 0

    assert Path("t.csv").read_bytes().startswith(edited)
    assert b"p/c.png,green" in Path("t.csv").read_bytes()
    assert Path("t.csv.bak").read_bytes() == edited


def test_a_table_that_is_edited_while_the_run_lasts_is_kept(
    posters: Path, tag: Tag, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tagger.runs.run import Run

    tag("p", "-o", "t.csv", "-q")
    add = Run.add

    def edit_meanwhile(self: Run, *given: object, **options: object) -> None:
        edit("t.csv")
        add(self, *given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Run, "add", edit_meanwhile)

    assert tag("p", "-o", "t.csv", "-q").code == 0

    assert b"Mine" in Path("t.csv.bak").read_bytes()
    assert b"Mine" not in Path("t.csv").read_bytes()


@pytest.mark.parametrize(
    "content", [b"film,seen\nHeat,yes\n", b"path,tags,error,red,green,blue,N/A\n", b"\0\xff"]
)
def test_a_file_that_is_not_ours_is_not_replaced(
    posters: Path, tag: Tag, retag: Tag, content: bytes
) -> None:
    tag("p", "-o", "t.csv", "-q")
    Path("notes.csv").write_bytes(content)
    says = (
        "tagger: notes.csv already exists and is not known to be an unedited table of an earlier "
        "run: choose another output, or pass --overwrite to replace it (a copy is kept as "
        "notes.csv.bak).\n"
    )

    assert tag("p", "-o", "notes.csv") == Ran(2, b"", says)
    assert retag("t.csv", "-o", "notes.csv") == Ran(2, b"", says)
    assert contents("notes*") == {"notes.csv": content}

    assert retag("t.csv", "-o", "notes.csv", "--overwrite", "-q").code == 0
    assert Path("notes.csv").read_bytes() == Path("t.csv").read_bytes()
    assert Path("notes.csv.bak").read_bytes() == content


def test_an_empty_file_is_nothing_to_lose(posters: Path, tag: Tag) -> None:
    Path("t.csv").touch()

    assert tag("p", "-o", "t.csv", "-q").code == 0
    assert not Path("t.csv.bak").exists()


def test_retag_does_not_replace_what_a_person_wrote(posters: Path, tag: Tag, retag: Tag) -> None:
    tag("p", "-o", "t.csv", "-q")
    assert retag("t.csv", "-o", "t.csv", "-q").code == 0
    assert not Path("t.csv.bak").exists()
    edit("t.csv")
    before = contents()

    ran = retag("t.csv", "-o", "t.csv")

    assert ran == Ran(
        2,
        b"",
        "tagger: t.csv was edited after it was written: pass --overwrite to replace it (a copy is "
        "kept as t.csv.bak); 'tagger apply' writes its tags to sidecars first.\n",
    )
    assert contents() == before
    assert retag("t.csv", "-o", "t.csv", "--overwrite", "-q").code == 0
    assert Path("t.csv.bak").read_bytes() == before["t.csv"]


def test_backups_are_never_replaced(posters: Path, tag: Tag) -> None:
    for number in ("", "2", "3"):
        Path("t.csv").write_text(f"mine {number}")

        assert tag("p", "-o", "t.csv", "--overwrite", "-q").code == 0

        assert Path(f"t.csv.bak{number}").read_text() == f"mine {number}"


def test_overwrite_and_resume_contradict_each_other(posters: Path, tag: Tag) -> None:
    for option in ("--resume", "--update", "--retry-failed"):
        assert tag("p", "-o", "t.csv", option, "--overwrite") == Ran(
            2,
            b"",
            f"tagger: {option} keeps what is there and --overwrite does not: choose one.\n",
        )


# A run was interrupted.


@pytest.mark.parametrize(("table", "rows"), [("t.csv", "t.csv.part")])
def test_rows_of_an_interrupted_run_are_not_replaced(
    posters: Path, tag: Tag, table: str, rows: str
) -> None:
    tag("p", "-o", table, "-q")
    whole = Path(table).read_bytes()
    undo_the_end(table, rows)
    before = contents()

    ran = tag("p", "-o", table)

    assert ran == Ran(
        2,
        b"",
        f"tagger: {rows} contains the results of an interrupted run: pass --resume to continue "
        f"it, or --overwrite to start over (a copy is kept as {rows}.bak).\n",
    )
    assert contents() == before
    assert tag("p", "-o", table, "--overwrite", "-q").code == 0
    assert Path(table).read_bytes() == whole
    assert Path(f"{rows}.bak").read_bytes() == before[rows]
    assert not Path(rows).exists()


def test_rows_whose_notes_are_gone_are_not_replaced(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv", "-q")
    undo_the_end()
    for file in Path().glob("t.csv.run.*"):
        file.unlink()
    before = contents()

    assert tag("p", "-o", "t.csv", "-q").code == 2
    assert contents() == before


def test_a_row_that_a_person_edited_in_an_interrupted_run_stays(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv", "-q")
    edit("t.csv")
    edited = Path("t.csv").read_bytes()
    undo_the_end()

    assert tag("p", "-o", "t.csv", "--resume", "-q").code == 0

    assert Path("t.csv").read_bytes() == edited


# Tables of earlier versions, and of runs that were killed at their end.


def forget_the_digest() -> None:
    """Make a manifest one of a version that did not note what the table is."""
    manifest = json.loads(Path("t.csv.run.json").read_text())
    del manifest["sha256"]
    Path("t.csv.run.json").write_text(json.dumps(manifest))


def test_the_journal_knows_an_unedited_table_of_an_earlier_version(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv", "-q")
    save_picture(posters / "a.png", "lime", size=(70, 70))
    tag("p", "-o", "t.csv", "--update", "-q")  # the journal has two entries for it now
    forget_the_digest()

    assert tag("p", "-o", "t.csv", "-q").code == 0
    assert not Path("t.csv.bak").exists()

    forget_the_digest()
    edit("t.csv")
    Path("t.csv").write_bytes(Path("t.csv").read_bytes().replace(b".png,green", b".png,Mine"))
    assert tag("p", "-o", "t.csv", "-q").code == 2


def test_a_table_whose_run_was_killed_before_it_noted_its_end_is_ours(
    posters: Path, tag: Tag
) -> None:
    tag("p", "-o", "t.csv", "-q")
    undo_the_end()
    os.rename("t.csv.part", "t.csv")

    assert tag("p", "-o", "t.csv", "-q").code == 0
    assert not Path("t.csv.bak").exists()


@pytest.mark.parametrize("table", ["t.csv", "t.parquet"])
def test_a_table_whose_run_was_killed_at_its_very_end_is_ours(
    posters: Path, tag: Tag, table: str
) -> None:
    tag("p", "-o", table, "-q")
    manifest = json.loads(Path(f"{table}.run.json").read_text())
    Path(f"{table}.run.json").write_text(json.dumps(manifest | {"ended": None, "images": None}))
    if table == "t.parquet":
        Path(f"{table}.part.jsonl").write_text('{"path": "p/a.png"}\n')

    assert tag("p", "-o", table, "-q").code == 0
    assert sorted(contents()) == [table, f"{table}.run.journal", f"{table}.run.json"]


# Sidecars that are overwritten.


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("txt", b"a portrait of a dog, oil on canvas\n"),
        ("txt", b"red, holiday\n"),
        ("txt", b"red"),
        ("txt", b"red\n\nmy note\n"),
        ("txt", b"\xff\xfer\0e\0d\0"),
        ("json", b'{"title": "Heat"}\n'),
        ("json", b"[1, 2]"),
        ("json", b"not json"),
        ("xmp", b"<not xml"),
        (
            "xmp",
            XMP,
        ),
    ],
)
def test_overwrite_keeps_a_copy_of_a_sidecar_that_a_person_wrote(
    posters: Path, tag: Tag, kind: str, content: bytes
) -> None:
    sidecar = posters / f"a.png.{kind}"
    sidecar.write_bytes(content)

    ran = tag("p/a.png", "--sidecar", kind, "--existing", "overwrite", "-q")

    assert ran.code == 0
    assert sidecar.read_bytes() != content
    assert Path(f"{sidecar}.bak").read_bytes() == content


@pytest.mark.parametrize("kind", ["txt", "json", "xmp"])
def test_overwrite_keeps_no_copy_of_a_sidecar_that_a_run_wrote(
    posters: Path, tag: Tag, kind: str
) -> None:
    options = ("--sidecar", kind, "--existing", "overwrite", "-q", "--rename", "red=a, b")
    tag("p", *options)
    save_picture(posters / "a.png", "lime")
    tag("p", *options)
    tag("p", *options, "--min-tags", "2")

    assert sorted(os.listdir("p")) == ["a.png", f"a.png.{kind}", "b.png", f"b.png.{kind}"]


@pytest.mark.parametrize("kind", ["txt", "json", "xmp"])
def test_overwrite_keeps_a_copy_of_tags_that_a_person_settled(
    posters: Path, tag: Tag, tagger: Tag, kind: str
) -> None:
    Path("t.csv").write_text("path,tags\np/a.png,mine\n")
    tagger("apply", "t.csv", "--sidecar", kind, "--yes", "-q")
    settled = (posters / f"a.png.{kind}").read_bytes()

    assert tag("p", "--sidecar", kind, "--existing", "overwrite", "-q").code == 0

    assert (posters / f"a.png.{kind}.bak").read_bytes() == settled


def test_overwrite_keeps_a_copy_of_a_json_sidecar_that_a_person_edited(
    posters: Path, tag: Tag
) -> None:
    tag("p", "--sidecar", "json", "-q")
    sidecar = posters / "a.png.json"
    whole = sidecar.read_text()
    data = json.loads(whole)
    edits = [
        whole.replace("  ", "\t"),
        json.dumps({**data, "note": "mine"}, indent=2) + "\n",
        json.dumps({**data, "tags": [{"tag": "mine", "score": None}]}, indent=2) + "\n",
        json.dumps({**data, "tags": [{"tag": "mine"}]}, indent=2) + "\n",
    ]
    for number, edited in enumerate(edits, start=1):
        sidecar.write_text(edited)

        assert tag("p/a.png", "--sidecar", "json", "--existing", "overwrite", "-q").code == 0

        copy = f"{sidecar}.bak{number if number > 1 else ''}"
        assert Path(copy).read_text() == edited
        assert sidecar.read_text() == whole


# The summary.


@pytest.mark.parametrize(
    "content",
    [
        b"my notes\n",
        b'{"tagged": 3, "failed": 0}\n',
        b"[1]\n",
        b"{\n",
        b"path,tags,error\n",
        b"reformatted",
        pytest.param(None, id="a summary with a note"),
    ],
)
def test_a_summary_takes_the_place_of_a_summary_alone(
    posters: Path, tag: Tag, content: bytes | None
) -> None:
    tag("p", "-o", "t.csv", "--summary", "s.json", "-q")
    assert tag("p", "-o", "t.csv", "--summary", "s.json", "-q").code == 0
    assert not Path("s.json.bak").exists()
    if content is None:
        data = {**json.loads(Path("s.json").read_bytes()), "note": "mine"}
        content = (json.dumps(data, indent=2) + "\n").encode()
    elif content == b"reformatted":
        content = Path("s.json").read_bytes().replace(b"  ", b"\t")
    Path("s.json").write_bytes(content)
    before = {**contents(), **contents("s.*")}

    ran = tag("p", "-o", "t.csv", "--summary", "s.json")

    assert ran == Ran(
        2,
        b"",
        "tagger: --summary s.json: the file is not the summary of an earlier run: choose another, "
        "or pass --overwrite to replace it (a copy is kept as s.json.bak).\n",
    )
    assert {**contents(), **contents("s.*")} == before
    assert tag("p", "-o", "t.csv", "--summary", "s.json", "--overwrite", "-q").code == 0
    assert json.loads(Path("s.json").read_bytes())["tagged"] == 2
    assert Path("s.json.bak").read_bytes() == content


def test_a_summary_does_not_take_the_place_of_the_table(posters: Path, tag: Tag) -> None:
    for options in ((), ("--overwrite",)):
        ran = tag("p", "-o", "t.csv", "--summary", "./t.csv", *options)

        assert ran == Ran(
            2, b"", "tagger: --summary t.csv: this is the table itself: choose another file.\n"
        )
    assert not Path("t.csv").exists()


def test_a_summary_says_what_was_not_found(posters: Path, tag: Tag) -> None:
    tag("p", "-o", "t.csv", "--summary", "s.json", "-q")

    assert tag("empty", "-o", "t.csv", "--summary", "s.json", "-q").code == 1

    assert json.loads(Path("s.json").read_bytes())["tagged"] == 0
