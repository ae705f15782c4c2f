"""``tagger merge``: the tables of several runs as one."""

from __future__ import annotations

from typing import Annotated

import typer

from tagger.cli.console import EXIT_SOME_FAILED, say
from tagger.cli.options.groups import Only, Without
from tagger.cli.options.report import ConfigOptions, ReportOptions
from tagger.cli.options.table import TableOptions
from tagger.errors import UsageError
from tagger.text import counted, printable

EXAMPLES = """\
tagger tag posters/ -o parts/1.csv --shard 1/3
tagger merge parts/*.csv -o tags.csv
tagger merge parts/*.csv -o tags.parquet
"""

ENDING = """\
Exit codes: 0 joined, 1 joined, and some of the images had failed, 2 a table is missing or double,
or does not belong to the others, 3 could not continue (table, output), 130 interrupted.
"""


def merge(
    parts: Annotated[
        list[str],
        typer.Argument(
            metavar="PART...",
            help="Tables written by 'tagger tag', with their .run.json next to them.",
            show_default=False,
        ),
    ],
    *,
    table: Annotated[TableOptions, Only("output", "format", "overwrite")],
    report: Annotated[ReportOptions, Without("summary")],
    config: ConfigOptions,
) -> int:
    """Join tables of several runs, such as those of --shard, into one.

    The result is the table that one run would have written, sorted by path. Nothing is written if
    a shard is missing or passed twice, if a run was interrupted, if an image is in two tables, or
    if models or options differ.
    """
    from tagger.runs.merge import merge as join

    plan = table.plan()
    if not plan.is_file:
        raise UsageError("'tagger merge' writes to a file: pass -o FILE.", "output")
    merged = join(parts, plan, say)
    images = merged.images
    if not report.quiet:
        what = "shard" if merged.shards else "table"
        whole = ", all of their input" if merged.shards else ""
        say(
            f"Joined {counted(merged.parts, what)}: {counted(images.total(), 'image')}{whole}, "
            f"{images['failed']:,} failed."
        )
        if merged.copies:
            names = ", ".join(map(printable, merged.copies))
            say(f"What was there before is kept as {names}.")
    return EXIT_SOME_FAILED if images["failed"] else 0
