"""``tagger untag``: our tags out of XMP sidecars again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.options import (
    BackupOption,
    ExcludeOption,
    FilesFromOption,
    FollowSymlinksOption,
    IncludeOption,
    NoRecursiveOption,
    NullOption,
    QuietOption,
)
from tagger.cli.streams import say

if TYPE_CHECKING:
    from tagger.xmp.merge import TakenOut

EXIT_SOME_FAILED = 1

_EXAMPLES = """Examples:

\b
  tagger untag posters/ --dry-run
  tagger untag posters/ --backup
  tagger untag heat.jpg.xmp

Exit codes: 0 done, 1 some sidecars could not be changed, 2 wrong usage, 3 could not go on.
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("untag", epilog=_EXAMPLES)(untag)


def untag(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Images, .xmp sidecars, folders (walked recursively), or - for a list on stdin.",
            show_default=False,
        ),
    ] = None,
    files_from: FilesFromOption = None,
    null: NullOption = False,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    no_recursive: NoRecursiveOption = False,
    follow_symlinks: FollowSymlinksOption = False,
    backup: BackupOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    quiet: QuietOption = False,
) -> int:
    """Take our tags out of XMP sidecars.

    A sidecar that 'tagger tag' made goes altogether; any other is again what it was. Keywords that
    a person or another program put there stay. Text and JSON sidecars bear no mark of ours and are
    not touched.
    """
    from tagger.cli.arguments import gather_paths
    from tagger.scan import SUFFIXES, WalkOptions
    from tagger.writers.sidecar_names import xmp_sidecars

    found = gather_paths(
        tuple(paths or ()),
        files_from,
        WalkOptions(
            tuple(include or ()),
            tuple(exclude or ()),
            not no_recursive,
            follow_symlinks,
            SUFFIXES | {".xmp"},
        ),
        null=null,
        verb="untag",
    )
    run = _Run(backup=backup, dry_run=dry_run, quiet=quiet)
    for sidecar in xmp_sidecars(found.paths(run.failed)):
        run.untag(sidecar)
    run.close()
    return EXIT_SOME_FAILED if run.failures else 0


class _Run:
    """Takes tags out of sidecars, says what happens, and counts."""

    def __init__(self, *, backup: bool, dry_run: bool, quiet: bool) -> None:
        self._backup = backup
        self._dry_run = dry_run
        self._quiet = quiet
        self._changed = 0
        self._removed = 0
        self.failures = 0

    def untag(self, sidecar: str) -> None:
        """Take our tags out of one sidecar.

        Raises:
            OutputError: the disk is full or read-only.
        """
        from tagger.errors import OutputError, os_reason, spoils_the_rest
        from tagger.paths import printable
        from tagger.xmp.elements import XmpError
        from tagger.xmp.files import untag_sidecar

        try:
            taken = untag_sidecar(sidecar, backup=self._backup, dry_run=self._dry_run)
        except XmpError as error:
            self.failed(sidecar, f"{error}, so it was left alone")
        except OSError as error:
            reason = os_reason(error)
            if spoils_the_rest(error):
                name = printable(sidecar)
                raise OutputError(f"{name} cannot be written: {reason}.") from None
            self.failed(sidecar, reason)
        else:
            if taken is not None:
                self._count(sidecar, taken)

    def failed(self, path: str, reason: str) -> None:
        """Take note of a sidecar or folder that failed."""
        from tagger.paths import printable

        self.failures += 1
        if not self._quiet:
            say(f"failed: {printable(path)}: {reason}")

    def close(self) -> None:
        """Say what was done."""
        if not self._quiet:
            would_be = " would be" if self._dry_run else ""
            say(
                f"{self._changed:,} sidecars{would_be} changed, {self._removed:,}{would_be} "
                f"removed, {self.failures:,} failed."
            )

    def _count(self, sidecar: str, taken: TakenOut) -> None:
        from tagger.paths import printable

        if taken.content is None:
            self._removed += 1
        else:
            self._changed += 1
        if self._dry_run:
            tags = ", ".join(taken.tags) or "no tags"
            what = "would be removed" if taken.content is None else "would be changed"
            print(f"{printable(sidecar)}: {what} ({tags})")
