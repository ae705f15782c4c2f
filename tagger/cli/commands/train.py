"""``tagger train``: a labelled set → a run folder with a model and its report."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Annotated

from tagger.cli.console import can_draw, draw, say, show
from tagger.cli.faults import needs_extras
from tagger.cli.options.groups import Only
from tagger.cli.options.report import ReportOptions
from tagger.cli.options.training import (
    FitOptions,
    LabelledSetOptions,
    NetworkOptions,
    TrainingRunOptions,
)
from tagger.text import counted

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tagger_training.history import Epoch, TrainingState
    from tagger_training.labels import Notice
    from tagger_training.metrics import Evaluation
    from tagger_training.settings import TrainSettings

EXAMPLES = """\
tagger train --images posters/ --labels train.csv --output runs/posters
tagger train --images posters/ --labels train.csv --output runs/posters --resume
tagger export runs/posters -o posters.onnx
tagger train --images posters/ --labels corrected.csv --init bundled --output mine.onnx
tagger train --images posters/ --labels corrected.csv --init runs/posters --output mine.onnx
"""

MOST_USED = (
    "--images", "--labels", "--output", "--resume", "--init", "--architecture", "--epochs",
    "--text-column",
)  # fmt: skip

# What a correction of a finished model takes.
_USED_BY_INIT = (
    "init", "output", "name", "cache", "images", "labels", "id_column", "tags_column", "separator"
)  # fmt: skip

# In a log, which has a line for each epoch, too.
_SECONDS_BETWEEN_LINES = 60.0


def train(
    *,
    labelled: LabelledSetOptions,
    written: TrainingRunOptions,
    network: NetworkOptions,
    fit: FitOptions,
    report: Annotated[ReportOptions, Only("verbose")],
) -> int:
    """Train a network on labelled images."""
    if network.init is not None:
        return _correct(labelled, written, network, fit)
    with needs_extras("train"):
        from tagger_training.settings import DataSource
        from tagger_training.train import train as run_training
    display = TrainDisplay()
    evaluation = run_training(
        DataSource(
            labelled.images,
            labelled.labels,
            labelled.id_column,
            labelled.tags_column,
            labelled.separator,
            labelled.text_source(),
        ),
        _settings(network, fit, written),
        written.output,
        display,
        resume=written.resume,
        cache=written.cache,
    )
    show(f"Kept epoch {display.best_epoch} of {display.epochs_done}{figures(evaluation)}.")
    for line in text_figures(written.output):
        show(line)
    show(f"Next: tagger export {written.output} -o model.onnx")
    return 0


def _correct(
    labelled: LabelledSetOptions,
    written: TrainingRunOptions,
    network: NetworkOptions,
    fit: FitOptions,
) -> int:
    """Correct the last layer of a finished model."""
    _refuse_unused(labelled, written, network, fit)
    with needs_extras("train"):
        from tagger_export.corrected import correct_model
        from tagger_training.corrections import read_corrected
    from tagger.network.model import read_card

    display = TrainDisplay()
    with (
        _finished(str(network.init), labelled.images) as source,
        read_corrected(
            labelled.labels,
            labelled.images,
            read_card(source),
            display,
            id_column=labelled.id_column,
            tags_column=labelled.tags_column,
            separator=labelled.separator,
            cache=written.cache,
        ) as (pixels, targets),
    ):
        say(f"{counted(len(targets), 'corrected image')}.")
        learned = correct_model(source, pixels, targets, written.output, written.name)
    (ap, loss), (new_ap, new_loss) = learned.before, learned.after
    show(
        f"{written.output}: on images that it has not learned from, macro-AP {new_ap:.3f} "
        f"({ap:.3f} before), log-loss {new_loss:.4f} ({loss:.4f})."
    )
    show(f"Next: tagger tag posters/ --model {written.output} -o tags.csv")
    return 0


def _finished(init: str, images: Path) -> AbstractContextManager[Path]:
    """Provide the model file that is to be corrected; a run has one for as long as it takes."""
    from contextlib import nullcontext
    from pathlib import Path

    from tagger.network.model import BUNDLED_MODEL

    if init == "bundled":
        return nullcontext(BUNDLED_MODEL)
    if os.path.isdir(init):
        from tagger_export.export import exported

        return exported(Path(init), images)
    return nullcontext(Path(init))


def _refuse_unused(
    labelled: LabelledSetOptions,
    written: TrainingRunOptions,
    network: NetworkOptions,
    fit: FitOptions,
) -> None:
    """Raise UsageError for options that a correction of a finished model does not use."""
    import dataclasses

    from tagger.errors import UsageError

    unused = {
        **{field.name: (fit, field) for field in dataclasses.fields(fit)},
        **{field.name: (network, field) for field in dataclasses.fields(network)},
        **{field.name: (written, field) for field in dataclasses.fields(written)},
        **{field.name: (labelled, field) for field in dataclasses.fields(labelled)},
    }
    for name in _USED_BY_INIT:
        del unused[name]
    for name, (group, field) in unused.items():
        if getattr(group, name) != field.default:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} has no effect with --init: omit it.", option)
    if written.output.suffix.lower() != ".onnx":
        raise UsageError(
            f"--output {written.output}: with --init it is a model file, so use a name that ends "
            "in .onnx.",
            "output",
        )
    if written.output.exists():
        raise UsageError(
            f"{written.output} already exists: choose another output, so that the two can be "
            "compared.",
            "output",
        )


def _settings(
    network: NetworkOptions, fit: FitOptions, written: TrainingRunOptions
) -> TrainSettings:
    """Fill in the network's own settings for options that are not given.

    Raises:
        UsageError: unknown network, or invalid size.
    """
    from tagger_training.architectures import find_architecture
    from tagger_training.settings import TrainSettings

    pretrained = not network.from_scratch
    recipe = find_architecture(network.architecture, pretrained=pretrained).recipe
    height, width = _size(network.size) if network.size else (recipe.height, recipe.width)
    return TrainSettings(
        architecture=network.architecture,
        height=height,
        width=width,
        epochs=fit.epochs or recipe.epochs,
        learning_rate=fit.learning_rate or recipe.learning_rate,
        augmentation=recipe.augmentation,
        ema=recipe.ema,
        probe=recipe.probe,
        frozen_layers=recipe.frozen_layers,
        training_scale=recipe.training_scale,
        teachers=recipe.teachers,
        pretrained=pretrained,
        patience=fit.patience,
        batch_size=fit.batch_size,
        validation_share=fit.validation,
        seed=fit.seed,
        target_precision=fit.target_precision,
        name=written.name or written.output.absolute().name,
        never=tuple(fit.never) if fit.never is not None else None,
    )


def figures(evaluation: Evaluation | None) -> str:
    """Return validation metrics as the end of a sentence; nothing if there are none."""
    if evaluation is None:
        return ""
    model, baseline = evaluation.model, evaluation.baseline
    return (
        f": validation macro-AP {model.macro_ap:.3f} (label frequencies {baseline.macro_ap:.3f}), "
        f"macro ROC-AUC {model.macro_roc_auc:.3f}, "
        f"log-loss {model.log_loss:.4f} ({baseline.log_loss:.4f})"
    )


def text_figures(run: Path) -> list[str]:
    """Return a sentence for each kind of text that a finished run's network takes."""
    from tagger_training.run_folder import RunFolder

    folder = RunFolder(run)
    kinds = folder.read_json(folder.metrics).get("with_text", {})
    return [
        f"With {kind}: validation macro-AP {_metric(figures['macro_ap'], 3)}, "
        f"macro ROC-AUC {_metric(figures['macro_roc_auc'], 3)}, "
        f"log-loss {_metric(figures['log_loss'], 4)}."
        for kind, figures in ((kind, measured["model"]) for kind, measured in kinds.items())
    ]


