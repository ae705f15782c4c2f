"""What an output holds already, and whether a run that starts over may replace it.

A table of an earlier run may be replaced as long as nobody has written into it: its manifest notes
what it was when it was finished. Everything else is kept unless a person says otherwise, and then
there is a copy.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os

from tagger.errors import UsageError
from tagger.runs.done import Done, as_written, read_journal
from tagger.runs.manifest import Manifest
from tagger.runs.paths import RunPaths
from tagger.text import printable


def sha256_of(file: str) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def keep_copy(file: str, *, made: str | None = None) -> str:
    """Keep a copy of a file that will be replaced, as ``NAME.bak`` or so; return its name.

    ``made`` as for :func:`tagger.files.write.write_new`.

    Raises:
        OSError: it cannot be read or written.
    """
    from tagger.holders.change import keep_backup

    with open(file, "rb") as stream:
        return keep_backup(file, stream, made)


def holds_something(file: str | None) -> bool:
    """Return whether there is a file that is not empty."""
    try:
        return file is not None and os.path.getsize(file) > 0
    except OSError:
        return False


def completed(paths: RunPaths, manifest: Manifest | None) -> Manifest | None:
    """Return a manifest with what its run did not note of the table that it finished.

    A run may be killed before it notes its end, and earlier versions did not note the digest: of a
    table of text, the journal's checksums tell both.

    Raises:
        OSError: the table or the journal cannot be read.
    """
    if manifest is None or paths.table is None or not holds_something(paths.table):
        return manifest
    if not manifest.ended:
        done = as_written(paths.journal, manifest.run, paths.table)
        digest = None if done is None and manifest.sha256 is None else sha256_of(paths.table)
        if done is None and digest is not None and digest == manifest.sha256:
            done = Done(read_journal(paths.journal, manifest.run))
        if done is not None:
            return manifest.ending(done.counts, digest)
    finished = manifest.finished()
    if finished is None or finished.sha256 is not None:
        return manifest
    if as_written(paths.journal, finished.run, paths.table) is None:
        return manifest
    noted = dataclasses.replace(finished, sha256=sha256_of(paths.table))
    return noted if manifest.ended else dataclasses.replace(manifest, former=noted)


def interrupted_rows(paths: RunPaths, manifest: Manifest | None) -> tuple[str, ...]:
    """Return the files with rows of a run that was interrupted, if they hold any image.

    Raises:
        OSError: the journal cannot be read.
    """
    rows = tuple(file for file in paths.any_rows if holds_something(file))
    if not rows or (manifest is not None and manifest.ended):  # left by a run that was finished
        return ()
    if manifest is not None:
        entries = read_journal(paths.journal, manifest.run)
        if len(entries) and not len(Done(entries)):  # nothing but a header
            return ()
    return rows


def refuse_to_replace(
    paths: RunPaths,
    manifest: Manifest | None,
    rows: tuple[str, ...],
    *,
    can_resume: bool,
    shard: str | None = None,
) -> None:
    """Refuse to start over where that would replace what cannot be had again.

    Args:
        paths: of the run.
        manifest: that lies there, see :func:`completed`.
        rows: of an interrupted run, see :func:`interrupted_rows`.
        can_resume: whether the command could continue a run instead.
        shard: the part of the images that the run takes, if it does not take all.

    Raises:
        UsageError: there are such rows, or a table that is not an earlier run's, or no longer, or
            of other images.
        OSError: the table cannot be read.
    """
    if rows:
        resume = "pass --resume to continue it, or " if can_resume else "pass "
        raise UsageError(
            f"{printable(rows[0])} contains the results of an interrupted run: {resume}--overwrite "
            f"to start over (a copy is kept as {printable(rows[0])}.bak).",
            "output",
        )
    if paths.table is None or not holds_something(paths.table):
        return
    finished = None if manifest is None else manifest.finished()
    name = printable(paths.table)
    if finished is None or finished.sha256 is None:
        raise UsageError(
            f"{name} already exists and is not known to be an unedited table of an earlier run: "
            f"choose another output, or pass --overwrite to replace it (a copy is kept as "
            f"{name}.bak).",
            "output",
        )
    if sha256_of(paths.table) != finished.sha256:
        resume = "pass --resume or --update to keep its rows, or " if can_resume else "pass "
        raise UsageError(
            f"{name} was edited after it was written: {resume}--overwrite to replace it (a copy is "
            f"kept as {name}.bak); 'tagger apply' writes its tags to sidecars first.",
            "output",
        )
    if shard is not None and finished.shard != shard:
        raise UsageError(
            f"{name} is not the table of shard {shard}: give each shard its own output, or pass "
            f"--overwrite to replace it (a copy is kept as {name}.bak).",
            "output",
            "shard",
        )
