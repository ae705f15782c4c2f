"""Which scores become tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.options.groups import OptionGroup

if TYPE_CHECKING:
    from tagger.network.card import ModelCard
    from tagger.rules import Rules


@dataclass(frozen=True, kw_only=True)
class TagOptions(OptionGroup):
    """Rules that override the model's card."""

    panel: ClassVar[str] = "Tags"

    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="P|LABEL=P",
            help="Minimum probability of a tag (repeatable); default: the model's.",
        ),
    ] = None
    max_tags: Annotated[int | None, typer.Option(min=0, metavar="N", help="At most N tags.")] = None
    min_tags: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="At least N tags, even if improbable.")
    ] = None
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="Never use LABEL as a tag (repeatable)."),
    ] = None
    rename: Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="Write a tag as NEW (repeatable).")
    ] = None

    def rules(self, card: ModelCard) -> Rules:
        """Override the card's rules by the options.

        Raises:
            UsageError: a label is unknown, a number is off, or the limits contradict each other.
        """
        from tagger.cli.options.values import tagging_rules

        return tagging_rules(
            card,
            thresholds=self.threshold or [],
            min_tags=self.min_tags,
            max_tags=self.max_tags,
            ignored=self.ignore or [],
            renamed=self.rename or [],
        )
