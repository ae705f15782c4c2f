"""What a job reports: to a listener while it works, and as a summary at its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tagger.find.already_tagged import Untagged
    from tagger.holders.put import Counts, Holders


@dataclass(frozen=True)
class Summary:
    """What came of a job, or of what is done of it.

    Attributes:
        tagged: how many images were tagged.
        failed: how many images, folders and sidecars failed.
        kept: how many images a previous run had done.
        kept_failed: how many of those had failed.
        already_tagged: how many images were left out since they have tags; None where all count.
        seconds: how long it took.
        device: where the network ran; None where none did.
        tags: how often each name was a tag, the most frequent first.
        holders: what came of sidecars and of tags inside images; None where none were asked for.
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

    @property
    def done(self) -> int:
        """How many results there are."""
        return self.tagged + self.failed

    @property
    def passed_over(self) -> int:
        """How many images needed no look."""
        return self.kept + (self.already_tagged or 0)

    @property
    def images_per_second(self) -> float:
        """How fast they came."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def is_clean(self) -> bool:
        """Whether nothing has failed, now or in the run that is resumed."""
        return not self.failed and not self.kept_failed


class Listener:
    """Is told what a job does, and changes nothing of it; this one keeps silent."""

    def began(self, so_far: Callable[[], Summary]) -> None:
        """Outputs are open, images are next.

        Args:
            so_far: gives a summary of what is done, to any thread, as often as suits a display.
        """

    def failed(self, path: str, reason: str, *, has_row: bool) -> None:
        """Something could not be tagged, read or written.

        Args:
            path: of an image, a folder, or a sidecar.
            reason: why.
            has_row: whether the image's row says so too.
        """

    def replaced(self, rows: str) -> None:
        """Rows of an interrupted run will be replaced, though it could have been resumed."""

    def device_changed(self, before: str | None, now: str | None) -> None:
        """The run that is resumed was on another device."""

    def notice(self, sentence: str) -> None:
        """There is something else that a person may not expect."""

    def stopped(self, kept_at: str | None, *, resumable: bool) -> None:
        """The job ends before its time.

        Args:
            kept_at: where its rows are; None where there are none.
            resumable: whether another run can continue it.
        """


class Report:
    """Counts what comes of a job, and passes on what a listener is told.

    Args:
        listener: likewise.
        device: where the network runs.

    Attributes:
        tagged: how many images were tagged.
        tags: how often each name was a tag.
        untagged: what leaves images with tags out; None where all count.
        holders: which count sidecars and tags inside images; None where there are none.
    """

    def __init__(self, listener: Listener, device: str | None) -> None:
        self.listener = listener
        self.tagged = 0
        self.tags: Counter[str] = Counter()
        self.untagged: Untagged | None = None
        self.holders: Holders | None = None
        self._device = device
        self._started = time.monotonic()
        self._failed = self._kept = self._kept_failed = 0

    def failed(self, path: str, reason: str, *, has_row: bool = False) -> None:
        """Take note of what failed; see :meth:`Listener.failed`."""
        self._failed += 1
        self.listener.failed(path, reason, has_row=has_row)

    def kept(self, *, failed: bool) -> None:
        """Take note of an image that a previous run has done."""
        self._kept += 1
        self._kept_failed += failed

    def summary(self) -> Summary:
        """Return what came of it so far."""
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
        )
