"""``tagger merge``: the tables of shards are one run's table, or nothing is written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas
import pytest
from commands import TREE, Ran, environment, run_tagger
from pictures import save_picture

from tagger.runs import part_images as module

Run = Callable[..., Ran]

SHARDS = ("1/3", "2/3", "3/3")


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder with the samples, hostile names, images that share a stem, a broken one."""
    shutil.copytree(TREE / "samples", folder / "p", ignore=shutil.ignore_patterns("*.py"))
    names = [b'comma, "n".png', b"two\nlines.png", b"=cmd.png", b"\xff.png", b"\xc3\xa9.png"]
    for number, name in enumerate(names):
        save_picture(folder / "p/hostile" / os.fsdecode(name), (40 * number, 90, 200))
    for ending in ("png", "jpg", "bmp"):
        save_picture(folder / f"p/x.{ending}", "lime")
    (folder / "p/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def tagged(tag: Run, ending: str, *options: str, shards: tuple[str, ...] = SHARDS) -> list[str]:
    """Tag the shards; return their tables."""
    files = [f"{shard.partition('/')[0]}.{ending}" for shard in shards]
    for file, shard in zip(files, shards, strict=True):
        ran = tag("p", "-o", file, "--shard", shard, "-q", *options)
        assert ran.code in (0, 1), ran.stderr
    return files


LAYOUTS = [
    ("csv", ()),
    ("csv", ("--excel", "--columns", "sha256,title,folder")),
    ("csv", ("--layout", "long", "--min-tags", "2")),
    ("tsv", ("--layout", "list", "--absolute")),
    ("jsonl", ("--columns", "width,text")),
    ("jsonl", ("--layout", "long", "--relative-to", "p")),
    ("parquet", ()),
    ("parquet", ("--layout", "list")),
    ("xlsx", ("--columns", "year")),
    ("db", ()),
    ("sqlite", ("--layout", "long", "--columns", "folder")),
]


@pytest.mark.parametrize(("ending", "options"), LAYOUTS)
def test_shards_are_one_runs_table(
    posters: Path, tag: Run, tagger: Run, ending: str, options: tuple[str, ...]
) -> None:
    tag("p", "-o", f"one.{ending}", "-q", *options)
    files = tagged(tag, ending, *options)

    ran = tagger("merge", *reversed(files), "-o", f"all.{ending}")

    assert ran.code == 1  # the broken image
    assert ran.stderr.splitlines()[-1] == (
        "Joined 3 shards: 21 images, all of their input, 1 failed."
    )
    assert (posters / f"all.{ending}").read_bytes() == (posters / f"one.{ending}").read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        (), ("--absolute",), ("--relative-to", "."), ("--relative-to", "b"),
        ("--relative-to", "m/inner"), ("--relative-to", "link"), ("--relative-to", "elsewhere/x"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_several_folders_are_in_the_order_of_one_run(
    folder: Path, tag: Run, tagger: Run, options: tuple[str, ...]
) -> None:
    """Which is not always the one of the paths that the table shows."""
    for number in range(8):
        for place in ("m", "m/inner", "b", "../outside", "a/deep", "z"):
            save_picture(folder / place / f"{number}.png")
    (folder / "link").symlink_to("z")
    (folder / "elsewhere/x").mkdir(parents=True)
    (folder / "list").write_text("".join(f"{folder}/z/{n}.png\nz/{n + 1}.png\n" for n in (0, 2, 4)))
    roots = ("m", "../outside", str(folder / "b"), "./a", "z/7.png", "--files-from", "list")
    tag(*roots, "-o", "one.csv", "-q", *options)
    for shard in SHARDS:
        tag(*roots, "-o", f"{shard[0]}.csv", "--shard", shard, "-q", *options)

    ran = tagger("merge", "2.csv", "3.csv", "1.csv", "-o", "all.csv")

    assert ran.stderr == "Joined 3 shards: 47 images, all of their input, 0 failed.\n"
    assert (folder / "all.csv").read_bytes() == (folder / "one.csv").read_bytes()


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "db"])
@pytest.mark.parametrize("output", ["csv", "jsonl", "parquet", "xlsx"])
@pytest.mark.parametrize("layout", ["wide", "long"])
def test_the_format_may_change(
    posters: Path, tag: Run, tagger: Run, ending: str, output: str, layout: str
) -> None:
    tag("p", "-o", f"one.{output}", "-q", "--layout", layout)

    files = tagged(tag, ending, "--layout", layout)
    assert tagger("merge", *files, "-o", f"all.{output}").code == 1

    assert (posters / f"all.{output}").read_bytes() == (posters / f"one.{output}").read_bytes()


