"""A gallery on the command line: its display, what it says, and the exit code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tagger.cli.console import EXIT_SOME_FAILED, MOST_FAILURES_SHOWN, say
from tagger.cli.progress import tracked
from tagger.decode.budget import DEFAULT_LIMITS, ImageLimits
from tagger.gallery.gallery import Gallery
from tagger.gallery.plan import GalleryPlan
from tagger.network.devices import available_cores
from tagger.text import counted, printable

if TYPE_CHECKING:
    from tagger.cli.options.table import TableOptions
    from tagger.gallery.gallery import Made
    from tagger.network.card import ModelCard


def plan_beside(
    table: TableOptions,
    card: ModelCard,
    *,
    workers: int | None = None,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> GalleryPlan | None:
    """Return the plan of the gallery that is wanted besides a table; None if there is none.

    Raises:
        OutputError: it cannot be written.
        UsageError: something lies there that is no gallery of ours.
    """
    output = table.plan().output
    if table.page is None or output is None:
        return None
    plan = GalleryPlan(
        output,
        table.page,
        card=card,
        overwrite=table.overwrite,
        workers=workers or available_cores(),
        limits=limits,
    )
    plan.check_output()
    return plan


def make_shown(plan: GalleryPlan, *, quiet: bool) -> int:
    """Make a gallery and return the exit code.

    Raises:
        TaggerError: it cannot be made.
    """
    gallery = Gallery(plan)
    doing = "Making thumbnails" if plan.explains is None else "Explaining tags"
    steps = tracked(range(len(gallery)), doing, "image", quiet=quiet)
    made = gallery.write(lambda: next(steps, None))
    for _ in steps:  # takes the bar away
        pass
    if not quiet:
        _say(made)
    return EXIT_SOME_FAILED if made.failed or not made.images else 0


def _say(made: Made) -> None:
    for path, reason in list(made.failures.items())[:MOST_FAILURES_SHOWN]:
        say(f"failed: {printable(path)}: {reason}")
    if (more := made.failed - MOST_FAILURES_SHOWN) > 0:
        say(f"… and {counted(more, 'more failure')}.")
    pages = printable(made.pages[0])
    if len(made.pages) > 1:
        pages = f"{len(made.pages):,} pages, the first of them {pages}"
    beside = f", thumbnails in {printable(os.path.dirname(made.folder))}" if made.folder else ""
    say(f"{counted(made.images, 'image')} in {pages}{beside}.")
    if made.images and made.failed == made.images:
        say(
            "None of the images can be shown: paths are relative to the current folder, so start "
            "this command where 'tagger tag' was started, or pass --images."
        )
