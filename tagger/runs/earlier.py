"""Finds out what an earlier run left, and whether this one may go on with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from tagger.errors import UsageError
from tagger.runs import journal as notes
from tagger.runs.done import Done
from tagger.runs.files import RunFiles
from tagger.runs.journal import Entries, Entry
from tagger.runs.manifest import Manifest
from tagger.runs.table import RunTable
from tagger.text import printable

_HEADER_KEY = bytes(16)


@dataclass(frozen=True)
class EarlierRun:
    """What can be gone on with.

    Attributes:
        manifest: of the earlier run.
        entries: what it has done.
        source: where its rows must be read and copied from: the finished table, or rows whose
            journal is lost. None where rows and journal are as they should be.
    """

    manifest: Manifest
    entries: Entries
    source: str | None = None


def find_earlier(files: RunFiles, now: Manifest, table: RunTable | None) -> EarlierRun | None:
    """Look for a run to go on with.

    Args:
        files: of the run.
        now: what this run is.
        table: None where it writes none.

    Returns:
        None where there is nothing yet.

    Raises:
        UsageError: there is something, but with another model or other options, or nobody knows.
        TableError: what is there is damaged.
        OSError: it cannot be read.
    """
    manifest = Manifest.read(files.manifest)
    if table is None:
        if manifest is None:
            return None
        _check(manifest, now, files)
        return EarlierRun(manifest, notes.read_journal(files.journal, manifest.run))
    assert files.table is not None
    assert files.rows is not None
    has_table = os.path.isfile(files.table) and os.path.getsize(files.table) > 0
    has_rows = any(os.path.exists(name) for name in files.any_rows)
    if not has_table and not has_rows:
        return None
    if manifest is None:
        raise UsageError(
            f"--resume cannot go on with {files.what}: without {printable(files.manifest)} nobody "
            "knows how it was made; leave out --resume to start over, or choose another output."
        )
    if has_rows and not manifest.ended:
        _check(manifest, now, files)
        return _of_rows(files, files.rows, manifest, table)
    if not has_table:
        return None
    if manifest.ended or (not now.refusal(manifest, "") and _is_renamed(files, manifest)):
        _check(manifest, now, files)
        return _of_table(files, files.table, manifest, table)
    if not now.refusal(manifest, ""):
        return None  # a run that was to replace the table, and ended before its first row
    if manifest.former is None or now.refusal(manifest.former, ""):
        _check(manifest, now, files)
    assert manifest.former is not None
    return _of_table(files, files.table, manifest.former, table)


def carried(
    files: RunFiles, table: RunTable, source: str, run: str, *, unfinished: bool
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows of a table, an image at a time, with the journal's entry for each.

    Args:
        files: of the run.
        table: the run's.
        source: the file to be read.
        run: names the run that goes on with it.
        unfinished: whether it is the rows of a run that did not come to an end.

    Raises:
        TableError: it is damaged.
        UsageError: it cannot be read.
        OSError: the journal cannot be read.
    """
    known = Done(notes.read_journal(files.journal, run))
    head = table.encode.head
    yield head, header_entry().packed(run, head)
    for image in table.kept(source, unfinished=unfinished):
        key = notes.key_of(image.path)
        earlier = known.find(key)
        flags = notes.FAILED if image.failed else earlier.flags & notes.UNWRITTEN if earlier else 0
        entry = Entry(key, earlier.stamp if earlier else None, image.count, flags)
        yield image.text, entry.packed(run, image.text)


def header_entry() -> Entry:
    """Return the journal's entry for the header of a table."""
    return Entry(_HEADER_KEY, None, 0, notes.HEADER)


def _check(earlier: Manifest, now: Manifest, files: RunFiles) -> None:
    problem = now.refusal(earlier, files.what)
    if problem:
        raise UsageError(problem)


def _of_rows(files: RunFiles, rows: str, manifest: Manifest, table: RunTable) -> EarlierRun | None:
    if not os.path.exists(rows):
        return None
    entries = notes.read_journal(files.journal, manifest.run)
    entries = entries[: notes.count_whole(entries, rows)]
    first = notes.joined([header_entry().packed(manifest.run, table.encode.head)])
    if len(entries) and entries[0] == first[0]:
        return EarlierRun(manifest, entries)
    if os.path.getsize(rows) <= len(table.encode.head):
        return None
    return _of_table(files, rows, manifest, table, unfinished=True)


def _of_table(
    files: RunFiles, source: str, manifest: Manifest, table: RunTable, *, unfinished: bool = False
) -> EarlierRun:
    pieces = carried(files, table, source, manifest.run, unfinished=unfinished)
    return EarlierRun(manifest, notes.joined(entry for _, entry in pieces), source)


def _is_renamed(files: RunFiles, manifest: Manifest) -> bool:
    """Say whether a run was killed between giving the table its name and noting that."""
    assert files.table is not None
    entries = notes.read_journal(files.journal, manifest.run)
    size = int(entries["length"].sum(dtype="u8"))
    return (
        len(entries) > 0
        and os.path.getsize(files.table) == size
        and notes.count_whole(entries, files.table) == len(entries)
    )
