"""``tagger tag``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.options import (
    BackupOption,
    BatchSizeOption,
    DeviceOption,
    ExcludeOption,
    FilesFromOption,
    FollowSymlinksOption,
    GpuMemoryOption,
    IgnoreOption,
    IncludeOption,
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
from tagger.cli.outputs import (
    Existing,
    ExistingOption,
    OutputOptions,
    SidecarDirOption,
    SidecarName,
    SidecarNameOption,
    SidecarOption,
    XmpRootOption,
)
from tagger.cli.streams import say
from tagger.cli.tables import (
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
from tagger.cli.writing import EXIT_SOME_FAILED, Source, write_results

if TYPE_CHECKING:
    from tagger.model import TaggerModel
    from tagger.scan import Scan
    from tagger.selection import Rules

_EXAMPLES = """Examples:

\b
  tagger tag posters/ -o tags.csv
  tagger tag posters/ --sidecar xmp
  tagger tag heat.jpg
  find . -name '*.jpg' -print0 | tagger tag - -0 -o tags.jsonl
  tagger tag posters/ --threshold 0.3 --threshold Horror=0.5 --ignore Short --max-tags 2

Exit codes: 0 all tagged, 1 some images failed, 2 wrong usage, 3 could not go on (model, device,
output), 130 interrupted, 141 the reader of the output went away.
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("tag", epilog=_EXAMPLES)(tag)


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
    no_recursive: NoRecursiveOption = False,
    follow_symlinks: FollowSymlinksOption = False,
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the images that would be tagged; tag nothing.")
    ] = False,
    quiet: QuietOption = False,
    summary: SummaryOption = None,
) -> int:
    """Tag images: a table, or a sidecar beside each image."""
    from tagger.cli.arguments import gather_paths, tagging_rules, xmp_levels
    from tagger.scan import WalkOptions

    found = gather_paths(
        tuple(paths or ()),
        files_from,
        WalkOptions(tuple(include or ()), tuple(exclude or ()), not no_recursive, follow_symlinks),
        null=null,
    )
    if dry_run:
        return _list_images(found, quiet=quiet)
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
    )  # fmt: skip
    opened = _open_model(model, device, batch_size, gpu_mem_limit)
    rules = tagging_rules(
        opened.card,
        thresholds=threshold or [],
        min_tags=min_tags,
        max_tags=max_tags,
        ignored=ignore or [],
        renamed=rename or [],
    )
    return _tag(found, opened, rules, table, outputs, workers, summary, quiet=quiet)


def _open_model(
    file: Path | None, device: str, batch_size: int | None, gpu_mem_limit: str | None
) -> TaggerModel:
    from tagger.cli.arguments import memory_size
    from tagger.model import TaggerModel

    gpu_memory = memory_size(gpu_mem_limit)
    return TaggerModel(file, device, batch_size=batch_size, gpu_memory=gpu_memory)


def _list_images(found: Scan, *, quiet: bool) -> int:
    from tagger.paths import printable

    count = 0
    problems: list[str] = []
    for path in found.paths(
        lambda folder, reason: problems.append(f"{printable(folder)}: {reason}")
    ):
        print(printable(path))
        count += 1
    if not quiet:
        for problem in problems:
            say(f"failed: {problem}")
        say(f"{count:,} images would be tagged.")
    return EXIT_SOME_FAILED if problems else 0


def _tag(
    found: Scan,
    model: TaggerModel,
    rules: Rules,
    table: TableOptions,
    options: OutputOptions,
    workers: int | None,
    summary_file: Path | None,
    *,
    quiet: bool,
) -> int:
    from tagger.cores import available_cores
    from tagger.pipeline import tag_images

    source = Source(
        lambda unreadable: tag_images(
            found.paths(unreadable),
            model,
            rules,
            workers=workers or available_cores(),
            facts=table.columns,
        ),
        found.base,
        found,
        model.device,
        model.device_note,
    )
    return write_results(source, model.card, table, options, summary_file, quiet=quiet)
