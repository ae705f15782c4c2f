"""``tagger bench``: how fast this machine tags, what bounds it, and what would help."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.console import say, show, show_json
from tagger.cli.options.groups import Only, Without
from tagger.cli.options.model import DecodeOptions, ModelOptions
from tagger.cli.options.report import ConfigOptions, JsonOption, ReportOptions
from tagger.text import counted

if TYPE_CHECKING:
    from tagger.network.model import TaggerModel
    from tagger.pipeline.rates import Rates

EXAMPLES = """Examples:

\b
  tagger bench                          # on drawn posters, small and large
  tagger bench posters/ --images 2000
  tagger bench --device cuda --json
"""


def bench(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PATH]", help="Folder of images to measure on; default: drawn posters."
        ),
    ] = None,
    images: Annotated[
        int,
        typer.Option(min=8, max=1_000_000, metavar="N", help="Maximum number of images per round."),
    ] = 400,
    rounds: Annotated[
        int,
        typer.Option(min=1, max=1000, metavar="N", help="Number of rounds; medians are reported."),
    ] = 3,
    *,
    model: ModelOptions,
    decoding: Annotated[DecodeOptions, Only("workers")],
    as_json: JsonOption = False,
    report: Annotated[ReportOptions, Without("summary")],
    config: ConfigOptions,
) -> int:
    """Measure the speed of decoding, of the network, and of both together.

    The ideal is computed from the first two: on a CPU the same cores do both, one after the other;
    a GPU runs in parallel.
    """
    quiet = report.quiet
    opened = model.open()
    count = decoding.worker_count()
    with tempfile.TemporaryDirectory(prefix="tagger-bench-") as scratch:
        sets = _given(path, images) if path else _drawn(Path(scratch), images, quiet=quiet)
        measured = {
            name: _measure(name, paths, opened, count, rounds, quiet=quiet)
            for name, paths in sets.items()
        }
    if as_json:
        show_json(_report(opened, count, measured))
    else:
        for line in _lines(opened, count, measured):
            show(line)
    return 0


def _given(folder: Path, most: int) -> dict[str, list[str]]:
    from itertools import islice

    from tagger.errors import UsageError
    from tagger.find.scan import WalkOptions, scan

    found = scan([str(folder)], WalkOptions()).paths(lambda name, reason: None)
    paths = list(islice(found, most))
    if not paths:
        raise UsageError(f"{folder} contains no images.")
    return {str(folder): paths}


def _drawn(folder: Path, most: int, *, quiet: bool) -> dict[str, list[str]]:
    from tagger.pipeline.rates import DRAWN_SIZES, draw_posters

    if not quiet:
        say("Drawing posters.")
    sets = {}
    for name, (width, height) in DRAWN_SIZES.items():
        # A few are drawn and read repeatedly: recently written files are in memory anyway. Large
        # ones take longer, so there are fewer.
        drawn = draw_posters(folder, width, height, 24 if name == "small" else 8)
        wanted = most if name == "small" else max(8, most // 4)
        sets[f"{name} ({width} × {height})"] = (drawn * -(-wanted // len(drawn)))[:wanted]
    return sets


def _measure(
    name: str, paths: list[str], model: TaggerModel, workers: int, rounds: int, *, quiet: bool
) -> Rates:
    from tagger.pipeline.rates import measure

    if not quiet:
        say(f"Measuring {counted(len(paths), 'image')}, {name}, in {counted(rounds, 'round')}.")
    return measure(paths, model, workers=workers, rounds=rounds)


def _report(model: TaggerModel, workers: int, measured: dict[str, Rates]) -> dict[str, object]:
    import platform

    from tagger import __version__
    from tagger.network.devices import available_cores

    return {
        "poster-tagger": __version__,
        "machine": f"{platform.system()} {platform.machine()}, {available_cores()} cores",
        "model": f"{model.card.name} {model.card.version} ({model.card.precision})",
        "device": model.device,
        "batch_size": model.batch_size,
        "workers": workers,
        "sets": {name: rates.to_dict() for name, rates in measured.items()},
    }


def _lines(model: TaggerModel, workers: int, measured: dict[str, Rates]) -> list[str]:
    card = model.card
    name_of_model = f"{card.name} {card.version} ({card.precision})"
    batches = f"batches of {model.batch_size}"
    lines = [f"{name_of_model} on {model.device}, {counted(workers, 'worker')}, {batches}"]
    for name, rates in measured.items():
        rule = "1 / (1/decode + 1/network)" if rates.shared_cores else "the slower of the two"
        lines += [
            "",
            f"{name}, {counted(rates.images, 'image')}",
            f"  decode      {rates.decode:>8,.0f} images/s",
            f"  network     {rates.model:>8,.0f} images/s",
            f"  together    {rates.end_to_end:>8,.0f} images/s",
            f"  ideal       {rates.ideal:>8,.0f} images/s   {rule}",
            f"  reached     {rates.share:>8.0%} of the ideal",
            f"  {_advice(model, workers, rates)}",
        ]
    return lines


def _advice(model: TaggerModel, workers: int, rates: Rates) -> str:
    from tagger.network.devices import available_cores

    more_workers = f"--workers {available_cores()}" if workers < available_cores() else "more cores"
    precision = model.card.precision
    if rates.bound == "decode":
        return f"Decode-bound: {more_workers} would help, a faster network would not."
    if rates.bound == "both":
        return f"Decoding and the network take about as long: {more_workers} would help."
    if not model.runs_on_cpu:
        return "Model-bound: a second GPU (--device cuda:0,cuda:1) or an fp16 model would help."
    helps = "a GPU" if precision == "int8" else "an int8 model or a GPU"
    return f"Model-bound: {helps} or {more_workers} would help, faster decoding would not."
