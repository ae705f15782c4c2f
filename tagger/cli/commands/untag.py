"""``tagger untag``: our tags out of XMP sidecars, ``.nfo`` files and images again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.command import register
from tagger.cli.options.groups import Only, Without
from tagger.cli.options.holders import HolderOptions
from tagger.cli.options.images import ImageOptions
from tagger.cli.options.report import ReportOptions
from tagger.cli.streams import say

if TYPE_CHECKING:
    from tagger.holders.xmp.merge import TakenOut

EXIT_SOME_FAILED = 1

_EXAMPLES = """Examples:

\b
  tagger untag posters/ --dry-run
  tagger untag posters/ --backup
  tagger untag heat.jpg.xmp

Exit codes: 0 done, 1 some files could not be changed, 2 wrong usage, 3 could not go on.
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    register(app, untag, _EXAMPLES)


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
            help="Also out of images into which 'tagger tag --embed' put tags; others are only "
            "looked into.",
            rich_help_panel=HolderOptions.panel,
        ),
    ] = True,
    holders: Annotated[HolderOptions, Only("keep_time", "backup")],
    settled: Annotated[
        bool,
        typer.Option("--settled", help="Also tags that a person settled with 'tagger apply'."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    report: Annotated[ReportOptions, Only("quiet")],
) -> int:
    """Take our tags out of XMP sidecars, of films' .nfo files, and of the images that hold some.

    A sidecar that 'tagger tag' made goes altogether; any other, any .nfo and any image is again
    what it was. Keywords that a person or another program put there stay, and so do tags that
    'tagger apply' wrote, unless --settled asks for those too. Text and JSON sidecars
    bear no mark of ours and are not touched.
    """
    from tagger.holders.places import holders_of_tags

    found = images.find(tuple(paths or ()), other_suffixes=(".xmp", ".nfo"), verb="untag")
    run = _Run(
        backup=holders.backup,
        keep_time=holders.keep_time,
        settled=settled,
        dry_run=dry_run,
        quiet=report.quiet,
    )
    for path in holders_of_tags(found.paths(run.failed), images=embed):
        run.untag(path)
    run.close()
    return EXIT_SOME_FAILED if run.failures else 0


class _Run:
    """Takes tags out of files, says what happens, and counts."""

    def __init__(
        self, *, backup: bool, keep_time: bool, settled: bool, dry_run: bool, quiet: bool
    ) -> None:
        self._backup = backup
        self._keep_time = keep_time
        self._settled_too = settled
        self._settled = 0
        self._dry_run = dry_run
        self._quiet = quiet
        self._changed = 0
        self._removed = 0
        self._images = 0
        self.failures = 0

    def untag(self, path: str) -> None:
        """Take our tags out of one sidecar or image.

        Raises:
            OutputError: the disk is full or read-only.
        """
        from tagger.errors import CannotChange, OutputError, os_reason, spoils_the_rest
        from tagger.holders.xmp.pin import SettledError
        from tagger.text import printable

        try:
            taken = self._take_out(path)
        except SettledError:
            self._settled += 1
        except CannotChange as error:
            self.failed(path, f"{error}, so it was left alone")
        except OSError as error:
            reason = os_reason(error)
            if spoils_the_rest(error):
                raise OutputError(f"{printable(path)} cannot be written: {reason}.") from None
            self.failed(path, reason)
        else:
            if taken is not None:
                self._count(path, taken)

    def _take_out(self, path: str) -> TakenOut | None:
        from tagger.holders.image.files import untag_image
        from tagger.holders.nfo.files import is_nfo, untag_nfo
        from tagger.holders.places import is_xmp_sidecar
        from tagger.holders.xmp.files import untag_sidecar

        if is_xmp_sidecar(path):
            return untag_sidecar(
                path, backup=self._backup, dry_run=self._dry_run, settled=self._settled_too
            )
        if is_nfo(path):
            return untag_nfo(path, backup=self._backup, dry_run=self._dry_run)
        return untag_image(
            path,
            backup=self._backup,
            keep_time=self._keep_time,
            dry_run=self._dry_run,
            settled=self._settled_too,
        )

    def failed(self, path: str, reason: str) -> None:
        """Take note of a file or folder that failed."""
        from tagger.text import printable

        self.failures += 1
        if not self._quiet:
            say(f"failed: {printable(path)}: {reason}")

    def close(self) -> None:
        """Say what was done."""
        if not self._quiet:
            would_be = " would be" if self._dry_run else ""
            images = f" {self._images:,} images{would_be} changed," if self._images else ""
            say(
                f"{self._changed:,} sidecars{would_be} changed, {self._removed:,}{would_be} "
                f"removed,{images} {self.failures:,} failed."
            )
            if self._settled:
                say(
                    f"{self._settled:,} files hold tags that a person settled with 'tagger apply': "
                    "they stay, unless you add --settled."
                )

    def _count(self, path: str, taken: TakenOut) -> None:
        from tagger.holders.nfo.files import is_nfo
        from tagger.holders.places import is_xmp_sidecar
        from tagger.text import printable

        goes = is_xmp_sidecar(path) and taken.content is None
        if not (is_xmp_sidecar(path) or is_nfo(path)):
            self._images += 1
        elif goes:
            self._removed += 1
        else:
            self._changed += 1
        if self._dry_run:
            tags = ", ".join(taken.tags) or "no tags"
            print(f"{printable(path)}: would be {'removed' if goes else 'changed'} ({tags})")
