"""``tagger refit``: a finished run → the same network trained on all its images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.commands.train import TrainDisplay
from tagger.cli.options.common import CacheOption, NameOption

_EXAMPLES = """Examples:

\b
  tagger train --images posters/ --labels train.csv --output runs/posters
  tagger refit runs/posters --output runs/posters-all
  tagger export runs/posters-all -o posters.onnx
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("refit", epilog=_EXAMPLES)(refit)


def refit(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished training.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="RUN", help="Run folder to write.")
    ],
    name: NameOption = None,
    cache: CacheOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last epoch, if any.")
    ] = False,
) -> int:
    """Train a finished run's network again, on all images.

    A training keeps some images aside to choose by. When it has chosen, this uses them too: same
    images, table and settings, as many epochs as were kept. Calibration, thresholds and figures
    are the finished run's, as no image is left to measure on.
    """
    from tagger.cli.extras import needs_train_extra

    with needs_train_extra("refit"):
        from tagger_training.train import refit as run_refit
    display = TrainDisplay()
    run_refit(run, output, display, name=name, resume=resume, cache=cache)
    print(f"Trained {display.epochs_done} epochs on all images of {run}.")
    print(f"Next: tagger export {output} -o model.onnx")
    return 0
