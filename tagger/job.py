"""One run from start to end: paths → what is left to do → results → outputs → journal.

``tagger tag``, ``tagger retag`` and :meth:`tagger.Tagger.run` differ only in source and outputs;
:mod:`tagger.sources` has those of images.
For each image, sidecars and embedded tags are written first, then its row, then its journal entry:
however a run ends, an image in the journal is done.
"""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tagger import __version__
from tagger.decode.facts import file_stamp
from tagger.errors import UsageError, about
from tagger.holders.plan import HolderPlan
from tagger.results import Failed, Result, Stamp, Tagged
from tagger.runs.lock import locked
from tagger.runs.manifest import Manifest, ModelFacts, versions_noted
from tagger.runs.options import built_in_options, facts_shown, noted_options, noted_shard
from tagger.runs.paths import RunPaths
from tagger.runs.plan import Plan, Resume, plan_run
from tagger.runs.remaining import Remaining
from tagger.runs.report import Listener, Report, Summary
from tagger.runs.run import Run
from tagger.runs.texts import NO_TEXTS, TextPlan
from tagger.table.plan import TablePlan
from tagger.table.sink import ReaderGone, check_target
from tagger.table.stream import TableStream, table_sink, table_stream
from tagger.table.table import Table
from tagger.text import printable

if TYPE_CHECKING:
    from tagger.find.already_tagged import Untagged
    from tagger.find.scan import Scan
    from tagger.holders.put import Holders
    from tagger.network.card import ModelCard
    from tagger.rules import Rules

_OBJECTS_BEFORE_GC = 50_000


