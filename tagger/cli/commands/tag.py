"""``tagger tag``: the main job."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.configurable import ConfigOption, ConfigurableCommand, NoConfigOption
from tagger.cli.options.common import (
    BackupOption,
    BatchSizeOption,
    DeviceOption,
    ExcludeOption,
    FilesFromOption,
    FollowSymlinksOption,
    GpuMemoryOption,
    IgnoreOption,
    ImageMemoryOption,
    ImageTimeoutOption,
    IncludeOption,
    IsolateOption,
    LibraryOption,
    MaxTagsOption,
    MinTagsOption,
    ModelOption,
    NoRecursiveOption,
    NullOption,
    QuietOption,
    RenameOption,
    SummaryOption,
    ThresholdOption,
    WorkersOption,
)
from tagger.cli.options.holders import (
    EmbedOption,
    Existing,
    ExistingOption,
    KeepTimeOption,
    OutputOptions,
    SidecarDirOption,
    SidecarName,
    SidecarNameOption,
    SidecarOption,
    XmpRootOption,
)
from tagger.cli.options.images import NewerThanOption, SkipTaggedOption
from tagger.cli.options.resume import (
    Origin,
    ResumeOption,
    ResumeOptions,
    RetryFailedOption,
    UpdateOption,
)
from tagger.cli.options.table import (
    AbsoluteOption,
    ColumnsOption,
    ExcelOption,
    FormatOption,
    LayoutName,
    LayoutOption,
    OutputOption,
    RelativeToOption,
    TableOptions,
    table_options,
)
from tagger.cli.streams import say
from tagger.job import EXIT_SOME_FAILED, Source, write_results

if TYPE_CHECKING:
    from tagger.decode.budget import ImageLimits
    from tagger.find.already_tagged import Untagged
    from tagger.find.scan import Scan
    from tagger.network.card import ModelCard
    from tagger.network.model import TaggerModel
    from tagger.rules import Rules
    from tagger.runs.remaining import Remaining

_EXAMPLES = """Examples:

\b
  tagger tag posters/ -o tags.csv
  tagger tag posters/ --sidecar xmp
  tagger tag posters/ -o tags.csv --resume
  tagger tag movies/ --library --sidecar nfo
  tagger tag heat.jpg
  find . -name '*.jpg' -print0 | tagger tag - -0 -o tags.jsonl
  tagger tag posters/ --threshold 0.3 --threshold Horror=0.5 --ignore Short --max-tags 2

Exit codes: 0 all tagged, 1 some images failed, 2 wrong usage, 3 could not go on (model, device,
output), 130 interrupted (143 by SIGTERM, 129 by SIGHUP), 141 the reader of the output went away.
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("tag", cls=ConfigurableCommand, epilog=_EXAMPLES)(tag)


