"""Harm: an image's tags go nowhere, or into the sidecar of another file, and nothing says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from pictures import save_picture

Run = Callable[..., Ran]

KINDS = ("txt", "json", "xmp")


# Two images, one name


@pytest.mark.parametrize("existing", ["merge", "overwrite", "skip", "error"])
@pytest.mark.parametrize("kind", KINDS)
def test_images_that_would_share_a_sidecar_are_both_named(
    folder: Path, tag: Run, kind: str, existing: str
) -> None:
    save_picture(folder / "p/1.jpg", "red")
    save_picture(folder / "p/1.png", "blue")
    options = ("--sidecar", kind, "--sidecar-name", "replace", "--existing", existing)

    ran = tag("p", *options, "--summary", "s.json")

    assert ran.code == 1
    shared = "failed: p/1.png: it shares its sidecar with p/1.jpg, so it gets none"
    assert ran.stderr.splitlines()[1] == shared
    assert "left alone" not in ran.stderr
    assert '"failed": 1,' in (folder / "s.json").read_text()
    assert b"red" in (folder / f"p/1.{kind}").read_bytes()


def test_it_is_said_once_however_many_kinds_there_are(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/1.jpg", "red")
    save_picture(folder / "p/1.png", "blue")
    kinds = [word for kind in KINDS for word in ("--sidecar", kind)]

    ran = tag("p", *kinds, "--sidecar-name", "replace", "--embed", "--keep-time")

    assert ran.stderr.count("it shares its sidecar with p/1.jpg") == 1
    assert "Tags written into 2 images." in ran.stderr.splitlines()  # inside there is room for both
    assert b"<tagger:tag>blue" in (folder / "p/1.png").read_bytes()


def test_an_image_that_failed_takes_no_sidecar_from_another(folder: Path, tag: Run) -> None:
    (folder / "p").mkdir()
    (folder / "p/1.jpg").write_bytes(b"\xff\xd8")
    save_picture(folder / "p/1.png", "blue")

    ran = tag("p", "--sidecar", "txt", "--sidecar-name", "replace")

    assert "shares" not in ran.stderr
    assert (folder / "p/1.txt").read_text() == "blue\n"
