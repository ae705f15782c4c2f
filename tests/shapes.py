"""A tiny labelled set that is not about films: coloured shapes, drawn on the spot."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commands import PATIENCE, Argument, Ran, environment
from PIL import Image, ImageDraw

COLOURS = {"red": (220, 30, 40), "green": (30, 170, 60), "blue": (40, 60, 210)}
LABELS = (*COLOURS, "round", "square", "N/A")

_SIDE = 48
_SHAPES = 60
_BLANKS = 6
_ENDINGS = ("png", "jpg", "webp")


@dataclass(frozen=True)
class ShapeSet:
    """Where the set lies, and what is in it.

    Attributes:
        images: folder of the images; one of them is damaged.
        table: a 0/1 column a label, a column ``Kind`` of texts, and a row without an image.
        labels: id of each readable image → its labels.
        damaged: the image that cannot be read.
    """

    images: Path
    table: Path
    labels: dict[str, tuple[str, ...]]
    damaged: Path


def draw_shapes(folder: Path) -> ShapeSet:
    """Draw 60 discs and squares in three colours, and six empty pages labelled ``N/A``."""
    images = folder / "images"
    (images / "more").mkdir(parents=True)
    labels: dict[str, tuple[str, ...]] = {}
    for number in range(_SHAPES + _BLANKS):
        name = f"more/{number:02}" if number % 3 == 1 else f"{number:02}"
        kind = _kind(number)
        _page(number, kind).save(images / f"{name}.{_ENDINGS[number % 3]}")
        labels[name] = kind
    damaged = images / "damaged.jpg"
    damaged.write_bytes(b"no image")
    table = folder / "shapes.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("id", "Kind", *LABELS))
        for name, kind in {**labels, "damaged": ("red",), "lost": ("red",)}.items():
            writer.writerow((name, list(kind), *(int(label in kind) for label in LABELS)))
    return ShapeSet(images, table, labels, damaged)


def _kind(number: int) -> tuple[str, ...]:
    if number >= _SHAPES:
        return ("N/A",)
    return tuple(COLOURS)[number // 2 % 3], ("round", "square")[number % 2]


def _page(number: int, kind: tuple[str, ...]) -> Image.Image:
    page = Image.new("RGB", (_SIDE, _SIDE), (200 + number % 7 * 8,) * 3)
    if kind != ("N/A",):
        left, top = number % 5 * 3, number % 4 * 4
        draw = ImageDraw.Draw(page)
        shape = draw.ellipse if kind[1] == "round" else draw.rectangle
        shape((left, top, left + 30, top + 30), fill=COLOURS[kind[0]])
    return page


# The command itself, whose progress display pulls the plug after the first batch of epoch 2.
_KILLED_IN_EPOCH_2 = """
import os, signal, sys
from tagger.cli import run
from tagger.cli.commands import train

def pull_the_plug(display, epoch, done, total, loss):
    if epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)

train.TrainDisplay.batch_done = pull_the_plug
run(sys.argv[1:])
"""


def kill_in_epoch_2(arguments: Sequence[Argument]) -> None:
    """Run ``tagger ARGUMENTS``, a training, and kill it in its second epoch."""
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED_IN_EPOCH_2, *arguments],
        capture_output=True,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def train_arguments(shapes: ShapeSet, folder: Path) -> tuple[str | Path, ...]:
    """Return the arguments of ``tagger`` that train on the set for three short epochs."""
    return (
        "train", "--images", shapes.images, "--labels", shapes.table, "--output", folder,
        "--name", "shapes", "--size", "64x64", "--epochs", "3", "--batch-size", "16",
        "--validation", "0.3", "--architecture", "sequential",
    )  # fmt: skip


@dataclass(frozen=True)
class Made:
    """What a command made, and what it said."""

    path: Path
    ran: Ran
