"""``tagger refit``: a finished run → the same network trained on all its images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.commands.train import TrainDisplay
from tagger.cli.console import show
from tagger.cli.faults import needs_extras
from tagger.cli.options.groups import Only
from tagger.cli.options.report import ReportOptions
from tagger.cli.options.training import TrainingRunOptions
from tagger.text import counted

EXAMPLES = """\
tagger train --images posters/ --labels train.csv --output runs/posters
tagger refit runs/posters --output runs/posters-all
tagger export runs/posters-all -o posters.onnx
"""


def refit(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished training.")],
    *,
    written: TrainingRunOptions,
    report: Annotated[ReportOptions, Only("verbose")],
) -> int:
    """Train a finished run's network again, on all images.

    Training holds out some images for validation. This command also uses those, with the same
    table and settings, for as many epochs as were kept. Calibration, thresholds and metrics are
    copied from the finished run, because no image is left to measure on.
    """
    with needs_extras("refit"):
        from tagger_training.train import refit as run_refit
    display = TrainDisplay()
    run_refit(
        run, written.output, display, name=written.name, resume=written.resume, cache=written.cache
    )
    show(f"Trained {counted(display.epochs_done, 'epoch')} on all images of {run}.")
    show(f"Next: tagger export {written.output} -o model.onnx")
    return 0
