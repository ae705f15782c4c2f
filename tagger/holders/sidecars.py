"""The writers that stood where :class:`tagger.holders.put.Holders` stands, for callers to come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Any

from tagger.holders.holder import TaggedBy
from tagger.holders.places import SidecarNames
from tagger.holders.plan import HolderPlan
from tagger.holders.put import Counts, Holders
from tagger.results import Result

NFO = "nfo"


@dataclass(frozen=True)
class SidecarPolicy:
    """See :class:`HolderPlan`."""

    existing: str = "merge"
    backup: bool = False
    xmp_root: tuple[str, ...] = ()
    look_for_images: bool = False


class SidecarWriter(Holders):
    """See :class:`Holders`."""

    def __init__(
        self,
        kinds: Sequence[str],
        names: SidecarNames,
        card: TaggedBy,
        policy: SidecarPolicy,
        *,
        failed: Callable[[str, str], None],
    ) -> None:
        options = HolderPlan(
            tuple(kinds),
            names.replace_ending,
            names.folder,
            names.base,
            policy.existing,
            policy.backup,
            policy.xmp_root,
        )
        super().__init__(options, card, look_for_images=policy.look_for_images)
        self._failed = failed

    def __getattr__(self, name: str) -> Any:
        """Return a count."""
        return getattr(self.__dict__["counts"], name)

    @property
    def nfos(self) -> Any:
        """What was passed over."""
        counts: Counts = self.counts
        return SimpleNamespace(passed=counts.nfo) if counts.nfo else None

    def __enter__(self) -> Any:
        """Do nothing."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing."""

    def write(self, result: Result) -> None:
        """See :meth:`Holders.put`."""
        for failure in self.put(result).failures:
            self._failed(failure.path, failure.reason)
