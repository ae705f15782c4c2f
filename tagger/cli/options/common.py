"""Each option that several commands share, declared once with its default in the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FilesFromOption = Annotated[
    Path | None,
    typer.Option("--files-from", metavar="FILE", help="More paths, one a line; - for stdin."),
]
NullOption = Annotated[
    bool, typer.Option("-0", "--null", help="Lists are NUL-separated, as find -print0 writes.")
]
IncludeOption = Annotated[
    list[str] | None,
    typer.Option("--include", metavar="GLOB", help="Take only files that match (repeatable)."),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude", metavar="GLOB", help="Leave out files and folders that match (repeatable)."
    ),
]
LibraryOption = Annotated[
    bool,
    typer.Option(
        "--library",
        help="Take only posters from the folders of Kodi, Jellyfin, Emby or Plex: poster, folder, "
        "cover, movie, NAME-poster; no fanart, banners, logos, discs or thumbs.",
    ),
]
NoRecursiveOption = Annotated[bool, typer.Option("--no-recursive", help="Do not enter subfolders.")]
FollowSymlinksOption = Annotated[
    bool, typer.Option("--follow-symlinks", help="Enter links to folders.")
]
BackupOption = Annotated[
    bool,
    typer.Option(
        "--backup",
        help="Keep a sidecar or an image as it was, as NAME.bak, before tags change in it.",
    ),
]

ThresholdOption = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold",
        metavar="P|LABEL=P",
        help="Probability from which a label is a tag (repeatable); default: the model's.",
    ),
]

MaxTagsOption = Annotated[
    int | None, typer.Option("--max-tags", min=0, metavar="N", help="At most N tags.")
]

MinTagsOption = Annotated[
    int | None,
    typer.Option("--min-tags", min=0, metavar="N", help="At least N tags, however improbable."),
]

IgnoreOption = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="LABEL", help="Never a tag (repeatable)."),
]

RenameOption = Annotated[
    list[str] | None,
    typer.Option("--rename", metavar="OLD=NEW", help="Write a tag as NEW (repeatable)."),
]

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
        metavar="DEVICE",
        help="Where the network runs: cpu, openvino (the CPU, faster for int8), cuda, cuda:N, "
        "tensorrt, several such as cuda:0,cuda:1, or auto, which takes CUDA where it works and "
        "else cpu; the others insist.",
    ),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        min=1,
        metavar="N",
        help="Images a run of the network; default: what suits the device.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        metavar="N",
        help="Images decoded, and on a CPU tagged, at a time; default: one a core.",
    ),
]
GpuMemoryOption = Annotated[
    str | None,
    typer.Option(
        "--gpu-mem-limit",
        metavar="SIZE",
        help="Most memory that the network may take on each GPU, such as 4G or 512M.",
    ),
]
ImageTimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--image-timeout",
        min=0,
        metavar="SECONDS",
        help="Longest time for one image, or for listing one folder; 0 is no limit. Default: 60, "
        "and 10 of one core.",
        show_default=False,
    ),
]
ImageMemoryOption = Annotated[
    str | None,
    typer.Option(
        "--image-memory",
        metavar="SIZE",
        help="Most memory for images that are being decoded, together; one that needs more fails. "
        "Default: 1G.",
        show_default=False,
    ),
]
IsolateOption = Annotated[
    bool,
    typer.Option(
        "--isolate",
        help="Decode in processes of their own: a file that crashes its decoder fails alone. "
        "Slower.",
    ),
]
QuietOption = Annotated[
    bool, typer.Option("-q", "--quiet", help="Say nothing on stderr but errors.")
]
SummaryOption = Annotated[
    Path | None,
    typer.Option("--summary", metavar="FILE", help="Write the closing summary as JSON."),
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
        metavar="TABLE",
        help="Table of labels (.csv, .tsv, .jsonl, .parquet, .xlsx): an id column that names the "
        "file, and one 0/1 column a label or a column 'tags' of joined tags.",
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
