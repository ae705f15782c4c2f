"""Sidecars, and tags inside images: their options."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.options.groups import OptionGroup
from tagger.errors import UsageError
from tagger.text import TAG_SEPARATOR, printable

if TYPE_CHECKING:
    from tagger.holders.plan import HolderPlan


class Sidecar(StrEnum):
    """Kinds of sidecar."""

    TXT = "txt"
    JSON = "json"
    XMP = "xmp"
    NFO = "nfo"


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


@dataclass(frozen=True, kw_only=True)
class HolderOptions(OptionGroup):
    """Sidecars, and tags inside images."""

    panel: ClassVar[str] = "Sidecars and embedding"

    sidecar: Annotated[
        list[Sidecar] | None,
        typer.Option(
            metavar="txt|json|xmp|nfo",
            help="Write a file next to each image (repeatable); no table without -o. nfo: add "
            "genres to a film's existing .nfo.",
        ),
    ] = None
    sidecar_name: Annotated[
        SidecarName, typer.Option(help="append: poster.jpg.xmp; replace: poster.xmp.")
    ] = SidecarName.APPEND
    sidecar_dir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Write sidecars to DIR, in a mirror of the image tree, instead of next to the "
            "images.",
        ),
    ] = None
    sidecar_base: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="The folder mirrored by --sidecar-dir: the one given to 'tagger tag'.",
        ),
    ] = None
    existing: Annotated[
        Existing,
        typer.Option(
            help="What to do if a sidecar exists; merge: update the tags in an .xmp, keep "
            "everything else in it, and leave other kinds alone. An .nfo is never "
            "overwritten."
        ),
    ] = Existing.MERGE
    embed: Annotated[
        bool,
        typer.Option(
            help="Write tags into the images themselves (JPEG, PNG, WebP, TIFF) without touching "
            "pixels, for programs that do not read sidecars; no table without -o."
        ),
    ] = False
    keep_time: Annotated[
        bool, typer.Option(help="Keep the modification time of an image when its tags change.")
    ] = False
    backup: Annotated[
        bool, typer.Option(help="Save the original of a changed sidecar or image as NAME.bak.")
    ] = False
    xmp_root: Annotated[
        str | None,
        typer.Option(
            metavar="A|B",
            help="Levels above the tags in hierarchical XMP fields: Genre results in Genre|Drama.",
        ),
    ] = None

    def plan(self, base: str | None = None) -> HolderPlan:
        """Check what was asked for; ``base`` is the folder that is mirrored, where it is known.

        Raises:
            UsageError: options contradict each other, or cannot be understood.
        """
        from tagger.holders.plan import HolderPlan

        return HolderPlan(
            tuple(self.sidecar or ()),
            replace_ending=self.sidecar_name is SidecarName.REPLACE,
            folder=self.sidecar_dir,
            base=base or "",
            existing=self.existing,
            backup=self.backup,
            xmp_root=_xmp_levels(self.xmp_root),
            embed=self.embed,
            keep_time=self.keep_time,
        )


def _xmp_levels(text: str | None) -> tuple[str, ...] | None:
    """Read the levels above every tag, such as ``Movies|Genre``.

    Raises:
        UsageError: a level is empty, cannot be printed, or holds a slash.
    """
    if text is None:
        return None
    levels = tuple(level.strip() for level in text.split(TAG_SEPARATOR))
    if "/" in text:  # digiKam's separator: whether levels or a name are meant, nobody can tell
        raise UsageError(
            f"--xmp-root {text}: separate levels by '{TAG_SEPARATOR}', not by '/'.", "xmp-root"
        )
    if not all(level and level.isprintable() for level in levels):
        raise UsageError(
            f"--xmp-root {text}: give printable names, separated by '{TAG_SEPARATOR}'.", "xmp-root"
        )
    return levels


def mirrored_base(folder: str | None, *, mirrors: bool) -> str | None:
    """Return the absolute folder whose tree is mirrored, for paths that a table gives.

    Raises:
        UsageError: it was not given, or not needed.
    """
    if mirrors and folder is None:
        raise UsageError(
            "--sidecar-dir needs --sidecar-base, the folder to mirror: the one that 'tagger tag' "
            "was given.",
            "sidecar-dir",
        )
    if folder is not None and not mirrors:
        raise UsageError("--sidecar-base is only used with --sidecar-dir.", "sidecar-base")
    return None if folder is None else os.path.abspath(folder)


def refuse_outside(path: str, base: str | None) -> None:
    """Check that a path lies in the tree that is mirrored, if one is.

    Raises:
        UsageError: it leads out of it.
    """
    if base is None:
        return
    try:
        is_below = os.path.commonpath((os.path.abspath(path), base)) == base
    except ValueError:  # on another drive
        is_below = False
    if not is_below:
        raise UsageError(
            f"--sidecar-base {base}: {printable(path)} is not inside it.", "sidecar-base"
        )
