"""Where the bytes of a table go: a stream, or a file that takes its name when it is finished."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from tagger.errors import OutputError, os_reason
from tagger.paths import printable

_FLUSH_BYTES = 64 * 1024
_FLUSH_SECONDS = 0.5


class ReaderGone(Exception):  # noqa: N818 (no error: nothing is wrong)
    """Whoever read our standard output has closed it, so nothing is left to do."""


class Sink:
    """Takes whole rows as bytes.

    A file is written as ``NAME.part`` and renamed when it is finished. When the run is cut short,
    the rows so far take the name if nothing had it before; else they stay in ``NAME.part`` and
    the former file stays as it is. A row is never torn: what a full disk cut off is taken back.

    Args:
        target: file name, or None for standard output.
    """

    def __init__(self, target: str | None) -> None:
        self._target = target
        self._part: str | None = None
        self._file: BinaryIO
        self._pending = bytearray()
        self._whole = 0
        self._flushed_at = time.monotonic()

    def is_terminal(self) -> bool:
        """Say whether a person watches the rows."""
        return self._target is None and sys.stdout.isatty()

    @property
    def kept_at(self) -> str | None:
        """Where the rows are after the end: the target, ``NAME.part``, or None for a stream."""
        if self._target is None or self._part is None:
            return None
        return self._part if os.path.exists(self._part) else self._target

    def __enter__(self) -> Sink:
        """Open the target.

        Raises:
            OutputError: it cannot be opened.
        """
        if self._target is None:
            self._file = sys.stdout.buffer
            return self
        try:
            if _is_stream(self._target):
                self._file = open(self._target, "wb", buffering=0)
            else:
                self._part = self._target + ".part"
                self._file = open(self._part, "wb", buffering=0)
        except OSError as error:
            raise self._failure(error) from None
        return self

    def write(self, row: bytes) -> None:
        """Take one row, or several.

        Raises:
            OutputError: the disk is full, or gone.
            ReaderGone: standard output was closed by its reader.
        """
        self._pending += row
        late = time.monotonic() - self._flushed_at > _FLUSH_SECONDS
        if late or len(self._pending) >= _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand over what is pending; errors as in :meth:`write`."""
        data, self._pending = self._pending, bytearray()
        self._flushed_at = time.monotonic()
        try:
            view = memoryview(data)
            while view:  # an unbuffered file may take less than it is given
                view = view[self._file.write(view) :]
            if self._target is None:
                self._file.flush()
            self._whole += len(data)
        except BrokenPipeError:
            raise ReaderGone from None
        except OSError as error:
            self._take_back_torn_row()
            raise self._failure(error) from None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish: flush, close, and give the file its name."""
        try:
            if not isinstance(error, ReaderGone | OutputError):
                self.flush()
        finally:
            self._close(interrupted=error is not None or sys.exc_info()[0] is not None)

    def _close(self, *, interrupted: bool) -> None:
        if self._target is None:
            return
        try:
            self._file.close()
            if self._part and not (interrupted and os.path.exists(self._target)):
                os.replace(self._part, self._target)
        except OSError as error:
            raise self._failure(error) from None

    def _take_back_torn_row(self) -> None:
        if self._part is not None:
            with contextlib.suppress(OSError):
                self._file.truncate(self._whole)
                self._file.seek(self._whole)

    def _failure(self, error: OSError) -> OutputError:
        name = printable(self._target) if self._target else "standard output"
        reason = os_reason(error)
        return OutputError(f"{name} cannot be written: {reason}.")


def _is_stream(target: str) -> bool:
    """Pipes and devices have no beside to write to."""
    try:
        return not stat.S_ISREG(os.stat(target).st_mode)
    except OSError:
        return False


def check_folder(target: str) -> None:
    """Refuse a target whose folder is not there, in words that name the folder.

    Raises:
        OutputError: the folder does not exist.
    """
    folder = Path(target).absolute().parent
    if not folder.is_dir():
        raise OutputError(f"{printable(target)} cannot be written: there is no folder {folder}.")