def tag(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Images, folders (walked recursively), or - for a list on stdin.",
            show_default=False,
        ),
    ] = None,
    files_from: FilesFromOption = None,
    null: NullOption = False,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    library: LibraryOption = False,
    no_recursive: NoRecursiveOption = False,
    follow_symlinks: FollowSymlinksOption = False,
    newer_than: NewerThanOption = None,
    skip_tagged: SkipTaggedOption = False,
    output: OutputOption = None,
    format: FormatOption = None,
    layout: LayoutOption = LayoutName.WIDE,
    excel: ExcelOption = False,
    columns: ColumnsOption = None,
    absolute: AbsoluteOption = False,
    relative_to: RelativeToOption = None,
    sidecar: SidecarOption = None,
    sidecar_name: SidecarNameOption = SidecarName.APPEND,
    sidecar_dir: SidecarDirOption = None,
    existing: ExistingOption = Existing.MERGE,
    embed: EmbedOption = False,
    keep_time: KeepTimeOption = False,
    backup: BackupOption = False,
    xmp_root: XmpRootOption = None,
    threshold: ThresholdOption = None,
    max_tags: MaxTagsOption = None,
    min_tags: MinTagsOption = None,
    ignore: IgnoreOption = None,
    rename: RenameOption = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    batch_size: BatchSizeOption = None,
    gpu_mem_limit: GpuMemoryOption = None,
    workers: WorkersOption = None,
    image_timeout: ImageTimeoutOption = None,
    image_memory: ImageMemoryOption = None,
    isolate: IsolateOption = False,
    resume: ResumeOption = False,
    retry_failed: RetryFailedOption = False,
    update: UpdateOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the images that would be tagged; tag nothing.")
    ] = False,
    quiet: QuietOption = False,
    summary: SummaryOption = None,
    config: ConfigOption = None,
    no_config: NoConfigOption = False,
) -> int:
    """Tag images: a table, or a sidecar beside each image."""
    from tagger.cli.options.images import moment, untagged
    from tagger.cli.options.values import gather_paths, image_limits, tagging_rules, xmp_levels
    from tagger.find.scan import WalkOptions

    limits = image_limits(image_timeout, image_memory)
    found = gather_paths(
        tuple(paths or ()),
        files_from,
        WalkOptions(
            tuple(include or ()),
            tuple(exclude or ()),
            not no_recursive,
            follow_symlinks,
            library=library,
            newer_than=moment(newer_than),
            seconds=limits.seconds,
        ),
        null=null,
    )
    rules_of = partial(
        tagging_rules,
        thresholds=threshold or [],
        min_tags=min_tags,
        max_tags=max_tags,
        ignored=ignore or [],
        renamed=rename or [],
    )

    def skipping(card: ModelCard, rules: Rules) -> Untagged | None:
        if not skip_tagged:
            return None
        return untagged(found, card, rules.renamed.values(), sidecar or (), sidecar_dir)

    going_on = ResumeOptions(resume, retry_failed, update)
    if dry_run:
        going_on.refuse_dry_run()
        card = _card(model) if skip_tagged else None
        passing = skipping(card, rules_of(card)) if card else None
        return _list_images(found, passing, quiet=quiet)
    table = table_options(
        output,
        format,
        layout,
        excel=excel,
        columns=columns or (),
        absolute=absolute,
        relative_to=relative_to,
    )
    outputs = OutputOptions(
        tuple(sidecar or ()), sidecar_name, sidecar_dir, existing, backup, xmp_levels(xmp_root),
        embed, keep_time,
    )  # fmt: skip
    going_on.check(table, outputs)
    opened = _open_model(model, device, batch_size, gpu_mem_limit)
    rules = rules_of(opened.card)
    passing = skipping(opened.card, rules)
    return _tag(
        found, passing, opened, rules, table, outputs, workers, limits, summary, going_on,
        isolate=isolate, quiet=quiet,
    )  # fmt: skip


def _open_model(
    file: Path | None, device: str, batch_size: int | None, gpu_mem_limit: str | None
) -> TaggerModel:
    from tagger.cli.options.values import memory_size
    from tagger.network.model import TaggerModel

    gpu_memory = memory_size(gpu_mem_limit)
    return TaggerModel(file, device, batch_size=batch_size, gpu_memory=gpu_memory)


def _card(file: Path | None) -> ModelCard:
    from tagger.network.model import BUNDLED_MODEL, read_card

    return read_card(file or BUNDLED_MODEL)


def _list_images(found: Scan, passing: Untagged | None, *, quiet: bool) -> int:
    from tagger.text import printable

    count = 0
    problems: list[str] = []
    paths = found.paths(lambda folder, reason: problems.append(f"{printable(folder)}: {reason}"))
    for path in passing.of(paths) if passing else paths:
        print(printable(path))
        count += 1
    if not quiet:
        for problem in problems:
            say(f"failed: {problem}")
        say(f"{count:,} images would be tagged.")
        if passing is not None:
            say(f"{passing.left_out:,} have tags already and would be left out.")
    return EXIT_SOME_FAILED if problems else 0


def _tag(
    found: Scan,
    passing: Untagged | None,
    model: TaggerModel,
    rules: Rules,
    table: TableOptions,
    options: OutputOptions,
    workers: int | None,
    limits: ImageLimits,
    summary_file: Path | None,
    resuming: ResumeOptions,
    *,
    isolate: bool,
    quiet: bool,
) -> int:
    from tagger.decode.facts import STAMP
    from tagger.network.devices import available_cores
    from tagger.pipeline.pipeline import tag_images

    def paths(unreadable: Callable[[str, str], None], remaining: Remaining | None) -> Iterable[str]:
        images: Iterable[str] = found.paths(unreadable)
        if remaining is not None:
            images = remaining.of(images)
        if passing is not None:
            images = passing.of(images, remaining.was_begun if remaining else None)
        return images

    source = Source(
        lambda unreadable, remaining: tag_images(
            paths(unreadable, remaining),
            model,
            rules,
            workers=workers or available_cores(),
            facts=(*table.columns, STAMP),
            limits=limits,
            isolated=isolate,
        ),
        found.base,
        Origin(rules, model.file, model.device),
        found,
        model.device_note,
        left_out=(lambda: passing.left_out) if passing else None,
    )
    return write_results(source, model.card, table, options, summary_file, resuming, quiet=quiet)
