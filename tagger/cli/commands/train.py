"""``tagger train``: a labelled set → a run folder with a model and its report."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.options.common import (
    CacheOption,
    IdColumnOption,
    ImagesOption,
    LabelsOption,
    NameOption,
    SeparatorOption,
    TagsColumnOption,
)

if TYPE_CHECKING:
    from tagger_training.history import Epoch, TrainingState
    from tagger_training.labels import Notice
    from tagger_training.metrics import Evaluation

_EXAMPLES = """Examples:

\b
  tagger train --images posters/ --labels train.csv --output runs/posters
  tagger train --images posters/ --labels train.csv --output runs/posters --resume
  tagger export runs/posters -o posters.onnx
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("train", epilog=_EXAMPLES)(train)


def train(
    images: ImagesOption,
    labels: LabelsOption,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="RUN", help="Run folder to write.")
    ],
    architecture: Annotated[
        str,
        typer.Option(
            "--architecture",
            metavar="NAME",
            help="efficientnet-lite2, -lite1, -lite0, sequential, or one of keras.applications.",
        ),
    ] = "efficientnet-lite2",
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Start from random weights, not ImageNet's.")
    ] = False,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="HxW", help="Input size; default: the network's own."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, metavar="N", help="At most N epochs.")
    ] = None,
    patience: Annotated[
        int,
        typer.Option(
            "--patience", min=1, metavar="N", help="Stop after N epochs that bring nothing better."
        ),
    ] = 10,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, metavar="N", help="Images a step.")
    ] = 32,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            "--learning-rate",
            min=1e-8,
            max=1,
            metavar="X",
            help="Its peak; default: the network's own.",
        ),
    ] = None,
    validation: Annotated[
        float,
        typer.Option(
            "--validation",
            min=0.01,
            max=0.9,
            metavar="SHARE",
            help="Share of the images to choose by and never to train on.",
        ),
    ] = 0.15,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of weights and order.")] = 1,
    target_precision: Annotated[
        float | None,
        typer.Option(
            "--target-precision",
            min=0.01,
            max=0.99,
            metavar="SHARE",
            help="Learn thresholds at which this share of a label's tags is true, instead of F1's.",
        ),
    ] = None,
    name: NameOption = None,
    never: Annotated[
        list[str] | None,
        typer.Option(
            "--never", metavar="LABEL", help="Label that is never a tag; default: N/A and its like."
        ),
    ] = None,
    id_column: IdColumnOption = None,
    tags_column: TagsColumnOption = None,
    separator: SeparatorOption = "|",
    cache: CacheOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from RUN's last epoch, if any.")
    ] = False,
) -> int:
    """Train a network on labelled images."""
    from tagger.cli.extras import needs_train_extra

    with needs_train_extra("train"):
        from tagger_training.architectures import find_architecture
        from tagger_training.settings import DataSource, TrainSettings
        from tagger_training.train import train as run_training
    recipe = find_architecture(architecture, pretrained=not from_scratch).recipe
    height, width = _size(size) if size else (recipe.height, recipe.width)
    settings = TrainSettings(
        architecture=architecture,
        height=height,
        width=width,
        epochs=epochs or recipe.epochs,
        learning_rate=learning_rate or recipe.learning_rate,
        augmentation=recipe.augmentation,
        ema=recipe.ema,
        probe=recipe.probe,
        frozen_layers=recipe.frozen_layers,
        training_scale=recipe.training_scale,
        teachers=recipe.teachers,
        pretrained=not from_scratch,
        patience=patience,
        batch_size=batch_size,
        validation_share=validation,
        seed=seed,
        target_precision=target_precision,
        name=name or output.absolute().name,
        never=tuple(never) if never is not None else None,
    )
    source = DataSource(images, labels, id_column, tags_column, separator)
    display = TrainDisplay()
    evaluation = run_training(source, settings, output, display, resume=resume, cache=cache)
    print(f"Kept epoch {display.best_epoch} of {display.epochs_done}{figures(evaluation)}.")
    print(f"Next: tagger export {output} -o model.onnx")
    return 0


