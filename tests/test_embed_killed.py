"""A kill at any moment leaves the old image or the new one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import environment
from embeddable import save
from holding import embed_tags, untag_image
from test_xmp_people import wish

from tagger.files.rights import take_after
from tagger.holders.image.container import EmbedError

pytestmark = pytest.mark.slow  # kills

WITH_TESTS = {**environment(), "PYTHONPATH": str(Path(__file__).parent)}

# A process that ends itself, without any chance to tidy up, when the system is asked for the
# nth thing that concerns the folder: opening, creating, renaming, changing attributes.
KILLED = """\
import os, signal, sys
from holding import embed_tags, wish_for

path, number = sys.argv[1], int(sys.argv[2])
folder = os.path.dirname(path)
seen = 0

def watch(event, arguments):
    global seen
    if any(isinstance(one, (str, os.PathLike)) and folder in os.fspath(one) for one in arguments):
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
wish = wish_for(("red", 0.9))
embed_tags(path, wish)
seen = 0
print("done")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_kill_at_any_moment_leaves_the_old_image_or_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    file = save(tmp_path / "p", "plain.jpg")
    old = file.read_bytes()
    embed_tags(str(file), wish("red"))
    new = file.read_bytes()
    outcomes = []
    for number in range(1, 100):
        file.write_bytes(old)
        ran = subprocess.run(
            [sys.executable, "-c", KILLED, str(file), str(number)],
            capture_output=True,
            env=WITH_TESTS,
            check=False,
        )
        outcomes.append(file.read_bytes())
        for left in os.listdir(file.parent):
            # What is left of the new file is hidden, and no later run takes it for an image.
            assert left == file.name or (left.startswith(".") and left.endswith(".part"))
            if left != file.name:
                (file.parent / left).unlink()
        if ran.returncode == 0:
            break
        assert ran.returncode == -signal.SIGKILL, ran.stderr.decode()

    assert ran.stdout == b"done\n"
    assert len(outcomes) > 5
    assert set(outcomes) == {old, new}
    # Not before the last thing of all, which is the rename.
    assert outcomes.index(new) >= len(outcomes) - 2


def test_what_another_program_writes_meanwhile_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save(tmp_path, "plain.jpg")
    theirs = save(tmp_path, "exif.jpg").read_bytes()

    def written_meanwhile(new: Path, old: str, *, keep_time: bool = False) -> bool:
        if file.read_bytes() != theirs:
            file.write_bytes(theirs)
        return take_after(new, old, keep_time=keep_time)

    monkeypatch.setattr("tagger.holders.image.image.take_after", written_meanwhile)

    assert embed_tags(str(file), wish("red"))

    untag_image(str(file))
    assert file.read_bytes() == theirs


def test_an_image_that_others_keep_writing_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save(tmp_path, "plain.jpg")

    def written_meanwhile(new: Path, old: str, *, keep_time: bool = False) -> bool:
        with open(file, "ab") as end:
            end.write(b"!")
        return take_after(new, old, keep_time=keep_time)

    monkeypatch.setattr("tagger.holders.image.image.take_after", written_meanwhile)

    with pytest.raises(EmbedError, match="being written by another program"):
        embed_tags(str(file), wish("red"))
    assert file.read_bytes().endswith(b"!!!")
    assert os.listdir(tmp_path) == ["plain.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files here")
def test_a_disk_that_takes_no_more_leaves_the_old_image(tmp_path: Path) -> None:
    file = save(tmp_path, "plain.jpg")
    old = file.read_bytes()
    script = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(old)}, {len(old)}))\n"
        + KILLED.replace("sys.addaudithook(watch)\n", "")
    )

    ran = subprocess.run(
        [sys.executable, "-B", "-c", script, str(file), "0"],
        capture_output=True,
        env=WITH_TESTS,
        check=False,
    )

    assert b"File too large" in ran.stderr
    assert file.read_bytes() == old
    assert os.listdir(tmp_path) == ["plain.jpg"]
