"""A person's tags into holders: what would change, and changing it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Protocol

from tagger.errors import CannotChange, os_reason
from tagger.files.rights import refuse_read_only
from tagger.holders.beside import foreign_beside
from tagger.holders.change import failed, sharing
from tagger.holders.holder import IMAGE, Edit, Holder, State, Wish, holder
from tagger.holders.places import Places
from tagger.holders.plan import HolderPlan
from tagger.results import Failed


class Correction(Protocol):
    """What a person says of an image."""

    @property
    def path(self) -> str:
        """Of the image."""

    @property
    def tags(self) -> tuple[str, ...]:
        """All that it has; none says that it has none."""

    @property
    def scores(self) -> Mapping[str, float]:
        """Label → probability, as far as they are known."""


@dataclass(frozen=True, slots=True)
class Change:
    """What would change in a file, which may be new: the edit has no content."""

    correction: Correction
    holder: Holder
    file: str
    is_new: bool
    edit: Edit

    @property
    def changes_tags(self) -> bool:
        """Whether more changes than the note that a person settled the tags."""
        return self.is_new or bool(self.edit.added or self.edit.removed)


class Pins:
    """Puts corrections into sidecars and images.

    Args:
        plan: which of them, and how.
        known: names that are tags: nothing else can tell a text sidecar from a person's notes.

    Attributes:
        unchanged: how many files say already what they should.
        gone: how many images are not there.
        written: how many files were written.
    """

    def __init__(self, plan: HolderPlan, known: Collection[str]) -> None:
        self._plan = plan
        kinds = (*plan.kinds, IMAGE) if plan.embed else plan.kinds
        self._holders = [holder(kind) for kind in dict.fromkeys(kinds)]
        self._places = Places(plan.names)
        self._known = known
        self._today = date.today().isoformat()
        self.unchanged = self.gone = self.written = 0

    def changes(self, correction: Correction) -> tuple[list[Change], list[Failed]]:
        """Return what would change for an image, and what could not be changed.

        Nothing is written. Images come sorted bytewise.
        """
        image = correction.path
        if not os.path.lexists(image):
            self.gone += 1
            return [], [Failed(image, "the image is not there, so nothing is written for it")]
        changes: list[Change] = []
        failures: list[Failed] = []
        owner = self._places.owner(image)
        is_own = os.path.basename(owner) == os.path.basename(image)
        if not is_own:
            failures.append(sharing(image, owner))
        for one in self._holders:
            files: Sequence[str] = ()
            try:
                files = one.files(image, self._places) if is_own or not one.is_sidecar else ()
            except CannotChange as error:
                failures.append(Failed(image, str(error)))
            for file in files:
                found = self._change(correction, one, file)
                if isinstance(found, Failed):
                    failures.append(found)
                elif found is not None:
                    changes.append(found)
        return changes, failures

    def write(self, change: Change) -> Failed | None:
        """Write a file. What another program wrote there meanwhile is respected.

        Raises:
            OutputError: the disk is full or read-only.
        """
        pinning = partial(change.holder.pin, wish=self._wish(change.correction, change.file))
        try:
            edit = change.holder.change(change.file, pinning, self._plan)
        except (CannotChange, OSError) as error:
            return failed(change.file, error)
        self.written += edit.state is State.CHANGED
        return None

    def _wish(self, correction: Correction, file: str) -> Wish:
        scores = correction.scores
        tags = tuple((tag, scores.get(tag)) for tag in correction.tags)
        root = self._plan.xmp_root
        beside = partial(foreign_beside, file, correction.path, self._places)
        return Wish(
            correction.path, tags, scores, root, self._today, known=self._known, beside=beside
        )

    def _change(self, correction: Correction, one: Holder, file: str) -> Change | Failed | None:
        is_new = not os.path.lexists(file)
        try:
            edit = one.pin(one.look(file), self._wish(correction, file))
            if edit.state is State.CHANGED and not is_new:
                refuse_read_only(file)
        except CannotChange as error:
            return failed(file, error)
        except OSError as error:
            return Failed(file, os_reason(error))
        if edit.state is not State.CHANGED:
            self.unchanged += 1
            return None
        return Change(correction, one, file, is_new, replace(edit, content=None))
