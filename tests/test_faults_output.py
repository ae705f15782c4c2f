"""Output that goes away, fills up or is locked under a run: what was written is whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import Argument, Ran, command_line, environment
from messages import says
from pictures import save_picture
from stalled_files import Stalled, only_on_linux, stalls

from tagger.holders.xml.elements import parse

NAMES = [f"{place:03}.png" for place in range(60)]


@pytest.fixture
def posters(folder: Path) -> Path:
    """Return a folder ``p`` of 60 red images in the current one."""
    first = save_picture(folder / "p" / NAMES[0])
    for name in NAMES[1:]:
        shutil.copy(first, folder / "p" / name)
    return folder / "p"


def tag_command(model: Path, *arguments: Argument) -> list[Argument]:
    """Return the command that tags ``p``, one image after the other."""
    return command_line(
        "tag", "p", "-q", "--model", model, "--device", "cpu", "--workers", "1",
        "--batch-size", "1", *arguments,
    )  # fmt: skip


def run(command: Sequence[Argument]) -> Ran:
    """Run a command to its end in the current folder."""
    done = subprocess.run(command, capture_output=True, env=environment(), check=False)
    return Ran(done.returncode, done.stdout, done.stderr.decode())


def start_and_stall(stalled: Stalled, command: Sequence[Argument]) -> subprocess.Popen[bytes]:
    """Start a command and return when it waits for the stalled image."""
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    stalled.wait_until_opened()
    return process


def ended(process: subprocess.Popen[bytes]) -> Ran:
    """Wait for a process."""
    told, said = process.communicate()
    return Ran(process.returncode, told, said.decode())


# Folders that go away


@stalls
def test_an_output_folder_that_is_removed_ends_the_run(posters: Path, tiny_model: Path) -> None:
    Path("out").mkdir()
    """And not after the rest of the work: it hangs here, and nobody waits for it."""
    with Stalled(posters / NAMES[-1]):
        with Stalled(posters / NAMES[0]) as stalled:
            command = tag_command(tiny_model, "-o", "out/t.csv", "--image-timeout", "0")
            process = start_and_stall(stalled, command)
            shutil.rmtree("out")
            time.sleep(0.6)  # rows are handed over twice a second

        assert ended(process) == Ran(3, b"", says("no folder", output="out/t.csv"))


@stalls
def test_a_folder_of_sidecars_that_is_removed_is_made_again(
    posters: Path, tiny_model: Path
) -> None:
    Path("out").mkdir()
    with Stalled(posters / NAMES[0]) as stalled:
        command = tag_command(tiny_model, "--sidecar", "txt", "--sidecar-dir", "out")
        process = start_and_stall(stalled, command)
        shutil.rmtree("out")

    assert ended(process) == Ran(0, b"", "")
    assert sorted(os.listdir("out")) == [f"{name}.txt" for name in NAMES]


@stalls
def test_images_that_are_moved_away_get_no_sidecars_and_are_told(
    posters: Path, tiny_model: Path
) -> None:
    with Stalled(posters / NAMES[0]) as stalled:
        command = tag_command(tiny_model, "--sidecar", "txt", "-o", "t.csv", "--layout", "list")
        process = start_and_stall(stalled, command)
        posters.rename("elsewhere")

    ran = ended(process)
    assert (ran.code, ran.stderr) == (1, "")
    assert (
        Path("t.csv").read_text().splitlines()[1:]
        == [
            f"p/{NAMES[0]},red,",  # it was open already
            *(f"p/{name},,no such file or directory" for name in NAMES[1:]),
        ]
    )
    assert sorted(os.listdir("elsewhere")) == NAMES


# Folders that are locked


@only_on_linux
def test_sidecars_that_may_not_be_written_fail_one_by_one(posters: Path, tiny_model: Path) -> None:
    save_picture(posters / "open/z.png")
    posters.chmod(0o555)
    command = command_line("tag", "p", "--sidecar", "txt", "--model", tiny_model)

    ran = run(unprivileged(command))
    posters.chmod(0o755)

    assert ran.code == 1
    told = ran.stderr.splitlines()
    assert told[1:21] == [f"failed: p/{name}.txt: permission denied" for name in NAMES[:20]]
    assert "… and 40 more failures, listed in the table." in told
    assert sorted(os.listdir("p")) == [*NAMES, "open"]
    assert (posters / "open/z.png.txt").read_text() == "red\n"


@only_on_linux
def test_a_table_in_a_locked_folder_is_refused_before_the_work(
    posters: Path, tiny_model: Path
) -> None:
    Path("out").mkdir(mode=0o555)

    ran = run(unprivileged(tag_command(tiny_model, "-o", "out/t.csv")))

    assert ran == Ran(3, b"", says("no permission", output="out/t.csv"))


@stalls
def test_a_folder_that_is_locked_later_keeps_the_rows(posters: Path, tiny_model: Path) -> None:
    Path("out").mkdir()
    with Stalled(posters / NAMES[-1]) as stalled:
        command = unprivileged(tag_command(tiny_model, "-o", "out/t.csv", "--layout", "list"))
        process = start_and_stall(stalled, command)
        Path("out").chmod(0o555)

    ran = ended(process)
    Path("out").chmod(0o755)
    assert ran == Ran(3, b"", says("no permission", output="out/t.csv.run.json"))
    assert Path("out/t.csv.part").read_text().splitlines()[1:] == [
        f"p/{name},red," for name in NAMES
    ]
    again = run(tag_command(tiny_model, "-o", "out/t.csv", "--layout", "list", "--resume"))
    assert (again.code, again.stderr) == (0, "")
    assert Path("out/t.csv").read_text().splitlines()[1:] == [f"p/{name},red," for name in NAMES]


def unprivileged(command: Sequence[Argument]) -> list[Argument]:
    """Return a command that may do no more than permissions say, also as root."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--", *command]


