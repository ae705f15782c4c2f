"""Finds out what a previous run left, and whether this one may continue it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from tagger.errors import UsageError
from tagger.runs import journal as notes
from tagger.runs.done import Done, Entries, as_written, count_whole, joined, read_journal
from tagger.runs.manifest import Manifest
from tagger.runs.paths import RunPaths
from tagger.table.assembly import kept_rows
from tagger.table.table import Table
from tagger.text import printable


@dataclass(frozen=True)
class Previous:
    """A run that can be continued.

    Attributes:
        manifest: of that run.
        entries: what it has done.
        source: where its rows must be read and copied from: the finished table, or rows whose
            journal is lost. None if rows and journal are as they should be.
    """

    manifest: Manifest
    entries: Entries
    source: str | None = None


def find_previous(paths: RunPaths, now: Manifest, table: Table | None) -> Previous | None:
    """Look for a run that the one of ``now`` continues; None if there is nothing yet.

    Raises:
        UsageError: there is something, but of another model or other options, or it is not known.
        TableError: what is there is damaged.
        OSError: it cannot be read.
    """
    manifest = Manifest.read(paths.manifest)
    if table is None:
        if manifest is None:
            return None
        _check(manifest, now, paths)
        return Previous(manifest, read_journal(paths.journal, manifest.run))
    assert paths.table is not None
    assert paths.rows is not None
    has_table = os.path.isfile(paths.table) and os.path.getsize(paths.table) > 0
    has_rows = any(os.path.exists(name) for name in paths.any_rows)
    if not has_table and not has_rows:
        return None
    if manifest is None:
        raise UsageError(
            f"--resume cannot continue {paths.what}: {printable(paths.manifest)}, which records "
            "how it was made, is missing; start over with --overwrite, or choose another output."
        )
    if has_rows and not manifest.ended:
        _check(manifest, now, paths)
        return _of_rows(paths, paths.rows, manifest, table)
    if not has_table:
        return None
    # A run may be killed between giving the table its name and noting that.
    if manifest.ended or (
        not now.refusal(manifest, "")
        and as_written(paths.journal, manifest.run, paths.table) is not None
    ):
        _check(manifest, now, paths)
        return _of_table(paths, paths.table, manifest, table)
    if not now.refusal(manifest, ""):
        return None  # a run that was to replace the table, and ended before its first row
    if manifest.former is None or now.refusal(manifest.former, ""):
        _check(manifest, now, paths)
    assert manifest.former is not None
    return _of_table(paths, paths.table, manifest.former, table)


def carried(
    paths: RunPaths, table: Table, source: str, run: str, *, unfinished: bool
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows of a table, an image at a time, with the journal's entry for each.

    The file ``source`` may be ``unfinished``, the rows of a run that did not come to an end.

    Raises:
        TableError: it is damaged.
        UsageError: it cannot be read.
        OSError: the journal cannot be read.
    """
    known, seed = Done(read_journal(paths.journal, run)), notes.seed_of(run)
    head = table.head
    yield head, notes.header_entry().packed(seed, head)
    for image in kept_rows(table, source, unfinished=unfinished):
        key = notes.key_of(image.path)
        done = known.find(key)
        flags = notes.FAILED if image.failed else done.flags & notes.UNWRITTEN if done else 0
        entry = notes.Entry(key, done.stamp if done else None, image.count, flags)
        yield image.text, entry.packed(seed, image.text)


def _check(previous: Manifest, now: Manifest, paths: RunPaths) -> None:
    if problem := now.refusal(previous, paths.what):
        raise UsageError(problem)
    if previous.folder is not None and (elsewhere := paths.is_elsewhere(previous.folder)):
        raise UsageError(
            f"--resume cannot continue {paths.what}: its paths are relative to "
            f"{printable(elsewhere)}; run the command in that folder, or start over with "
            "--overwrite."
        )


def _of_rows(paths: RunPaths, rows: str, manifest: Manifest, table: Table) -> Previous | None:
    if not os.path.exists(rows):
        return None
    entries = read_journal(paths.journal, manifest.run)
    whole = count_whole(entries, rows)
    is_edited = whole < len(entries) and _holds_lines(rows, entries[:whole])
    entries = entries[:whole]
    head = table.head
    first = joined([notes.header_entry().packed(notes.seed_of(manifest.run), head)])
    if len(entries) and entries[0] == first[0] and not is_edited:
        return Previous(manifest, entries)
    if os.path.getsize(rows) <= len(head):
        return None
    return _of_table(paths, rows, manifest, table, unfinished=True)


def _of_table(
    paths: RunPaths, source: str, manifest: Manifest, table: Table, *, unfinished: bool = False
) -> Previous:
    pieces = carried(paths, table, source, manifest.run, unfinished=unfinished)
    return Previous(manifest, joined(entry for _, entry in pieces), source)


def _holds_lines(rows: str, entries: Entries) -> bool:
    """Return whether there are whole lines behind the rows of these entries.

    They are then a person's: a torn file has no end there, and a power cut leaves zeros.
    """
    with open(rows, "rb") as stream:
        stream.seek(int(entries["length"].sum(dtype="u8")))
        rest = stream.read()
    return rest.endswith(b"\n") and b"\0" not in rest