def figures(evaluation: Evaluation | None) -> str:
    """Say how good a network is on validation, to go on a sentence; nothing without figures."""
    if evaluation is None:
        return ""
    model, baseline = evaluation.model, evaluation.baseline
    return (
        f": validation macro-AP {model.macro_ap:.3f} (label frequencies {baseline.macro_ap:.3f}), "
        f"macro ROC-AUC {model.macro_roc_auc:.3f}, "
        f"log-loss {model.log_loss:.4f} ({baseline.log_loss:.4f})"
    )


def _size(text: str) -> tuple[int, int]:
    from tagger.errors import UsageError

    height, cross, width = text.lower().partition("x")
    if not (cross and height.isdecimal() and width.isdecimal()):
        raise UsageError(f"--size {text}: give HEIGHTxWIDTH in pixels, such as 384x256.")
    if not 16 <= min(int(height), int(width)) <= max(int(height), int(width)) <= 4096:
        raise UsageError(f"--size {text}: each side must be between 16 and 4096 pixels.")
    return int(height), int(width)


class TrainDisplay:
    """Draws a training on stderr: a line an epoch that stays, and the running epoch below."""

    def __init__(self) -> None:
        self._epochs = 0
        self._terminal = sys.stderr.isatty()
        self._epoch_started = time.monotonic()
        self.best_epoch = 0
        self.epochs_done = 0

    def notice(self, notice: Notice) -> None:
        self._say(f"Note: {notice}.")

    def data_ready(self, training: int, validation: int, labels: int, scored: int) -> None:
        self._say(
            f"{training:,} images to train on, {validation:,} to choose by; {labels} labels, "
            f"{scored} of them frequent enough to score."
        )

    def images_decoded(self, done: int, total: int) -> None:
        if self._terminal or done == total:
            self._say(f"Decoded {done:,} of {total:,} images.", stays=done == total)

    def probing(self, network: str) -> None:
        self._say(f"Fitting a linear probe on {network}.")

    def model_ready(
        self, architecture: str, weights: int, epochs: int, state: TrainingState
    ) -> None:
        self._epochs = epochs
        self._take(state)
        after = f", going on after epoch {self.epochs_done}" if self.epochs_done else ""
        self._say(f"Network {architecture}: {weights:,} weights{after}.")
        self._say("epoch     loss  val. log-loss  val. macro-AP     time  left at most")

    def batch_done(self, epoch: int, done: int, total: int, loss: float) -> None:
        if done == 1:
            self._epoch_started = time.monotonic()
        if self._terminal:
            left = (time.monotonic() - self._epoch_started) / done * (total - done)
            self._say(
                f"{epoch:>2}/{self._epochs:<3} {loss:>7.4f}  batch {done}/{total}, "
                f"{_clock(left)} left in this epoch",
                stays=False,
            )

    def epoch_done(self, epoch: Epoch, state: TrainingState) -> None:
        self._take(state)
        mean = sum(item.seconds for item in state.epochs) / len(state.epochs)
        star = "*" if state.best is epoch else " "
        self._say(
            f"{epoch.number:>2}/{self._epochs:<3} {epoch.loss:>7.4f}  "
            f"{_figure(epoch.validation_log_loss):>13}  "
            f"{_figure(epoch.validation_macro_ap):>12}{star} "
            f"{_clock(epoch.seconds):>8}  {_clock(mean * (self._epochs - epoch.number)):>12}"
        )

    def _take(self, state: TrainingState) -> None:
        self.best_epoch = state.best.number if state.best else 0
        self.epochs_done = len(state.epochs)

    def _say(self, text: str, *, stays: bool = True) -> None:
        if self._terminal:  # clear what the last unfinished line left
            text = f"\r\x1b[2K{text}"
        print(text, end="\n" if stays else "", file=sys.stderr, flush=True)


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
