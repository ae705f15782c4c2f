"""What gallery is wanted, and which files it may write."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from tagger.decode.budget import DEFAULT_LIMITS, ImageLimits
from tagger.errors import UsageError, about, os_reason
from tagger.gallery.page import is_ours
from tagger.gallery.thumbnails import HEIGHT, WIDTH, kept_in
from tagger.network.card import ModelCard
from tagger.results import FileFacts, Pixels
from tagger.table.sink import check_target
from tagger.text import printable

#: Programs that walk folders, ours too, pass over a folder of this name.
_THUMBNAILS = ".thumbnails"


class Explains(Protocol):
    """What finds which parts of images speak for their tags; see :mod:`tagger.explain.maps`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What it can explain."""

    @property
    def shape(self) -> dict[str, Any]:
        """Where the parts lie."""

    def each(self, images: Iterable[tuple[str, frozenset[str]]]) -> Iterator[str]:
        """Yield what speaks for the labels of each image, given its path and its tags."""


@dataclass(frozen=True)
class GalleryPlan:
    """A gallery that is wanted.

    Attributes:
        table: the file to read; ``-`` for standard input.
        output: the page to write.
        images: the folder from which the table's paths lead; None for the one that its run noted,
            or else the current one.
        card: of the model that the table may come from; None if unknown.
        least_sure: show only so many images, those whose tags are least sure.
        limit: show only so many, the first ones.
        overwrite: replace whatever is there, of which a copy is kept.
        workers: threads that make thumbnails.
        limits: what an image may cost.
        truth: a table of tags that are known to be right; None if there is none.
        explains: finds what speaks for the tags; None if that is not wanted.
    """

    table: str
    output: str
    images: str | None = None
    card: ModelCard | None = None
    least_sure: int | None = None
    limit: int | None = None
    overwrite: bool = False
    workers: int = 1
    limits: ImageLimits = DEFAULT_LIMITS
    truth: str | None = None
    explains: Explains | None = None

    @property
    def folder(self) -> str:
        """Where thumbnails lie that the page does not hold."""
        return os.path.join(f"{os.path.splitext(self.output)[0]}_files", _THUMBNAILS)

    def page(self, number: int) -> str:
        """Return the name of one of several pages, from 0 on."""
        stem, ending = os.path.splitext(self.output)
        return self.output if number == 0 else f"{stem}-{number + 1}{ending}"

    def keeps_thumbnails(self) -> Callable[[str, Pixels, FileFacts], None] | None:
        """Return what keeps the thumbnails of images while they are tagged, with their pixels.

        None if the model's pixels are too few for that.
        """
        card = self.card
        if card is None or card.height < HEIGHT or card.width < WIDTH:
            return None
        return kept_in(self.folder)

    def check_output(self, number: int = 0) -> None:
        """Check that a page can be written and replaces nothing of value.

        Raises:
            OutputError: it cannot be written.
            UsageError: it lies there, and is no gallery as we wrote it.
        """
        page = self.page(number)
        name = printable(page)
        with about("output"):
            check_target(page)
            try:
                if self.overwrite or not os.path.lexists(page) or is_ours(page):
                    return
            except OSError as error:
                raise UsageError(f"{name} cannot be read: {os_reason(error)}.") from None
            raise UsageError(
                f"{name} already exists and is not known to be an unedited gallery: choose "
                f"another output, or pass --overwrite to replace it (a copy is kept as {name}.bak)."
            )

    def remove_pages_after(self, count: int) -> None:
        """Remove further pages of an earlier, larger gallery."""
        with contextlib.suppress(OSError):
            while os.path.isfile(page := self.page(count)) and is_ours(page):
                os.unlink(page)
                count += 1