def test_the_result_is_continued_as_one_runs_table(posters: Path, tag: Run, tagger: Run) -> None:
    """Its notes know each image's file, and not that there were shards."""
    tagger("merge", *tagged(tag, "csv"), "-o", "all.csv", "-q")
    manifest = json.loads((posters / "all.csv.run.json").read_bytes())
    before = (posters / "all.csv").read_bytes()

    ran = tag("p", "-o", "all.csv", "--update")

    assert "--shard" not in manifest["options"]
    assert manifest["images"] == {"tagged": 20, "failed": 1}
    assert "Nothing to do: no image is new." in ran.stderr
    assert "21 kept from an earlier run, 1 of them failed" in ran.stderr
    assert (posters / "all.csv").read_bytes() == before
    # Unedited as it is, it can be made again.
    assert tagger("merge", "1.csv", "2.csv", "3.csv", "-o", "all.csv", "-q").code == 1


def test_parts_that_were_resumed_are_sorted(posters: Path, tag: Run, tagger: Run) -> None:
    files = tagged(tag, "csv")
    for number in range(12):
        save_picture(posters / f"p/a new {number}.png", "blue")
    (posters / "p/x.png").unlink()
    save_picture(posters / "p/x.png", "white", size=(5, 5))
    for file, shard in zip(files, SHARDS, strict=True):
        tag("p", "-o", file, "--shard", shard, "--update", "-q")
    tag("p", "-o", "one.csv", "-q")

    tagger("merge", *files, "-o", "all.csv")

    assert (posters / "all.csv").read_bytes() == (posters / "one.csv").read_bytes()
    assert "Nothing to do: no image is new." in tag("p", "-o", "all.csv", "--update").stderr


def test_rows_that_a_person_sorted_are_sorted_again(posters: Path, tag: Run, tagger: Run) -> None:
    tag("p", "-o", "one.csv", "-q")
    files = tagged(tag, "csv")
    head, *rows = (posters / "2.csv").read_bytes().split(b"\n")[:-1]
    if any(row.count(b'"') % 2 for row in rows):  # the name with a line break is in this one
        rows = [b"\n".join(rows)]
    (posters / "2.csv").write_bytes(b"\n".join([head, *reversed(rows), b""]))

    tagger("merge", *files, "-o", "all.csv")

    assert (posters / "all.csv").read_bytes() == (posters / "one.csv").read_bytes()


