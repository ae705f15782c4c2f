"""Sidecars: what happens when one is there already, and to whom it belongs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from types import TracebackType

from tagger.atomic import write_whole
from tagger.card import ModelCard
from tagger.errors import OutputError, os_reason, spoils_the_rest
from tagger.paths import printable
from tagger.results import Failed, Result, Tagged
from tagger.writers.sidecar_content import SIDECARS
from tagger.writers.sidecar_names import SharedStems, SidecarNames
from tagger.xmp.elements import XmpError
from tagger.xmp.files import change_sidecar, keep_backup, read_sidecar
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
        written: how many were written.
        unchanged: how many held just these tags already.
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
        self._shared_stems = SharedStems()
        self._recent: dict[str, str] = {}
        self.written = 0
        self.unchanged = 0
        self.left_alone = 0
        self.examples: list[str] = []

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
            if self._is_shared(target, result.path):
                self._leave_alone(target)
            elif kind == "xmp" and self._policy.existing == "merge":
                self._merge(target, result)
            elif self._may_write(target):
                content = self._content(kind, result)
                self._attempt(target, partial(self._put, target, content))

    def _merge(self, target: str, result: Tagged) -> None:
        """Put tags into the sidecar, and into the one of the other name if that is there.

        Programs take the first name that they find: a new ``photo.jpg.xmp`` would hide from them
        all that ``photo.xmp`` holds, so it is made only where neither is there.
        """
        other = self._names.other(result.path, "xmp")
        targets = [target]
        if other != target and os.path.lexists(other) and self._belongs_to(other, result.path):
            is_hidden = not self._names.replace_ending and not os.path.lexists(target)
            targets = [other] if is_hidden else [target, other]
        wish = self._wish(result)
        for name in targets:
            if os.path.lexists(name):
                change = partial(merge, wish=wish)
                backup = self._policy.backup
                self._attempt(name, partial(change_sidecar, name, change, backup=backup))
            else:
                self._attempt(name, partial(self._put, name, new_packet(wish)))

    def _belongs_to(self, other: str, image: str) -> bool:
        """Say whether a sidecar of the other way of naming is this image's alone."""
        if self._names.replace_ending:  # then the other one bears the image's whole name
            return True
        try:
            return not self._shared_stems.holds(image)
        except OSError:
            return False

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

    def _is_shared(self, target: str, image: str) -> bool:
        """Say whether an earlier image of this run has the same sidecar (``a.jpg``, ``a.png``).

        Paths come sorted, so those that share a stem come close together: whatever does not start
        with this stem is past.
        """
        if not self._names.replace_ending:
            return False
        self._recent = {
            other: stem for other, stem in self._recent.items() if image.startswith(stem)
        }
        if target in self._recent:
            return True
        self._recent[target] = os.path.splitext(image)[0] + "."
        return False

    def _leave_alone(self, target: str) -> None:
        self.left_alone += 1
        if len(self.examples) < 5:
            self.examples.append(target)

    def _put(self, target: str, content: bytes) -> bool:
        if self._names.folder is not None:
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        if self._policy.backup and os.path.exists(target):
            keep_backup(target, read_sidecar(target)[0])
        write_whole(target, content)
        return True

    def _attempt(self, target: str, change: Callable[[], bool]) -> None:
        try:
            changed = change()
        except XmpError as error:
            self._failed(target, f"{error}, so it was left alone")
        except OSError as error:
            reason = os_reason(error)
            if spoils_the_rest(error):
                raise OutputError(f"{printable(target)} cannot be written: {reason}.") from None
            self._failed(target, reason)
        else:
            self.written += changed
            self.unchanged += not changed
