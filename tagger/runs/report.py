"""What a job reports: to a listener while it runs, and as a summary at its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tagger.find.left_out import LeftOut, Why

if TYPE_CHECKING:
    from tagger.find.already_tagged import Untagged
    from tagger.holders.put import Counts, Holders


@dataclass(frozen=True)
class Summary:
    """The outcome of a job, or of the part that is done.

    Attributes:
        tagged: number of images tagged.
        failed: number of images, folders and sidecars that failed.
        kept: number of images kept from a previous run.
        kept_failed: number of those that had failed.
        already_tagged: number of images skipped because they have tags; None without this filter.
        seconds: duration.
        device: where the network ran; None if it did not.
        tags: number of images with each tag, the most frequent first.
        holders: counts of sidecars and embedded tags; None if none were requested.
        left: the table of an earlier run that stays, since nothing came to take its place; or None.
        copies: files with a copy of what was replaced.
        left_out: counts what walks of folders did not take.
        unsure: number of images tagged without a tag because no label was probable enough; None if
            the rules give every image a tag, or allow none for another reason.
        titled: number of images tagged whose title or year was known; None if none were looked for.
    """

    tagged: int = 0
    failed: int = 0
    kept: int = 0
    kept_failed: int = 0
    already_tagged: int | None = None
    seconds: float = 0.0
    device: str | None = None
    tags: Mapping[str, int] = field(default_factory=dict)
    holders: Counts | None = None
    left: str | None = None
    copies: tuple[str, ...] = ()
    left_out: LeftOut = field(default_factory=LeftOut)
    titled: int | None = None
    unsure: int | None = None

    @property
    def found_any(self) -> bool:
        """Whether there were any images, also of other shards, or failures that stand for them."""
        return self.done + self.passed_over + self.left_out.others[Why.SHARD] > 0

    @property
    def done(self) -> int:
        """Number of results."""
        return self.tagged + self.failed

    @property
    def passed_over(self) -> int:
        """Number of images that were skipped."""
        return self.kept + (self.already_tagged or 0)

    @property
    def images_per_second(self) -> float:
        """Rate of results."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def is_clean(self) -> bool:
        """Whether there were images and none failed, in this run or the one that is resumed."""
        return self.found_any and not self.failed and not self.kept_failed


class Listener:
    """Is notified of a job's progress, and cannot influence it; this one ignores everything."""

    def began(self, so_far: Callable[[], Summary]) -> None:
        """Called when outputs are open and tagging begins.

        Args:
            so_far: returns a summary of what is done; may be called by any thread, at any time.
        """

    def failed(self, path: str, reason: str, *, has_row: bool) -> None:
        """Called when an image, a folder or a sidecar cannot be tagged, read or written.

        ``has_row`` says that the image's row contains the reason too.
        """

    def device_changed(self, before: str | None, now: str | None) -> None:
        """Called when the run that is resumed used another device."""

    def notice(self, sentence: str) -> None:
        """Called for anything else that a person may not expect."""

    def stopped(self, kept_at: str | None, *, resumable: bool) -> None:
        """Called when the job stops early; ``kept_at`` is the file with its rows, if there are any.

        It is ``resumable`` if another run can continue it.
        """


class Report:
    """Counts the outcomes of a job, and notifies a listener.

    Attributes:
        tagged: number of images tagged.
        tags: number of images with each tag.
        untagged: the filter of images with tags; None if there is none.
        holders: count sidecars and embedded tags; None if there are none.
        left: see :class:`Summary`, as for ``copies``.
        left_out: counts what walks of folders do not take.
        titled: see :class:`Summary`, as for ``unsure``.
    """

    def __init__(self, listener: Listener, device: str | None) -> None:
        self.listener = listener
        self.tagged = 0
        self.tags: Counter[str] = Counter()
        self.untagged: Untagged | None = None
        self.holders: Holders | None = None
        self.left: str | None = None
        self.copies: list[str] = []
        self.left_out = LeftOut()
        self.titled: int | None = None
        self.unsure: int | None = None
        self._device = device
        self._started = time.monotonic()
        self._failed = self._kept = self._kept_failed = 0

    def failed(self, path: str, reason: str, *, has_row: bool = False) -> None:
        """Count a failure; see :meth:`Listener.failed`."""
        self._failed += 1
        self.listener.failed(path, reason, has_row=has_row)

    def kept(self, *, failed: bool) -> None:
        """Count an image kept from a previous run."""
        self._kept += 1
        self._kept_failed += failed

    def summary(self) -> Summary:
        """Return the summary so far."""
        return Summary(
            self.tagged,
            self._failed,
            self._kept,
            self._kept_failed,
            None if self.untagged is None else self.untagged.left_out,
            time.monotonic() - self._started,
            self._device,
            dict(self.tags.most_common()),
            None if self.holders is None else self.holders.counts,
            self.left,
            tuple(self.copies),
            self.left_out,
            self.titled,
            self.unsure,
        )
