"""``tagger apply``: tags that a person corrected in a table, into sidecars or images."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.asking import agrees
from tagger.cli.console import EXIT_SOME_FAILED, MOST_FAILURES_SHOWN, say
from tagger.cli.options.groups import Without
from tagger.cli.options.holders import HolderOptions, Sidecar, mirrored_base, refuse_outside
from tagger.cli.options.report import ConfigOptions, ReportOptions
from tagger.cli.progress import tracked
from tagger.errors import UsageError
from tagger.text import counted, printable

if TYPE_CHECKING:
    from tagger.holders.pin import Change, Pins
    from tagger.table.corrections import Corrections

_EXIT_DECLINED = 1

EXAMPLES = """\
tagger tag posters/ -o tags.csv --sidecar xmp     then correct tags.csv in a spreadsheet
tagger apply tags.csv --dry-run
tagger apply tags.csv
tagger apply tags.xlsx --sidecar txt --sidecar json --yes
"""

MOST_USED = (
    "--sidecar", "--embed", "--dry-run", "--yes", "--quiet",
)  # fmt: skip

ENDING = """\
Exit codes: 0 done, 1 some images or sidecars failed, or you answered no, 2 wrong usage, 3 could
not continue (table, disk), 130 interrupted.
"""


def apply(
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE",
            help="A table written by 'tagger tag' and corrected by you, in any format and layout; "
            "- for stdin.",
            show_default=False,
        ),
    ],
    *,
    holders: Annotated[HolderOptions, Without("existing")],
    dry_run: Annotated[bool, typer.Option(help="Only show what would change.")] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "-y", "--yes", help="Do not ask for confirmation; required without a terminal."
        ),
    ] = False,
    report: Annotated[ReportOptions, Without("summary")],
    config: ConfigOptions,
) -> int:
    """Write tags that you corrected in a table to the sidecars.

    Shows what would change, and asks. Afterwards each sidecar (.xmp by default; with --embed each
    image) contains the table's tags and the keywords of others, and no later run changes them. An
    empty cell means that an image has no tags; images not listed in the table stay as they are.
    Paths are resolved as by 'tagger tag': start the command in the same folder.
    """
    from tagger.find.identity import Identity, on_disk
    from tagger.holders.pin import Pins
    from tagger.table.corrections import read_corrections
    from tagger.table.open import open_rows

    kinds = _kinds(holders.sidecar, embed=holders.embed)
    if not (dry_run or yes or (sys.stdin.isatty() and sys.stderr.isatty())):
        raise UsageError("Not a terminal: pass --yes to confirm, or --dry-run to look first.")
    base = mirrored_base(holders.sidecar_base, mirrors=holders.sidecar_dir is not None)
    plan = replace(holders, sidecar=kinds).plan(base)
    with open_rows(table, edited=True) as rows:
        corrections = read_corrections(rows, on_disk, Identity().key)
    for row in corrections.rows:
        refuse_outside(row.path, base)
    run = _Run(quiet=report.quiet)
    known = corrections.labels | corrections.uses().keys()
    if Sidecar.TXT in kinds:
        known |= _bundled_labels()
    pins = Pins(plan, known)
    changes = run.show(corrections, pins)
    run.close_plan(changes, pins, dry_run=dry_run)
    if changes and not dry_run:
        if not yes and not agrees(f"Write {len(changes):,} files?"):
            say("Nothing was written.")
            return _EXIT_DECLINED
        run.write(changes, pins)
    return EXIT_SOME_FAILED if run.failures else 0


def _kinds(sidecar: list[Sidecar] | None, *, embed: bool) -> list[Sidecar]:
    kinds = sidecar or ([] if embed else [Sidecar.XMP])
    if Sidecar.NFO in kinds:
        raise UsageError("--sidecar nfo: 'tagger apply' writes txt, json and xmp.", "sidecar")
    return kinds


def _bundled_labels() -> frozenset[str]:
    """Return tags that may stand in text sidecars though the table has them no more."""
    from tagger.errors import ModelError
    from tagger.network.model import BUNDLED_MODEL, read_card

    try:
        return frozenset(read_card(BUNDLED_MODEL).labels)
    except ModelError:  # it is no matter for this command
        return frozenset()


class _Run:
    """Shows what would change, writes it, and counts."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self.failures = 0

    def failed(self, path: str, reason: str) -> None:
        self.failures += 1
        if not self._quiet and self.failures <= MOST_FAILURES_SHOWN:
            say(f"failed: {printable(path)}: {reason}")

    def show(self, corrections: Corrections, pins: Pins) -> list[Change]:
        """Print what would change, image by image; return it."""
        from tagger.table.suggestions import suggestions

        plan: list[Change] = []
        for row in corrections.rows:
            changes, failures = pins.changes(row)
            for failure in failures:
                self.failed(failure.path, failure.reason)
            for line in _lines(row.path, [change for change in changes if change.changes_tags]):
                print(line)
            plan += changes
        if not self._quiet:
            for found in suggestions(corrections):
                say(
                    f"unknown label '{found.tag}' ({counted(found.images, 'image')}): did you mean "
                    f"{found.instead}?"
                )
            if corrections.left_out:
                say(f"{counted(corrections.left_out, 'image')} skipped: failed when tagged.")
        return plan

    def close_plan(self, plan: list[Change], pins: Pins, *, dry_run: bool) -> None:
        if self._quiet:
            return
        if self.failures > MOST_FAILURES_SHOWN:
            say(f"… and {counted(self.failures - MOST_FAILURES_SHOWN, 'more failure')}.")
        if pins.gone and pins.gone == self.failures and not (plan or pins.unchanged):
            say(
                "None of the images exists: paths are relative to the current folder, so start "
                "this command where 'tagger tag' was started."
            )
        if kept := Counter(tag for change in plan for tag in change.edit.kept):
            names = ", ".join(f"{tag} {count:,}" for tag, count in kept.most_common())
            say(f"Keywords from others that are not in the table stay: {names}.")
        other = sum(change.changes_tags for change in plan)
        written = "would be written" if dry_run else "to write"
        say(
            f"{counted(len(plan), 'file')} {written} ({other:,} with other tags, "
            f"{len(plan) - other:,} only marked as settled), "
            f"{pins.unchanged:,} already up to date, {self.failures:,} failed."
        )
        again = sum(change.edit.was_settled and change.changes_tags for change in plan)
        if again:
            say(f"{again:,} of them already settled: the table's tags replace the earlier ones.")

    def write(self, plan: list[Change], pins: Pins) -> None:
        """Write what was shown.

        Raises:
            OutputError: the disk is full or read-only; what is written is whole.
        """
        try:
            for change in tracked(plan, "Writing", "file", quiet=self._quiet):
                if failure := pins.write(change):
                    self.failed(failure.path, failure.reason)
        except BaseException:
            say(
                f"Stopped after {counted(pins.written, 'file')}; run the command again to continue."
            )
            raise
        if not self._quiet:
            say(f"{counted(pins.written, 'file')} written, {self.failures:,} failed.")


def _lines(image: str, changes: Sequence[Change]) -> Iterator[str]:
    """Say what changes: in a line where it is the same in all sidecars."""
    edits = [change.edit for change in changes]
    if len({(frozenset(edit.added), frozenset(edit.removed)) for edit in edits}) < 2:
        told = [(image, change.edit) for change in changes[:1]]
    else:
        told = [(change.file, change.edit) for change in changes]
    for path, edit in told:
        signs = [f"+{tag}" for tag in edit.added] + [f"-{tag}" for tag in edit.removed]
        yield f"{printable(path)}: {printable(' '.join(signs)) or 'no tags'}"
