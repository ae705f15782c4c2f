"""``tagger export``: a training run → a model file."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.console import show
from tagger.cli.options.groups import Only
from tagger.cli.options.report import ReportOptions
from tagger.text import counted

if TYPE_CHECKING:
    from tagger_export.precision_check import PrecisionCheck

    from tagger.network.model import TaggerModel
    from tagger.results import Result

EXAMPLES = """\
tagger export runs/posters -o posters.onnx
tagger export runs/posters -o posters-int8.onnx --precision int8
tagger export runs/posters -o posters-cuda.onnx --precision fp16 --max-loss 0.002
tagger tag folder/ --model posters.onnx
"""


class Precision(StrEnum):
    """Number format of the file."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder written by 'tagger train'.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The .onnx file to write.")
    ],
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Images for comparing Keras and ONNX Runtime; default: the run's validation set.",
        ),
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="Number format: fp16 for CUDA, int8 for CPUs.")
    ] = Precision.FP32,
    max_loss: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="X",
            help="Reject an fp16 or int8 file that loses more validation macro-AP.",
        ),
    ] = 0.01,
    *,
    report: Annotated[ReportOptions, Only("verbose")],
) -> int:
    """Convert a run to a verified .onnx file."""
    from tagger.cli.faults import needs_extras
    from tagger.errors import OutputError
    from tagger.table.sink import check_target

    # Before the conversion, which takes a while.
    check_target(str(output))
    if output.is_dir():
        raise OutputError(f"{output} cannot be written: it is a folder.")
    with needs_extras("export"):
        from tagger_export.export import export_run
    written = export_run(
        run, output, images, tag=_tagged, precision=precision.value, max_loss=max_loss
    )
    show(
        f"{written.file}: {written.size / 1e6:.1f} MB; largest difference from Keras on "
        f"{counted(written.parity.images, 'image')} {written.parity.largest_difference:.1e}"
    )
    if written.check:
        show(_cost(written.check, precision.value))
    return 0


def _tagged(paths: Iterable[str], model: TaggerModel) -> Iterable[Result]:
    """Tag images by the model's own rules, as ``tagger tag`` would."""
    from tagger.network.devices import available_cores
    from tagger.pipeline.pipeline import tag_images
    from tagger.rules import Rules

    return tag_images(paths, model, Rules.of_card(model.card), workers=available_cores())


def _cost(check: PrecisionCheck, precision: str) -> str:
    return (
        f"{precision} compared with fp32 on {counted(check.images, 'validation image')} "
        f"({check.device}): macro-AP {check.macro_ap:.4f} (fp32: {check.fp32_macro_ap:.4f}); "
        f"{check.other_tags:.1%} of images get different tags; scores differ by "
        f"{check.mean_difference:.4f} on average, {check.largest_difference:.3f} at most"
    )
