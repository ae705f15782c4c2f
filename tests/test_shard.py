"""``--shard K/N``: every image belongs to one part, the same one on every machine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from pictures import save_picture

from tagger.find.scan import Scan, WalkOptions, scan
from tagger.find.shard import Shard

Run = Callable[..., Ran]

NAMES = [
    *(f"p/{number:02}.png" for number in range(20)),
    "p/é/ポスター.png",
    "p/comma, name.png",
    os.fsdecode(b"p/not utf-8 \xff.png"),
]


@pytest.fixture
def posters(folder: Path) -> Path:
    for name in NAMES:
        save_picture(folder / name)
    return folder


def listed(tag: Run, *arguments: str, stdin: bytes = b"") -> list[bytes]:
    ran = tag(*arguments, "--dry-run", stdin=stdin)
    assert ran.code == 0, ran.stderr
    return ran.stdout.splitlines()


def paths(shard: str, *arguments: str) -> list[str]:
    options = WalkOptions(shard=Shard.parsed(shard))
    return list(scan(arguments, options).paths(lambda folder, reason: None))


@pytest.mark.parametrize("how", ["folder", "stdin", "list"])
def test_every_image_is_in_one_shard(posters: Path, tag: Run, how: str) -> None:
    content = b"".join(os.fsencode(name) + b"\0" for name in NAMES)
    (posters / "list").write_bytes(content)
    arguments = {
        "folder": ["p"],
        "stdin": ["-", "-0"],
        "list": ["--files-from", "list", "-0"],
    }[how]

    whole = listed(tag, *arguments, stdin=content)
    parts = [listed(tag, *arguments, "--shard", f"{k}/3", stdin=content) for k in (1, 2, 3)]

    assert len(whole) == len(NAMES)
    assert sorted([*parts[0], *parts[1], *parts[2]]) == sorted(whole)
    assert all(len(part) > 3 for part in parts)
    # As a list and as a folder: the folder that holds everything is the same.
    assert parts == [listed(tag, "p", "--shard", f"{k}/3") for k in (1, 2, 3)]


def test_the_split_is_the_same_for_ever() -> None:
    """Parts of one table may be made by different versions, on different systems."""
    takes = [Shard(number, 5).takes("/mnt/posters") for number in range(1, 6)]
    below = ["a.jpg", "b/heat (1995).jpg", "é.png", "ポスター.png", os.fsdecode(b"\xff.png")]

    found = [
        [one(f"/mnt/posters/{name}".replace("/", os.sep)) for one in takes].index(True) + 1
        for name in below
    ]

    assert found == [4, 2, 4, 5, 4]


def test_a_file_system_may_be_mounted_elsewhere(tmp_path: Path) -> None:
    for mount in ("one/mnt/posters", "another/data"):
        for name in NAMES:
            save_picture(tmp_path / mount / name)

    def below(mount: str) -> list[str]:
        root = str(tmp_path / mount)
        return [os.path.relpath(path, root) for path in paths("2/3", root)]

    assert below("one/mnt/posters") == below("another/data")


def test_a_url_is_split_alike_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = [f"s3://bucket/posters/{number}.jpg" for number in range(40)]
    found = []
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        found.append([url for url in urls if Shard(1, 3).takes("")(url)])

    assert found[0] == found[1]
    assert 5 < len(found[0]) < 25


def test_shards_are_even() -> None:
    takes = [Shard(number, 16).takes("/p") for number in range(1, 17)]
    names = [f"/p/{number}/{number % 7}.jpg" for number in range(16_000)]

    sizes = [sum(map(one, names)) for one in takes]

    assert sum(sizes) == 16_000
    assert min(sizes) > 850
    assert max(sizes) < 1_150


def test_folders_of_the_same_names_are_even(tmp_path: Path) -> None:
    """As media centres have them: movies/*/poster.jpg, each folder named by the shell."""
    folders = [tmp_path / f"film {number}" for number in range(60)]
    for folder in folders:
        folder.mkdir()
        (folder / "poster.jpg").touch()

    sizes = [len(paths(f"{number}/3", *map(str, folders))) for number in (1, 2, 3)]

    assert sum(sizes) == 60
    assert min(sizes) > 10


def test_images_that_share_a_sidecar_come_together(posters: Path, tag: Run) -> None:
    for number in range(20):
        save_picture(posters / f"p/{number:02}.bmp")

    for number in (1, 2, 3):
        found = listed(tag, "p", "--shard", f"{number}/3")
        stems = [os.path.splitext(path)[0] for path in found if path[2:4].isdigit()]
        assert all(stems.count(stem) == 2 for stem in stems)


def test_a_dry_run_says_how_many_there_are(posters: Path, tag: Run) -> None:
    ran = tag("p", "--shard", "2/3", "--dry-run")

    count = len(ran.stdout.splitlines())
    assert ran.stderr == f"{count} images would be tagged.\nShard 2/3: {count} of 23 images.\n"


def test_a_table_knows_its_shard(posters: Path, tag: Run) -> None:
    ran = tag("p", "-o", "t.csv", "--shard", "1/3", "--summary", "s.json")

    count = len((posters / "t.csv").read_text().splitlines()) - 1
    assert ran.code == 0
    assert f"Shard 1/3: {count} of 23 images." in ran.stderr
    manifest = json.loads((posters / "t.csv.run.json").read_bytes())
    assert manifest["options"]["--shard"] == "1/3"
    assert manifest["input"] == {"images": 23, "shard": count}
    summary = json.loads((posters / "s.json").read_bytes())
    assert (summary["shard"], summary["input"]) == ("1/3", {"images": 23, "shard": count})
    # It is known as a summary the next time.
    assert tag("p", "-o", "t.csv", "--shard", "1/3", "--summary", "s.json").code == 0


def test_another_shard_is_not_resumed(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.csv", "--shard", "1/3")
    before = (posters / "t.csv").read_bytes()

    other = tag("p", "-o", "t.csv", "--shard", "2/3", "--resume")
    whole = tag("p", "-o", "t.csv", "--update")

    assert (other.code, whole.code) == (2, 2)
    assert other.stderr == (
        "tagger: --resume cannot continue t.csv: that run used --shard 1/3; this one uses --shard "
        "2/3: pass the same, or start over with --overwrite.\n"
    )
    assert "that run used --shard 1/3; this one uses no --shard: pass the same" in whole.stderr
    assert (posters / "t.csv").read_bytes() == before


@pytest.mark.parametrize("former", [("--shard", "1/3"), ()])
def test_another_shard_does_not_replace_a_table(
    posters: Path, tag: Run, former: tuple[str, ...]
) -> None:
    """As when the tasks of an array are all given the same output."""
    tag("p", "-o", "t.csv", *former)
    before = (posters / "t.csv").read_bytes()

    ran = tag("p", "-o", "t.csv", "--shard", "2/3")
    assert ran.code == 2
    assert ran.stderr == (
        "tagger: t.csv is not the table of shard 2/3: give each shard its own output, or pass "
        "--overwrite to replace it (a copy is kept as t.csv.bak).\n"
    )
    assert (posters / "t.csv").read_bytes() == before

    assert tag("p", "-o", "t.csv", "--shard", "2/3", "--overwrite").code == 0
    assert (posters / "t.csv.bak").read_bytes() == before


def test_a_shard_is_resumed_and_updated(posters: Path, tag: Run) -> None:
    options = ("-o", "t.csv", "--shard", "1/3")
    tag("p", *options)
    name = (posters / "t.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    save_picture(posters / name, "white", size=(30, 30))
    for number in range(20, 40):
        save_picture(posters / f"p/{number}.png")

    ran = tag("p", *options, "--update")

    manifest = json.loads((posters / "t.csv.run.json").read_bytes())
    assert ran.code == 0
    assert manifest["input"]["images"] == 43
    assert sum(manifest["images"].values()) == manifest["input"]["shard"]
    # The same as one run, but for the order: new images come last.
    tag("p", "-o", "fresh.csv", "--shard", "1/3")
    fresh, updated = ((posters / file).read_text().splitlines() for file in ("fresh.csv", "t.csv"))
    assert sorted(fresh) == sorted(updated)


def test_news_of_other_shards_are_noted(posters: Path, tag: Run) -> None:
    options = ("-o", "t.csv", "--shard", "1/3")
    tag("p", *options)
    table = (posters / "t.csv").read_bytes()
    new = next(
        f"{number}.png"
        for number in range(20, 40)
        if not Shard(1, 3).takes(str(posters / "p"))(str(posters / "p" / f"{number}.png"))
    )
    save_picture(posters / "p" / new)

    assert tag("p", *options, "--resume").code == 0

    manifest = json.loads((posters / "t.csv.run.json").read_bytes())
    assert manifest["input"]["images"] == 24
    assert (posters / "t.csv").read_bytes() == table


def test_a_shard_may_be_empty(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.png")
    takers = [Shard(k, 2).takes(str(folder / "p"))(str(folder / "p/a.png")) for k in (1, 2)]
    empty = takers.index(False) + 1

    ran = tag("p", "-o", "t.csv", "--shard", f"{empty}/2")

    assert ran.code == 0
    assert f"Shard {empty}/2: 0 of 1 image." in ran.stderr
    assert (folder / "t.csv").read_text() == "path,tags,error,red,green,blue,N/A\n"


def test_an_input_without_images_is_reported(folder: Path, tag: Run) -> None:
    (folder / "p").mkdir()

    ran = tag("p", "-o", "t.csv", "--shard", "1/2")

    assert ran.code == 1
    assert "No images were found." in ran.stderr


def test_shards_of_sidecars_have_notes_of_their_own(
    posters: Path, tag: Run, own_state: Path
) -> None:
    for number in (1, 2, 3):
        assert tag("p", "--sidecar", "txt", "--shard", f"{number}/3").code == 0

    assert len(list((posters / "p").rglob("*.txt"))) == len(NAMES)
    assert len(list(own_state.glob("*.run.json"))) == 3
    again = tag("p", "--sidecar", "txt", "--shard", "2/3", "--resume")
    assert again.stderr.count("kept from an earlier run") == 1


def test_a_scan_without_a_shard_counts_nothing(posters: Path) -> None:
    from tagger.find.left_out import LeftOut

    left_out = LeftOut()
    found: Scan = scan(["p"], WalkOptions())

    assert len(list(found.paths(lambda folder, reason: None, left_out))) == 23
    assert left_out.input is None
