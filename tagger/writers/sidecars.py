"""Sidecars: what happens when one is there already, and to whom it belongs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from types import TracebackType

from tagger.card import ModelCard
from tagger.errors import OutputError
from tagger.paths import printable
from tagger.results import Failed, Result, Tagged
from tagger.writers.sidecar_content import SIDECARS
from tagger.writers.sidecar_files import SidecarFiles
from tagger.writers.sidecar_names import SidecarNames, SidecarPlaces
from tagger.xmp.merge import Wish, merge, new_packet


@dataclass(frozen=True)
class SidecarPolicy:
    """What happens to sidecars that are there, and how tags are written.

    Attributes:
        existing: ``merge`` changes the tags in an XMP sidecar and leaves other kinds alone,
            ``overwrite`` replaces a sidecar, ``skip`` leaves it alone, ``error`` ends the run.
        backup: whether a sidecar's former content is kept as ``NAME.bak``.
        xmp_root: levels above every tag in the hierarchical fields of XMP.
        look_for_images: whether an image that is not there gets no sidecar and is reported.
    """

    existing: str = "merge"
    backup: bool = False
    xmp_root: tuple[str, ...] = ()
    look_for_images: bool = False


class SidecarWriter:
    """Writes sidecars for tagged images; a failed image gets none.

    Args:
        kinds: ``txt``, ``json``, ``xmp``.
        names: where they lie.
        card: of the model that tags.
        policy: what happens to those that are there.
        failed: called with a sidecar that cannot be written, and why.

    Attributes:
        left_alone: how many were there already and stayed as they were.
        examples: the first few of those.
    """

    def __init__(
        self,
        kinds: Sequence[str],
        names: SidecarNames,
        card: ModelCard,
        policy: SidecarPolicy,
        *,
        failed: Callable[[str, str], None],
    ) -> None:
        self._kinds = tuple(dict.fromkeys(kinds))
        self._names = names
        self._card = card
        self._policy = policy
        self._failed = failed
        self._today = date.today().isoformat()
        self._places = SidecarPlaces(names)
        self._files = SidecarFiles(
            backup=policy.backup, makes_folders=names.folder is not None, failed=failed
        )
        self.left_alone = 0
        self.examples: list[str] = []

    @property
    def written(self) -> int:
        """How many were written."""
        return self._files.written

    @property
    def unchanged(self) -> int:
        """How many held just these tags already."""
        return self._files.unchanged

    def __enter__(self) -> SidecarWriter:
        """Do nothing: folders are made when a sidecar needs them."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing: every sidecar is whole as soon as it is there."""

    def write(self, result: Result) -> None:
        """Write the sidecars of one image.

        Raises:
            OutputError: the disk is full or read-only, or a sidecar is there and must not be.
        """
        if isinstance(result, Failed):
            return
        if self._policy.look_for_images and not os.path.lexists(result.path):
            self._failed(result.path, "the image is not there, so it gets no sidecar")
            return
        for kind in self._kinds:
            target = self._names(result.path, kind)
            if self._places.is_taken(target, result.path):
                self._leave_alone(target)
            elif kind == "xmp" and self._policy.existing == "merge":
                self._merge(result)
            elif self._may_write(target):
                self._files.replace(target, self._content(kind, result))

    def _merge(self, result: Tagged) -> None:
        wish = self._wish(result)
        for target in self._places.to_merge(result.path):
            self._files.update(
                target, lambda data: new_packet(wish) if data is None else merge(data, wish)
            )

    def _wish(self, result: Tagged) -> Wish:
        model = f"{self._card.name} {self._card.version}"
        return Wish(result.tags, self._policy.xmp_root, model, self._today)

    def _content(self, kind: str, result: Tagged) -> bytes:
        if kind == "xmp":
            return new_packet(self._wish(result))
        return SIDECARS[kind](result, self._card)

    def _may_write(self, target: str) -> bool:
        if self._policy.existing == "overwrite" or not os.path.lexists(target):
            return True
        if self._policy.existing == "error":
            raise OutputError(f"{printable(target)} is there already.")
        self._leave_alone(target)
        return False

    def _leave_alone(self, target: str) -> None:
        self.left_alone += 1
        if len(self.examples) < 5:
            self.examples.append(target)
