"""Where a run and what it notes lie."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from platformdirs import user_state_path

from tagger.errors import os_reason
from tagger.files.rights import make_folders
from tagger.files.write import beside
from tagger.find.shard import Shard
from tagger.text import escape, printable, unescape


@dataclass(frozen=True)
class RunPaths:
    """Where a run and its notes lie.

    Attributes:
        what: the run writes, for messages.
        prefix: what the names of the notes begin with; of a table it is the table's own name.
        table: the table, or None if the run writes none.
        rows: its rows until it is finished; None likewise.
    """

    what: str
    prefix: str
    table: str | None = None
    rows: str | None = None

    @classmethod
    def of_table(cls, table: str, *, as_text: bool) -> RunPaths:
        """Return the files beside a table.

        Where the rows so far are not ``as_text`` a table of the same format, they are JSON Lines,
        from which the table is made at the end.
        """
        return cls(printable(table), table, table, f"{table}.part{'' if as_text else '.jsonl'}")

    @classmethod
    def of_sidecars(
        cls,
        folders: Sequence[str],
        files: Sequence[str],
        mirror: str | None,
        shard: Shard | None = None,
    ) -> RunPaths:
        """Return the files of a run that writes sidecars alone, or into images.

        They do not lie among the images, which are not ours to put things beside unasked. Runs on
        the same folders share them; of files that are named one by one, what counts is the
        folder that holds them all, so that a list may grow from run to run.

        Args:
            folders: that are walked.
            files: that were named.
            mirror: where the tree of sidecars is; None for beside the images.
            shard: the part of the images that the run takes: each has notes of its own.
        """
        named = sorted({os.path.realpath(folder) for folder in folders})
        base = _common_folder(files)
        place: dict[str, object] = {"folders": named, "files": base}
        place["mirror"] = mirror and os.path.realpath(mirror)
        if shard is not None:
            place["shard"] = str(shard)
        text = json.dumps(place, ensure_ascii=True, sort_keys=True)
        digest = hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()
        folder = user_state_path("poster-tagger") / "runs"
        where = named[0] if named else base or os.curdir
        what = f"{'the sidecars in' if mirror else 'the images of'} {printable(mirror or where)}"
        return cls(what, os.fspath(folder / digest))

    def working_folder(self) -> str:
        """Return the folder that relative paths lead from, as seen from the table's own folder.

        So the notes stay true where a table is moved or copied together with its images.
        """
        assert self.table is not None
        here = os.getcwd()
        try:
            return escape(os.path.relpath(here, os.path.dirname(os.path.abspath(self.table))))
        except ValueError:  # on different drives
            return escape(here)

    def is_elsewhere(self, working_folder: str) -> str | None:
        """Return where relative paths lead from by a previous run's notes, if that is not here.

        A folder that is there no longer says nothing: its drive may have another name now.
        """
        assert self.table is not None
        folder = os.path.dirname(os.path.abspath(self.table))
        noted = os.path.join(folder, unescape(working_folder))
        try:
            return None if os.path.samefile(noted, os.curdir) else os.path.realpath(noted)
        except OSError:
            return None

    def make_folder(self) -> str | None:
        """Make the folder for the notes; return why nothing can be noted there, None if it can.

        A run that writes sidecars alone does without, but cannot be resumed.
        """
        folder = os.path.dirname(self.prefix)
        if not os.path.isabs(folder):  # would lie in the current folder, named "~"
            return f"{printable(folder)} is not writable (no home folder is known)"
        try:
            make_folders(folder)
            if not os.access(folder, os.W_OK):
                raise PermissionError(errno.EACCES, "permission denied")
        except OSError as error:
            return f"{printable(folder)} is not writable ({os_reason(error)})"
        return None

    @property
    def journal(self) -> str:
        """What of the run is done."""
        return f"{self.prefix}.run.journal"

    @property
    def manifest(self) -> str:
        """What the run is."""
        return f"{self.prefix}.run.json"

    @property
    def lock(self) -> str:
        """What keeps a second run away."""
        return f"{self.prefix}.lock"

    @property
    def any_rows(self) -> tuple[str, ...]:
        """The rows so far, whatever format the table has."""
        return () if self.table is None else (f"{self.table}.part", f"{self.table}.part.jsonl")

    @property
    def kept_rows(self) -> str | None:
        """Where the rows of a run that was cut short are; None if there are none."""
        return self.rows if self.rows is not None and os.path.exists(self.rows) else None

    @property
    def half_copy(self) -> str | None:
        """The name of a copy that is kept of a former table, until it is whole."""
        return None if self.table is None else beside(f"{self.table}.bak")

    def remove_half_made(self) -> None:
        """Remove what a killed run was rebuilding; whoever does so holds the lock."""
        tables = (self.table, beside(self.table), f"{self.table}.bak") if self.table else ()
        made = (self.journal, self.manifest, *tables, *self.any_rows)
        for name in made:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside(name))
            shutil.rmtree(f"{beside(name)}.rows", ignore_errors=True)

    def remove_rows(self) -> None:
        """Remove the rows so far."""
        for name in self.any_rows:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)


def _common_folder(files: Sequence[str]) -> str | None:
    folders = {os.path.dirname(os.path.abspath(file)) for file in files}
    try:
        return os.path.commonpath(map(os.path.realpath, folders)) if folders else None
    except ValueError:  # on different drives
        return None
