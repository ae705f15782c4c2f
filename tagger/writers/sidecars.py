"""Sidecars: where they lie, and what happens when one is there already."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from tagger.atomic import write_whole
from tagger.card import ModelCard
from tagger.errors import OutputError, os_reason
from tagger.paths import printable
from tagger.results import Failed, Result
from tagger.writers.sidecar_content import SIDECARS

# These end the run: every following sidecar would fail in the same way.
_FATAL = frozenset({errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT})


@dataclass(frozen=True)
class SidecarNames:
    """Image path → sidecar path.

    Attributes:
        replace_ending: ``poster.xmp`` instead of ``poster.jpg.xmp``.
        folder: mirror the tree there instead of writing beside the images; None writes beside.
        base: absolute folder whose tree is mirrored.
    """

    replace_ending: bool = False
    folder: str | None = None
    base: str = ""

    def __call__(self, image: str, kind: str) -> str:
        """Return the sidecar's path."""
        place = image
        if self.folder is not None:
            place = os.path.join(self.folder, os.path.relpath(os.path.abspath(image), self.base))
        stem = os.path.splitext(place)[0] if self.replace_ending else place
        return f"{stem}.{kind}"


class SidecarWriter:
    """Writes sidecars for tagged images; a failed image gets none.

    Args:
        kinds: ``txt``, ``json``, ``xmp``.
        names: where they lie.
        card: of the model that tags.
        existing: ``skip`` leaves a sidecar that is there alone, ``overwrite`` replaces it,
            ``error`` ends the run.
        failed: called with a sidecar that cannot be written, and why.

    Attributes:
        written: how many were written.
        left_alone: how many were there already and stayed as they were.
        examples: the first few of those.
    """

    def __init__(
        self,
        kinds: Sequence[str],
        names: SidecarNames,
        card: ModelCard,
        *,
        existing: str,
        failed: Callable[[str, str], None],
    ) -> None:
        self._kinds = tuple(dict.fromkeys(kinds))
        self._names = names
        self._card = card
        self._existing = existing
        self._failed = failed
        self._recent: dict[str, str] = {}
        self.written = 0
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
        for kind in self._kinds:
            target = self._names(result.path, kind)
            if self._may_write(target, result.path):
                self._write(target, SIDECARS[kind](result, self._card))

    def _may_write(self, target: str, image: str) -> bool:
        if self._is_shared(target, image):
            self._leave_alone(target)
            return False
        if self._existing == "overwrite" or not os.path.lexists(target):
            return True
        if self._existing == "error":
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

    def _write(self, target: str, content: bytes) -> None:
        try:
            if self._names.folder is not None:
                os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
            write_whole(target, content)
        except OSError as error:
            reason = os_reason(error)
            if error.errno in _FATAL:
                raise OutputError(f"{printable(target)} cannot be written: {reason}.") from None
            self._failed(target, reason)
        else:
            self.written += 1
