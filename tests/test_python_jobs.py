"""``Tagger.run``: whole jobs from Python, as the command does them."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran, environment
from pictures import save_picture

from tagger import Listener, Summary, Tagger, TaggerError

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
(RESUMING,) = re.findall(r"```python\n([^`]*resume=True.*?)```", PAGE, flags=re.DOTALL)

BROKEN = "a text file, not an image"


@pytest.fixture
def colours(tiny_model: Path) -> Tagger:
    """Return a tagger with the tiny model."""
    return Tagger(tiny_model, "cpu", workers=2)


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder ``p`` with a red image, a blue one and one that is broken."""
    save_picture(folder / "p/a.png", "red")
    (folder / "p/b.png").write_text("no image")
    save_picture(folder / "p/c.png", "blue")
    return folder / "p"


def content(folder: Path) -> dict[str, bytes]:
    """Return all that lies in a folder but what runs note of themselves."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and ".run." not in file.name
    }


def test_a_gallery_is_written_as_by_the_command(
    posters: Path, colours: Tagger, tag: Callable[..., Ran]
) -> None:
    assert tag("p", "-o", "g.html").code == 1
    written = content(posters.parent)
    for file in Path().glob("g.*"):
        file.unlink()

    summary = colours.run("p", "g.html")

    assert content(posters.parent) == written
    assert summary.tagged == 2
    assert {"g.csv", "g.html"} <= written.keys()
    Path("g.html").write_text("mine")
    with pytest.raises(TaggerError, match=r"g\.html already exists"):
        colours.run("p", "g.html")


def test_it_writes_what_the_command_writes(
    posters: Path,
    colours: Tagger,
    tag: Callable[..., Ran],
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    options = (
        "--layout",
        "long",
        "--columns",
        "name,width",
        "--sidecar",
        "xmp",
        "--sidecar",
        "txt",
    )
    assert tag("p", "-o", "t.csv", *options).code == 1
    written = content(posters.parent)
    for file in written:
        if not file.endswith(".png"):
            os.unlink(file)
    for notes in Path().glob("t.csv.run.*"):
        notes.unlink()
    capsysbinary.readouterr()

    summary = colours.run(
        "p", "t.csv", layout="long", columns=["name", "width"], sidecars=["xmp", "txt"]
    )

    assert content(posters.parent) == written
    assert isinstance(summary, Summary)
    assert (summary.tagged, summary.failed, summary.kept) == (2, 1, 0)
    assert (dict(summary.tags), summary.device) == ({"red": 1, "blue": 1}, "cpu")
    assert summary.holders is not None
    assert summary.holders.written == 4
    assert not summary.is_clean
    assert capsysbinary.readouterr() == (b"", b"")


def test_what_is_done_is_kept(posters: Path, colours: Tagger) -> None:
    colours.run(posters, Path("t.csv"), sidecars="xmp")
    (posters / "b.png").unlink()
    save_picture(posters / "b.png", "lime")
    save_picture(posters / "d.png", "red")
    os.unlink(posters / "a.png.xmp")

    kept = colours.run(posters, Path("t.csv"), sidecars="xmp", resume=True)
    assert (kept.tagged, kept.failed, kept.kept, kept.kept_failed) == (2, 0, 2, 1)
    assert not kept.is_clean

    again = colours.run(posters, Path("t.csv"), sidecars="xmp", resume="failed")
    assert (again.tagged, again.kept, again.is_clean) == (1, 3, True)
    save_picture(posters / "a.png", "blue", size=(70, 50))
    (posters / "b.png").write_text("no image")
    changed = colours.run(posters, Path("t.csv"), sidecars="xmp", resume=["failed", "changed"])
    assert (changed.tagged, changed.failed, changed.kept) == (1, 1, 2)
    save_picture(posters / "b.png", "lime")
    os.utime(posters / "b.png", ns=(1, 1))
    both = colours.run(posters, Path("t.csv"), sidecars="xmp", resume=("failed", "changed"))
    assert (both.tagged, both.kept) == (1, 3)


@pytest.mark.slow
def test_the_example_is_killed_and_continues(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert len(RESUMING.strip().splitlines()) <= 8
    large = save_picture(tmp_path_factory.mktemp("large") / "x.png", "red", size=(900, 900))
    for place in range(200):
        (folder / "posters").mkdir(exist_ok=True)
        os.link(large, folder / f"posters/{place:03}.png")
    command = [sys.executable, "-c", RESUMING]
    state = environment() | {"XDG_STATE_HOME": str(folder / "state")}

    with subprocess.Popen(command, cwd=folder, env=state) as first:
        while first.poll() is None and not (folder / "posters/004.png.xmp").exists():
            time.sleep(0.005)
        first.kill()
    assert first.returncode == -9
    assert not Path("tags.csv").exists()
    second = subprocess.run(
        command, cwd=folder, env=state, capture_output=True, check=True, text=True
    )

    tagged, kept = re.findall(r"[0-9]+", second.stdout)[::2]
    assert (int(tagged) + int(kept), int(kept) >= 4) == (200, True)
    resumed = content(folder)
    shutil.rmtree(folder / "state", ignore_errors=True)
    for file in (*folder.glob("tags.csv*"), *folder.glob("posters/*.xmp")):
        file.unlink()
    subprocess.run(command, cwd=folder, env=state, check=True, stdout=subprocess.DEVNULL)
    assert content(folder) == resumed


def test_sidecars_alone_and_tags_inside(
    posters: Path, colours: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(posters.parent / "state"))

    mirrored = colours.run("p", sidecars=["json"], sidecar_dir="s", resume=True)
    inside = colours.run(["p/a.png", "p/c.png"], embed=True, backup=True)

    assert mirrored.holders is not None
    assert mirrored.holders.written == 2
    assert sorted(os.listdir("s")) == ["a.png.json", "c.png.json"]
    assert inside.holders is not None
    assert inside.holders.images_changed == 2
    assert (posters / "a.png.bak").exists()
    assert colours.run("p", sidecars=["json"], sidecar_dir="s", resume=True).kept == 3


def test_a_listener_is_told(posters: Path, colours: Tagger) -> None:
    class Noting(Listener):
        def __init__(self) -> None:
            self.told: list[object] = []

        def began(self, so_far: Callable[[], Summary]) -> None:
            self.so_far = so_far
            self.told.append(so_far().tagged)

        def failed(self, path: str, reason: str, *, has_row: bool) -> None:
            self.told.append((path, reason, has_row, self.so_far().tagged))

    noting = Noting()
    (posters / "c.png.txt").mkdir()

    summary = colours.run("p", "t.csv", sidecars=["txt"], listener=noting)

    assert noting.told[:2] == [0, ("p/b.png", BROKEN, True, 1)]
    assert noting.told[2:] in ([], [("p/c.png.txt", "is a directory", False, 1)])
    assert noting.so_far().tagged == summary.tagged == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "No output: pass output, sidecars or embed."),
        ({"output": "-"}, "No output: pass output, sidecars or embed."),
        (
            {"columns": ["year"], "sidecars": ["txt"]},
            "No output: pass output, sidecars or embed.",
        ),
        (
            {"output": "t.doc"},
            "output t.doc: '.doc' is not the extension of a table format: use ",
        ),
        ({"output": "no/t.csv"}, "no/t.csv cannot be written: there is no folder "),
        (
            {"output": "t.csv", "layout": "broad"},
            "layout: unknown 'broad'; available: wide, list, long.",
        ),
        (
            {"output": "t.csv", "columns": ["colour"]},
            "columns: unknown column 'colour'; available: folder, name, title, year, ",
        ),
        (
            {"output": "t.csv", "resume": "update"},
            "resume: unknown 'update'; available: failed, changed.",
        ),
        (
            {"sidecars": ["xpm"]},
            "sidecars: unknown 'xpm'; available: json, nfo, txt, xmp.",
        ),
        ({"paths": "nowhere", "output": "t.csv"}, "No such file or folder: 'nowhere'."),
        (
            {"sidecars": ["nfo"], "sidecar_dir": "s"},
            "sidecars nfo cannot be combined with sidecar_dir: genres go into the .nfo ",
        ),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    posters: Path, colours: Tagger, options: dict[str, object], message: str
) -> None:
    with pytest.raises(TaggerError) as caught:
        colours.run(**({"paths": "p"} | options))
    assert str(caught.value).startswith(message)
    assert sorted(os.listdir()) == ["p"]


@pytest.mark.parametrize("thumbnails", [True, False])
def test_a_workbook_shows_images_unless_told_otherwise(
    posters: Path, colours: Tagger, thumbnails: bool
) -> None:
    colours.run("p", "t.xlsx", thumbnails=thumbnails)
    with zipfile.ZipFile("t.xlsx") as book:
        pictures = [name for name in book.namelist() if name.startswith("xl/media/")]
    assert len(pictures) == (2 if thumbnails else 0)

    with pytest.raises(TaggerError, match="thumbnails=False"):
        colours.run("p", "t.xlsx", thumbnails=not thumbnails, resume=True)


def test_another_run_with_other_options_is_not_continued(
    posters: Path, colours: Tagger, tiny_model: Path
) -> None:
    colours.run("p", "t.csv")
    with pytest.raises(TaggerError, match=r"that run used the default \(3\)"):
        Tagger(tiny_model, "cpu", max_tags=1).run("p", "t.csv", resume=True)


def test_no_more_than_twelve_arguments() -> None:
    for function in (Tagger.run, Tagger.__init__):
        assert len(inspect.signature(function).parameters) <= 12 + 1  # and the tagger itself


def test_no_worker_is_too_few(tiny_model: Path) -> None:
    with pytest.raises(TaggerError, match="workers: 0 is not a whole number from 1 to 1,024"):
        Tagger(tiny_model, "cpu", workers=0)