# Disks that are full


def on_small_disk(command: Sequence[Argument], kilobytes: int) -> Ran:
    """Run a command for which the folder ``out`` is a disk of so many kilobytes, copied after it.

    The disk is seen by that command alone, so that no right is needed but that to own namespaces.
    """
    script = (
        f"mount -t tmpfs -o size={kilobytes}k none out || exit 99\n"
        'cd out; cd ..; "$@"; code=$?; cp -r out/. kept; exit $code\n'
    )
    Path("out").mkdir()
    Path("kept").mkdir()
    isolated = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    return run([*isolated, *command])


def small_disks_can_be_had() -> bool:
    """Say whether this system lets anybody mount something for a command of theirs."""
    if sys.platform != "linux":
        return False
    probe = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none"]
    try:
        return subprocess.run([*probe, "/mnt"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


with_small_disks = pytest.mark.skipif(
    not small_disks_can_be_had(), reason="namespaces are not for everybody here"
)


@with_small_disks
@pytest.mark.parametrize("kind", ["txt", "xmp", "json"])
def test_a_disk_full_of_sidecars_ends_the_run(posters: Path, tiny_model: Path, kind: str) -> None:
    command = tag_command(tiny_model, "--sidecar", kind, "--sidecar-dir", "out")

    ran = on_small_disk(command, 80)

    written = sorted(os.listdir("kept"))
    assert 5 < len(written) < len(NAMES)
    assert written == [f"{name}.{kind}" for name in NAMES[: len(written)]]
    missing = f"out/{NAMES[len(written)]}.{kind}"
    assert ran == Ran(3, b"", says("full disk", output=missing))
    whole = [Path("kept", name).read_bytes() for name in written]
    assert len({len(content) for content in whole}) <= (2 if kind == "json" else 1)
    if kind == "xmp":
        assert all(parse(content) is not None for content in whole)


@with_small_disks
def test_a_disk_full_of_rows_keeps_whole_ones(posters: Path, tiny_model: Path) -> None:
    for place in range(60, 1000):
        (posters / f"{'n' * 200}{place:03}.png").hardlink_to(posters / NAMES[0])
    command = tag_command(tiny_model, "-o", "out/t.csv", "--layout", "list")

    ran = on_small_disk(command, 200)

    assert ran == Ran(3, b"", says("full disk", output="out/t.csv"))
    header, *rows = Path("kept/t.csv.part").read_text().split("\n")
    assert header == "path,tags,error"
    assert rows.pop() == ""
    assert len(rows) > 100
    assert all(row.startswith("p/") and row.endswith(".png,red,") for row in rows)
    assert not Path("kept/t.csv").exists()
