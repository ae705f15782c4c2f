"""Tags into the images themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import TracebackType

from tagger.holders.attempts import Attempts
from tagger.holders.image.files import embed_tags
from tagger.holders.xmp.merge import Wish
from tagger.network.card import ModelCard
from tagger.results import Result, Tagged


class EmbeddingWriter(Attempts):
    """Puts the tags of each tagged image into its file; a failed image is never written to.

    Args:
        card: of the model that tags.
        xmp_root: levels above every tag in the hierarchical fields of XMP.
        backup: whether an image is kept as it was, as ``NAME.bak``.
        keep_time: whether an image keeps the time of its last change.
        failed: called with an image that cannot be changed, and why.
    """

    def __init__(
        self,
        card: ModelCard,
        xmp_root: tuple[str, ...],
        *,
        backup: bool,
        keep_time: bool,
        failed: Callable[[str, str], None],
    ) -> None:
        super().__init__(failed)
        self._model = f"{card.name} {card.version}"
        self._root = xmp_root
        self._backup = backup
        self._keep_time = keep_time
        self._today = date.today().isoformat()

    def __enter__(self) -> EmbeddingWriter:
        """Do nothing: images are opened one by one."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing: every image is whole at any time."""

    def write(self, result: Result) -> None:
        """Put one image's tags into it.

        Raises:
            OutputError: the disk is full or read-only.
        """
        if not isinstance(result, Tagged):
            return
        wish = Wish(result.tags, self._root, self._model, self._today)
        self.attempt(
            result.path,
            lambda: embed_tags(result.path, wish, backup=self._backup, keep_time=self._keep_time),
        )
