"""Results → table and sidecars, with progress and a summary: what ``tag`` and ``retag`` share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tagger.cli.console import EXIT_READER_GONE, say
from tagger.cli.options.holders import OutputOptions, embedding_writer, sidecar_writer
from tagger.cli.options.resume import Origin, ResumeOptions, recorded_run

if TYPE_CHECKING:
    from tagger.cli.progress import TagProgress
    from tagger.find.scan import Scan
    from tagger.holders.image.writer import EmbeddingWriter
    from tagger.holders.sidecars import SidecarWriter
    from tagger.network.card import ModelCard
    from tagger.results import Result
    from tagger.runs.plan import Plan
    from tagger.runs.remaining import Remaining
    from tagger.runs.run import Run
    from tagger.table.plan import TablePlan
    from tagger.table.writer import Writer

EXIT_SOME_FAILED = 1


@dataclass(frozen=True)
class Source:
    """Where results come from.

    Attributes:
        results: called with what takes note of a folder that cannot be read, and with what an
            earlier run has left to do → the results.
        base: → absolute folder whose tree ``--sidecar-dir`` mirrors.
        origin: what gives them, for the manifest.
        found: the images, to be counted; None where they are not looked at.
        device_note: why the device is not the one that one might expect.
        left_out: → how many images were left out since they have tags; None where none are.
    """

    results: Callable[[Callable[[str, str], None], Remaining | None], Iterator[Result]]
    base: Callable[[], str]
    origin: Origin
    found: Scan | None = None
    device_note: str | None = None
    left_out: Callable[[], int] | None = None


@dataclass(frozen=True)
class Outputs:
    """What results are written to.

    Attributes:
        sidecars: None where none are written; likewise the others.
        embedding: puts tags into images.
        table: a stream.
        run: that can be taken up again.
    """

    sidecars: SidecarWriter | None
    embedding: EmbeddingWriter | None
    table: Writer | None
    run: Run | None

    @property
    def change_files(self) -> bool:
        """Whether there are sidecars or images to be written."""
        return self.sidecars is not None or self.embedding is not None

    def writers(self) -> Iterator[Writer]:
        """Yield what is there, in the order in which it is written to: a row comes last."""
        for writer in (self.sidecars, self.embedding, self.table):
            if writer is not None:
                yield writer


def write_results(
    source: Source,
    card: ModelCard,
    table: TablePlan,
    options: OutputOptions,
    summary_file: Path | None,
    resuming: ResumeOptions = ResumeOptions(),  # noqa: B008 (frozen)
    *,
    quiet: bool,
) -> int:
    """Write all results and return the exit code.

    Raises:
        TaggerError: the run cannot go on; what was written is kept.
    """
    from tagger.cli.progress import TagProgress
    from tagger.runs.run import Run
    from tagger.table.sink import ReaderGone, check_folder
    from tagger.table.stream import table_sink, table_stream
    from tagger.table.table import Table

    # What cannot be written is said before the work, not after it.
    if summary_file is not None:
        check_folder(os.fspath(summary_file))
    changes_files = bool(options.sidecars) or options.embed
    sink = None if changes_files and not table.is_asked_for else table_sink(table)
    progress = TagProgress(
        source.found,
        source.origin.device,
        source.device_note,
        quiet=quiet,
        on_screen=sink is not None and sink.is_terminal(),
        left_out=source.left_out,
    )
    sidecars = sidecar_writer(
        card, options, progress, base=source.base, images_seen=source.found is not None
    )
    embedding = embedding_writer(card, options, progress)
    stream = None
    if sink is not None:
        stream = table_stream(Table(table, card.labels, progress.failed), sink)
    with recorded_run(
        source.found,
        card,
        source.origin,
        table,
        options,
        progress,
        resume=resuming.wanted,
        quiet=quiet,
    ) as plan:
        if plan is not None and not quiet:
            _say_plan(plan, source.origin.device)
        outputs = Outputs(sidecars, embedding, stream, None if plan is None else Run(plan))
        try:
            _write_all(source, outputs, resuming, progress)
        except ReaderGone:
            return EXIT_READER_GONE
    progress.close_with_summary(sidecars, embedding, summary_file)
    return EXIT_SOME_FAILED if progress.failures or progress.kept_failures else 0


def _say_plan(plan: Plan, device: str | None) -> None:
    """Say what a person may not expect."""
    from tagger.text import printable

    if plan.replaced is not None:
        say(
            f"{printable(plan.replaced)} of an interrupted run is replaced; --resume would have "
            "gone on with it."
        )
    previous = plan.previous
    if previous is not None and previous.manifest.device != device:
        say(
            f"That run was on {previous.manifest.device}, this one is on {device}: "
            "probabilities may differ a little."
        )


def _write_all(
    source: Source, outputs: Outputs, resuming: ResumeOptions, progress: TagProgress
) -> None:
    from tagger.table.sink import ReaderGone

    run = outputs.run
    remaining = _remaining(outputs, resuming, progress)
    with progress:
        try:
            with ExitStack() as stack:
                if run is not None:
                    stack.callback(run.close)
                for writer in outputs.writers():
                    stack.enter_context(writer)
                for result in source.results(progress.failed, remaining):
                    _write(result, outputs, remaining, progress, begin=source.left_out is not None)
                    progress.count(result)
                if run is not None:
                    run.finish()
        except BaseException as error:
            if not isinstance(error, ReaderGone):
                _stop(source, run, progress)
            raise


def _remaining(
    outputs: Outputs, resuming: ResumeOptions, progress: TagProgress
) -> Remaining | None:
    from tagger.runs.remaining import Remaining

    if outputs.run is None:
        return None
    return Remaining(
        outputs.run.plan,
        retry_failed=resuming.retry_failed,
        update=resuming.update,
        has_sidecars=outputs.sidecars.are_there if outputs.sidecars else None,
        kept=lambda image: progress.keep(failed=image.failed),
    )


def _write(
    result: Result,
    outputs: Outputs,
    remaining: Remaining | None,
    progress: TagProgress,
    *,
    begin: bool,
) -> None:
    """Write one result.

    Args:
        result: of an image.
        outputs: where it goes.
        remaining: knows what an earlier run has done.
        progress: told of what fails.
        begin: whether sidecars that are there make a later run pass over the image.
    """
    from tagger.decode.facts import file_stamp

    failures = progress.failures
    run, sidecars = outputs.run, outputs.sidecars
    if remaining is not None and sidecars is not None:
        for path in remaining.passed_before(result.path):
            sidecars.pass_over(path)
    if run is not None and outputs.change_files:
        run.prepare(result.path, sidecars.targets if sidecars else lambda image: [])
        if begin:
            run.begin(result.path)
    for writer in outputs.writers():
        writer.write(result)
    if run is None:
        return
    # An image that has got tags is another file, and no news.
    stamp = file_stamp(result.path) if outputs.embedding is not None else None
    unwritten = progress.failures > failures
    run.add(result, unwritten=unwritten, stamp=stamp, at_once=outputs.change_files)


def _stop(source: Source, run: Run | None, progress: TagProgress) -> None:
    if run is not None and (source.origin.table is not None or not run.has_begun):
        run.discard()
        progress.stopped_early(None, resumable=False)
    elif run is not None:
        progress.stopped_early(run.plan.paths.kept_rows, resumable=True)
    else:
        progress.stopped_early(None, resumable=False)
