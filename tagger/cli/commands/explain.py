"""``tagger explain``: which parts of an image speak for its tags."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.completing import labels
from tagger.cli.console import show
from tagger.cli.options.groups import Only, Without
from tagger.cli.options.model import ModelOptions
from tagger.cli.options.report import ConfigOptions, ReportOptions
from tagger.cli.options.tags import TagOptions
from tagger.cli.options.text import TextOptions
from tagger.errors import UsageError
from tagger.text import printable

if TYPE_CHECKING:
    from tagger.decode.picture import Picture
    from tagger.network.model import TaggerModel
    from tagger.results import ImageText
    from tagger.rules import Rules

# Pixels of the box that an image is shown in.
_SHOWN = (480, 320)

EXAMPLES = """\
tagger explain heat.jpg
tagger explain heat.jpg -o heat-explained.png
tagger explain heat.jpg -o heat.html --label Horror --label Western
"""

MOST_USED = (
    "--output", "--label", "--text", "--titles", "--overwrite",
)  # fmt: skip

ENDING = """\
Exit codes: 0 explained, 2 wrong usage, 3 could not continue (image, model, device, output).
"""


def explain(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="An image.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Also show it in FILE: a picture (.png) or a page (.html).",
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL",
            autocompletion=labels,
            help="Explain this label instead of the image's tags; repeatable.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace FILE.")] = False,
    *,
    tags: Annotated[TagOptions, Without("rename")],
    text: TextOptions,
    model: Annotated[ModelOptions, Without("batch_size")],
    report: Annotated[ReportOptions, Only("verbose")],
    config: ConfigOptions,
) -> int:
    """Show which parts of an image speak for its tags.

    Covers one part after the other and prints how far the probability of each tag falls: occlusion,
    Zeiler and Fergus (2014). Takes about as long as tagging 100 images.
    """
    from tagger.explain.occlusion import explain as explained
    from tagger.explain.picture import as_html, as_png, sentence
    from tagger.rules import known_label

    ending = None if output is None else _ending(output, image, overwrite=overwrite)
    opened = model.open()
    card = opened.card
    seen = _load(image, card.height, card.width)
    text_of = text.plan(card).text_of()
    words = None if text_of is None else text_of(image)
    labels = list(dict.fromkeys(known_label(name, card) for name in label or ()))
    labels = labels or _tags(opened, seen, words, tags.rules(card))
    found = explained(opened, seen.pixels, words, labels)
    if output is not None:
        scale = min(_SHOWN[0] / seen.height, _SHOWN[1] / seen.width)
        shape = (max(1, round(side * scale)) for side in (seen.height, seen.width))
        shown = _load(image, *shape).pixels
        name = printable(os.path.basename(image))
        data = as_png(shown, found) if ending == ".png" else as_html(shown, found, name)
        _write(output, data)
    width = max(len(one.label) for one in found)
    for one in found:
        show(f"{one.label:<{width}}  {one.score:>4.0%}  {sentence(one)}")
    return 0


def _ending(output: Path, image: str, *, overwrite: bool) -> str:
    """Return the extension of a file that may be written."""
    name, ending = printable(str(output)), output.suffix.lower()
    if ending not in (".png", ".html"):
        raise UsageError(f"-o {name}: use a file name that ends in .png or .html.", "output")
    if output.exists():
        if os.path.exists(image) and os.path.samefile(output, image):
            raise UsageError(f"-o {name}: this is the image itself: choose another file.", "output")
        if not overwrite:
            raise UsageError(
                f"{name} already exists: choose another output, or pass --overwrite to replace it.",
                "output",
            )
    return ending


def _load(image: str, height: int, width: int) -> Picture:
    """Decode an image within the usual limits.

    Raises:
        TaggerError: it cannot be read.
    """
    from tagger.decode.budget import DEFAULT_LIMITS, Attempt, Memory
    from tagger.decode.patience import Patience
    from tagger.decode.picture import ImageError, load_picture
    from tagger.errors import TaggerError

    patience = Patience(DEFAULT_LIMITS.seconds)

    def load() -> Picture:
        return load_picture(
            image, height, width, Attempt(DEFAULT_LIMITS, Memory(DEFAULT_LIMITS.memory))
        )

    try:
        return patience(load)
    except ImageError as error:
        raise TaggerError(f"{printable(image)} cannot be read: {error}.") from None
    except TimeoutError as error:
        raise TaggerError(f"{printable(image)} cannot be read: it {error}.") from None
    finally:
        patience.close()


def _tags(model: TaggerModel, picture: Picture, text: ImageText | None, rules: Rules) -> list[str]:
    """Return the labels that are the image's tags; without any, the most probable one."""
    import numpy as np

    from tagger.rules import choose

    scores = model.scores(picture.pixels[np.newaxis], [text])
    chosen = np.flatnonzero(choose(scores, rules)[0])
    if not len(chosen):
        allowed = [label not in rules.ignored for label in rules.labels]
        chosen = np.array([int(np.where(allowed, scores[0], -1).argmax())])
    ordered = chosen[np.argsort(-scores[0, chosen], kind="stable")]
    return [model.card.labels[place] for place in ordered]


def _write(output: Path, data: bytes) -> None:
    from tagger.errors import OutputError, os_reason
    from tagger.files.write import write_whole

    try:
        write_whole(output, data)
    except OSError as error:
        raise OutputError(
            f"{printable(str(output))} cannot be written: {os_reason(error)}."
        ) from None
