"""``tagger bench``: how fast this machine tags, what bounds it, and what would help."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
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

# Images per second and device; the fastest run small networks at some ten thousand.
_FASTEST_GPU = 10_000_000
_MOST_CORES = 1024
# What an image costs the main process does not depend on how many there are.
_MOST_FOR_MAIN = 10_000

EXAMPLES = """\
tagger bench                          # on drawn posters, small and large
tagger bench posters/ --images 2000
tagger bench --device cuda --json
tagger bench --simulate-gpu 8000 --cores 16   # what a workstation would reach
"""

MOST_USED = (
    "--images", "--rounds", "--device", "--model", "--simulate-gpu", "--cores", "--json",
)  # fmt: skip


@dataclass(frozen=True)
class _Bench:
    """What was measured.

    Attributes:
        model: on which device.
        workers: that decode.
        main_core: seconds of a core that an image costs the main process.
        sets: rates of each set of images.
        cores: of a machine to be reckoned; None if there is none.
        simulated_gpu: images per second of the GPU that was simulated; None if none was.
    """

    model: TaggerModel
    workers: int
    main_core: float
    sets: dict[str, Rates]
    cores: int | None
    simulated_gpu: int | None


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
    simulate_gpu: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=_FASTEST_GPU,
            metavar="N",
            help="In place of the device, wait as long as a GPU that runs N images per second.",
        ),
    ] = None,
    cores: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=_MOST_CORES,
            metavar="M",
            help="Also reckon what a machine with M cores as fast as these would reach.",
        ),
    ] = None,
    *,
    model: ModelOptions,
    decoding: Annotated[DecodeOptions, Only("workers")],
    as_json: JsonOption = False,
    report: Annotated[ReportOptions, Without("summary")],
    config: ConfigOptions,
) -> int:
    """Measure the speed of decoding, of the network, and of both.

    The ideal is computed from the first two: on a CPU the same cores do both, one after the other;
    a GPU runs in parallel. The main process chooses tags and writes rows: what an image costs it
    limits the rate of any machine.
    """
    quiet = report.quiet
    opened = _opened(model, simulate_gpu)
    count = decoding.worker_count()
    with tempfile.TemporaryDirectory(prefix="tagger-bench-") as scratch:
        sets = _given(path, images) if path else _drawn(Path(scratch), images, quiet=quiet)
        measured = {
            name: _measure(name, paths, opened, count, rounds, quiet=quiet)
            for name, paths in sets.items()
        }
        main_core = _main_core(Path(scratch), opened, count, images, rounds, quiet=quiet)
    found = _Bench(opened, count, main_core, measured, cores, simulate_gpu)
    if as_json:
        show_json(_report(found))
    else:
        for line in _lines(found):
            show(line)
    return 0


def _opened(options: ModelOptions, simulated: int | None) -> TaggerModel:
    if simulated is None:
        return options.open()
    from tagger.network.simulated import SimulatedGpu

    return SimulatedGpu(options.file, simulated, batch_size=options.batch_size)


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


def _main_core(
    folder: Path, model: TaggerModel, workers: int, images: int, rounds: int, *, quiet: bool
) -> float:
    """Return the seconds of a core that an image costs the main process, with a CSV file.

    Other processes decode, and the network takes no time. What begins and ends a run, whatever the
    number of images, does not count.
    """
    from statistics import median

    from tagger.network.simulated import SimulatedGpu
    from tagger.pipeline.rates import draw_posters

    # A short run has small lots, of which each image costs more.
    few = min(5 * images, _MOST_FOR_MAIN // 5)
    many = 5 * few
    if not quiet:
        say(f"Measuring the main process with {counted(many, 'image')}.")
    (drawn,) = draw_posters(folder, 8, 8, 1)
    whole = folder / "many"
    part = whole / "few"
    part.mkdir(parents=True)
    for number in range(many):
        file = (part if number < few else whole) / f"{number:07}.jpg"
        file.write_bytes(Path(drawn).read_bytes())
    gpu = SimulatedGpu(model.file, float("inf"))
    _core_of_run(part, gpu, workers)  # imports
    core = [
        _core_of_run(whole, gpu, workers) - _core_of_run(part, gpu, workers) for _ in range(rounds)
    ]
    return max(1e-6, median(core) / (many - few))


def _core_of_run(folder: Path, model: TaggerModel, workers: int) -> float:
    """Return the seconds of a core that this process takes to tag a folder, to a CSV file."""
    import time

    from tagger import job, sources
    from tagger.decode.budget import keep_freed_memory
    from tagger.find.scan import WalkOptions, scan
    from tagger.pipeline.decode import Decode
    from tagger.rules import Rules
    from tagger.table.plan import TablePlan

    keep_freed_memory()
    found = scan([str(folder)], WalkOptions())
    rules, apart = Rules.of_card(model.card), Decode.PROCESSES
    source = sources.images(found, model, rules, workers=workers, decode=apart)
    with tempfile.TemporaryDirectory(prefix="tagger-bench-") as scratch:
        table = TablePlan.checked(str(Path(scratch) / "tags.csv"))
        before = time.process_time()
        job.run(job.Job(source, table))
        return time.process_time() - before


def _report(found: _Bench) -> dict[str, object]:
    import platform

    from tagger import __version__
    from tagger.network.devices import available_cores

    model = found.model
    return {
        "poster-tagger": __version__,
        "machine": f"{platform.system()} {platform.machine()}, {available_cores()} cores",
        "model": f"{model.card.name} {model.card.version} ({model.card.precision})",
        "device": model.device,
        "simulated_gpu": found.simulated_gpu,
        "batch_size": model.batch_size,
        "workers": found.workers,
        "main_core_us": round(1e6 * found.main_core, 1),
        "sets": {
            name: {**rates.to_dict(), "reckoned": _reckoned(found, rates)}
            for name, rates in found.sets.items()
        },
    }


def _reckoned(found: _Bench, rates: Rates) -> dict[str, float] | None:
    if found.cores is None:
        return None
    rate = rates.reckoned(found.cores, found.main_core)
    return {"cores": found.cores, "images_per_second": round(rate, 1)}


def _lines(found: _Bench) -> list[str]:
    model = found.model
    card = model.card
    name_of_model = f"{card.name} {card.version} ({card.precision})"
    batches = f"batches of {model.batch_size}"
    lines = [f"{name_of_model} on {model.device}, {counted(found.workers, 'worker')}, {batches}"]
    for name, rates in found.sets.items():
        rule = "1 / (1/decode + 1/network)" if rates.shared_cores else "the slower of the two"
        lines += [
            "",
            f"{name}, {counted(rates.images, 'image')}",
            f"  decode      {rates.decode:>8,.0f} images/s",
            f"  network     {rates.model:>8,.0f} images/s",
            f"  together    {rates.end_to_end:>8,.0f} images/s",
            f"  ideal       {rates.ideal:>8,.0f} images/s   {rule}",
            f"  reached     {rates.share:>8.0%} of the ideal",
        ]
        if found.cores is not None:
            rate = rates.reckoned(found.cores, found.main_core)
            lines.append(
                f"  reckoned    {rate:>8,.0f} images/s   with {counted(found.cores, 'core')}, "
                "by what an image costs"
            )
        lines.append(f"  {_advice(model, found.workers, rates)}")
    most = 1 / found.main_core
    lines += [
        "",
        f"The main process takes {1e6 * found.main_core:,.0f} µs of a core per image:",
        f"  at most     {most:>8,.0f} images/s   on any machine with cores like these",
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
