"""Labelled sets, and trainings: the network, how it is fitted, and the folder of the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.options.groups import OptionGroup
from tagger.errors import UsageError
from tagger.network.devices import LARGEST_BATCH

if TYPE_CHECKING:
    from tagger_training.settings import TextSource

_MOST_EPOCHS = 10_000
_LARGEST_SEED = 2**32 - 1  # what random generators take


@dataclass(frozen=True, kw_only=True)
class LabelledSetOptions(OptionGroup):
    """Images, and the table of their labels."""

    panel: ClassVar[str] = "Labelled images"

    images: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the images, including subfolders.")
    ]
    labels: Annotated[
        Path,
        typer.Option(
            metavar="TABLE",
            help="Table of labels (.csv, .tsv, .jsonl, .parquet, .xlsx): an id column that names "
            "the file, and one 0/1 column per label or a column 'tags' of joined tags.",
        ),
    ]
    id_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column that names the file; default: id, path, file, … or the first.",
        ),
    ] = None
    tags_column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Column of joined tags; default: tags or labels."),
    ] = None
    separator: Annotated[
        str, typer.Option(metavar="TEXT", help="Separator between the tags in a cell.")
    ] = "|"
    text_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column of words that the network takes besides the image: titles, captions, …",
        ),
    ] = None
    year_column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Column of years, with --text-column."),
    ] = None
    texts: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="TABLE",
            help="Table of more labelled texts, without images: the same columns (repeatable).",
        ),
    ] = None

    def text_source(self) -> TextSource | None:
        """Return where texts are found; None if the network takes none.

        Raises:
            UsageError: an option needs --text-column.
        """
        from tagger_training.settings import TextSource

        if self.text_column is not None:
            return TextSource(self.text_column, self.year_column, tuple(self.texts or ()))
        for name, value in (("year-column", self.year_column), ("texts", self.texts)):
            if value:
                raise UsageError(f"--{name} needs --text-column NAME.")
        return None


@dataclass(frozen=True, kw_only=True)
class TrainingRunOptions(OptionGroup):
    """The folder that a training writes."""

    panel: ClassVar[str] = "Run"

    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="RUN", help="Run folder to write.")
    ]
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The model's name in its card.")
    ] = None
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep decoded images in DIR, to share them between runs; default: in RUN, deleted "
            "at the end.",
        ),
    ] = None
    resume: Annotated[bool, typer.Option(help="Resume after the last epoch in RUN, if any.")] = (
        False
    )


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(OptionGroup):
    """Which network is trained."""

    panel: ClassVar[str] = "Network"

    architecture: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="efficientnet-lite2, -lite1, -lite0, sequential, or one of keras.applications.",
        ),
    ] = "efficientnet-lite2"
    init: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Instead of training a network, correct a finished one by the images: bundled, an "
            ".onnx file, or the folder of a run. Only its last layer learns, in minutes; RUN is "
            "then an .onnx file.",
        ),
    ] = None
    from_scratch: Annotated[
        bool, typer.Option(help="Start from random weights, not ImageNet's.")
    ] = False
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Input size; default: the network's own.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class FitOptions(OptionGroup):
    """How a network is trained, and what is learned besides its weights."""

    panel: ClassVar[str] = "Training"

    epochs: Annotated[
        int | None, typer.Option(min=1, max=_MOST_EPOCHS, metavar="N", help="At most N epochs.")
    ] = None
    patience: Annotated[
        int,
        typer.Option(
            min=1, max=_MOST_EPOCHS, metavar="N", help="Stop after N epochs without improvement."
        ),
    ] = 10
    batch_size: Annotated[
        int, typer.Option(min=1, max=LARGEST_BATCH, metavar="N", help="Images per training step.")
    ] = 32
    learning_rate: Annotated[
        float | None,
        typer.Option(
            min=1e-8, max=1, metavar="X", help="Peak learning rate; default: the network's own."
        ),
    ] = None
    validation: Annotated[
        float,
        typer.Option(
            min=0.01, max=0.9, metavar="SHARE", help="Share of images held out for validation."
        ),
    ] = 0.15
    seed: Annotated[
        int,
        typer.Option(
            min=0, max=_LARGEST_SEED, metavar="N", help="Random seed (weights, shuffling)."
        ),
    ] = 1
    target_precision: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=0.99,
            metavar="SHARE",
            help="Pick thresholds for this precision instead of best F1.",
        ),
    ] = None
    never: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="Label that is never a tag; default: N/A and similar."),
    ] = None
