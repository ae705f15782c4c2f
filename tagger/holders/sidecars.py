"""Sidecars: what happens when one is there already, and to whom it belongs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from types import TracebackType

from tagger.errors import OutputError
from tagger.holders.changes import SidecarFiles, holds_just, is_there
from tagger.holders.nfo.writer import FilmNfoWriter
from tagger.holders.places import SidecarNames, SidecarPlaces
from tagger.holders.text_and_json import SIDECARS
from tagger.holders.xmp.merge import Wish, merge, new_packet
from tagger.holders.xmp.pin import is_settled
from tagger.network.card import ModelCard
from tagger.results import Failed, Result, Tagged
from tagger.text import printable

#: The kind of sidecar that is never made: a film's own ``.nfo``.
NFO = "nfo"


@dataclass(frozen=True)
class SidecarPolicy:
    """What happens to sidecars that are there, and how tags are written.

    Attributes:
        existing: ``merge`` changes the tags in an XMP sidecar and leaves other kinds alone,
            ``overwrite`` replaces a sidecar, ``skip`` leaves it alone, ``error`` ends the run. An
            ``.nfo`` is merged into in any case but ``skip``.
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
        kinds: ``txt``, ``json``, ``xmp``, ``nfo``.
        names: where they lie.
        card: of the model that tags.
        policy: what happens to those that are there.
        failed: called with a sidecar that cannot be written, and why.

    Attributes:
        settled: how many hold tags that a person settled, which no model changes.
        left_alone: how many were there already and stayed as they were.
        examples: the first few of those.
        nfos: what puts genres into films' ``.nfo`` files; None where that was not asked for.
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
        self.nfos = (
            FilmNfoWriter(self._files, backup=policy.backup, failed=failed)
            if NFO in self._kinds
            else None
        )
        self.settled = 0
        self.left_alone = 0
        self.examples: list[str] = []

    @property
    def written(self) -> int:
        """How many were written."""
        return self._files.written

    @property
    def unchanged(self) -> int:
        """How many held just these tags already."""
        return self._files.unchanged - self.settled

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
            if kind == NFO:
                self._put_into_nfos(result)
                continue
            target = self._names(result.path, kind)
            if self._places.is_taken(target, result.path):
                self._leave_alone(target)
            elif kind == "xmp" and self._policy.existing == "merge":
                self._merge(result)
            else:
                content = self._content(kind, result)
                if self._may_write(target, content):
                    self._files.replace(target, content)

    def pass_over(self, image: str) -> None:
        """Take note of an image whose sidecars an earlier run has written: it may share them."""
        for kind in self._kinds:
            if kind != NFO:
                self._places.is_taken(self._names(image, kind), image)

    def targets(self, image: str) -> list[str]:
        """Return the sidecars that an image may have, by whichever way of naming.

        What is no image's own is none: an ``.nfo`` is the film's.
        """
        found = [self._names(image, kind) for kind in self._kinds if kind != NFO]
        return [*found, *([self._names.other(image, "xmp")] if "xmp" in self._kinds else [])]

    def are_there(self, image: str) -> bool:
        """Say whether all sidecars that an image should have are there."""
        return all(
            is_there(self._names(image, kind))
            or (kind == "xmp" and is_there(self._names.other(image, kind)))
            for kind in self._kinds
            if kind != NFO
        )

    def _merge(self, result: Tagged) -> None:
        wish = self._wish(result)
        for target in self._places.to_merge(result.path):
            is_settled_here = False

            def content(data: bytes | None) -> bytes:
                nonlocal is_settled_here
                merged = new_packet(wish) if data is None else merge(data, wish)
                is_settled_here = merged is data and is_settled(merged)
                return merged

            self._files.update(target, content)
            self.settled += is_settled_here

    def _put_into_nfos(self, result: Tagged) -> None:
        assert self.nfos is not None
        for nfo in self.nfos.targets(result.path):
            if self._policy.existing == "skip":
                self._leave_alone(nfo)
            else:
                self.nfos.write(nfo, result)

    def _wish(self, result: Tagged) -> Wish:
        model = f"{self._card.name} {self._card.version}"
        return Wish(result.tags, self._policy.xmp_root, model, self._today)

    def _content(self, kind: str, result: Tagged) -> bytes:
        if kind == "xmp":
            return new_packet(self._wish(result))
        return SIDECARS[kind](result, self._card)

    def _may_write(self, target: str, content: bytes) -> bool:
        if self._policy.existing == "overwrite" or not is_there(target):
            return True
        if self._policy.existing == "error":
            if holds_just(target, content):
                return True
            raise OutputError(f"{printable(target)} is there already.")
        self._leave_alone(target)
        return False

    def _leave_alone(self, target: str) -> None:
        self.left_alone += 1
        if len(self.examples) < 5:
            self.examples.append(target)