def run(job: Job, listener: Listener | None = None) -> Summary:
    """Run a job; the listener is notified of progress, and cannot influence it.

    Raises:
        TaggerError: the run cannot continue; what was written is kept.
        ReaderGone: the reader of standard output closed it.
    """
    report = Report(listener or Listener(), job.source.device)
    report.titled = 0 if job.source.texts.any else None
    report.unsure = 0 if job.source.rules.unsure else None
    with _collecting_seldom(), opened(job, report) as outputs:
        for results in job.source.results(outputs):
            outputs.write(results)
    return report.summary()


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Look for cycles of objects seldom.

    Results make none, and looking for some after every 700 objects, as Python does, takes a tenth
    of the main process's time.
    """
    former = gc.get_threshold()
    gc.set_threshold(_OBJECTS_BEFORE_GC)
    try:
        yield
    finally:
        gc.set_threshold(*former)


@dataclass(frozen=True)
class Source:
    """Where results come from.

    Attributes:
        card: the model's card.
        model_file: the model's file.
        rules: which scores become tags.
        results: called with the outputs, returns the results that they lack, some together.
        device: where the network runs; None if it does not.
        found: the images; None if they are not opened.
        table: the file that is read instead of images.
        texts: text that the network gets in addition to the pictures.
    """

    card: ModelCard
    model_file: Path
    rules: Rules
    results: Callable[[Outputs], Iterator[Sequence[Result]]]
    device: str | None = None
    found: Scan | None = None
    table: str | None = None
    texts: TextPlan = NO_TEXTS


@dataclass(frozen=True)
class Job:
    """What a run reads and writes.

    Attributes:
        source: where results come from.
        table: the table to write, unless tags go into holders and no table was requested.
        holders: sidecars and embedded tags.
        resume: what to keep of a previous run on the same output.
    """

    source: Source
    table: TablePlan = field(default_factory=TablePlan)
    holders: HolderPlan = field(default_factory=HolderPlan)
    resume: Resume = field(default_factory=Resume)

    @property
    def has_table(self) -> bool:
        """Whether a table is written."""
        return self.table.is_asked_for or not self.holders.any


class Outputs:
    """Where results go.

    Args:
        job: the job.
        report: counts the outcome for each image.
        holders: sidecars and embedded tags; None if none are written, like the others.
        stream: a table that does not go to a file.
        run: a table in a file, and the journal.
    """

    def __init__(
        self,
        job: Job,
        report: Report,
        holders: Holders | None,
        stream: TableStream | None,
        run: Run | None,
    ) -> None:
        self.job = job
        self.report = report
        self._holders = holders
        self._stream = stream
        self._run = run
        self._announces = False
        self._remaining: Remaining | None = None
        if run is not None:
            are_there = holders.are_there if holders is not None else None
            self._remaining = Remaining(
                run.plan, job.resume, has_sidecars=are_there, kept=report.kept
            )

    @property
    def order(self) -> Callable[[str], str]:
        """What images are sorted by, of their paths as given."""
        table = self.job.table
        order, spell = table.order(), table.spelling()
        return str if order is None else lambda path: order(spell(path))

    def left_of(self, found: Iterable[str], untagged: Untagged | None) -> Iterable[str]:
        """Return the images that no previous run has done and, if requested, that have no tags."""
        remaining = self._remaining
        if remaining is not None:
            found = remaining.of(found)
        if untagged is not None:
            # A sidecar makes a later run skip its image, so an incomplete set must not.
            self._announces = True
            self.report.untagged = untagged
            found = untagged.of(found, remaining.was_begun if remaining is not None else None)
        return found

    def write(self, results: Sequence[Result]) -> None:
        """Write each image's sidecars and embedded tags, then its row, then its journal entry.

        Errors are those of :meth:`tagger.table.sink.Sink.write`.
        """
        holders = self._holders
        if holders is None:
            self._note(results)
        else:
            for result in results:
                unwritten = not self._put(result, holders)
                # Embedding changes the file, which is not a change by somebody else.
                stamp = file_stamp(result.path) if self.job.holders.embed else None
                self._note([result], unwritten=unwritten, stamp=stamp)

    def _note(
        self, results: Sequence[Result], *, unwritten: bool = False, stamp: Stamp | None = None
    ) -> None:
        """Write rows and journal entries, and count; arguments as of :meth:`Run.add`."""
        report = self.report
        if self._stream is not None:
            self._stream.write(results)
        if self._run is not None:
            at_once = self._holders is not None
            self._run.add(results, unwritten=unwritten, stamp=stamp, at_once=at_once)
        tagged = [result for result in results if isinstance(result, Tagged)]
        report.tagged += len(tagged)
        report.tags.update([tag.name for result in tagged for tag in result.tags])
        if report.titled is not None:
            report.titled += sum(result.text is not None for result in tagged)
        if report.unsure is not None:
            report.unsure += sum(not result.tags for result in tagged)
        for result in results if len(tagged) < len(results) else ():
            if isinstance(result, Failed):
                report.failed(result.path, result.reason, has_row=True)

    def _put(self, result: Result, holders: Holders) -> bool:
        """Write sidecars and embedded tags; return whether nothing failed."""
        if self._remaining is not None and self._remaining.passed:
            for path in self._remaining.passed_before(result.path):
                holders.pass_over(path)
        if self._run is not None:
            self._run.prepare(result.path, holders.targets)
            if self._announces:
                self._run.begin(result.path)
        failures = holders.put(result)
        for failure in failures:
            self.report.failed(failure.path, failure.reason)
        return not failures

    def stop(self) -> None:
        """Stop early: a new table is kept to be resumed, a replacement is discarded."""
        run, kept_at, resumable = self._run, None, False
        if run is not None and (self.job.source.table is not None or not run.has_begun):
            run.discard()
        elif run is not None:
            kept_at, resumable = run.plan.paths.kept_rows, not run.notes_lost
        self.report.listener.stopped(kept_at, resumable=resumable)


@contextmanager
def opened(job: Job, report: Report) -> Iterator[Outputs]:
    """Open a job's outputs, and complete them at the end; on an exception, whole results are kept.

    Raises:
        TaggerError: an output cannot be written or resumed.
    """
    holders, stream = _holders(job), _stream(job, report)
    report.holders = holders
    with _planned(job, report) as plan:
        run = None if plan is None else Run(plan, report.listener.notice)
        outputs = Outputs(job, report, holders, stream, run)
        report.listener.began(report.summary)
        try:
            with ExitStack() as stack:
                if run is not None:
                    stack.callback(run.close)
                if stream is not None:
                    stack.enter_context(stream)
                yield outputs
                if run is not None:
                    run.finish(found=report.summary().passed_over > 0, input=report.left_out.input)
                    report.left = run.plan.paths.table if run.left else None
                    report.copies += run.copies
        except ReaderGone:
            raise
        except BaseException:
            outputs.stop()
            raise


def check_resumable(resume: Resume, table: TablePlan, holders: HolderPlan) -> None:
    """Raise UsageError if it was requested to resume outputs that cannot be resumed."""
    if resume.wanted and table.overwrite:
        raise UsageError(
            f"{resume.name} keeps what is there and --overwrite does not: choose one.",
            resume.name.removeprefix("--"),
            "overwrite",
        )
    if resume.wanted and not table.is_file and (table.is_asked_for or not holders.any):
        raise UsageError(
            f"{resume.name} needs an output that can be resumed: a table in a file (-o FILE), "
            "--sidecar or --embed.",
            resume.name.removeprefix("--"),
        )


def _holders(job: Job) -> Holders | None:
    """Return what writes tags into holders, if anything does."""
    if not job.holders.any:
        return None
    from tagger.holders.put import Holders

    found, options = job.source.found, job.holders
    if found is not None and (place := found.sealed()) is not None:
        _refuse_beside(place, options)
    if options.folder is not None and found is not None:
        options = dataclasses.replace(options, base=found.base())
    source = job.source
    return Holders(
        options, source.card, source.rules.renamed.values(), look_for_images=found is None
    )


def _refuse_beside(place: str, options: HolderPlan) -> None:
    """Raise UsageError if tags are to be written where nothing is: into an archive, or beside it.

    Args:
        place: an archive, what leads into one, a URL, or ``--archives``.
        options: what is to be written.
    """
    if options.embed:
        raise UsageError(
            f"{printable(place)}: nothing is embedded into images in archives or on other machines:"
            " write a table (-o FILE) instead.",
            "embed",
        )
    if options.folder is None:
        raise UsageError(
            f"{printable(place)}: nothing is written into archives or to other machines: add "
            "--sidecar-dir DIR, or write a table (-o FILE) instead.",
            "sidecar",
        )


def _stream(job: Job, report: Report) -> TableStream | None:
    sink = table_sink(job.table) if job.has_table else None
    if sink is None:
        return None
    no_tags = "unsure, no tags" if job.source.rules.unsure else "no tags"
    card, rules = job.source.card, job.source.rules
    table = Table(job.table, card.labels, report.failed, facts_shown(card, rules, __version__))
    return table_stream(table, sink, no_tags=no_tags)


@contextmanager
def _planned(job: Job, report: Report) -> Iterator[Plan | None]:
    """Yield the plan of a run, with its output locked; None if it leaves nothing to resume.

    Raises:
        UsageError: the previous run used another model, or other options.
        TableError: the previous run's output is damaged.
        OutputError: the folder does not exist, or another run is writing the output.
    """
    source, listener = job.source, report.listener
    paths = _paths(job, listener)
    if paths is None:
        yield None
        return
    manifest = Manifest(
        paths.what,
        _model_facts(source),
        {
            **noted_options(source.rules, job.table, job.holders, source.texts),
            **noted_shard(source.found),
        },
        source.device,
        _working_folder(job, paths),
        versions=versions_noted(__version__),
        defaults=built_in_options(source.card),
    )
    table = None
    if job.table.is_file:
        facts = facts_shown(source.card, source.rules, __version__)
        table = Table(job.table, source.card.labels, report.failed, facts)
    with locked(paths.lock, paths.what, listener.notice, needed=job.table.is_file):
        plan = plan_run(
            paths,
            manifest,
            table,
            resume=job.resume.wanted,
            overwrite=job.table.overwrite,
            source=source.table,
            found=source.found,
        )
        if plan.previous is not None and plan.previous.manifest.device != source.device:
            listener.device_changed(plan.previous.manifest.device, source.device)
        yield plan


def _working_folder(job: Job, paths: RunPaths) -> str | None:
    """Return what the manifest notes as the folder of the table's relative paths."""
    found = job.source.found
    if found is None or not job.table.is_file:
        return None
    is_relative = job.table.is_relative((*found.folders, *found.files))
    return paths.working_folder() if is_relative else None


def _paths(job: Job, listener: Listener) -> RunPaths | None:
    if job.table.is_file:
        assert job.table.output is not None
        with about("output"):
            check_target(job.table.output)
        return RunPaths.of_table(job.table.output, as_text=job.table.is_text)
    found = job.source.found
    if found is None or job.has_table:
        return None
    paths = RunPaths.of_sidecars(
        found.folders, found.files, job.holders.folder, found.options.shard
    )
    refused = paths.make_folder()
    if refused is None:
        return paths
    listener.notice(f"{refused}, so this run cannot be resumed.")
    return None


def _model_facts(source: Source) -> ModelFacts:
    """Return which model is used: the one recorded with a table, or the file."""
    made_by = Manifest.of_finished(source.table) if source.table is not None else None
    if made_by is not None and made_by.model.is_of(source.card):
        return made_by.model
    return ModelFacts.of(source.card, source.model_file)
