"""``tagger retag``: other tags from the probabilities of a table, without the network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.options.groups import Only
from tagger.cli.options.holders import HolderOptions, mirrored_base, refuse_outside
from tagger.cli.options.model import ModelOptions
from tagger.cli.options.report import ConfigOptions, ReportOptions
from tagger.cli.options.table import TableOptions
from tagger.cli.options.tags import TagOptions
from tagger.errors import TableError, UsageError
from tagger.runs.paths import RunPaths

if TYPE_CHECKING:
    from tagger.holders.plan import HolderPlan
    from tagger.results import Result

EXAMPLES = """\
tagger retag tags.csv -o stricter.csv --threshold 0.5
tagger retag tags.csv -o tags.csv --max-tags 2 --rename Sci-Fi='Science Fiction'
tagger retag tags.parquet --sidecar xmp --ignore Short
tagger retag tags.jsonl -o tags.xlsx --layout list --columns title,year
"""

MOST_USED = (
    "--output", "--format", "--sidecar", "--threshold", "--precision", "--max-tags",
    "--ignore", "--rename", "--quiet",
)  # fmt: skip

ENDING = """\
Exit codes: 0 all tagged, 1 some images or sidecars failed or there were none, 2 wrong usage, 3
could not continue (model, table, output), 130 interrupted, 141 the reader closed the pipe.
"""


def retag(
    results: Annotated[
        str,
        typer.Argument(
            metavar="RESULTS",
            help="A wide table written by 'tagger tag', in any format; - for stdin.",
            show_default=False,
        ),
    ],
    *,
    table: TableOptions,
    holders: HolderOptions,
    tags: TagOptions,
    model: Annotated[ModelOptions, Only("model")],
    report: ReportOptions,
    config: ConfigOptions,
) -> int:
    """Re-apply thresholds to a finished table.

    Chooses tags from the probabilities in the table, without opening the images. The result is that
    of 'tagger tag' with the same options. Thresholds and labels come from the model, so pass the
    one that was used. Paths are resolved as by 'tagger tag': start the command in the same folder.
    RESULTS itself may be the output.
    """
    from tagger.cli.summary import run_shown
    from tagger.job import Job, Source
    from tagger.table.open import open_rows
    from tagger.table.wide import WideTable

    mirrors = bool(holders.sidecar) and holders.sidecar_dir is not None
    base = mirrored_base(holders.sidecar_base, mirrors=mirrors)
    table_plan, holder_plan = table.plan(), holders.plan(base)
    _refuse_to_overwrite_unread(results, table_plan.output)
    card = model.card()
    page = None
    if table.page is not None:
        from tagger.cli.gallery import make_shown, plan_beside

        page = plan_beside(table, card)
    rules = tags.rules(card)
    with open_rows(results, edited=True) as rows:
        wide = WideTable(rows, card, table_plan.columns)
        source = Source(
            card,
            model.file,
            rules,
            # One by one: what comes before a damaged row is written.
            lambda outputs: (
                [one] for one in _placed(wide.results(rules), rows.name, holder_plan, base)
            ),
            table=results,
        )
        code = run_shown(
            Job(source, table_plan, holder_plan), quiet=report.quiet, summary_file=report.summary
        )
    return code if page is None else max(code, make_shown(page, quiet=report.quiet))


def _refuse_to_overwrite_unread(results: str, output: str | None) -> None:
    """What is written before an output has its name must not be what is read.

    Raises:
        UsageError: it is.
    """
    if output is None or output == "-" or results == "-":
        return
    for part in RunPaths.of_table(output, as_text=True).any_rows:
        if os.path.exists(part) and os.path.exists(results) and os.path.samefile(part, results):
            raise UsageError(
                f"-o {output} is first written as {part}, which is the table to be read: choose "
                "another name."
            )


def _placed(
    results: Iterator[Result], name: str, options: HolderPlan, base: str | None
) -> Iterator[Result]:
    """Pass results on, as the disk spells their paths if something is written beside the images.

    End where a sidecar's place cannot be what ``tagger tag`` would take.

    Raises:
        TableError: the paths are not in order, and sidecars may be shared.
        UsageError: a path leads out of the folder whose tree is mirrored.
    """
    from tagger.find.identity import on_disk
    from tagger.text import printable

    shares = bool(options.kinds) and options.replace_ending
    previous = b""
    for given in results:
        path = given.path
        if options.any and not path.isascii():
            path = on_disk(path) or path
        result = given if path == given.path else given._replace(path=path)
        if shares and (key := os.fsencode(result.path)) < previous:
            raise TableError(
                f"{name} is not sorted by path: {printable(result.path)} comes too late for "
                "--sidecar-name replace, where images may share a sidecar: sort the table."
            )
        elif shares:
            previous = key
        refuse_outside(result.path, base)
        yield result
