"""``tagger tag``: the main job."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.console import EXIT_SOME_FAILED, say
from tagger.cli.help import OUTPUT
from tagger.cli.options.engine import EngineOptions
from tagger.cli.options.groups import Without
from tagger.cli.options.holders import HolderOptions
from tagger.cli.options.images import ImageOptions
from tagger.cli.options.model import DecodeOptions, ModelOptions
from tagger.cli.options.report import ConfigOptions, ReportOptions
from tagger.cli.options.resume import ResumeOptions
from tagger.cli.options.table import TableOptions
from tagger.cli.options.tags import TagOptions
from tagger.cli.options.text import TextOptions
from tagger.errors import UsageError
from tagger.text import counted, printable

if TYPE_CHECKING:
    from tagger.find.already_tagged import Untagged
    from tagger.find.scan import Scan
    from tagger.runs.texts import TextPlan

EXAMPLES = """\
tagger tag posters/ -o tags.csv
tagger tag posters/ --sidecar xmp
tagger tag posters/ -o tags.csv --resume
tagger tag posters/ -o tags.csv --titles films.csv
tagger tag movies/ --library --sidecar nfo
tagger tag films.zip shard-0001.tar -o tags.csv
tagger tag s3://bucket/posters -o tags.csv
tagger tag heat.jpg
find . -name '*.jpg' -print0 | tagger tag - -0 -o tags.jsonl
tagger tag posters/ --threshold 0.3 --threshold Horror=0.5 --ignore Short --max-tags 2
"""

MOST_USED = (
    "--output", "--sidecar", "--embed", "--include", "--exclude", "--library", "--threshold",
    "--max-tags", "--ignore", "--titles", "--device", "--resume", "--dry-run", "--quiet",
)  # fmt: skip

ENDING = """\
Exit codes: 0 all tagged, 1 some images failed or there were none, 2 wrong usage, 3 could not
continue (model, device, output), 130 interrupted (143 by SIGTERM, 129 by SIGHUP), 141 the reader
closed the pipe.
"""


def tag(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Images, folders (walked recursively), archives (.zip, .cbz, .tar), URLs such as "
            "s3://bucket/posters, or - for a list on stdin.",
            show_default=False,
        ),
    ] = None,
    *,
    images: ImageOptions,
    table: TableOptions,
    holders: Annotated[HolderOptions, Without("sidecar_base")],
    tags: TagOptions,
    text: TextOptions,
    model: ModelOptions,
    decoding: DecodeOptions,
    engine: EngineOptions,
    resuming: ResumeOptions,
    dry_run: Annotated[
        bool,
        typer.Option(rich_help_panel=OUTPUT, help="Only list the images that would be tagged."),
    ] = False,
    report: ReportOptions,
    config: ConfigOptions,
) -> int:
    """Tag images, to a table or to a sidecar next to each image."""
    from tagger import job, sources
    from tagger.cli.summary import run_shown

    limits = decoding.limits()
    found = images.find(tuple(paths or ()), seconds=limits.seconds)

    resume = resuming.plan()
    if dry_run:
        if resume.wanted:
            raise UsageError(f"--dry-run always lists all images: omit {resume.name}.")
        needs_card = images.skip_tagged or text.titles is not None
        card = model.card() if needs_card else None
        passing = images.untagged(found, card, tags.rules(card), holders) if card else None
        texts = text.plan(card) if card else None
        return _list_images(found, passing, texts, quiet=report.quiet)
    table_plan, holder_plan = table.plan(), holders.plan()
    job.check_resumable(resume, table_plan, holder_plan)
    plan = engine.ray(model, decoding)
    opened = model.open() if plan is None else None
    card = model.card() if opened is None else opened.card
    rules = tags.rules(card)
    page = None
    if table.page is not None:
        from tagger.cli.gallery import make_shown, plan_beside

        page = plan_beside(table, card, workers=decoding.workers, limits=limits)
    untagged, texts = images.untagged(found, card, rules, holders), text.plan(card)
    with ExitStack() as stack:
        if plan is not None:
            from tagger.cluster.connect import connected

            cluster = stack.enter_context(connected(plan))
            note: str | None = cluster.sentence()
            source = sources.images_on(
                cluster, found, card, rules, limits=limits, untagged=untagged, texts=texts
            )
        else:
            assert opened is not None
            note = opened.device_note
            source = sources.images(
                found,
                opened,
                rules,
                workers=decoding.worker_count(),
                limits=limits,
                decode=decoding.decoders(),
                untagged=untagged,
                texts=texts,
                see=page.keeps_thumbnails() if page is not None else None,
            )
        code = run_shown(
            job.Job(source, table_plan, holder_plan, resume),
            quiet=report.quiet,
            summary_file=report.summary,
            device_note=note,
        )
    return code if page is None else max(code, make_shown(page, quiet=report.quiet))


def _list_images(
    found: Scan, passing: Untagged | None, texts: TextPlan | None, *, quiet: bool
) -> int:
    from tagger.find.left_out import LeftOut

    count, titled, left_out = 0, 0, LeftOut()
    text_of = texts.text_of() if texts is not None else None
    problems: list[str] = []
    paths = found.paths(
        lambda folder, reason: problems.append(f"{printable(folder)}: {reason}"), left_out
    )
    for path in passing.of(paths) if passing else paths:
        print(printable(path))
        count += 1
        if text_of is not None:
            titled += text_of(path) is not None
    if not quiet:
        for problem in problems:
            say(f"failed: {problem}")
        say(f"{counted(count, 'image')} would be tagged.")
        if texts is not None and texts.any:
            for sentence in texts.sentences(titled, count):
                say(sentence)
        if passing is not None:
            say(f"{passing.left_out:,} already tagged and would be skipped.")
        for sentence in left_out.sentences():
            say(sentence)
    return EXIT_SOME_FAILED if problems else 0
