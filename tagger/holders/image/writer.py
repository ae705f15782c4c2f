"""As :mod:`tagger.holders.sidecars`, for images."""

from __future__ import annotations

from collections.abc import Callable

from tagger.holders.holder import TaggedBy
from tagger.holders.places import SidecarNames
from tagger.holders.plan import HolderPlan
from tagger.holders.put import Holders
from tagger.holders.sidecars import SidecarPolicy, SidecarWriter


class EmbeddingWriter(SidecarWriter):
    """See :class:`Holders`."""

    def __init__(
        self,
        card: TaggedBy,
        xmp_root: tuple[str, ...],
        *,
        backup: bool,
        keep_time: bool,
        failed: Callable[[str, str], None],
    ) -> None:
        super().__init__((), SidecarNames(), card, SidecarPolicy(), failed=failed)
        options = HolderPlan(backup=backup, xmp_root=xmp_root, embed=True, keep_time=keep_time)
        Holders.__init__(self, options, card)

    @property
    def written(self) -> int:
        """How many images changed."""
        return self.counts.images_changed

    @property
    def unchanged(self) -> int:
        """How many did not."""
        return self.counts.images_unchanged
