"""``tagger untag``: our tags out of XMP sidecars, ``.nfo`` files and images again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.console import EXIT_SOME_FAILED, say
from tagger.cli.options.groups import Only, Without
from tagger.cli.options.holders import HolderOptions
from tagger.cli.options.images import ImageOptions
from tagger.cli.options.report import ConfigOptions, ReportOptions
from tagger.text import counted, printable

if TYPE_CHECKING:
    from tagger.holders.take_out import TakingOut

EXAMPLES = """\
tagger untag posters/ --dry-run
tagger untag posters/ --backup
tagger untag heat.jpg.xmp
"""

MOST_USED = (
    "--embed", "--include", "--exclude", "--dry-run", "--quiet",
)  # fmt: skip

ENDING = """\
Exit codes: 0 done, 1 some files could not be changed, 2 wrong usage, 3 could not go on.
"""


def untag(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Images, .xmp sidecars, .nfo files, folders (walked recursively), or - for a list "
            "on stdin.",
            show_default=False,
        ),
    ] = None,
    *,
    images: Annotated[ImageOptions, Without("library", "newer_than", "shard", "skip_tagged")],
    embed: Annotated[
        bool,
        typer.Option(
            "--embed/--no-embed",
            help="Also remove tags that 'tagger tag --embed' wrote into images; other images are "
            "only read.",
            rich_help_panel=HolderOptions.panel,
        ),
    ] = True,
    holders: Annotated[HolderOptions, Only("keep_time", "backup")],
    settled: Annotated[
        bool, typer.Option(help="Also remove tags that a person settled with 'tagger apply'.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Only show what would change.")] = False,
    report: Annotated[ReportOptions, Without("summary")],
    config: ConfigOptions,
) -> int:
    """Remove this tool's tags from XMP sidecars, .nfo files and images.

    A sidecar that 'tagger tag' created is deleted; any other, any .nfo and any image gets its
    original content back. Keywords added by a person or another program stay, and so do tags
    written by 'tagger apply', unless --settled is given. Text and JSON sidecars carry no record of
    who wrote them and are not touched.
    """
    from tagger.find.left_out import LeftOut
    from tagger.holders.holder import State
    from tagger.holders.take_out import MARKED_SUFFIXES, TakingOut, files_with_tags
    from tagger.results import Failed

    failures = 0

    def failed(path: str, reason: str) -> None:
        nonlocal failures
        failures += 1
        if not report.quiet:
            say(f"failed: {printable(path)}: {reason}")

    found = images.find(tuple(paths or ()), other_suffixes=MARKED_SUFFIXES, verb="untag")
    left_out = LeftOut()
    taking_out = TakingOut(holders.plan(), settled=settled, dry_run=dry_run)
    for path in files_with_tags(found.paths(failed, left_out), images=embed):
        outcome = taking_out.of(path)
        if isinstance(outcome, Failed):
            failed(path, outcome.reason)
        elif dry_run and outcome.state in (State.CHANGED, State.REMOVED):
            tags = ", ".join(outcome.removed) or "no tags"
            print(f"{printable(path)}: would be {outcome.state.name.lower()} ({tags})")
    if not report.quiet:
        for line in _lines(taking_out, failures, " would be" if dry_run else ""):
            say(line)
        for sentence in left_out.sentences(other_files=False):
            say(sentence)
    return EXIT_SOME_FAILED if failures else 0


def _lines(done: TakingOut, failures: int, would_be: str) -> Iterator[str]:
    images = f" {counted(done.images, 'image')}{would_be} changed," if done.images else ""
    yield (
        f"{counted(done.changed, 'sidecar')}{would_be} changed, {done.removed:,}{would_be} "
        f"removed,{images} {failures:,} failed."
    )
    if done.settled:
        yield (
            f"{counted(done.settled, 'file')} left alone: tags settled with 'tagger apply' "
            "(--settled removes these too)."
        )
