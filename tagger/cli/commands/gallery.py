"""``tagger gallery``: a page to look through a table's images with their tags."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.console import say
from tagger.cli.options.groups import Without
from tagger.cli.options.model import DecodeOptions, ModelOptions
from tagger.cli.options.report import ConfigOptions, ReportOptions
from tagger.cli.options.text import TextOptions
from tagger.errors import ModelError, UsageError
from tagger.table.plan import is_page
from tagger.text import printable

if TYPE_CHECKING:
    from tagger.explain.maps import Maps
    from tagger.network.card import ModelCard
    from tagger.runs.texts import TextPlan

_MOST_SHOWN = 10_000_000

EXAMPLES = """\
tagger gallery tags.csv -o gallery.html
tagger tag posters/ -o gallery.html           both at once: the table is gallery.csv
tagger gallery tags.csv -o doubtful.html --least-sure 200
tagger gallery tags-corrected.csv -o gallery.html --images ~/posters
tagger gallery tags.csv -o why.html --least-sure 200 --explain
"""

MOST_USED = (
    "--output", "--images", "--least-sure", "--explain", "--truth", "--overwrite",
)  # fmt: skip

ENDING = """\
Exit codes: 0 done, 1 some images could not be shown, 2 wrong usage, 3 could not continue (table,
disk), 130 interrupted.
"""


def gallery(
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE",
            help="A table written by 'tagger tag', in any format and layout; - for stdin.",
            show_default=False,
        ),
    ],
    *,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The page to write.", show_default=False
        ),
    ],
    images: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Folder that the table's paths are relative to; default: the current one.",
        ),
    ] = None,
    least_sure: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=_MOST_SHOWN,
            metavar="N",
            help="Show only the N images whose tags are least sure, the least sure first.",
        ),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE",
            help="Table of known tags (path, tags): thresholds then show precision and recall on "
            "them, and images with wrong or missing tags can be filtered.",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            help="Find which parts of each image speak for its tags, to be shown in the large "
            "view; takes as long as tagging each image 25 times."
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=1, max=_MOST_SHOWN, metavar="N", help="Show only the first N images."),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            help="Replace FILE even if it is not a gallery, or was edited; a copy is kept as "
            "FILE.bak."
        ),
    ] = False,
    text: TextOptions,
    model: Annotated[ModelOptions, Without("batch_size")],
    decoding: Annotated[DecodeOptions, Without("isolate")],
    report: Annotated[ReportOptions, Without("summary")],
    config: ConfigOptions,
) -> int:
    """Make a page of a table, to look through images and correct tags.

    The page needs no network and no program but a browser. Up to 500 images are inside it; for more
    it has a folder of thumbnails beside it, and above 20,000 there are several pages. Corrections
    are saved as a table for 'tagger apply'. Thresholds come from the model, so pass the one that
    was used; --explain also takes the text from its run, but pass a table of titles again. Paths
    are resolved as by 'tagger tag': start the command in the same folder.
    """
    from tagger.cli.gallery import make_shown
    from tagger.gallery.plan import GalleryPlan

    _check(output, images, least_sure, limit)
    if not explain and text != TextOptions():
        raise UsageError("--text and --titles have no effect without --explain: omit them.", "text")
    plan = GalleryPlan(
        table,
        output,
        images,
        _card(model),
        least_sure,
        limit,
        overwrite,
        decoding.worker_count(),
        decoding.limits(),
        truth,
        _maps(table, text, model, decoding) if explain else None,
    )
    return make_shown(plan, quiet=report.quiet)


def _check(output: str, images: str | None, least_sure: int | None, limit: int | None) -> None:
    if not is_page(output):
        raise UsageError(f"-o {output}: a gallery is a web page: use .html.", "output")
    if images is not None and not os.path.isdir(images):
        raise UsageError(f"--images {printable(images)}: no such folder.", "images")
    if least_sure is not None and limit is not None:
        raise UsageError(
            "--least-sure and --limit both say which images are shown: choose one.",
            "least-sure",
            "limit",
        )


def _maps(table: str, text: TextOptions, model: ModelOptions, decoding: DecodeOptions) -> Maps:
    """Return what explains the images of a table by the model.

    Raises:
        ModelError: it cannot be opened.
        DeviceError: the device is not available.
        UsageError: the text cannot be given to it.
    """
    from tagger.explain.maps import Maps
    from tagger.sources import with_reader

    opened, limits = model.open(), decoding.limits()
    plan = with_reader(_texts(table, text, opened.card), opened.device, limits)
    return Maps(opened, plan.text_of(), decoding.worker_count(), limits)


def _texts(table: str, text: TextOptions, card: ModelCard) -> TextPlan:
    """Return the text that the tags of a table were made with, as far as it is known."""
    from tagger.runs.manifest import Manifest
    from tagger.runs.texts import TextFrom
    from tagger.table.open import STDIN

    run = None if table == STDIN else Manifest.of_finished(table)
    if run is None or card.text is None:
        return text.plan(card)
    noted = run.options
    if text == TextOptions():
        text = TextOptions(text=TextFrom(str(noted.get("--text", TextFrom.NONE))))
    plan = text.plan(card)
    had = _named(noted.get("--text", TextFrom.NONE), noted.get("--titles"))
    has = _named(plan.source, plan.titles)
    if had != has:
        say(
            f"Note: the tags were made with {had}, and are explained with {has}: pass the same to "
            "explain them as they were made."
        )
    return plan


def _named(source: object, titles: object) -> str:
    return f"--text {source}" + (f" --titles {titles}" if titles else "")


def _card(model: ModelOptions) -> ModelCard | None:
    """Return the card of the model that was named, or of the bundled one if there is one.

    Raises:
        ModelError: the named one cannot be read.
    """
    try:
        return model.card()
    except ModelError:
        if model.model is not None:
            raise
        return None
