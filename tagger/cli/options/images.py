"""Which images are left out for what is known of them: their age, and tags that they have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.errors import UsageError

if TYPE_CHECKING:
    from tagger.find.already_tagged import Untagged
    from tagger.find.scan import Scan
    from tagger.network.card import ModelCard

NewerThanOption = Annotated[
    str | None,
    typer.Option(
        "--newer-than",
        metavar="DATE",
        help="Take only images changed after a date (2026-01-31, 2026-01-31T18:00) or within an "
        "age (12h, 7d, 2w).",
    ),
]
SkipTaggedOption = Annotated[
    bool,
    typer.Option(
        "--skip-tagged",
        help="Leave out images that have tags of ours, or any genre as a keyword.",
    ),
]

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def moment(text: str | None) -> float | None:
    """Read the moment after which images must have been changed.

    Args:
        text: a date or date-time of ISO 8601, in local time unless it names a zone, or an age
            such as ``7d``.

    Returns:
        Seconds since 1970; None where nothing was asked for.

    Raises:
        UsageError: it is neither, or lies in the future.
    """
    if text is None:
        return None
    now = datetime.now().astimezone()
    age = re.fullmatch(r"\s*([0-9]{1,9})\s*([hdw])\s*", text, re.IGNORECASE | re.ASCII)
    try:
        if age is not None:
            then = now - timedelta(**{_UNITS[age[2].lower()]: int(age[1])})
        else:
            then = datetime.fromisoformat(text.strip()).astimezone()
        seconds = then.timestamp()
    except (ValueError, OverflowError, OSError):  # the last two: dates that no clock has shown
        raise UsageError(
            f"--newer-than {text}: give a date such as 2026-01-31 or 2026-01-31T18:00, or an age "
            "such as 12h, 7d or 2w."
        ) from None
    if seconds > now.timestamp():
        raise UsageError(
            f"--newer-than {text}: that lies in the future; it is {now:%Y-%m-%dT%H:%M} here now."
        )
    return seconds


def untagged(
    found: Scan,
    card: ModelCard,
    renamed: Iterable[str],
    sidecars: Iterable[str],
    sidecar_dir: str | None,
) -> Untagged:
    """Return what leaves out images that have tags.

    Args:
        found: the images.
        card: of the model that tags; its labels are the genres.
        renamed: names that tags are written under instead.
        sidecars: kinds that are written.
        sidecar_dir: where sidecars are mirrored; beside the images they count in any case.

    Raises:
        UsageError: no one folder can mirror the images.
    """
    from tagger.find.already_tagged import EarlierTags, Untagged
    from tagger.holders.places import SidecarNames
    from tagger.holders.sidecars import NFO

    places = [SidecarNames()]
    if sidecar_dir is not None:
        places.append(SidecarNames(folder=sidecar_dir, base=found.base()))
    genres = {label for label in card.labels if label not in card.never}
    return Untagged(EarlierTags(places, genres.union(renamed), in_nfos=NFO in sidecars))
