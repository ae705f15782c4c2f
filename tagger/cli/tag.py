"""``tagger tag``: the main job."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.options import (
    BatchSizeOption,
    DeviceOption,
    ModelOption,
    QuietOption,
    WorkersOption,
)
from tagger.cli.outputs import (
    Existing,
    Format,
    LayoutName,
    OutputOptions,
    Sidecar,
    SidecarName,
    sidecar_writer,
    table_format,
    table_sink,
    table_writer,
)
from tagger.cli.streams import EXIT_READER_GONE, say

if TYPE_CHECKING:
    from tagger.model import TaggerModel
    from tagger.scan import Scan
    from tagger.selection import Rules
    from tagger.writers import Writer

EXIT_SOME_FAILED = 1

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
    files_from: Annotated[
        Path | None,
        typer.Option("--files-from", metavar="FILE", help="More paths, one a line; - for stdin."),
    ] = None,
    null: Annotated[
        bool, typer.Option("-0", "--null", help="Lists are NUL-separated, as find -print0 writes.")
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option("--include", metavar="GLOB", help="Take only files that match (repeatable)."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", metavar="GLOB", help="Leave out files and folders that match (repeatable)."
        ),
    ] = None,
    no_recursive: Annotated[
        bool, typer.Option("--no-recursive", help="Do not enter subfolders.")
    ] = False,
    follow_symlinks: Annotated[
        bool, typer.Option("--follow-symlinks", help="Enter links to folders.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Table file; default: stdout."),
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option("-f", "--format", help="Table format; default: the file's ending, or csv."),
    ] = None,
    layout: Annotated[
        LayoutName,
        typer.Option(
            "--layout",
            help="wide: tags and a column a label with its probability; list: tags only; "
            "long: a row a tag.",
        ),
    ] = LayoutName.WIDE,
    excel: Annotated[
        bool,
        typer.Option("--excel", help="Byte order mark; cells that would run as formulas get a '."),
    ] = False,
    sidecar: Annotated[
        list[Sidecar] | None,
        typer.Option(
            "--sidecar",
            metavar="txt|json|xmp",
            help="Write a file beside each image (repeatable); no table without -o.",
        ),
    ] = None,
    sidecar_name: Annotated[
        SidecarName,
        typer.Option("--sidecar-name", help="append: poster.jpg.xmp; replace: poster.xmp."),
    ] = SidecarName.APPEND,
    sidecar_dir: Annotated[
        str | None,
        typer.Option(
            "--sidecar-dir",
            metavar="DIR",
            help="Mirror the tree there instead: paths below the deepest folder that holds all "
            "PATHs.",
        ),
    ] = None,
    existing: Annotated[
        Existing,
        typer.Option("--existing", help="What happens to a sidecar that is there already."),
    ] = Existing.SKIP,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold",
            metavar="P|LABEL=P",
            help="Probability from which a label is a tag (repeatable); default: the model's.",
        ),
    ] = None,
    max_tags: Annotated[
        int | None, typer.Option("--max-tags", min=0, metavar="N", help="At most N tags.")
    ] = None,
    min_tags: Annotated[
        int | None,
        typer.Option("--min-tags", min=0, metavar="N", help="At least N tags, however improbable."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="LABEL", help="Never a tag (repeatable)."),
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option("--rename", metavar="OLD=NEW", help="Write a tag as NEW (repeatable)."),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    batch_size: BatchSizeOption = None,
    workers: WorkersOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the images that would be tagged; tag nothing.")
    ] = False,
    quiet: QuietOption = False,
    summary: Annotated[
        Path | None,
        typer.Option("--summary", metavar="FILE", help="Write the closing summary as JSON."),
    ] = None,
) -> int:
    """Tag images: a table, or a sidecar beside each image."""
    from tagger.cli.arguments import gather_paths, tagging_rules
    from tagger.scan import WalkOptions

    found = gather_paths(
        tuple(paths or ()),
        files_from,
        WalkOptions(tuple(include or ()), tuple(exclude or ()), not no_recursive, follow_symlinks),
        null=null,
    )
    if dry_run:
        return _list_images(found, quiet=quiet)
    outputs = OutputOptions(
        output, table_format(output, format), layout, excel,
        tuple(sidecar or ()), sidecar_name, sidecar_dir, existing,
    )  # fmt: skip
    opened = _open_model(model, device, batch_size)
    rules = tagging_rules(
        opened.card,
        thresholds=threshold or [],
        min_tags=min_tags,
        max_tags=max_tags,
        ignored=ignore or [],
        renamed=rename or [],
    )
    return _tag(found, opened, rules, outputs, workers, summary, quiet=quiet)


def _open_model(file: Path | None, device: str, batch_size: int | None) -> TaggerModel:
    from tagger.model import TaggerModel

    return TaggerModel(file, device, batch_size=batch_size)


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
    options: OutputOptions,
    workers: int | None,
    summary_file: Path | None,
    *,
    quiet: bool,
) -> int:
    from tagger.cli.progress import TagProgress
    from tagger.cores import available_cores
    from tagger.pipeline import tag_images
    from tagger.writers.sink import ReaderGone, check_folder

    # What cannot be written is said before the work, not after it.
    if summary_file is not None:
        check_folder(os.fspath(summary_file))
    sink = table_sink(options)
    progress = TagProgress(
        found,
        str(model.device),
        model.device_note,
        quiet=quiet,
        on_screen=sink is not None and sink.is_terminal(),
    )
    sidecars = sidecar_writer(found, model.card, options, progress)
    reader_gone = False
    with progress:
        try:
            with ExitStack() as stack:
                writers: list[Writer] = [sidecars] if sidecars else []
                if sink is not None:
                    writers.append(table_writer(sink, model.card, options))
                for writer in writers:
                    stack.enter_context(writer)
                for result in tag_images(
                    found.paths(progress.failed),
                    model,
                    rules,
                    workers=workers or available_cores(),
                ):
                    for writer in writers:
                        writer.write(result)
                    progress.count(result)
        except ReaderGone:
            reader_gone = True
        except BaseException:
            progress.stopped_early(sink.kept_at if sink else None)
            raise
    if reader_gone:
        return EXIT_READER_GONE
    progress.close_with_summary(sidecars, summary_file)
    return EXIT_SOME_FAILED if progress.failures else 0
