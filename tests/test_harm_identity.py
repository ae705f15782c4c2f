"""Harm prevented: one image counts as two because its path is spelled in two ways.

``--resume``, ``apply`` and ``retag`` find an image by where it really is: through ``./``, an
absolute path, a link, with accents composed or not, in another case where the file system has
none, and under any locale.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran, command_line, environment
from messages import says
from pictures import save_picture

from tagger.find.identity import Identity, composed, on_disk

Run = Callable[..., Ran]

ACCENTED = "café"
DECOMPOSED = unicodedata.normalize("NFD", ACCENTED)


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder with three images in ``p``, and links to it."""
    for name in ("a.png", "q/b.png", "c.png"):
        save_picture(folder / "p" / name, "red")
    (folder / "link").symlink_to("p")
    return folder


def paths_in(table: Path) -> list[str]:
    return [line.split(",")[0] for line in table.read_text("utf-8").splitlines()[1:]]


def tells_apart(folder: Path, one: str, other: str) -> bool:
    """Return whether the file system has two files by these names."""
    (folder / one).touch()
    two = not (folder / other).exists()
    (folder / one).unlink()
    return two


SPELLINGS = ["p", "p/", "./p", "p/../p", "link", "link/", "./link/", "{here}/p", "{here}/link", "."]


@pytest.mark.parametrize("first", ["p", "./p", "link", "{here}/p"])
@pytest.mark.parametrize("second", SPELLINGS)
def test_a_table_is_resumed_by_any_spelling(
    posters: Path, tag: Run, first: str, second: str
) -> None:
    options = ("-o", "t.csv", "--layout", "list")
    tag(first.format(here=posters), *options)
    before = (posters / "t.csv").read_bytes()

    ran = tag(second.format(here=posters), *options, "--resume")

    assert ran.code == 0
    assert "3 kept from an earlier run." in ran.stderr
    assert (posters / "t.csv").read_bytes() == before


@pytest.mark.parametrize("name", ["t.tsv", "t.jsonl", "t.parquet", "t.xlsx"])
@pytest.mark.parametrize("layout", ["wide", "long"])
def test_every_format_is_resumed(posters: Path, tag: Run, name: str, layout: str) -> None:
    tag("p", "-o", name, "--layout", layout)
    before = (posters / name).read_bytes()

    ran = tag("./p", "-o", name, "--layout", layout, "--resume")

    assert "3 kept from an earlier run." in ran.stderr
    assert (posters / name).read_bytes() == before


@pytest.mark.parametrize("option", ["--absolute", "--relative-to"])
def test_tables_with_other_paths_are_resumed(posters: Path, tag: Run, option: str) -> None:
    options = ("-o", "t.csv", option, *(["p"] if option == "--relative-to" else []))
    tag("p", *options)
    before = (posters / "t.csv").read_bytes()

    ran = tag("link", *options, "--resume")

    assert "3 kept from an earlier run." in ran.stderr
    assert (posters / "t.csv").read_bytes() == before


