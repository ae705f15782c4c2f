"""A disk that fills up at any point ends a run in one sentence, and goes on when there is room."""

from __future__ import annotations

import os
import random
import string
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from forked import Forks, Outcome
from pictures import save_picture

pytestmark = pytest.mark.slow  # runs of every kind, ten times each

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
POINTS = 10
FULL = "cannot be written: no space left on device."

KINDS = {
    "csv": ("-o", "disk/t.csv"),
    "long": ("-o", "disk/t.csv", "--layout", "long"),
    "parquet": ("-o", "disk/t.parquet"),
    "xlsx": ("-o", "disk/t.xlsx", "--layout", "list"),
    "sidecars": ("--sidecar", "xmp", "--sidecar-dir", "disk/s"),
    "table and sidecars": (
        "-o", "disk/t.csv", "--sidecar", "json", "--sidecar-dir", "disk/s",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Disk:
    """A small disk.

    Attributes:
        folder: where it is mounted.
        mount: runs ``mount`` with options.
    """

    folder: Path
    mount: Callable[..., None]

    def resize(self, size: int) -> None:
        """Give it so many bytes."""
        self.mount("-o", f"remount,size={size}", str(self.folder))

    def empty(self) -> None:
        """Remove all that it holds."""
        subprocess.run(["find", str(self.folder), "-mindepth", "1", "-delete"], check=True)

    def content(self) -> dict[str, bytes]:
        """Return its files, but for what runs note of themselves."""
        return {
            str(file.relative_to(self.folder)): file.read_bytes()
            for file in self.folder.rglob("*")
            if file.is_file() and not file.name.endswith((".run.json", ".run.journal"))
        }

    def pages(self) -> int:
        """Return how many pages are in use."""
        state = os.statvfs(self.folder)
        return (state.f_blocks - state.f_bfree) * state.f_frsize // PAGE


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    """Return a disk of its own, in memory: to mount one takes root, or sudo without a password."""
    folder = tmp_path_factory.mktemp("work") / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={64 * 1024 * 1024},mode=1777", "tmpfs", str(folder)]
    for become in ([], ["sudo", "-n"]):
        try:
            subprocess.run([*become, "mount", *options], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        break
    else:
        pytest.skip("no disk can be mounted here: that takes root, or sudo without a password")

    def mount(*options: str) -> None:
        subprocess.run([*become, "mount", *options], check=True)

    yield Disk(folder, mount)
    subprocess.run([*become, "umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def run(
    disk: Disk, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Outcome]]:
    """Return a function that tags 200 images; their names are long, and no table packs them."""
    work = disk.folder.parent
    first = save_picture(work / "p/first.png", (200, 180, 160))
    dice = random.Random(1)
    for _ in range(200):
        name = "".join(dice.choices(string.ascii_letters + string.digits, k=240))
        (work / f"p/{name}.png").hardlink_to(first)
    options = ("--model", tiny_model, "--device", "cpu", "--workers", "2", "--no-config", "-q")
    with Forks() as forks:
        yield lambda *more: forks.run("tag", "p", *more, *options, cwd=work, state=disk.folder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_is_full_at_any_point(
    disk: Disk, run: Callable[..., Outcome], kind: str
) -> None:
    disk.resize(64 * 1024 * 1024)
    disk.empty()
    assert run(*KINDS[kind]).code == 0
    whole, pages = disk.content(), disk.pages()
    assert pages > POINTS
    for point in range(POINTS):
        disk.empty()
        disk.resize(PAGE * (1 + point * (pages - 2) // (POINTS - 1)))

        failed = run(*KINDS[kind])

        assert failed.code == 3, (point, failed)
        (sentence,) = failed.stderr.splitlines()
        assert sentence.startswith("tagger: ")
        assert sentence.endswith(FULL)
        for name, content in disk.content().items():
            assert is_whole(name, content, whole), (point, name)

        disk.resize(64 * 1024 * 1024)
        ended = run(*KINDS[kind], "--resume")

        assert (ended.code, ended.stderr) == (0, ""), point
        assert disk.content() == whole, point


def is_whole(name: str, content: bytes, whole: dict[str, bytes]) -> bool:
    """Say whether a file is as it will be, or holds the first rows of a table."""
    if name.endswith(".part"):
        table = whole[name.removesuffix(".part")]
        return table.startswith(content) and content[-1:] in (b"\n", b"")
    if name.endswith(".part.jsonl"):
        return content[-1:] in (b"\n", b"") and all(
            line.startswith(b'{"path": ') and line.endswith(b"}") for line in content.splitlines()
        )
    return content == whole[name]
