"""Text that the network gets in addition to the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.options.groups import OptionGroup
from tagger.runs.texts import TextFrom

if TYPE_CHECKING:
    from tagger.network.card import ModelCard
    from tagger.runs.texts import TextPlan


@dataclass(frozen=True, kw_only=True)
class TextOptions(OptionGroup):
    """Where the text for a model with a text input comes from."""

    panel: ClassVar[str] = "Tags"

    text: Annotated[
        TextFrom,
        typer.Option(
            help="Text for a model with a text input. names: title and year "
            "from the film's .nfo, or from file and folder names; ocr: the same and the words read "
            "off the image, which takes a core 0.3 s (extra 'ocr'); none: no text."
        ),
    ] = TextFrom.NAMES
    titles: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE",
            help="Table of titles (.csv, .tsv, .jsonl, .parquet, .xlsx) with the columns path, "
            "title and, if known, year; used before .nfo files and names. - for stdin.",
        ),
    ] = None

    def plan(self, card: ModelCard) -> TextPlan:
        """Check what was asked for.

        Raises:
            UsageError: the model takes no words, options contradict each other, or the table is
                wrong.
            MissingExtraError: the library of the table's format is not installed.
        """
        from tagger.runs.texts import TextPlan

        return TextPlan.checked(card, self.text, self.titles)