def test_a_list_by_another_spelling_adds_what_is_new(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.csv", "--layout", "list")
    save_picture(posters / "p/d.png", "red")
    names = "".join(f"{file}\n" for file in sorted((posters / "p").rglob("*.png")))

    ran = tag("-", "-o", "t.csv", "--layout", "list", "--resume", stdin=names.encode())

    assert ran.code == 0
    assert paths_in(posters / "t.csv") == [
        "p/a.png", "p/c.png", "p/q/b.png", str(posters / "p/d.png")
    ]  # fmt: skip


@pytest.mark.parametrize("option", ["--retry-failed", "--update"])
def test_an_image_that_is_done_again_keeps_its_one_row(
    posters: Path, tag: Run, option: str
) -> None:
    (posters / "p/b.png").write_bytes(b"")
    tag("p", "-o", "t.csv", "--layout", "list")
    save_picture(posters / "p/b.png", "green")

    ran = tag("./p", "-o", "t.csv", "--layout", "list", option)

    assert ran.code == 0
    assert (posters / "t.csv").read_text().splitlines()[1:] == [
        "p/a.png,red,", "./p/b.png,green,", "p/c.png,red,", "p/q/b.png,red,"
    ]  # fmt: skip
    again = tag("link", "-o", "t.csv", "--layout", "list", "--resume")
    assert "4 kept from an earlier run." in again.stderr
    assert len(paths_in(posters / "t.csv")) == 4


def test_an_interrupted_run_goes_on_by_another_spelling(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.csv", "--layout", "list")
    table = (posters / "t.csv").read_bytes()
    lines = table.splitlines(keepends=True)
    # As a run leaves it that is killed after two images.
    (posters / "t.csv").rename(posters / "t.csv.part")
    (posters / "t.csv.part").write_bytes(b"".join(lines[:3]))
    manifest = posters / "t.csv.run.json"
    manifest.write_text(
        "".join(
            '  "ended": null,\n' if '"ended"' in line else line
            for line in manifest.read_text().splitlines(keepends=True)
        )
    )

    ran = tag("./p", "-o", "t.csv", "--layout", "list", "--resume")

    assert "2 kept from an earlier run." in ran.stderr
    assert paths_in(posters / "t.csv") == ["p/a.png", "p/c.png", "./p/q/b.png"]


@pytest.mark.parametrize("spelling", ["p", "{here}/p", "../p"])
def test_a_table_with_relative_paths_is_not_resumed_from_another_folder(
    posters: Path, tag: Run, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    options = ("-o", f"{posters}/t.csv", "--layout", "list")
    tag("p", *options)
    before = (posters / "t.csv").read_bytes()
    for name in ("p/a.png", "new.png"):
        save_picture(posters / "elsewhere" / name, "green")

    monkeypatch.chdir("elsewhere")
    ran = tag(spelling.format(here=posters), *options, "--resume")

    assert ran.code == 2
    assert ran.stderr == says("other folder", output=posters / "t.csv", folder=posters)
    assert (posters / "t.csv").read_bytes() == before


def test_a_library_that_was_copied_with_its_table_is_resumed(
    posters: Path, tag: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag("p", "-o", "t.csv", "--layout", "list")
    shutil.copytree(posters, posters.parent / f"{posters.name}-copy", symlinks=True)
    save_picture(posters.parent / f"{posters.name}-copy/p/d.png", "red")

    monkeypatch.chdir(posters.parent / f"{posters.name}-copy")
    ran = tag("p", "-o", "t.csv", "--layout", "list", "--resume")

    assert (ran.code, "3 kept from an earlier run" in ran.stderr) == (0, True)
    assert len(paths_in(posters.parent / f"{posters.name}-copy/t.csv")) == 4


def test_a_library_on_a_drive_with_a_new_name_is_resumed(
    posters: Path, tag: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("-o", str(posters / "t.csv"), "--layout", "list")
    (posters / "drive").mkdir()
    (posters / "p").rename(posters / "drive/p")
    monkeypatch.chdir("drive")
    tag("p", *options)
    (posters / "drive").rename(posters / "drive2")

    monkeypatch.chdir(posters / "drive2")
    ran = tag("p", *options, "--resume")

    assert (ran.code, "3 kept from an earlier run" in ran.stderr) == (0, True)


def test_sidecars_are_resumed_by_any_spelling(posters: Path, tag: Run) -> None:
    tag("p", "--sidecar", "txt")

    for spelling in ("./p", "link", f"{posters}/link"):
        ran = tag(spelling, "--sidecar", "txt", "--resume")
        assert "3 kept from an earlier run." in ran.stderr


def test_accents_composed_otherwise_are_the_same_image(folder: Path, tag: Run) -> None:
    two_files = tells_apart(folder, f"{ACCENTED}.png", f"{DECOMPOSED}.png")
    save_picture(folder / f"{ACCENTED}/{ACCENTED}.png", "red")
    tag(ACCENTED, "-o", "t.csv", "--layout", "list")
    # As a copy by a Mac leaves it.
    (folder / ACCENTED / f"{ACCENTED}.png").rename(folder / ACCENTED / f"{DECOMPOSED}.png")
    (folder / ACCENTED).rename(folder / DECOMPOSED)

    ran = tag(DECOMPOSED, "-o", "t.csv", "--layout", "list", "--resume")

    assert "1 kept from an earlier run." in ran.stderr
    assert paths_in(folder / "t.csv") == [f"{ACCENTED}/{ACCENTED}.png"]
    assert two_files or (folder / ACCENTED).exists()


def test_two_files_that_differ_in_accents_stay_two(folder: Path, tag: Run) -> None:
    save_picture(folder / f"p/{ACCENTED}.png", "red")
    tag("p", "-o", "t.csv", "--layout", "list")
    two_files = tells_apart(folder, "é", unicodedata.normalize("NFD", "é"))
    save_picture(folder / f"p/{DECOMPOSED}.png", "red")

    tag("./p", "-o", "t.csv", "--layout", "list", "--resume")

    kept = [f"p/{ACCENTED}.png"]
    expected = [*kept, f"./p/{DECOMPOSED}.png"] if two_files else kept
    assert paths_in(folder / "t.csv") == expected


def test_case_counts_where_the_file_system_has_it(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/Heat.png", "red")
    tag("p", "-o", "t.csv", "--layout", "list")
    two_files = tells_apart(folder, "x", "X")
    if two_files:
        save_picture(folder / "p/heat.png", "red")

    tag("p/heat.png", "-o", "t.csv", "--layout", "list", "--resume")

    assert paths_in(folder / "t.csv") == ["p/Heat.png", *(["p/heat.png"] if two_files else [])]


def test_an_image_behind_two_links_keeps_both_rows(folder: Path, tag: Run) -> None:
    save_picture(folder / "elsewhere/b.png", "red")
    (folder / "p").mkdir()
    for name in ("one", "two"):
        (folder / "p" / name).symlink_to("../elsewhere")
    options = ("p", "--follow-symlinks", "--layout", "list", "-o", "t.csv")
    tag(*options)
    whole = (folder / "t.csv").read_bytes()
    (folder / "t.csv").unlink()
    tag(*options[1:], "p/one")

    tag(*options, "--resume")

    assert (folder / "t.csv").read_bytes() == whole


def test_links_to_files_are_images_of_their_own(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.png", "red")
    tag("p", "-o", "t.csv", "--layout", "list")
    (folder / "p/b.png").symlink_to("a.png")

    tag("./p", "-o", "t.csv", "--layout", "list", "--resume")

    assert paths_in(folder / "t.csv") == ["p/a.png", "./p/b.png"]


def test_the_disk_says_how_a_path_is_spelled(folder: Path) -> None:
    save_picture(folder / f"{DECOMPOSED}/{ACCENTED}.png")

    for directory in (ACCENTED, DECOMPOSED):
        for name in (ACCENTED, DECOMPOSED):
            found = on_disk(f"{directory}/{name}.png")
            assert found is not None
            assert os.path.samefile(found, folder / f"{DECOMPOSED}/{ACCENTED}.png")
    assert on_disk(f"{ACCENTED}/b.png") is None
    assert composed(f"{DECOMPOSED}/a") == f"{ACCENTED}/a"
    assert Identity().form(f"{DECOMPOSED}/a") == Identity().form(f"{ACCENTED}/a")


def apply(tagger: Run, *arguments: str) -> list[str]:
    """Apply a table; return what it shows of each image, and check that nothing failed."""
    ran = tagger("apply", *arguments, "--yes")
    assert ran.code == 0, ran.stderr
    return ran.stdout.decode().splitlines()


@pytest.mark.parametrize("spelling", ["./p/a.png", "link/a.png", "{here}/p/a.png", "p/q/../a.png"])
def test_rows_that_say_the_same_of_an_image_count_once(
    posters: Path, tagger: Run, spelling: str
) -> None:
    other = spelling.format(here=posters)
    (posters / "t.csv").write_text(f"path,tags\np/a.png,red\n{other},red\n")

    assert apply(tagger, "t.csv") == ["p/a.png: +red"]
    assert [file.name for file in posters.rglob("*.xmp")] == ["a.png.xmp"]

    (posters / "t.csv").write_text(f"path,tags\np/a.png,red\n{other},blue\n")
    ran = tagger("apply", "t.csv", "--yes")
    assert (ran.code, ran.stdout) == (3, b"")
    assert ran.stderr == (
        f"tagger: t.csv has two rows for {other}, with the tags 'red' and 'blue': keep only one.\n"
    )


@pytest.mark.parametrize("command", ["apply", "retag"])
def test_rows_with_other_accents_find_their_image(
    folder: Path, tag: Run, tagger: Run, tiny_model: Path, command: str
) -> None:
    save_picture(folder / f"{ACCENTED}/{ACCENTED}.png", "red")
    tag(ACCENTED, "-o", "t.csv")
    (folder / ACCENTED / f"{ACCENTED}.png").rename(folder / ACCENTED / f"{DECOMPOSED}.png")
    (folder / ACCENTED).rename(folder / DECOMPOSED)

    options = ["--yes"] if command == "apply" else ["--model", str(tiny_model)]
    ran = tagger(command, "t.csv", "--sidecar", "xmp", *options)

    assert ran.code == 0, ran.stderr
    (sidecar,) = folder.rglob("*.xmp")
    assert sidecar == folder / DECOMPOSED / f"{DECOMPOSED}.png.xmp"


def test_two_files_that_differ_in_accents_are_corrected_apart(folder: Path, tagger: Run) -> None:
    two_files = tells_apart(folder, ACCENTED, DECOMPOSED)
    names = [f"{ACCENTED}.png", f"{DECOMPOSED}.png"] if two_files else [f"{ACCENTED}.png"]
    for name in names:
        save_picture(folder / name)
    tags = ["red", "blue"]
    rows = [f"{name},{tag}\n" for name, tag in zip(names, tags, strict=False)]
    (folder / "t.csv").write_text("path,tags\n" + "".join(rows), encoding="utf-8")

    told = apply(tagger, "t.csv")

    assert sorted(told) == sorted(f"{name}: +{tag}" for name, tag in zip(names, tags, strict=False))


@pytest.mark.parametrize("first", ["utf-8", "ascii"])
def test_a_table_of_another_locale_is_read(folder: Path, tiny_model: Path, first: str) -> None:
    save_picture(folder / f"p/{ACCENTED}.png", "red")
    locales = {
        "utf-8": {"PYTHONUTF8": "1"},
        "ascii": {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C",
                  "PYTHONIOENCODING": "utf-8"},
    }  # fmt: skip

    def run(locale: str, *arguments: str | Path) -> str:
        done = subprocess.run(
            command_line(*arguments), cwd=folder, env=environment() | locales[locale],
            capture_output=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stderr.decode("utf-8", "replace")

    second = {"utf-8": "ascii", "ascii": "utf-8"}[first]
    options = ("-o", "t.csv", "--layout", "list", "--model", tiny_model)
    run(first, "tag", "p", *options)
    table = (folder / "t.csv").read_bytes()
    assert table == f"path,tags,error\np/{ACCENTED}.png,red,\n".encode()

    assert "1 kept from an earlier run" in run(second, "tag", "p", *options, "--resume")
    assert "1 kept from an earlier run" in run(second, "tag", "./p", *options, "--resume")
    assert (folder / "t.csv").read_bytes() == table
    run(second, "apply", "t.csv", "--yes")
    assert [file.name for file in folder.rglob("*.xmp")] == [f"{ACCENTED}.png.xmp"]