def _metric(value: float | None, decimals: int) -> str:
    return "nan" if value is None else f"{value:.{decimals}f}"


def _size(text: str) -> tuple[int, int]:
    from tagger.errors import UsageError

    height, cross, width = text.lower().partition("x")
    if not (cross and height.isdecimal() and width.isdecimal()):
        raise UsageError(f"--size {text}: give HEIGHTxWIDTH in pixels, such as 384x256.")
    if not 16 <= min(int(height), int(width)) <= max(int(height), int(width)) <= 4096:
        raise UsageError(f"--size {text}: each side must be between 16 and 4096 pixels.")
    return int(height), int(width)


class TrainDisplay:
    """Shows a training on stderr: one permanent line per epoch, and the running epoch below."""

    def __init__(self) -> None:
        self._epochs = 0
        self._draws = can_draw()
        self._said = time.monotonic()
        self._epoch_started = time.monotonic()
        self.best_epoch = 0
        self.epochs_done = 0

    def notice(self, notice: Notice) -> None:
        self._say(f"Note: {notice}.")

    def data_ready(self, training: int, validation: int, labels: int, scored: int) -> None:
        self._say(
            f"{counted(training, 'image')} for training, {validation:,} for validation; "
            f"{counted(labels, 'label')}, {scored} of them frequent enough to score."
        )

    def images_decoded(self, done: int, total: int) -> None:
        if self._draws or done == total or self._is_late():
            self._say(f"Decoded {done:,} of {counted(total, 'image')}.", stays=done == total)

    def probing(self, network: str) -> None:
        self._say(f"Fitting a linear probe on {network}.")

    def model_ready(
        self, architecture: str, weights: int, epochs: int, state: TrainingState
    ) -> None:
        self._epochs = epochs
        self._take(state)
        after = f", resuming after epoch {self.epochs_done}" if self.epochs_done else ""
        self._say(f"Network {architecture}: {weights:,} weights{after}.")
        self._say("epoch     loss  val. log-loss  val. macro-AP     time  left at most")

    def batch_done(self, epoch: int, done: int, total: int, loss: float) -> None:
        if done == 1:
            self._epoch_started = time.monotonic()
        if self._draws or self._is_late():
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
        self._said = time.monotonic()
        if self._draws:
            draw(text, stays=stays)
        else:
            say(text)

    def _is_late(self) -> bool:
        """Return whether a log has been without a line for a while."""
        return time.monotonic() - self._said > _SECONDS_BETWEEN_LINES


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
