"""Where the bytes of a table go: a stream, or a file that takes its name when it is finished."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from tagger.errors import OutputError, os_reason
from tagger.paths import printable

if TYPE_CHECKING:
    from typing_extensions import Buffer

_FLUSH_BYTES = 64 * 1024
_FLUSH_SECONDS = 0.5


class ReaderGone(Exception):  # noqa: N818 (no error: nothing is wrong)
    """Whoever read our standard output has closed it, so nothing is left to do."""


class Sink:
    """Takes whole rows as bytes.

    A file is written as ``NAME.part`` and renamed when it is finished. When the run is cut short,
    the rows so far take the name if nothing had it before; else they stay in ``NAME.part`` and
    the former file stays as it is. A row is never torn: what a full disk cut off is taken back.

    Some formats can be read only once they have their end. Without :meth:`end` a file of such a
    format is removed: whatever bears a table's name can be opened.

    Args:
        target: file name, or None for standard output.
        needs_end: whether the format is one of those.

    Attributes:
        broken: whether nothing more can be written.
    """

    def __init__(self, target: str | None, *, needs_end: bool = False) -> None:
        self._target = target
        self._readable = not needs_end
        self.broken = False
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
        """Where the rows are after the end: the target, ``NAME.part``, or None for nowhere."""
        if self._part is None or not self._readable:
            return None
        return self._part if os.path.exists(self._part) else self._target

    @property
    def folder(self) -> str | None:
        """The absolute folder of the file that is written, or None for a stream."""
        return None if self._part is None else os.path.dirname(os.path.abspath(self._part))

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
            raise self.failure(error) from None
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
            self.broken = True
            raise ReaderGone from None
        except OSError as error:
            self.broken = True
            self._take_back_torn_row()
            raise self.failure(error) from None

    def end(self) -> None:
        """Hand over the rest: with what was written so far the file can be read."""
        self.flush()
        self._readable = True

    def failure(self, error: OSError) -> OutputError:
        """Return the sentence that says why the target cannot be written."""
        return OutputError(f"{self.name} cannot be written: {os_reason(error)}.")

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return printable(self._target) if self._target else "standard output"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish: flush, close, and give the file its name."""
        try:
            if self._readable and not self.broken:
                self.flush()
        finally:
            self._close(interrupted=error is not None or sys.exc_info()[0] is not None)

    def _close(self, *, interrupted: bool) -> None:
        if self._target is None:
            return
        try:
            self._file.close()
            if self._part and not self._readable:
                os.unlink(self._part)
            elif self._part and not (interrupted and os.path.exists(self._target)):
                os.replace(self._part, self._target)
        except OSError as error:
            raise self.failure(error) from None

    def _take_back_torn_row(self) -> None:
        if self._part is not None:
            with contextlib.suppress(OSError):
                self._file.truncate(self._whole)
                self._file.seek(self._whole)


class SinkFile(io.RawIOBase):
    """A sink as the file object that libraries write to: forwards only, from where it starts."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink
        self._place = 0

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take all of the data; errors as in :meth:`Sink.write`.

        A library whose write failed may try again when it is taken down: that goes nowhere.
        """
        size = memoryview(data).nbytes
        if not self._sink.broken:
            self._sink.write(bytes(data))
        self._place += size
        return size

    def flush(self) -> None:
        """Do nothing: the sink knows when, and a library may ask after everything is closed."""

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._place


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
