"""A folder of everything that ever went wrong: each file has its row, and no other suffers."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from commands import Ran, run_tagger
from pictures import save_picture

from tagger.text import unescape

GREY = {"mode": "L", "size": (8, 8)}

#: Good images: name → the grey that tells them apart, in the order of their names.
GOOD = {
    b"a, comma.png": 10,
    b"a.png": 20,
    b'b "quoted".png': 30,
    b"c\nnewline.png": 40,
    b"d=cmd.png": 50,
    b"l.jpg/inside.png": 60,
    rb"m\x41.png": 70,
    b"u.png": 80,
    "é.png".encode(): 90,
    b"\xff.png": 100,
}

#: Bad ones, and the reason that stands in their rows.
BAD = {
    b"b-empty.jpg": "the file is empty",
    b"c-text.jpg": "a text file, not an image",
    b"k-itself.jpg": "the link leads back to itself",
    b"l-nothing.jpg": "no such file or directory",
    b"p.jpg": "not a regular file",
    b"t-truncated.jpg": "damaged image: image file is truncated",
}


def make_good(folder: Path) -> None:
    """Save the good images below ``folder/p``."""
    for name, grey in GOOD.items():
        save_picture(folder / "p" / os.fsdecode(name), grey, **GREY)


def make_bad(folder: Path) -> None:
    """Put the bad files between them, and links that lead up and sideways."""
    posters = folder / "p"
    (posters / "b-empty.jpg").touch()
    (posters / "c-text.jpg").write_text("no image at all\n")
    (posters / "k-itself.jpg").symlink_to("k-itself.jpg")
    (posters / "l-nothing.jpg").symlink_to("nothing")
    os.mkfifo(posters / "p.jpg")
    whole = save_picture(posters / "t-truncated.jpg", size=(400, 400))
    whole.write_bytes(whole.read_bytes()[:700])
    (posters / "up").symlink_to("..")
    (posters / "up.jpg").symlink_to("..")


def tag(folder: Path, model: Path) -> Ran:
    """Tag ``p`` with small batches, so that failures stand at every place of one."""
    return run_tagger(
        "tag", "p", "--model", model, "--device", "cpu", "--batch-size", "3", cwd=folder
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Ran:
    """Return the run over good and bad files."""
    folder = tmp_path_factory.mktemp("hostile")
    make_good(folder)
    make_bad(folder)
    return tag(folder, tiny_model)


def rows(ran: Ran) -> list[list[str]]:
    """Return the rows of the table, without the header."""
    return list(csv.reader(io.StringIO(ran.stdout.decode("utf-8"), newline="")))[1:]


def test_some_failed(hostile: Ran) -> None:
    assert hostile.code == 1


def test_every_file_has_its_row_in_bytewise_order(hostile: Ran) -> None:
    names = [os.fsencode(unescape(row[0])) for row in rows(hostile)]

    assert names == sorted(b"p/" + name for name in (*GOOD, *BAD))


def test_every_good_image_has_its_own_scores(hostile: Ran) -> None:
    greys = {
        os.fsencode(unescape(path)): round(float(red) * 255)
        for path, _, error, red, *_ in rows(hostile)
        if not error
    }

    assert greys == {b"p/" + name: grey for name, grey in GOOD.items()}


def test_every_bad_file_has_its_reason(hostile: Ran) -> None:
    reasons = {os.fsencode(row[0]): row[2].partition(" (")[0] for row in rows(hostile) if row[2]}

    assert reasons == {b"p/" + name: reason for name, reason in BAD.items()}
    assert all(row[1] == "" and row[3:] == [""] * 4 for row in rows(hostile) if row[2])


def test_bad_files_change_no_byte_of_the_good_ones_rows(
    hostile: Ran, tmp_path: Path, tiny_model: Path
) -> None:
    make_good(tmp_path)

    alone = tag(tmp_path, tiny_model)

    assert alone.code == 0
    without_bad = hostile.stdout
    for name in BAD:
        start = without_bad.index(b"p/" + name)
        end = without_bad.index(b"\n", start) + 1
        without_bad = without_bad[:start] + without_bad[end:]
    assert without_bad == alone.stdout


def test_stderr_tells_each_failure_in_one_line(hostile: Ran) -> None:
    told = hostile.stderr.splitlines()

    assert [line.partition(" (")[0] for line in told[1 : 1 + len(BAD)]] == [
        f"failed: p/{name.decode()}: {reason}" for name, reason in BAD.items()
    ]
    assert told[1 + len(BAD)].startswith(f"{len(GOOD)} tagged, {len(BAD)} failed in ")
    assert told[2 + len(BAD)].startswith("Not followed: 2 links to folders; ")
    assert len(told) == len(BAD) + 4
