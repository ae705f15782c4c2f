"""Which holders of tags a run writes, and how."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tagger.errors import OutputError, UsageError
from tagger.holders.places import SidecarNames


@dataclass(frozen=True)
class HolderPlan:
    """What is written beside images or into them.

    Attributes:
        kinds: of sidecars: ``txt``, ``json``, ``xmp``, ``nfo``.
        replace_ending: ``poster.xmp`` instead of ``poster.jpg.xmp``.
        folder: the tree of the images is mirrored there; None writes beside them.
        base: absolute folder whose tree is mirrored; only used with ``folder``.
        existing: ``merge`` changes the tags in an XMP sidecar and leaves other kinds alone,
            ``overwrite`` replaces a sidecar, ``skip`` leaves it alone, ``error`` ends the run. An
            ``.nfo`` is merged into in any case but ``skip``.
        backup: whether the former content of a file is kept as ``NAME.bak``.
        xmp_root: levels above every tag in the hierarchical fields of XMP; where None, a person's
            tags keep those that are there.
        embed: whether tags are put into the images themselves.
        keep_time: whether such an image keeps the time of its last change.

    Raises:
        UsageError: these cannot be together.
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
        """Refuse what cannot be, see above."""
        if self.folder is not None and os.path.isfile(self.folder):
            raise OutputError(f"--sidecar-dir {self.folder} is a file, not a folder.")
        if "nfo" not in self.kinds:
            return
        if self.folder is not None:
            raise UsageError(
                "--sidecar nfo cannot be with --sidecar-dir: genres go into the .nfo that lies "
                "beside the film."
            )
        if self.existing == "error":
            raise UsageError(
                "--sidecar nfo cannot be with --existing error: only an .nfo that is there already "
                "gets genres."
            )

    @property
    def names(self) -> SidecarNames:
        """How sidecars are called."""
        return SidecarNames(self.replace_ending, self.folder, self.base)

    @property
    def any(self) -> bool:
        """Whether anything is written at all."""
        return bool(self.kinds) or self.embed
