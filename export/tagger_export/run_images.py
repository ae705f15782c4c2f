"""Finds the images of a training run from its settings and its split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tagger_training.image_finder import ImageFinder
from tagger_training.labels import LabelledSet, read_labelled_set
from tagger_training.run_folder import RunFolder

from tagger.decode.picture import ImageError, load_rgb
from tagger.errors import DataError
from tagger.files.kinds import IMAGE_SUFFIXES
from tagger.files.litter import is_litter
from tagger.network.card import ModelCard
from tagger.results import Pixels

#: More images than this do not improve the ranges of int8.
CALIBRATION_IMAGES = 256


def comparison_files(run: RunFolder, images: Path | None) -> list[Path]:
    """Return those validation images of a run that still exist, or all images of another folder.

    Raises:
        DataError: the run is not finished.
    """
    if images is not None:
        return [
            file
            for file in sorted(images.rglob("*"))
            if file.suffix.lower() in IMAGE_SUFFIXES and not is_litter(file.relative_to(images))
        ]
    folder = Path(run.read_json(run.settings)["data"]["images"])
    if not folder.is_dir():  # the run was copied from another machine
        return []
    finder = ImageFinder(folder)
    split = run.read_split()
    return [file for name in split if split[name] != "training" for file in finder.find(name)]


def labelled_split(run: RunFolder, card: ModelCard) -> tuple[LabelledSet, LabelledSet]:
    """Read a run's labelled images again, for training and for validation.

    Raises:
        DataError: the run is not finished, or its data has been moved.
    """
    data = run.read_json(run.settings)["data"]
    try:
        labelled = read_labelled_set(
            Path(data["table"]),
            Path(data["images"]),
            labels=card.labels,
            id_column=data["id_column"],
            tags_column=data["tags_column"],
            separator=data["separator"],
        )
    except DataError as error:
        raise DataError(f"fp16 and int8 need the run's own data: {error}") from None
    split = run.read_split()
    training, validation = (
        labelled.take(
            [i for i, name in enumerate(labelled.ids) if split.get(name) in (part, "both")]
        )
        for part in ("training", "validation")
    )
    return training, validation


def calibration_images(files: Sequence[Path], card: ModelCard) -> Iterator[Pixels]:
    """Read images spread evenly over the files, at the network's size; skip unreadable ones.

    Raises:
        DataError: none can be read.
    """
    step = max(1, len(files) // CALIBRATION_IMAGES)
    count = 0
    for file in files[::step][:CALIBRATION_IMAGES]:
        try:
            pixels = load_rgb(file, card.height, card.width)
        except ImageError:
            continue
        count += 1
        yield pixels
    if not count:
        raise DataError(
            "None of the run's training images can be read, so int8 cannot be calibrated."
        )
