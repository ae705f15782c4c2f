"""Which holders a run writes, and how."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tagger.errors import OutputError, UsageError
from tagger.holders.places import SidecarNames


@dataclass(frozen=True)
class HolderPlan:
    """What is written next to images or into them.

    Attributes:
        kinds: kinds of sidecars: ``txt``, ``json``, ``xmp``, ``nfo``.
        replace_ending: ``poster.xmp`` instead of ``poster.jpg.xmp``.
        folder: root of a mirror of the image tree; None writes next to the images.
        base: absolute path of the mirrored folder; only used with ``folder``.
        existing: ``merge`` changes the tags in an XMP sidecar and leaves other kinds alone,
            ``overwrite`` replaces a sidecar, ``skip`` leaves it alone, ``error`` ends the run. An
            ``.nfo`` is merged into in all cases but ``skip``.
        backup: whether the original of a changed file is saved as ``NAME.bak``.
        xmp_root: levels above every tag in the hierarchical fields of XMP; None keeps existing
            levels when applying corrections.
        embed: whether tags are written into the images themselves.
        keep_time: whether such an image keeps its modification time.

    Raises:
        UsageError: these cannot be combined.
        OutputError: the folder is a file.
    """

    kinds: tuple[str, ...] = ()
    replace_ending: bool = False
    folder: str | None = None
    base: str = ""
    existing: str = "merge"
    backup: bool = False
    xmp_root: tuple[str, ...] | None = None
    embed: bool = False
    keep_time: bool = False

    def __post_init__(self) -> None:
        """Refuse invalid combinations, see above."""
        if self.folder is not None and os.path.isfile(self.folder):
            raise OutputError(
                f"--sidecar-dir {self.folder} is a file, not a folder.", "sidecar-dir"
            )
        if "nfo" not in self.kinds:
            return
        if self.folder is not None:
            raise UsageError(
                "--sidecar nfo cannot be combined with --sidecar-dir: genres go into the .nfo next "
                "to the film.",
                "sidecar",
                "sidecar-dir",
            )
        if self.existing == "error":
            raise UsageError(
                "--sidecar nfo cannot be combined with --existing error: genres only go into an "
                "existing .nfo.",
                "sidecar",
                "existing",
            )

    @property
    def names(self) -> SidecarNames:
        """How sidecars are named."""
        return SidecarNames(self.replace_ending, self.folder, self.base)

    @property
    def any(self) -> bool:
        """Return whether anything is written."""
        return bool(self.kinds) or self.embed
