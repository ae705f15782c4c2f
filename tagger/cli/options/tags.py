"""Which scores become tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.completing import labels, labels_and_equals
from tagger.cli.options.groups import OptionGroup
from tagger.errors import UsageError, about
from tagger.text import TAG_SEPARATOR

if TYPE_CHECKING:
    from tagger.network.card import ModelCard
    from tagger.rules import Rules

_MOST_TAGS = 100_000  # no model has more labels


@dataclass(frozen=True, kw_only=True)
class TagOptions(OptionGroup):
    """Rules that override the model's card."""

    panel: ClassVar[str] = "Tags"

    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="P|LABEL=P",
            autocompletion=labels_and_equals,
            help="Minimum probability of a tag (repeatable); default: the model's.",
        ),
    ] = None
    precision: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="SHARE",
            help="Only tags of which at least this share are right, such as 0.8, by the model's "
            "own thresholds for each label; images may have none.",
        ),
    ] = None
    max_tags: Annotated[
        int | None, typer.Option(min=0, max=_MOST_TAGS, metavar="N", help="At most N tags.")
    ] = None
    min_tags: Annotated[
        int | None,
        typer.Option(
            min=0, max=_MOST_TAGS, metavar="N", help="At least N tags, even if improbable."
        ),
    ] = None
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL",
            autocompletion=labels,
            help="Never use LABEL as a tag (repeatable).",
        ),
    ] = None
    rename: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OLD=NEW",
            autocompletion=labels_and_equals,
            help="Write a tag as NEW (repeatable).",
        ),
    ] = None

    def rules(self, card: ModelCard) -> Rules:
        """Override the card's rules by the options.

        Raises:
            UsageError: a label is unknown, a number is off, or the limits contradict each other.
        """
        from tagger.rules import adjusted_rules, known_label

        least, most = self.min_tags, self.max_tags
        if least is not None and most is not None and least > most:
            raise UsageError(
                f"--min-tags {least} is more than --max-tags {most}.", "min-tags", "max-tags"
            )
        for_all: float | None = None
        by_label: dict[str, float] = {}
        for text in self.threshold or ():
            label, _, number = text.rpartition("=")
            probability = _probability(number, text)
            if label:
                with about("threshold"):
                    by_label[known_label(label, card)] = probability
            else:
                for_all = probability
        with about("ignore"):
            ignored = [known_label(label, card) for label in self.ignore or ()]
        return adjusted_rules(
            card,
            threshold=for_all,
            thresholds=by_label,
            precision=self.precision,
            min_tags=least,
            max_tags=most,
            ignored=ignored,
            renamed=dict(_renaming(text, card) for text in self.rename or ()),
        )


def _probability(number: str, text: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(
            f"--threshold {text}: give a probability from 0 to 1, or LABEL=PROBABILITY.",
            "threshold",
        )
    return value


def _renaming(text: str, card: ModelCard) -> tuple[str, str]:
    from tagger.rules import is_tag_name, known_label

    old, equals, new = text.partition("=")
    if not equals:
        raise UsageError(f"--rename {text}: give OLD=NEW.", "rename")
    new = new.strip()
    if not is_tag_name(new):
        raise UsageError(
            f"--rename {text}: the new name must be printable text without '{TAG_SEPARATOR}'.",
            "rename",
        )
    with about("rename"):
        return known_label(old, card), new
