"""A training run → one verified .onnx file."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger_training.keras_file import load_network
from tagger_training.labels import LabelledSet
from tagger_training.run_folder import RunFolder
from tagger_training.text_head import TextHead

from tagger.errors import DataError, OutputError, os_reason
from tagger.files.write import replacing
from tagger.network.card import ModelCard
from tagger_export.convert import seal, to_onnx
from tagger_export.parity import Parity, check_parity, sample_images
from tagger_export.precision_check import (
    MAX_LOSS,
    PrecisionCheck,
    TagFiles,
    compare_precisions,
    refuse_loss,
)
from tagger_export.precisions import to_float16, to_int8
from tagger_export.run_images import calibration_images, comparison_files, labelled_split
from tagger_export.text_graph import attach_text
from tagger_export.text_parity import check_text


@dataclass(frozen=True)
class Export:
    """What was written; ``check`` is None for fp32."""

    file: Path
    size: int
    parity: Parity
    check: PrecisionCheck | None


def export_run(
    folder: Path,
    output: Path,
    images: Path | None = None,
    *,
    tag: TagFiles | None = None,
    precision: str = "fp32",
    max_loss: float = MAX_LOSS,
) -> Export:
    """Export the kept epoch of a run.

    Args:
        folder: the run folder.
        output: the file to write.
        images: folder of images to compare on; None means the run's own validation images.
        tag: tags images, to measure what another precision costs; not needed for fp32.
        precision: one of :data:`tagger.network.card.PRECISIONS`.
        max_loss: validation macro-AP that fp16 or int8 may lose.

    Raises:
        DataError: the run is not finished or damaged, or no image can be read.
        ModelError: the file would differ from the Keras model; nothing is written.
        OutputError: the file cannot be written.
    """
    run = RunFolder(folder)
    card = run.read_card()
    model = _load(run.model)
    head = TextHead.load(run.text, card.text, len(card.labels)) if card.text else None
    sample = sample_images(comparison_files(run, images), card.height, card.width)
    data = None if precision == "fp32" else labelled_split(run, card)
    picture = dataclasses.replace(card, text=None)
    proto = to_onnx(model, picture)
    check = None
    try:
        with replacing(output) as beside, tempfile.TemporaryDirectory() as scratch:
            fp32 = Path(scratch) / "fp32.onnx"
            fp32.write_bytes(proto.SerializeToString())
            parity = check_parity(model, fp32, sample)
            if data is not None and tag is not None:
                proto, check, picture = _lowered(fp32, picture, precision, data, tag)
                refuse_loss(check, precision, max_loss)
            if head is not None:
                alone = type(proto).FromString(proto.SerializeToString())
                attach_text(proto, head, precision)
                seal(proto, dataclasses.replace(picture, text=card.text))
                check_text(alone, proto, head, precision, sample)
            beside.write_bytes(proto.SerializeToString())
    except OSError as error:
        reason = os_reason(error)
        raise OutputError(f"{output} cannot be written: {reason}.") from None
    return Export(output, os.path.getsize(output), parity, check)


@contextmanager
def exported(folder: Path, images: Path) -> Iterator[Path]:
    """Provide a run as an ``.onnx`` file, which is gone afterwards.

    Args:
        folder: the run folder.
        images: folder of images to compare on.

    Raises:
        DataError: the run is not finished or damaged, or no image can be read.
        ModelError: the file would differ from the Keras model.
    """
    with tempfile.TemporaryDirectory(prefix="tagger-run-") as scratch:
        file = Path(scratch) / f"{folder.absolute().name}.onnx"
        export_run(folder, file, images)
        yield file


def _lowered(
    fp32: Path,
    card: ModelCard,
    precision: str,
    data: tuple[LabelledSet, LabelledSet],
    tag: TagFiles,
) -> tuple[Any, PrecisionCheck, ModelCard]:
    """Convert the fp32 file to another precision, compare the two, and return the new card."""
    training, validation = data
    if precision == "fp16":
        # A CPU stores only the weights in float16 and computes in float32: CUDA is more telling.
        lowered, device = to_float16(fp32), "auto"
    else:
        lowered, device = to_int8(fp32, calibration_images(training.files, card)), "cpu"
    own_card = dataclasses.replace(card, precision=precision)
    seal(lowered, own_card)
    file = fp32.with_name(f"{precision}.onnx")
    file.write_bytes(lowered.SerializeToString())
    check = compare_precisions(fp32, file, validation, tag, device=device)
    provenance = {**card.provenance, "precision_check": check.to_dict()}
    own_card = dataclasses.replace(own_card, provenance=provenance)
    seal(lowered, own_card)
    return lowered, check, own_card


def _load(file: Path) -> Any:
    if not file.exists():
        raise DataError(f"{file.parent} is not a finished run: {file.name} is missing.")
    return load_network(file, compiled=False)
