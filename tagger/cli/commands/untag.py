"""``tagger untag``: our tags out of XMP sidecars, ``.nfo`` files and images again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.console import say
from tagger.cli.options.groups import Only, Without
from tagger.cli.options.holders import HolderOptions
from tagger.cli.options.images import ImageOptions
from tagger.cli.options.report import ConfigOptions, ReportOptions
from tagger.text import counted

if TYPE_CHECKING:
    from tagger.holders.holder import Edit
    from tagger.holders.take_out import TakingOut

EXIT_SOME_FAILED = 1

EXAMPLES = """Examples:

\b
  tagger untag posters/ --dry-run
  tagger untag posters/ --backup
  tagger untag heat.jpg.xmp

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
    images: Annotated[ImageOptions, Without("library", "newer_than", "skip_tagged")],
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
    from tagger.holders.plan import HolderPlan
    from tagger.holders.take_out import MARKED_SUFFIXES, TakingOut, files_with_tags
    from tagger.results import Failed

    found = images.find(tuple(paths or ()), other_suffixes=MARKED_SUFFIXES, verb="untag")
    run = _Run(dry_run=dry_run, quiet=report.quiet)
    plan = HolderPlan(backup=holders.backup, keep_time=holders.keep_time)
    taking_out = TakingOut(plan, settled=settled, dry_run=dry_run)
    for path in files_with_tags(found.paths(run.failed), images=embed):
        outcome = taking_out.of(path)
        if isinstance(outcome, Failed):
            run.failed(path, outcome.reason)
        else:
            run.show(path, outcome)
    run.close(taking_out)
    return EXIT_SOME_FAILED if run.failures else 0


class _Run:
    """Says what happens, and counts what failed."""

    def __init__(self, *, dry_run: bool, quiet: bool) -> None:
        self._dry_run = dry_run
        self._quiet = quiet
        self.failures = 0

    def failed(self, path: str, reason: str) -> None:
        """Note a file or folder that failed."""
        from tagger.text import printable

        self.failures += 1
        if not self._quiet:
            say(f"failed: {printable(path)}: {reason}")

    def show(self, path: str, edit: Edit) -> None:
        """Print what would change in a file."""
        from tagger.holders.holder import State
        from tagger.text import printable

        if self._dry_run and edit.state in (State.CHANGED, State.REMOVED):
            tags = ", ".join(edit.removed) or "no tags"
            print(f"{printable(path)}: would be {edit.state.name.lower()} ({tags})")

    def close(self, done: TakingOut) -> None:
        """Print a summary."""
        if self._quiet:
            return
        would_be = " would be" if self._dry_run else ""
        images = f" {counted(done.images, 'image')}{would_be} changed," if done.images else ""
        say(
            f"{counted(done.changed, 'sidecar')}{would_be} changed, {done.removed:,}{would_be} "
            f"removed,{images} {self.failures:,} failed."
        )
        if done.settled:
            say(
                f"{counted(done.settled, 'file')} left alone: tags settled with 'tagger apply' "
                "(--settled removes these too)."
            )
