"""The files of a run, by name, and files that grow by whole pieces."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from platformdirs import user_state_path

from tagger.files import beside
from tagger.text import printable


@dataclass(frozen=True)
class RunFiles:
    """Where a run and its notes lie.

    Attributes:
        what: the run writes, for messages.
        prefix: what the names of the notes begin with; of a table it is the table's own name.
        table: the table, or None where the run writes none.
        rows: its rows until it is finished; None likewise.
    """

    what: str
    prefix: str
    table: str | None = None
    rows: str | None = None

    @classmethod
    def of_table(cls, table: str, *, as_text: bool) -> RunFiles:
        """Return the files beside a table.

        Args:
            table: its name.
            as_text: whether its rows so far are a table of the same format; else they are JSON
                Lines, from which the table is made at the end.
        """
        text, json_lines = _names_of_rows(table)
        return cls(printable(table), table, table, text if as_text else json_lines)

    @classmethod
    def of_sidecars(
        cls, folders: Sequence[str], files: Sequence[str], mirror: str | None
    ) -> RunFiles:
        """Return the files of a run that writes sidecars alone, or into images.

        They do not lie among the images, which are not ours to put things beside unasked. Runs on
        the same folders share them; of files that are named one by one, what counts is the
        folder that holds them all, so that a list may grow from run to run.

        Args:
            folders: that are walked.
            files: that were named.
            mirror: where the tree of sidecars is; None for beside the images.
        """
        named = sorted({os.path.abspath(folder) for folder in folders})
        base = _common_folder(files)
        place = {"folders": named, "files": base, "mirror": mirror and os.path.abspath(mirror)}
        text = json.dumps(place, ensure_ascii=True, sort_keys=True)
        digest = hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()
        folder = user_state_path("poster-tagger") / "runs"
        where = named[0] if named else base or os.curdir
        what = f"{'the sidecars in' if mirror else 'the images of'} {printable(mirror or where)}"
        return cls(what, os.fspath(folder / digest))

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
        return () if self.table is None else _names_of_rows(self.table)

    def remove_half_made(self) -> None:
        """Remove what a killed run was making anew; whoever does so holds the lock.

        Raises:
            OSError: it cannot be removed.
        """
        made = (self.journal, self.manifest, *([self.table] if self.table else []), *self.any_rows)
        for name in made:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside(name))
            shutil.rmtree(f"{beside(name)}.rows", ignore_errors=True)

    def remove_rows(self) -> None:
        """Remove the rows so far.

        Raises:
            OSError: they cannot be removed.
        """
        for name in self.any_rows:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)


def _common_folder(files: Sequence[str]) -> str | None:
    folders = {os.path.dirname(os.path.abspath(file)) for file in files}
    try:
        return os.path.commonpath(folders) if folders else None
    except ValueError:  # on different drives
        return None


def _names_of_rows(table: str) -> tuple[str, str]:
    return f"{table}.part", f"{table}.part.jsonl"


class GrowingFile:
    """A file that grows by whole pieces: what a full disk cuts off is taken back.

    Args:
        file: its name.
        size: bytes of it that stay; 0 makes it anew.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, file: str, size: int = 0) -> None:
        self._file = open(file, "r+b" if size else "wb", buffering=0)  # noqa: SIM115 (see close)
        self._file.truncate(size)
        self._has_name = self._is_linked()

    def write_at(self, place: int, data: bytes | bytearray) -> int:
        """Put data at a place, which becomes the last of the file.

        Args:
            place: where, in bytes; what lies behind it was never finished and is cut off.
            data: what.

        Returns:
            The place behind the data.

        Raises:
            OSError: it cannot be written; the file ends at ``place``.
        """
        if self._has_name and not self._is_linked():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        try:
            self._file.seek(place)
            view = memoryview(data)
            while view:  # an unbuffered file may take less than it is given
                view = view[self._file.write(view) :]
            self._file.truncate(place + len(data))
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(place)
            raise
        return place + len(data)

    def _is_linked(self) -> bool:
        """Say whether the file has a name: hours of rows would else go nowhere without a sound."""
        return os.fstat(self._file.fileno()).st_nlink > 0

    def sync(self) -> None:
        """See the content on the disk.

        Raises:
            OSError: it does not get there.
        """
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close."""
        self._file.close()

    def __enter__(self) -> Self:
        """Do nothing: the file is open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()
