"""A training run → one verified .onnx file."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from export.convert import to_onnx
from export.parity import Parity, check_parity, sample_images
from tagger.atomic import replacing
from tagger.card import ModelCard
from tagger.errors import DataError, ModelError, OutputError
from tagger.scan import SUFFIXES
from training.labels import ImageFinder
from training.run_folder import RunFolder


@dataclass(frozen=True)
class Export:
    """What was written."""

    file: Path
    size: int
    parity: Parity


def export_run(folder: Path, output: Path, images: Path | None = None) -> Export:
    """Export the kept epoch of a run.

    Args:
        folder: the run folder.
        output: the file to write.
        images: folder of images to compare on; None takes the run's own validation images.

    Raises:
        DataError: the run is not finished, or no image can be read.
        ModelError: the file would not be what the Keras model is; nothing is written.
        OutputError: the file cannot be written.
    """
    run = RunFolder(folder)
    try:
        card = ModelCard.from_json(run.card.read_text(encoding="utf-8"))
    except OSError:
        raise DataError(f"{folder} is not a finished run: {run.card.name} is missing.") from None
    model = _load(run.model)
    sample = sample_images(_images_of(run, images), card.height, card.width)
    proto = to_onnx(model, card)
    try:
        with replacing(output) as beside:
            beside.write_bytes(proto.SerializeToString())
            parity = check_parity(model, beside, sample)
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise OutputError(f"{output} cannot be written: {reason}.") from None
    return Export(output, os.path.getsize(output), parity)


def _load(file: Path) -> Any:
    if not file.exists():
        raise DataError(f"{file.parent} is not a finished run: {file.name} is missing.")
    try:
        # Safe mode: a .keras file may hold code, and this one may come from anywhere.
        return keras.models.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # zip, JSON, HDF5 and layer errors share no base class
        line = (str(error).splitlines() or [type(error).__name__])[0]
        sentence = line[:200].partition(". ")[0].rstrip(".")
        raise ModelError(f"{file} cannot be loaded: {sentence}.") from None


def _images_of(run: RunFolder, images: Path | None) -> list[Path]:
    """Validation images of the run, or all of another folder."""
    if images is not None:
        return [file for file in sorted(images.rglob("*")) if file.suffix.lower() in SUFFIXES]
    folder = Path(run.read_json(run.settings)["data"]["images"])
    if not folder.is_dir():  # the run came from another machine
        return []
    finder = ImageFinder(folder)
    try:
        with run.split.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == "validation"]
    except FileNotFoundError:
        raise DataError(
            f"{run.folder} is not a finished run: {run.split.name} is missing."
        ) from None
    return [file for row in rows for file in finder.find(row["id"])]
