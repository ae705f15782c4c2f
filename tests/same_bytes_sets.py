"""The sets of options that ``same_bytes.py`` runs: each a name, and steps in a row.

A step is a command line without ``tagger``, or something that a person does in between. Every set
begins in a folder with a library in ``p``.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from same_bytes_library import add_foreign_sidecars, images_of

#: What a person does in the folder.
Deed = Callable[[Path], None]


@dataclass(frozen=True)
class Killed:
    """A command whose run is killed as soon as a file is there and holds something."""

    command: str
    when: str


@dataclass(frozen=True)
class OptionSet:
    """What is run.

    Attributes:
        name: for people.
        steps: in their order.
        share: how much of the images it runs on: 1 for all of them.
    """

    name: str
    steps: tuple[str | Killed | Deed, ...]
    share: float = 0.12


def _half_list(work: Path) -> None:
    """Write two lists of images: every other one, and all."""
    names = [os.path.relpath(os.fsencode(image), os.fsencode(work)) for image in images_of(work)]
    (work / "half.0").write_bytes(b"\0".join(names[::2]))
    (work / "all.0").write_bytes(b"\0".join(names))


def _news(work: Path) -> None:
    """One image more, one less, one changed, and one that can be read now."""
    images = [image for image in images_of(work) if image.name.endswith("2001.jpg")]
    shutil.copy(images[0], work / "p/new.jpg")
    shutil.copy(images[1], work / "p/odd/cut.jpg")
    shutil.copy(images[0], images[1])
    images[-1].unlink()


def _clear(ending: str) -> Deed:
    """Remove every third file with an ending."""

    def clear(work: Path) -> None:
        for place, file in enumerate(sorted(work.rglob(f"*{ending}"), key=os.fsencode)):
            if place % 3 == 0:
                file.unlink()

    return clear


def _foreign(work: Path) -> None:
    add_foreign_sidecars(work / "p")


def _correct(table: str, separator: str = ",") -> Deed:
    """Correct the tags of a table, as a person would: some other, some none, some rows gone."""

    def correct(work: Path) -> None:
        data = (work / table).read_bytes().decode("utf-8")
        rows = list(csv.reader(io.StringIO(data), delimiter=separator))
        tags = rows[0].index("tags")
        kept = [rows[0]]
        for place, row in enumerate(rows[1:]):
            match place % 5:
                case 0:
                    row[tags] = "Western|my own"
                case 1:
                    row[tags] = ""
                case 2:
                    row[tags] += "|Noir" if row[tags] else "Noir"
                case 3 if place % 2:
                    continue
            kept.append(row)
        out = io.StringIO()
        csv.writer(out, delimiter=separator, lineterminator="\n").writerows(kept)
        (work / table).write_bytes(out.getvalue().encode())

    return correct


_ALL_SIDECARS = "--sidecar txt --sidecar json --sidecar xmp"
_COLUMNS = "folder,name,title,year,width,height,bytes,sha256"
_CHOICE = "--threshold 0.2 --threshold Drama=0.6 --ignore Comedy --rename Sci-Fi=SF --max-tags 3"

SETS: tuple[OptionSet, ...] = (
    # Tables
    OptionSet("csv", ("tag p -o t.csv --summary s.json",), 1),
    OptionSet("tsv, list", ("tag p -o t.tsv --layout list",)),
    OptionSet("jsonl, long, columns", (f"tag p -o t.jsonl --layout long --columns {_COLUMNS}",)),
    OptionSet("parquet", ("tag p -o t.parquet --columns title,year,sha256", "retag t.parquet")),
    OptionSet("parquet, long", ("tag p -o t.parquet --layout long",)),
    OptionSet("xlsx", ("tag p -o t.xlsx", "retag t.xlsx -f tsv")),
    OptionSet("xlsx, list", ("tag p -o t.xlsx --layout list --columns year,width",)),
    OptionSet("stdout", ("tag p", "tag p -f jsonl --layout list", "tag p/odd -f tsv")),
    OptionSet("binary on stdout", ("tag p -f parquet", "tag p -f xlsx --layout long")),
    OptionSet("excel", (
        "tag p -o t.csv --excel --absolute", "tag p/odd -o t.tsv --excel --layout long",
        "retag t.csv")),
    OptionSet("relative", ("tag p/a p/odd -o t.csv --relative-to p/odd --layout list",)),
    OptionSet("thresholds", (f"tag p -o t.csv {_CHOICE}", f"tag p --min-tags 2 {_CHOICE}")),
    OptionSet("lists and globs", (
        _half_list, "tag --files-from all.0 -0 --include *.jpg --exclude *2001* -o t.csv",
        "tag p --no-recursive", "tag p --library --layout list", "tag ./p/odd p/odd/same.jpg")),
    OptionSet("anew", (
        "tag p -o t.csv --max-tags 1", "tag p -o t.csv", "tag p -o t.csv --layout list")),
    # Sidecars
    OptionSet("xmp", ("tag p --sidecar xmp --summary s.json",), 1),
    OptionSet("all sidecars and a table", (f"tag p -o t.csv {_ALL_SIDECARS}",)),
    OptionSet("shared names", (_foreign, f"tag p {_ALL_SIDECARS} --sidecar-name replace")),
    OptionSet("mirrored", (
        f"tag p {_ALL_SIDECARS} --sidecar-dir s",
        "tag p --sidecar xmp --sidecar-dir s --existing error --max-tags 1")),
    OptionSet("merge", (_foreign, f"tag p {_ALL_SIDECARS} --backup",
        f"tag p --sidecar xmp {_CHOICE}"), 0.3),
    OptionSet("overwrite", (_foreign, f"tag p {_ALL_SIDECARS} --existing overwrite --backup")),
    OptionSet("skip", (_foreign, f"tag p {_ALL_SIDECARS} --existing skip")),
    OptionSet("error", (_foreign, f"tag p {_ALL_SIDECARS} --existing error --summary s.json")),
    OptionSet("xmp-root", (_foreign, "tag p --sidecar xmp --xmp-root Films|Genre")),
    OptionSet("nfo", ("tag p --library --sidecar nfo --backup", "untag p --dry-run", "untag p")),
    # Images
    OptionSet("embed", ("tag p -o t.csv --embed --columns bytes,sha256 --summary s.json",), 1),
    OptionSet("embed, keep-time", (
        "tag p --embed --keep-time --backup --xmp-root Genre", "tag p --embed --max-tags 1",
        "untag p --keep-time")),
    # Resuming
    OptionSet("resume a list", (
        _half_list, "tag --files-from half.0 -0 -o t.csv",
        "tag --files-from all.0 -0 -o t.csv --resume --summary s.json",
        "tag --files-from all.0 -0 -o t.csv --resume"), 1),
    OptionSet("resume tables", (
        _half_list, "tag --files-from half.0 -0 -o t.parquet",
        "tag --files-from all.0 -0 -o t.parquet --resume",
        "tag --files-from half.0 -0 -o t.jsonl --layout long",
        "tag --files-from all.0 -0 -o t.jsonl --layout long --resume",
        "tag p -o t.jsonl --resume")),
    OptionSet("resume sidecars", (
        _half_list, f"tag --files-from half.0 -0 {_ALL_SIDECARS}", _clear(".txt"),
        f"tag --files-from all.0 -0 {_ALL_SIDECARS} --resume --summary s.json",
        f"tag --files-from all.0 -0 {_ALL_SIDECARS} --resume")),
    OptionSet("resume, embed", (
        _half_list, "tag --files-from half.0 -0 -o t.csv --embed",
        "tag --files-from all.0 -0 -o t.csv --embed --resume")),
    OptionSet("update and retry", (
        "tag p -o t.csv --sidecar xmp", _news,
        "tag p -o t.csv --sidecar xmp --resume", "tag p -o t.csv --sidecar xmp --retry-failed",
        "tag p -o t.csv --sidecar xmp --update --summary s.json")),
    OptionSet("update xlsx, long", (
        "tag p -o t.xlsx --layout long", _news,
        "tag p -o t.xlsx --layout long --update --retry-failed")),
    OptionSet("another run's options", (
        "tag p/odd -o t.csv", "tag p/odd -o t.csv --resume --max-tags 1",
        "tag p/odd -o t.csv --resume --layout list")),
    OptionSet("killed", (
        Killed("tag p -o t.csv --sidecar xmp", "t.csv.part"),
        "tag p -o t.csv --sidecar xmp --resume"), 1),
    # Filters
    OptionSet("skip-tagged", (
        _foreign, "tag p/a --sidecar xmp", "tag p/odd --sidecar json",
        "tag p --skip-tagged -o t.csv --summary s.json", "tag p --skip-tagged --dry-run")),
    OptionSet("dry-run", (
        "tag p --dry-run", "tag p --dry-run --newer-than 2020-01-01",
        "tag p --newer-than 2021-01-01", "tag nowhere -o t.csv", "info")),
    # Other commands
    OptionSet("retag", (
        "tag p -o t.csv --columns width,sha256", f"retag t.csv -o u.jsonl {_CHOICE}",
        f"retag t.csv {_ALL_SIDECARS} --max-tags 2 --summary s.json",
        "retag t.csv -o t.csv --min-tags 1 --columns title,width",
        "retag t.csv -o l.tsv --layout long --excel", "retag t.csv --embed --keep-time"), 0.3),
    OptionSet("apply", (
        _foreign, "tag p -o t.csv --sidecar xmp", _correct("t.csv"), "apply t.csv --dry-run",
        "apply t.csv --yes --backup", "apply t.csv --yes", "tag p --sidecar xmp --max-tags 1",
        "untag p", "untag p --settled"), 0.3),
    OptionSet("apply everywhere", (
        f"tag p -o t.tsv {_ALL_SIDECARS} --sidecar-dir s --layout list", _correct("t.tsv", "\t"),
        f"apply t.tsv {_ALL_SIDECARS} --sidecar-dir s --sidecar-base p --yes",
        f"apply t.tsv {_ALL_SIDECARS} --sidecar-name replace --yes",
        "apply t.tsv --sidecar nfo --dry-run", "apply t.tsv --sidecar nfo --yes", "untag p")),
    OptionSet("apply, embed", (
        "tag p -o t.csv --embed", _correct("t.csv"), "apply t.csv --embed --dry-run",
        "apply t.csv --embed --keep-time --yes", "tag p --embed", "untag p --no-embed",
        "untag p --embed --settled")),
    OptionSet("untag", (
        _foreign, "tag p --sidecar xmp --embed", "untag p --dry-run", "untag p/a --backup",
        "untag p --keep-time", "untag p")),
)  # fmt: skip


def run_killed(step: Killed, command: list[str], work: Path, environment: dict[str, str]) -> None:
    """Start a command, and kill it as soon as the file that the step names holds something.

    Raises:
        RuntimeError: it was never there.
    """
    watched = work / step.when
    with subprocess.Popen(
        command, cwd=work, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while not (watched.exists() and watched.stat().st_size > 2000):
            if process.poll() is not None:
                raise RuntimeError(f"{step.command} ended before it could be killed")
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
