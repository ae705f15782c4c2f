"""The sidecars that a command writes: their options, and the writer that follows."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.errors import OutputError

if TYPE_CHECKING:
    from tagger.card import ModelCard
    from tagger.cli.progress import TagProgress
    from tagger.writers.sidecars import SidecarWriter


class Sidecar(StrEnum):
    """Kinds of sidecar."""

    TXT = "txt"
    JSON = "json"
    XMP = "xmp"


class SidecarName(StrEnum):
    """How a sidecar's name is made."""

    APPEND = "append"
    REPLACE = "replace"


class Existing(StrEnum):
    """What happens to a sidecar that is there already."""

    MERGE = "merge"
    OVERWRITE = "overwrite"
    SKIP = "skip"
    ERROR = "error"


SidecarOption = Annotated[
    list[Sidecar] | None,
    typer.Option(
        "--sidecar",
        metavar="txt|json|xmp",
        help="Write a file beside each image (repeatable); no table without -o.",
    ),
]

SidecarNameOption = Annotated[
    SidecarName,
    typer.Option("--sidecar-name", help="append: poster.jpg.xmp; replace: poster.xmp."),
]

SidecarDirOption = Annotated[
    str | None,
    typer.Option(
        "--sidecar-dir",
        metavar="DIR",
        help="Mirror the tree of the images there instead of writing beside them.",
    ),
]

ExistingOption = Annotated[
    Existing,
    typer.Option(
        "--existing",
        help="What happens to a sidecar that is there already; merge: the tags change in an "
        ".xmp, all else in it stays, and other kinds are left alone.",
    ),
]

XmpRootOption = Annotated[
    str | None,
    typer.Option(
        "--xmp-root",
        metavar="A|B",
        help="Put tags below these levels in hierarchical XMP fields: Genre gives Genre|Drama.",
    ),
]


@dataclass(frozen=True)
class OutputOptions:
    """What is written, and where."""

    sidecars: tuple[Sidecar, ...]
    sidecar_name: SidecarName
    sidecar_dir: str | None
    existing: Existing
    backup: bool
    xmp_root: tuple[str, ...]


def sidecar_writer(
    card: ModelCard,
    options: OutputOptions,
    progress: TagProgress,
    *,
    base: Callable[[], str],
    images_seen: bool,
) -> SidecarWriter | None:
    """Return what writes the sidecars, or None where none were asked for.

    Args:
        card: of the model that tags.
        options: of the sidecars.
        progress: told of what fails.
        base: → absolute folder whose tree is mirrored; asked for only where one is.
        images_seen: whether images were there a moment ago; if not, the writer looks.

    Raises:
        OutputError: the folder for them is a file.
    """
    from tagger.writers.sidecar_names import SidecarNames
    from tagger.writers.sidecars import SidecarPolicy, SidecarWriter

    if not options.sidecars:
        return None
    if options.sidecar_dir is not None and os.path.isfile(options.sidecar_dir):
        raise OutputError(f"--sidecar-dir {options.sidecar_dir} is a file, not a folder.")
    return SidecarWriter(
        options.sidecars,
        SidecarNames(
            replace_ending=options.sidecar_name is SidecarName.REPLACE,
            folder=options.sidecar_dir,
            base=base() if options.sidecar_dir is not None else "",
        ),
        card,
        SidecarPolicy(
            options.existing,
            options.backup,
            options.xmp_root,
            look_for_images=not images_seen and options.sidecar_dir is None,
        ),
        failed=progress.failed,
    )
