"""Which images are left to be tagged, of those that are found."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from tagger.decode.facts import file_stamp
from tagger.results import Stamp
from tagger.runs.done import DoneImage
from tagger.runs.plan import Plan, Resume
from tagger.text import printable

logger = logging.getLogger(__name__)


class Remaining:
    """Passes over images that a previous run has done.

    Args:
        plan: of the run that continues it.
        resume: which of them are done again.
        has_sidecars: says whether an image's sidecars are there; None if none are written.
        kept: called for each image that is passed over, with whether it had failed.

    Attributes:
        passed: images that :meth:`of` has yielded, each with the images passed over before it.
    """

    def __init__(
        self,
        plan: Plan,
        resume: Resume,
        *,
        has_sidecars: Callable[[str], bool] | None,
        kept: Callable[..., None],
    ) -> None:
        self._plan = plan
        self._resume = resume
        self._has_sidecars = has_sidecars
        self._kept = kept
        self.passed: deque[tuple[str, list[str]]] = deque()
        self._begun: set[str] = set()

    def of(self, paths: Iterable[str]) -> Iterable[str]:
        """Return the images that are left, in the order of the paths."""
        return self._left(paths) if len(self._plan.done) else paths

    def passed_before(self, path: str) -> list[str]:
        """Return the images of the same folder that were passed over since the last one was not.

        Whoever writes sidecars must know of them: images may share one. Those that failed have
        none. The paths are asked for in the order in which :meth:`of` has yielded them.
        """
        names: list[str] = []
        while self.passed and os.fsencode(self.passed[0][0]) <= os.fsencode(path):
            names += self.passed.popleft()[1]
        return names

    def was_begun(self, path: str) -> bool:
        """Return whether a previous run was killed while it wrote an image's sidecars."""
        return path in self._begun

    def _left(self, paths: Iterable[str]) -> Iterator[str]:
        folder: str | None = None
        neighbours: list[str] = []
        for path in paths:
            if os.path.dirname(path) != folder:
                folder, neighbours = os.path.dirname(path), []
            image = self._plan.done.find(self._plan.key(path))
            if image is not None and not image.is_done:
                self._begun.add(path)
            if image is None or self._is_due(path, image):
                if neighbours:
                    self.passed.append((path, neighbours))
                    neighbours = []
                yield path
                continue
            self._kept(failed=bool(image.flags))
            if self._has_sidecars is not None and not image.failed:
                neighbours.append(path)

    def _is_due(self, path: str, image: DoneImage) -> bool:
        why = self._why_due(path, image)
        if why is not None:
            logger.debug("%s is tagged again: %s", printable(path), why)
        return why is not None

    def _why_due(self, path: str, image: DoneImage) -> str | None:
        """Return why an image is done again; None if it is not."""
        if not image.is_done:
            return "its sidecars may be half-written"
        if self._resume.retry_failed and image.flags:
            return "it failed"
        if self._resume.update and image.stamp is None:
            return "it is not known what its file was"
        if self._resume.update and (now := file_stamp(path)) != image.stamp:
            return f"its file has changed: {_said(image.stamp)} then, {_said(now)} now"
        if self._has_sidecars is not None and not image.flags and not self._has_sidecars(path):
            return "a sidecar of it is missing"
        return None


def _said(stamp: Stamp | None) -> str:
    if stamp is None:
        return "not there"
    return f"{stamp.size:,} bytes, modified {stamp.modified_ns / 1e9:.6f}"
