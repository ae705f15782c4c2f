"""Resuming across versions: what another one noted counts, what it lacked has its default."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Ran
from pictures import save_picture

Tag = Callable[..., Ran]

#: What version 0.1.0 left of ``tagger tag p -o t.csv --sidecar txt``, killed after ``p/a.png``.
ROWS = "path,tags,error,red,green,blue,N/A\np/a.png,red,,1.0000,0.0000,0.0000,0.0000\n"
JOURNAL = (
    "746167676572206a6f75726e616c20310a323332646138643333326533663030370a"
    "00000000000000000000000000000000ffffffffffffffffffffffffffffffff"
    "23000000584417eb0000000004000000471a7991"
    "7c926037edab09c41741db90c50da5da5300000000000000ecb5a2a4a95deb18"
    "290000009e4a588f010000000000000048f7bde9"
)
MANIFEST: dict[str, Any] = {
    "format": 1,
    "output": "t.csv",
    "model": {
        "name": "colours",
        "version": "1.2",
        "precision": "fp32",
        "sha256": "",
    },
    "options": {
        "--format": "csv",
        "--layout": "wide",
        "--excel": False,
        "--columns": [],
        "--absolute": False,
        "--relative-to": None,
        "--threshold": {"red": 0.5, "green": 0.5, "blue": 0.5, "N/A": 0.5},
        "--min-tags": 1,
        "--max-tags": 3,
        "--ignore": ["N/A"],
        "--rename": {},
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
    "run": "232da8d332e3f007",
    "started": "2026-11-25T18:37:42+00:00",
    "resumed": [],
    "ended": None,
    "images": None,
    "processes": ["01234567"],
    "versions": {"poster-tagger": "0.1.0", "python": "3.11.7", "system": "Linux x86_64"},
    "former": None,
}

OF_TABLES = tuple(MANIFEST["options"])[:11]


@pytest.fixture
def left_over(folder: Path, tiny_model: Path) -> dict[str, Any]:
    """Return the manifest of a run of version 0.1.0 that lies there, killed after one image."""
    save_picture(folder / "p/a.png", "red")
    save_picture(folder / "p/b.png", "blue")
    Path("p/a.png.txt").write_text("red\n")
    Path("t.csv.part").write_text(ROWS)
    Path("t.csv.run.journal").write_bytes(bytes.fromhex(JOURNAL))
    digest = hashlib.sha256(tiny_model.read_bytes()).hexdigest()
    manifest = {**MANIFEST, "model": {**MANIFEST["model"], "sha256": digest}}
    note(manifest)
    return manifest


def note(manifest: dict[str, Any]) -> None:
    """Write a manifest as version 0.1.0 wrote it."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    Path("t.csv.run.json").write_text(text, encoding="utf-8")


def without(manifest: dict[str, Any], *options: str) -> dict[str, Any]:
    """Return a manifest that lacks options."""
    left = {name: value for name, value in manifest["options"].items() if name not in options}
    return {**manifest, "options": left}


def test_a_run_of_version_0_1_0_is_resumed(left_over: dict[str, Any], tag: Tag) -> None:
    ran = tag("p", "-o", "t.csv", "--sidecar", "txt", "--resume")

    assert ran.code == 0
    assert "1 kept from an earlier run" in ran.stderr
    assert Path("t.csv").read_text() == ROWS + "p/b.png,blue,,0.0000,0.0000,1.0000,0.0000\n"
    manifest = json.loads(Path("t.csv.run.json").read_text())
    newer = {"folder", "sha256", "input"}
    assert [key for key in manifest if key not in newer] == list(left_over)
    assert list(manifest["options"].items()) == list(left_over["options"].items())
    assert (manifest["run"], len(manifest["resumed"])) == (left_over["run"], 1)
    assert (manifest["images"], manifest["processes"]) == ({"tagged": 2, "failed": 0}, [])
    journal = Path("t.csv.run.journal").read_bytes()
    assert journal.startswith(bytes.fromhex(JOURNAL))
    assert len(journal) == len(bytes.fromhex(JOURNAL)) + 52


@pytest.mark.parametrize("option", [*MANIFEST["options"], OF_TABLES[6:11]], ids=str)
def test_an_option_that_a_manifest_lacks_has_its_built_in_value(
    left_over: dict[str, Any], tag: Tag, option: str | tuple[str, ...]
) -> None:
    lacked = (option,) if isinstance(option, str) else option
    sidecar = () if option == "--sidecar" else ("--sidecar", "txt")
    note(without(left_over, *lacked))

    ran = tag("p", "-o", "t.csv", *sidecar, "--resume")

    assert (ran.code, "1 kept from an earlier run" in ran.stderr) == (0, True), ran.stderr


@pytest.mark.parametrize(
    ("option", "now", "differ"),
    [
        (
            "--max-tags",
            ("--max-tags", "2"),
            "the default (3); this one uses --max-tags 2",
        ),
        (
            "--existing",
            ("--existing", "skip"),
            "the default (merge); this one uses --existing skip",
        ),
        (
            "--threshold",
            ("--threshold", "red=0.4"),
            "the default (red=0.5); this one uses --threshold red=0.4",
        ),
        ("--embed", ("--embed",), "no --embed; this one uses --embed"),
    ],
)
def test_what_differs_from_the_built_in_value_is_refused(
    left_over: dict[str, Any], tag: Tag, option: str, now: tuple[str, ...], differ: str
) -> None:
    note(without(left_over, option))

    ran = tag("p", "-o", "t.csv", "--sidecar", "txt", *now, "--resume")

    assert ran.code == 2
    assert f"that run used {differ}: " in ran.stderr
    assert Path("t.csv.part").read_text() == ROWS


def test_an_option_of_a_later_version_counts_only_where_it_was_used(
    left_over: dict[str, Any], tag: Tag
) -> None:
    for value, code in ((True, 2), (False, 0)):
        note({**left_over, "options": {**left_over["options"], "--sepia": value}})
        ran = tag("p", "-o", "t.csv", "--sidecar", "txt", "--resume")
        assert ran.code == code, ran.stderr
        assert ("that run used --sepia" in ran.stderr) == (code == 2)


def test_keys_that_a_manifest_lacks_or_that_are_new_do_no_harm(
    left_over: dict[str, Any], tag: Tag
) -> None:
    fewest = {key: left_over[key] for key in ("format", "model", "options", "run")}
    note({**fewest, "mood": "good", "model": {**left_over["model"], "licence": "Apache-2.0"}})

    ran = tag("p", "-o", "t.csv", "--sidecar", "txt", "--resume")

    assert (ran.code, os.path.exists("t.csv")) == (0, True), ran.stderr
