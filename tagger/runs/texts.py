"""The text that a run gives to the network in addition to the pictures, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pickle import PicklingError
from typing import TYPE_CHECKING

from tagger.errors import UsageError
from tagger.text import counted, printable

if TYPE_CHECKING:
    from tagger.network.card import ModelCard
    from tagger.results import ImageText
    from tagger.table.titles import GivenTitles


class TextFrom(StrEnum):
    """Where words come from."""

    NAMES = "names"
    OCR = "ocr"
    NONE = "none"


@dataclass(frozen=True)
class TextPlan:
    """The words that are wanted; :meth:`checked` makes one of what a person asked for.

    Attributes:
        source: where they come from.
        titles: what a table gives, before names; None if there is none.
        takes_year: whether the model takes the year, too.
        read: returns the words in an image; None if nobody reads them.
    """

    source: TextFrom = TextFrom.NONE
    titles: GivenTitles | None = None
    takes_year: bool = True
    read: Callable[[str], str] | None = None

    @classmethod
    def checked(
        cls, card: ModelCard, source: TextFrom = TextFrom.NAMES, titles: str | None = None
    ) -> TextPlan:
        """Check what was asked for; a model that takes no words gets none.

        Args:
            card: the model's.
            source: where words come from.
            titles: file of a table of titles; None for none.

        Raises:
            UsageError: the model takes no words, options contradict each other, or the table is
                wrong.
            MissingExtraError: the library of the table's format is not installed.
        """
        if titles is not None and card.text is None:
            raise UsageError(
                f"--titles {titles}: the model {card.name} {card.version} takes no titles, only "
                "images: omit it, or use another model.",
                "titles",
                "model",
            )
        if source is TextFrom.OCR and card.text is None:
            raise UsageError(
                f"--text ocr: the model {card.name} {card.version} takes no words, only images: "
                "omit it, or use another model.",
                "text",
                "model",
            )
        if titles is not None and source is TextFrom.NONE:
            raise UsageError(
                f"--titles {titles} gives titles, and --text none uses none: choose one.",
                "titles",
                "text",
            )
        if card.text is None or source is TextFrom.NONE:
            return NO_TEXTS
        given = None
        if titles is not None:
            from tagger.table.titles import read_titles

            given = read_titles(titles)
        return cls(source, given, card.text.year)

    @property
    def any(self) -> bool:
        """Whether the network is given any words."""
        return self.source is not TextFrom.NONE

    def sentences(self, titled: int, images: int) -> list[str]:
        """Say for how many images a title was found, and whether the table is of other images."""
        what = "A title was found" if self.read is None else "A title or words were found"
        said = [f"{what} for {titled:,} of {counted(images, 'image')}."]
        if images and self.titles is not None and not self.titles.were_used:
            said.append(
                f"The table of titles {printable(self.titles.name)} names none of them: its paths "
                "must lead from the current folder, or be absolute."
            )
        return said

    def text_of(self) -> Callable[[str], ImageText | None] | None:
        """Return a function for the images of a run: path → its words, or None if there are none.

        It may be called by several threads. A table counts before the film's ``.nfo``, and that
        before names; an image that has a row without a title has none. Words that are read come
        behind a title. None if the network is given no words.
        """
        return TextOf(self) if self.any else None


class TextOf:
    """Says what the images of a run are told in words; see :meth:`TextPlan.text_of`.

    It can be pickled if it needs nothing but names and ``.nfo`` files, which any process can read.
    """

    def __init__(self, plan: TextPlan) -> None:
        from tagger.find.film_titles import FilmTitles

        self._plan, self._names = plan, FilmTitles()

    def __call__(self, path: str) -> ImageText | None:
        """Return the words of an image, or None if there are none."""
        plan = self._plan
        found = None if plan.titles is None else plan.titles.of(path)
        if found is None:
            found = self._names.of(path)
        if found is not None and not plan.takes_year:
            found = found._replace(year=None)
        if plan.read is not None:
            found = _with_words(found, plan.read(path))
        return found if found and (found.words or found.year is not None) else None

    def __reduce__(self) -> tuple[type[TextOf], tuple[TextPlan]]:
        """Pickle the plan alone.

        Raises:
            PicklingError: a table notes whether it is used, and a reader of words has networks.
        """
        if self._plan.titles is not None or self._plan.read is not None:
            raise PicklingError("its table or its reader of words belongs to this process")
        return TextOf, (self._plan,)


def _with_words(text: ImageText | None, words: str) -> ImageText | None:
    if not words:
        return text
    from tagger.results import ImageText  # not at the top: it loads numpy

    if text is None or not (text.words or text.year is not None):
        return ImageText(words, source=TextFrom.OCR)
    return ImageText(f"{text.words} {words}".strip(), text.year, f"{text.source}+{TextFrom.OCR}")


#: For a network that gets no text.
NO_TEXTS = TextPlan()
