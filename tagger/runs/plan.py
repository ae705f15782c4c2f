"""What a run will do with what is there: start over, continue, or copy a table and continue."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from tagger.errors import OutputError, UsageError, os_reason
from tagger.find.identity import real_paths
from tagger.find.scan import Scan
from tagger.runs.done import Done, joined, read_journal
from tagger.runs.former import (
    completed,
    holds_something,
    interrupted_rows,
    refuse_to_replace,
)
from tagger.runs.journal import key_of
from tagger.runs.manifest import Manifest
from tagger.runs.paths import RunPaths
from tagger.runs.previous import Previous, find_previous
from tagger.runs.spellings import Spellings
from tagger.table.table import Table
from tagger.text import escape, printable

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resume:
    """What is kept of a previous run on the same output; each of the others implies ``resume``.

    Attributes:
        resume: keep what it has done, do what is missing; begin where there is nothing yet.
        retry_failed: try images again that failed.
        update: tag images again whose file has changed since.
    """

    resume: bool = False
    retry_failed: bool = False
    update: bool = False

    @property
    def wanted(self) -> bool:
        """Whether a previous run is continued."""
        return self.resume or self.retry_failed or self.update

    @property
    def name(self) -> str:
        """The option that asks for it."""
        return "--resume" if self.resume else "--retry-failed" if self.retry_failed else "--update"


@dataclass(frozen=True)
class Plan:
    """What a run will do; as long as it is a plan, what is there stays as it is.

    Attributes:
        paths: where all that lies; locked by whoever makes a plan.
        table: None if the run writes none.
        manifest: what the run is.
        done: what a previous run has done.
        before: the manifest that lies there, of whatever run.
        previous: the run that is continued; None for one that starts over.
        replaced: files with rows of an interrupted run that is not continued.
        nothing_to_lose: whether a fresh run may take the place of what is there before it has a
            result.
        stamps: of images whose results come from the very table that is replaced.
        spellings: finds images that the previous run's table spells otherwise.
        real_path: says where an image really is.
    """

    paths: RunPaths
    table: Table | None
    manifest: Manifest
    done: Done
    before: Manifest | None = None
    previous: Previous | None = None
    replaced: tuple[str, ...] = ()
    nothing_to_lose: bool = False
    stamps: Done | None = None
    spellings: Spellings | None = None
    real_path: Callable[[str], str] = field(default_factory=real_paths)

    @property
    def has_table(self) -> bool:
        """Whether there is a table already, of whomever."""
        return holds_something(self.paths.table)

    @property
    def is_finished(self) -> bool:
        """Whether a previous run finished the table: without a new result nothing is to be done."""
        return self.previous is not None and self.previous.source == self.paths.table is not None

    def key(self, path: str) -> bytes:
        """Return what stands for an image in the journal: its path as the table spells it.

        An image that the table has by another spelling is still that one. Without a table, it is
        where the image really is.
        """
        if self.table is None:
            return key_of(escape(self.real_path(path)))
        key = key_of(self.table.spell(path))
        if self.spellings is None or self.done.find(key) is not None:
            return key
        return self.spellings.find(path) or key


def plan_run(
    paths: RunPaths,
    manifest: Manifest,
    table: Table | None,
    *,
    resume: bool,
    overwrite: bool = False,
    source: str | None = None,
    found: Scan | None = None,
) -> Plan:
    """Find out how far a previous run came.

    What a killed run was rebuilding is removed; nothing else changes.

    Args:
        paths: where the run and its notes lie, locked.
        manifest: what the run is.
        table: None if the run writes none.
        resume: continue a previous run where there is one; else start over.
        overwrite: start over whatever is there.
        source: the table that results come from; None for images.
        found: the images; None if they are not opened.

    Raises:
        UsageError: the previous run had another model, or other options; or the run would replace
            what is not an earlier run's, or edited since.
        TableError: what it left is damaged.
        OutputError: the output cannot be written.
    """
    try:
        try:
            paths.remove_half_made()
        except OSError:
            if table is not None:  # else only notes lie there
                raise
        before = None
        with contextlib.suppress(UsageError):  # one that cannot be read is replaced as well
            before = completed(paths, Manifest.read(paths.manifest))
        previous = find_previous(paths, manifest, table) if resume else None
        rows = () if resume else interrupted_rows(paths, before)
        if previous is None and not overwrite:
            refuse_to_replace(
                paths,
                before,
                rows,
                can_resume=source is None,
                shard=manifest.shard,
            )
        stamps = None
        # Where results come from the very table that is replaced, what is known of its images'
        # files stays true.
        same_images = _is_same(source, paths.table)
        if same_images and before is not None and (finished := before.finished()):
            stamps = Done(read_journal(paths.journal, finished.run))
    except OSError as error:
        raise OutputError(f"{paths.what} cannot be written: {os_reason(error)}.") from None
    if previous is not None:
        where = previous.source or paths.journal
        logger.info("Resuming the run %s, found in %s", previous.manifest.run, printable(where))
        done, spellings = Done(previous.entries), None
        rows_at = previous.source or paths.rows
        if table is not None and rows_at is not None and found is not None:
            spellings = Spellings(table, rows_at, done, found)
        return Plan(paths, table, manifest, done, before, previous, (), False, stamps, spellings)
    # Another run could continue what is there: then it stays until there is something new.
    sidecars_alone = table is None and not resume and before is not None and not before.ended
    safe = not rows and not sidecars_alone
    return Plan(paths, table, manifest, Done(joined(())), before, None, rows, safe, stamps)


def _is_same(file: str | None, other: str | None) -> bool:
    try:
        return file is not None and other is not None and os.path.samefile(file, other)
    except OSError:
        return False
