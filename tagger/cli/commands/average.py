"""``tagger average``: finished runs → one network with the averages of their weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.commands.train import TrainDisplay, figures, text_figures
from tagger.cli.console import show
from tagger.cli.faults import needs_extras
from tagger.cli.options.groups import Only, Without
from tagger.cli.options.report import ReportOptions
from tagger.cli.options.training import TrainingRunOptions

EXAMPLES = """\
tagger train --images posters/ --labels train.csv --output runs/a --seed 1
tagger train --images posters/ --labels train.csv --output runs/b --seed 2
tagger average runs/a runs/b --output runs/ab
tagger export runs/ab -o posters.onnx

# the same on all images
tagger refit runs/a --output runs/a-all
tagger refit runs/b --output runs/b-all
tagger average runs/a-all runs/b-all --measured-by runs/ab --output runs/ab-all
"""


def average(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Folders of finished trainings.")
    ],
    *,
    measured_by: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="For runs on all images: the average of the original trainings."
        ),
    ] = None,
    written: Annotated[TrainingRunOptions, Without("resume")],
    report: Annotated[ReportOptions, Only("verbose")],
) -> int:
    """Average the weights of several trainings of one network.

    The average of networks trained from the same ImageNet weights on the same images, with
    different seeds or settings, is better than each of them and just as fast. It is calibrated and
    measured on the images that none of them was trained on.
    """
    with needs_extras("average"):
        from tagger_training.averaging import average as run_average
    display = TrainDisplay()
    evaluation = run_average(
        runs,
        written.output,
        display,
        measured_by=measured_by,
        name=written.name,
        cache=written.cache,
    )
    show(f"Averaged {len(runs)} trainings{figures(evaluation)}.")
    for line in text_figures(written.output) if evaluation else ():
        show(line)
    show(f"Next: tagger export {written.output} -o model.onnx")
    return 0