def test_many_parts_are_merged_in_groups(
    posters: Path, tag: Run, tagger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_OPEN", 2)
    monkeypatch.setattr(module, "_SORTED_TOGETHER", 2)
    tag("p", "-o", "one.csv", "-q")
    files = tagged(tag, "csv", shards=tuple(f"{number}/7" for number in range(1, 8)))

    tagger("merge", *files, "-o", "all.csv")

    assert (posters / "all.csv").read_bytes() == (posters / "one.csv").read_bytes()


def test_tables_that_are_no_shards_are_joined(folder: Path, tag: Run, tagger: Run) -> None:
    for name in ("a/1.png", "b/1.png", "b/2.png"):
        save_picture(folder / name)
    for name in ("a", "b"):
        tag(name, "-o", f"{name}.csv", "-q")
    tag("a", "b", "-o", "one.csv", "-q")

    ran = tagger("merge", "b.csv", "a.csv", "-o", "all.csv")

    assert (ran.code, ran.stderr) == (0, "Joined 2 tables: 3 images, 0 failed.\n")
    assert (folder / "all.csv").read_bytes() == (folder / "one.csv").read_bytes()


def refused(tagger: Run, folder: Path, *arguments: str, code: int = 2) -> str:
    """Return the sentence with which a merge is refused; nothing is there but what was."""
    before = {file: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    ran = tagger("merge", *arguments, "-o", "all.csv")
    assert ran.code == code, ran.stderr
    assert {file: file.read_bytes() for file in folder.iterdir() if file.is_file()} == before
    (sentence,) = ran.stderr.splitlines()
    return sentence.removeprefix("tagger: ")


def test_a_missing_shard_is_named(posters: Path, tag: Run, tagger: Run) -> None:
    tagged(tag, "csv")
    assert refused(tagger, posters, "1.csv", "3.csv") == ("Shard 2/3 is missing: pass 2.csv, too.")
    for name in ("2.csv", "2.csv.run.json"):
        (posters / name).unlink()
    assert refused(tagger, posters, "1.csv", "3.csv") == (
        "Shard 2/3 is missing: pass the table of each, or tag it with --shard 2/3."
    )
    assert refused(tagger, posters, "3.csv") == "Shards 1/3, 2/3 are missing: pass 1.csv, too."


def test_a_doubled_shard_is_named(posters: Path, tag: Run, tagger: Run) -> None:
    tagged(tag, "csv")
    for ending in ("", ".run.json", ".run.journal"):
        shutil.copy(posters / f"1.csv{ending}", posters / f"copy.csv{ending}")
    first = (posters / "1.csv").read_text().splitlines()[1].split(",")[0]

    said = refused(tagger, posters, "1.csv", "2.csv", "3.csv", "copy.csv")

    assert said == f"1.csv and copy.csv are both shard 1/3, with {first}: pass one of them."
    assert refused(tagger, posters, "1.csv", "2.csv", "3.csv", "./3.csv") == (
        "3.csv and ./3.csv is passed twice: pass each table once."
    )


def test_an_image_in_two_tables_is_named(folder: Path, tag: Run, tagger: Run) -> None:
    for name in ("a/1.png", "a/2.png", "b/1.png"):
        save_picture(folder / name)
    tag("a", "b", "-o", "both.csv", "-q")
    tag("a", "-o", "a.csv", "-q")

    assert refused(tagger, folder, "both.csv", "a.csv", code=3) == (
        "a/1.png is in both.csv and in a.csv: remove one of its rows, or tag that part again with "
        "--overwrite."
    )


def test_a_row_that_is_gone_or_twice_is_noticed(posters: Path, tag: Run, tagger: Run) -> None:
    files = tagged(tag, "jsonl")
    head, *rows = (posters / "2.jsonl").read_bytes().splitlines(keepends=True)
    (posters / "2.jsonl").write_bytes(b"".join([head, *rows[1:]]))
    assert refused(tagger, posters, *files, code=3) == (
        f"2.jsonl has {len(rows)} of the {len(rows) + 1} images of its run: run its command again "
        "with --resume, which tags those that are missing."
    )
    (posters / "2.jsonl").write_bytes(b"".join([head, *rows, rows[-1]]))
    assert "is twice in 2.jsonl: " in refused(tagger, posters, *files, code=3)


def test_an_interrupted_shard_is_named(posters: Path, tag: Run, tagger: Run) -> None:
    files = tagged(tag, "csv")
    manifest = json.loads((posters / "2.csv.run.json").read_bytes())
    manifest |= {"ended": None, "images": None, "sha256": None, "input": None}
    (posters / "2.csv.run.json").write_text(json.dumps(manifest))
    (posters / "2.csv").rename(posters / "2.csv.part")

    assert refused(tagger, posters, *files) == (
        "2.csv is not finished: its run was interrupted; run its command again with --shard 2/3 "
        "--resume."
    )
    assert refused(tagger, posters, "1.csv", "3.csv") == (
        "Shard 2/3 is missing: the run of 2.csv was interrupted; run its command again with "
        "--shard 2/3 --resume, and pass its table, too."
    )
    assert tag("p", "-o", "2.csv", "--shard", "2/3", "--resume", "-q").code in (0, 1)
    assert tagger("merge", *files, "-o", "all.csv").code == 1


def test_parts_must_be_of_one_model_and_the_same_options(
    posters: Path, tag: Run, tagger: Run, tiny_model: Path
) -> None:
    tagged(tag, "csv", shards=SHARDS[:2])
    tag("p", "-o", "3.csv", "--shard", "3/3", "--max-tags", "1", "-q")
    assert refused(tagger, posters, "1.csv", "2.csv", "3.csv") == (
        "3.csv was made with --max-tags 1 and 1.csv with --max-tags 3: tables are only joined if "
        "model and options are the same."
    )
    tag("p", "-o", "3.csv", "--shard", "3/3", "--layout", "long", "-q")
    assert "3.csv was made with --layout long and 1.csv with --layout wide" in refused(
        tagger, posters, "1.csv", "2.csv", "3.csv"
    )
    tag("p", "-o", "3.csv", "--shard", "3/3", "-q")
    manifest = json.loads((posters / "3.csv.run.json").read_bytes())
    manifest["model"]["sha256"] = "0" * 64
    (posters / "3.csv.run.json").write_text(json.dumps(manifest))
    said = refused(tagger, posters, "1.csv", "2.csv", "3.csv")
    assert said.startswith("3.csv was made with the model colours 1.2 (fp32, SHA-256 000000000000…")


def test_parts_must_be_of_one_input(posters: Path, tag: Run, tagger: Run) -> None:
    files = tagged(tag, "csv", shards=SHARDS[:2])
    save_picture(posters / "p/zz.png")
    files += tagged(tag, "csv", shards=SHARDS[2:])
    assert refused(tagger, posters, *files) == (
        "1.csv is of an input of 21 images and 3.csv of one of 22: images came or went in between, "
        "or the commands named others; run them again with --resume."
    )
    for file, shard in zip(files, SHARDS, strict=True):
        tag("p", "-o", file, "--shard", shard, "--resume", "-q")
    assert tagger("merge", *files, "-o", "all.csv").code == 1


def test_parts_that_were_split_otherwise_are_noticed(posters: Path, tag: Run, tagger: Run) -> None:
    files = tagged(tag, "csv")
    manifest = json.loads((posters / "2.csv.run.json").read_bytes())
    manifest["input"]["shard"] -= 1
    (posters / "2.csv.run.json").write_text(json.dumps(manifest))
    assert refused(tagger, posters, *files).startswith(
        "The shards found 20 of the 21 images of their input: all commands must name the same"
    )


def test_only_what_belongs_together_is_joined(posters: Path, tag: Run, tagger: Run) -> None:
    tagged(tag, "csv")
    tag("p", "-o", "one.csv", "-q")
    tag("p", "-o", "half.csv", "--shard", "2/2", "-q")
    assert refused(tagger, posters, "1.csv", "2.csv", "3.csv", "one.csv") == (
        "1.csv is shard 1/3 of an input, and one.csv is not a shard: join them in two steps."
    )
    assert refused(tagger, posters, "1.csv", "half.csv") == (
        "1.csv is shard 1/3 and half.csv is shard 2/2: join shards of the same number."
    )
    assert refused(tagger, posters, "1.csv", "gone.csv") == "No such file: 'gone.csv'."
    (posters / "foreign.csv").write_text("path,tags\n")
    assert refused(tagger, posters, "foreign.csv") == (
        "foreign.csv.run.json, which records how foreign.csv was made, is missing: copy it here, "
        "too."
    )


def test_an_output_that_is_a_part_or_edited_is_refused(
    posters: Path, tag: Run, tagger: Run
) -> None:
    files = tagged(tag, "csv")
    ran = tagger("merge", *files, "-o", "1.csv")
    assert ran.stderr == (
        "tagger: -o 1.csv is one of the tables to be joined: choose another name.\n"
    )
    (posters / "all.csv").write_text("mine")
    assert refused(tagger, posters, *files).startswith("all.csv already exists and is not known")
    assert tagger("merge", *files, "-o", "all.csv", "--overwrite").code == 1
    assert (posters / "all.csv.bak").read_text() == "mine"
    assert tagger("merge", *files).code == 2


def test_empty_shards_are_joined(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "p/a.png")
    for ending in ("csv", "jsonl"):
        files = tagged(tag, ending)
        tag("p", "-o", f"one.{ending}", "-q")
        assert tagger("merge", *files, "-o", f"all.{ending}").code == 0
        assert (folder / f"all.{ending}").read_bytes() == (folder / f"one.{ending}").read_bytes()


def test_the_memory_of_a_merge_does_not_grow(folder: Path, tag: Run, tagger: Run) -> None:
    """Held are some rows of each part, however many there are."""

    def peak(rows: int) -> int:
        files = wide_parts(folder / str(rows), tag, rows)
        tracemalloc.start()
        try:
            ran = tagger("merge", *files, "-o", f"{rows}.csv")
            assert ran.code == 0, ran.stderr
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few = peak(2_000)

    assert peak(40_000) < few + 3_000_000


def wide_parts(folder: Path, tag: Run, rows: int) -> list[str]:
    """Make two tables of many rows each, as runs would have left them, without the images."""
    folder.mkdir()
    save_picture(folder / "x.png")
    files = []
    for name in ("a", "b"):
        file = folder / f"{name}.csv"
        tag(str(folder / "x.png"), "-o", str(file), "-q")
        head = file.read_text().splitlines()[0]
        lines = [
            f"{name}/{number:09}.png,red,,1.0000,0.0000,0.0000,0.0000" for number in range(rows)
        ]
        file.write_text("\n".join([head, *lines, ""]))
        manifest = json.loads(Path(f"{file}.run.json").read_bytes())
        manifest["images"] = {"tagged": rows, "failed": 0}
        Path(f"{file}.run.json").write_text(json.dumps(manifest))
        Path(f"{file}.run.journal").unlink()
        files.append(str(file))
    return files


def test_a_script_of_a_shell(posters: Path, tiny_model: Path) -> None:
    """As processes of their own, side by side."""
    for shard in SHARDS:
        ran = run_tagger(
            *("tag", "p", "-o", f"{shard[0]}.csv", "--shard", shard, "--model", tiny_model, "-q"),
            cwd=posters,
        )
        assert ran.code in (0, 1)

    assert run_tagger("merge", "1.csv", "2.csv", "3.csv", "-o", "all.csv", cwd=posters).code == 1


def test_the_script_for_slurm_does_what_one_run_does(
    posters: Path, tagger: Run, tiny_model: Path
) -> None:
    """The script of the docs, with fewer tasks; Slurm is a loop here."""
    page = (TREE / "docs/scaling.md").read_text(encoding="utf-8")
    script = page.partition("```bash\n")[2].partition("```")[0].replace("shards=64", "shards=3")
    p = posters / "p"
    p.rename(posters / "posters")
    command = f'#!/bin/sh\nexec "{sys.executable}" -m tagger "$@"\n'
    (posters / "bin").mkdir()
    (posters / "bin/tagger").write_text(command)
    (posters / "bin/tagger").chmod(0o755)
    (posters / "tagger.toml").write_text(f'[tag]\nmodel = "{tiny_model}"\n')
    path = f"{posters / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for task in ("1", "2", "3"):
        done = subprocess.run(
            ["bash", "-c", script],
            env={**environment(), "PATH": path, "SLURM_ARRAY_TASK_ID": task},
            check=False,
        )
        assert done.returncode in (0, 1)  # one image is broken

    parts = [f"parts/{task}.csv" for task in (1, 2, 3)]
    assert tagger("merge", *parts, "-o", "tags.csv").code == 1
    tagger("tag", "posters/", "-o", "one.csv", "-q")
    assert (posters / "tags.csv").read_bytes() == (posters / "one.csv").read_bytes()


def test_duckdb_asks_the_tables_of_shards_as_the_docs_say(posters: Path, tag: Run) -> None:
    page = (TREE / "docs/scaling.md").read_text(encoding="utf-8")
    by_tags, failed, joined = page.partition("```sql\n")[2].partition("```")[0].split(";\n")[:3]
    (posters / "parts").mkdir()
    for shard in SHARDS:
        tag("p", "-o", f"parts/{shard[0]}.parquet", "--shard", shard, "-q")
    tag("p", "-o", "one.csv", "-q")
    one = pandas.read_csv("one.csv", keep_default_na=False)

    found = dict(duckdb.sql(by_tags).fetchall())

    assert found == one["tags"].value_counts().to_dict()
    assert duckdb.sql(failed).fetchall() == [
        ("p/broken.png", "a damaged PNG, or a kind of PNG that is not supported")
    ]
    duckdb.sql(joined)
    assert pandas.read_csv("tags.csv")["path"].tolist() == sorted(one["path"])


@pytest.mark.parametrize("layout", ["wide", "list", "long"])
def test_duckdb_reads_parts_of_each_layout_in_one_query(
    posters: Path, tag: Run, layout: str
) -> None:
    for number in range(1, 12):
        options = ("-o", f"tags-{number:02}.parquet", "--shard", f"{number}/11")
        assert tag("p", *options, "--layout", layout, "-q").code in (0, 1)
    tag("p", "-o", "one.parquet", "--layout", layout, "-q")

    found = duckdb.sql("SELECT * FROM 'tags-*.parquet' ORDER BY ALL").fetchall()

    assert found == duckdb.sql("SELECT * FROM 'one.parquet' ORDER BY ALL").fetchall()
    assert len({row[0] for row in found}) == 21
