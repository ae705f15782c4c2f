"""Which images are left to be tagged, of those that are found."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from tagger.decode.facts import file_stamp
from tagger.runs.done import Earlier
from tagger.runs.run import Run


class Remaining:
    """Passes over images that an earlier run has done.

    Args:
        run: which goes on with it.
        retry_failed: whether those that failed are tried again.
        update: whether those whose file has changed since are tagged again.
        has_sidecars: says whether an image's sidecars are there; None where none are written.
        kept: called with each image that is passed over.
    """

    def __init__(
        self,
        run: Run,
        *,
        retry_failed: bool,
        update: bool,
        has_sidecars: Callable[[str], bool] | None,
        kept: Callable[[Earlier], None],
    ) -> None:
        self._run = run
        self._retry_failed = retry_failed
        self._update = update
        self._has_sidecars = has_sidecars
        self._kept = kept
        self._passed: deque[tuple[str, list[str]]] = deque()
        self._begun: set[str] = set()

    def of(self, paths: Iterable[str]) -> Iterator[str]:
        """Yield the images that are left, in the order of the paths."""
        if not len(self._run.done):
            yield from paths
            return
        folder: str | None = None
        neighbours: list[str] = []
        for path in paths:
            if os.path.dirname(path) != folder:
                folder, neighbours = os.path.dirname(path), []
            earlier = self._run.done.find(self._run.key(path))
            if earlier is not None and not earlier.is_done:
                self._begun.add(path)
            if earlier is None or self._is_due(path, earlier):
                if neighbours:
                    self._passed.append((path, neighbours))
                    neighbours = []
                yield path
                continue
            self._kept(earlier)
            if self._has_sidecars is not None and not earlier.failed:
                neighbours.append(path)

    def passed_before(self, path: str) -> list[str]:
        """Return the images of the same folder that were passed over since the last one was not.

        Whoever writes sidecars must know of them: images may share one. Those that failed have
        none.

        Args:
            path: an image that :meth:`of` has yielded; they are asked for in that order.
        """
        names: list[str] = []
        while self._passed and os.fsencode(self._passed[0][0]) <= os.fsencode(path):
            names += self._passed.popleft()[1]
        return names

    def was_begun(self, path: str) -> bool:
        """Say whether an earlier run was killed while it wrote an image's sidecars."""
        return path in self._begun

    def _is_due(self, path: str, earlier: Earlier) -> bool:
        if not earlier.is_done or (self._retry_failed and earlier.flags):
            return True
        if self._update and (earlier.stamp is None or file_stamp(path) != earlier.stamp):
            return True
        return self._has_sidecars is not None and not earlier.flags and not self._has_sidecars(path)
