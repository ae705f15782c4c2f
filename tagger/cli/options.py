"""Each option that several commands share, declared once with its default in the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelOption = Annotated[
    Path | None,
    typer.Option("--model", metavar="FILE", help="Model file; default: the bundled one."),
]
ModelArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[MODEL]", help="Model file; default: the bundled one."),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda|cuda:N",
        help="Where the network runs: auto takes CUDA where it works, cuda insists on it.",
    ),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option("--batch-size", min=1, metavar="N", help="Images a run of the network."),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, metavar="N", help="Images decoded at a time."),
]
QuietOption = Annotated[
    bool, typer.Option("-q", "--quiet", help="Say nothing on stderr but errors.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

ImagesOption = Annotated[
    Path,
    typer.Option("--images", metavar="DIR", help="Folder of the images, searched with subfolders."),
]
LabelsOption = Annotated[
    Path,
    typer.Option(
        "--labels",
        metavar="CSV",
        help="Table of labels: an id column that names the file, and one 0/1 column a label "
        "or a column 'tags' of joined tags.",
    ),
]
IdColumnOption = Annotated[
    str | None,
    typer.Option(
        "--id-column",
        metavar="NAME",
        help="Column that names the file; default: id, path, file, … or the first.",
    ),
]
TagsColumnOption = Annotated[
    str | None,
    typer.Option(
        "--tags-column", metavar="NAME", help="Column of joined tags; default: tags or labels."
    ),
]
SeparatorOption = Annotated[
    str, typer.Option("--separator", metavar="TEXT", help="What joins the tags of a cell.")
]

NameOption = Annotated[
    str | None, typer.Option("--name", metavar="TEXT", help="The model's name in its card.")
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="Keep decoded images there, to share them between runs; default: in RUN, removed at "
        "the end.",
    ),
]
