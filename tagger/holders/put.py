"""The tags of a run into everything that holds them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from tagger.errors import CannotChange, OutputError
from tagger.holders.beside import foreign_beside
from tagger.holders.change import failed, holds_just, is_there, sharing
from tagger.holders.holder import IMAGE, Edit, Holder, LeftAlone, Reason, State, Wish, holder
from tagger.holders.places import Places
from tagger.holders.plan import HolderPlan
from tagger.results import Failed, Result, Tagged
from tagger.text import printable

if TYPE_CHECKING:
    from tagger.network.card import ModelCard

_MOST_EXAMPLES = 5


@dataclass
class Tally:
    """How many there are, and the first few."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, path: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.examples) < _MOST_EXAMPLES:
            self.examples.append(path)


@dataclass
class Counts:
    """What came of a run's tags, in files.

    Attributes:
        written: sidecars that were written.
        unchanged: those that held just these tags already.
        settled: those that hold tags that a person settled, which no model changes.
        there: those that were there already and were left alone.
        images_changed: images into which tags were put.
        images_unchanged: those that held them already.
        nfo: why genres went into no ``.nfo``; None if that was not asked for.
    """

    written: int = 0
    unchanged: int = 0
    settled: int = 0
    there: Tally = field(default_factory=Tally)
    images_changed: int = 0
    images_unchanged: int = 0
    nfo: dict[Reason, Tally] | None = None

    def add(self, kind: str, state: State) -> None:
        """Count a file that did not fail."""
        if kind == IMAGE:
            self.images_changed += state is State.CHANGED
            self.images_unchanged += state is not State.CHANGED
        else:
            self.written += state is State.CHANGED
            self.settled += state is State.SETTLED
            self.unchanged += state is State.UNCHANGED


class Holders:
    """Puts each image's tags into its sidecars, its film's ``.nfo`` and itself, as asked for.

    Images come sorted bytewise. Every file is whole at any time, so there is nothing to close.

    Args:
        plan: what is written.
        model: that gives the tags.
        renamed: names that tags have instead of their labels.
        look_for_images: whether an image that is not there gets no sidecar and is reported: for
            results that come from a table.
    """

    def __init__(
        self,
        plan: HolderPlan,
        model: ModelCard,
        renamed: Collection[str] = (),
        *,
        look_for_images: bool = False,
    ) -> None:
        self._plan = plan
        self._model = model
        self._known = frozenset(model.labels).union(renamed)
        self._looks = look_for_images and plan.folder is None
        self._beside = [holder(kind) for kind in dict.fromkeys(plan.kinds)]
        self._inside = [holder(IMAGE)] if plan.embed else []
        own = any(one.is_sidecar for one in self._beside)
        self._may_share = own and plan.names.replace_ending
        self._places = Places(plan.names)
        self._looked_up = Places(plan.names)  # of other images, at the same time
        self._today = date.today().isoformat()
        reasons = [reason for one in self._beside for reason in one.reasons]
        self.counts = Counts(nfo={reason: Tally() for reason in reasons} or None)

    def put(self, result: Result) -> list[Failed]:
        """Write the tags of one image, a failed one has none; return what could not be written.

        Raises:
            OutputError: the disk is full or read-only, or a sidecar is there and must not be.
        """
        if isinstance(result, Failed):
            return []
        wish, holders = self._wish(result), [*self._beside, *self._inside]
        failures: list[Failed] = []
        if self._looks and self._beside and not os.path.lexists(result.path):
            holders = self._inside
            failures.append(Failed(result.path, "the image is not there, so it gets no sidecar"))
        elif self._may_share and (first := self._places.taken_by(result.path)) is not None:
            holders = [one for one in holders if not one.is_sidecar]
            failures.append(sharing(result.path, first))
        for one in holders:
            self._put(one, wish, failures)
        return failures

    def pass_over(self, image: str) -> None:
        """Note an image whose sidecars a previous run has written: it may share them."""
        self._places.taken_by(image)

    def targets(self, image: str) -> list[str]:
        """Return the sidecars that an image may have, by whichever way of naming.

        An ``.nfo`` is not among them: it belongs to the film, not to the image.
        """
        own = [one for one in self._beside if one.is_sidecar]
        names = self._plan.names
        return [names(image, one.kind) for one in own] + [
            names(image, one.kind, other=True) for one in own if one.has_two_names
        ]

    def are_there(self, image: str) -> bool:
        """Return whether all sidecars that an image should have are there."""
        return all(
            any(map(is_there, one.sources(image, self._looked_up)))
            for one in self._beside
            if one.is_sidecar
        )

    def _wish(self, result: Tagged) -> Wish:
        return Wish(
            result.path,
            tuple((tag.name, tag.score) for tag in result.tags),
            dict(zip(self._model.labels, result.scores.tolist(), strict=True)),
            self._plan.xmp_root or (),
            self._today,
            self._model,
            text=result.text,
        )

    def _put(self, one: Holder, wish: Wish, failures: list[Failed]) -> None:
        """Put tags into all files of one kind."""
        image = wish.path
        files: Sequence[str] = ()
        try:
            if one.is_sidecar and self._plan.existing not in one.merges:
                files = (one.own(image, self._places),)
            else:
                files = one.files(image, self._places)
        except LeftAlone as left:
            self._pass(left.reason, image)
        except CannotChange as error:
            failures.append(Failed(image, str(error)))
        for file in files:
            try:
                beside = partial(foreign_beside, file, image, self._places)
                putting = partial(one.put, wish=replace(wish, beside=beside))
                if self._plan.existing in one.merges:
                    edit: Edit | None = one.change(file, putting, self._plan)
                else:
                    edit = self._write(one, file, putting)
            except LeftAlone as left:
                self._pass(left.reason, file)
            except (CannotChange, OSError) as error:
                failures.append(failed(file, error))
            else:
                if edit is None:
                    self.counts.there.add(file)
                else:
                    self.counts.add(one.kind, edit.state)

    def _write(self, one: Holder, file: str, putting: Callable[[Any], Edit]) -> Edit | None:
        """Write a file that is not merged into; None if it is there and stays as it is.

        Raises:
            OutputError: it is there and must not be.
        """
        plan = self._plan
        if not one.is_made:
            return None
        if plan.existing != "overwrite" and is_there(file):
            if plan.existing != "error":
                return None
            if not holds_just(file, putting(None).content):
                raise OutputError(f"{printable(file)} is there already.")
        if not plan.backup and is_there(file) and not self._is_ours(one, file):
            plan = replace(plan, backup=True)
        return one.change(file, putting, plan, anew=True)

    def _is_ours(self, one: Holder, file: str) -> bool:
        """Return whether a run wrote all of a file; what cannot be understood is a person's."""
        try:
            return one.is_ours(one.look(file), self._known)
        except CannotChange:
            return False

    def _pass(self, reason: Reason, path: str) -> None:
        assert self.counts.nfo is not None
        self.counts.nfo[reason].add(path)
